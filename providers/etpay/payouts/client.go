package payouts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// FirstAttemptRef is the provider reference of a payout that says when it may first have left: the
// listing is read from that day on.
const FirstAttemptRef = "payout_first_attempt"

// Close drops the idle connections.
func (c *Client) Close() { c.api.Close() }

var _ providers.TwoStep = (*Client)(nil)

// SafeFirstStep is true: an attempt opens right before its payout leaves.
func (c *Client) SafeFirstStep() bool { return true }

var _ providers.Preparer = (*Client)(nil)

// Prepare makes sure that there is a token.
func (c *Client) Prepare(ctx context.Context) error { return c.api.Prepare(ctx) }

var _ providers.Payer = (*Client)(nil)

// Pay creates the payout with one POST, which is repeated once where the token was refused. The
// attempt opens right before it; the checkpoint keeps the earliest time at which the payout may
// have left.
func (c *Client) Pay(ctx context.Context, p providers.Payout, a providers.Attempt) (providers.Outcome, error) {
	body, err := encodePayout(p)
	if err != nil {
		return wire.Inexpressible(err), nil
	}
	if err := c.Prepare(ctx); err != nil {
		return providers.Outcome{}, err
	}
	refs := map[string]string{FirstAttemptRef: c.firstAttempt(a.ProviderRefs)}
	if err := a.Checkpoint(ctx, refs, true); err != nil {
		return providers.Outcome{}, &providers.NotSent{Reason: "superseded", Err: err}
	}
	r, err := wire.NewRequestAt(http.MethodPost, c.base, c.config.CreatePath, body)
	if err != nil {
		return providers.Outcome{}, err
	}
	with := c.payoutContext(p.Reference, p.Amount, &p)
	reply, err := c.send(ctx, r, &with)
	o, err := mapPayout(reply, err, with)
	return providers.Redact(o, with.hide...), err
}

// firstAttempt is the earliest of the attempts' times, as this one knows it.
func (c *Client) firstAttempt(kept map[string]string) string {
	now := c.config.Auth.Now().UTC()
	if earlier, err := time.Parse(time.RFC3339, kept[FirstAttemptRef]); err == nil && earlier.Before(now) {
		return kept[FirstAttemptRef]
	}
	return now.Format(time.RFC3339)
}

var _ providers.StatusChecker = (*Client)(nil)

// Status queries a payout by ETpay's id where it is known, else it searches the listing for our
// reference, or both where the query wants it.
func (c *Client) Status(ctx context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	with := c.payoutContext(q.Reference, q.Amount, q.Payout)
	o, err := c.find(ctx, q, &with)
	return providers.Redact(o, with.hide...), err
}

// find is Status of a payout before the redaction: payouts are told apart by their true ids.
func (c *Client) find(ctx context.Context, q providers.StatusQuery, with *payoutContext) (providers.Outcome, error) {
	switch {
	case q.ProviderID != "" && q.ByReference && q.ProviderRefs[FirstAttemptRef] != "":
		return c.byIDAndReference(ctx, q, with)
	case q.ProviderID != "":
		return c.byID(ctx, q, with)
	}
	return c.byReference(ctx, q, with)
}

// IsPayoutQuery reports whether the query is about a payout, by its provider reference where the
// payment's details are gone.
func IsPayoutQuery(q providers.StatusQuery) bool {
	return q.Payout != nil || q.Charge == nil && q.ProviderRefs[FirstAttemptRef] != ""
}

func (c *Client) byID(ctx context.Context, q providers.StatusQuery, with *payoutContext) (providers.Outcome, error) {
	r, err := wire.NewRequestAt(http.MethodGet, c.base, c.config.StatusPath, nil, "id", q.ProviderID)
	if err != nil {
		return providers.Outcome{}, err
	}
	reply, err := c.send(ctx, r, with)
	return mapPayoutStatus(reply, err, q.ProviderID, *with)
}

// byIDAndReference queries by ETpay's id, and searches the listing for what was paid under our
// reference and another id. Without the listing only a success is a status result: whatever else
// the id says, a second payout may have moved the money.
func (c *Client) byIDAndReference(ctx context.Context, q providers.StatusQuery, with *payoutContext) (providers.Outcome, error) {
	known, unknown := c.byID(ctx, q, with)
	all, err := c.listSinceFirstAttempt(ctx, q, with)
	if err != nil && (unknown != nil || known.Class != providers.Succeeded) {
		return providers.Outcome{}, err
	}
	second, found := all.secondPayout(q.ProviderID, *with)
	switch {
	case !found:
		return known, unknown
	case unknown == nil && known.Class == providers.Succeeded && second.Class == providers.Succeeded:
		known.SecondID = second.ProviderID
		return known, nil
	}
	return second, nil
}

func (c *Client) byReference(ctx context.Context, q providers.StatusQuery, with *payoutContext) (providers.Outcome, error) {
	all, err := c.listSinceFirstAttempt(ctx, q, with)
	if err != nil {
		return providers.Outcome{}, err
	}
	return all.outcome(*with)
}

// listSinceFirstAttempt lists the payouts of all days on which this one may have been made.
func (c *Client) listSinceFirstAttempt(ctx context.Context, q providers.StatusQuery, with *payoutContext) (listing, error) {
	first, err := time.Parse(time.RFC3339, q.ProviderRefs[FirstAttemptRef])
	if err != nil {
		return listing{}, errors.New("no answer: it is not known since when the payout may be listed")
	}
	return c.list(ctx, first, with)
}

// list reads the payouts of all days from first on. One day more on each side covers clocks that
// differ, and an end that is not included.
func (c *Client) list(ctx context.Context, first time.Time, with *payoutContext) (listing, error) {
	r, err := wire.NewRequestAt(http.MethodGet, c.base, c.config.RangePath, nil)
	if err != nil {
		return listing{}, err
	}
	day := func(t time.Time, more int) string { return t.In(c.days).AddDate(0, 0, more).Format(time.DateOnly) }
	r.URL += "?" + url.Values{"from": {day(first, -1)}, "to": {day(c.config.Auth.Now(), 1)}}.Encode()
	reply, err := c.send(ctx, r, with)
	return mapListing(reply, err, c.config.Auth.Now())
}

// send makes one request under the account's token. A 401 means that it was refused before anything
// was done: then it is repeated once, with another token, within the attempt's own deadline. The
// tokens are added to what is hidden.
func (c *Client) send(ctx context.Context, r wire.Request, with *payoutContext) (wire.Reply, error) {
	return c.api.Do(ctx, r, tokenRefused, &with.hide)
}

var _ providers.Checker = (*Client)(nil)

// Check logs in, and reads today's listing.
func (c *Client) Check(ctx context.Context) ([]providers.Finding, error) {
	if err := c.Prepare(ctx); err != nil {
		return nil, fmt.Errorf("login for payouts: %w", err)
	}
	found := []providers.Finding{{Text: "login for payouts accepted"}, {
		Warn: true, Text: "ETpay's payouts are built on assumed paths, fields and words: see docs/providers/etpay.md before production",
	}}
	all, err := c.list(ctx, c.config.Auth.Now(), new(payoutContext))
	switch {
	case err != nil:
		text := fmt.Sprintf("the listing of payouts cannot be read, so a payout whose answer is lost could not be found: %v", err)
		return append(found, providers.Finding{Warn: true, Text: text}), nil
	case !all.complete:
		text := "the listing of payouts may be one page of several: a payout that is not on it counts as unknown, not as absent"
		return append(found, providers.Finding{Warn: true, Text: text}), nil
	}
	return append(found, providers.Finding{Text: "the listing of payouts can be read"}), nil
}
