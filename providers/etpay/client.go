package etpay

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay/internal/dialect"
	"github.com/remesa/remesa/providers/etpay/payouts"
	"github.com/remesa/remesa/providers/wire"
)

// Paths below the API's address.
const (
	openPath   = "/session/initialize"
	statusPath = "/merchant/check_payment_status"
	// payerPath is below the payment address.
	payerPath = "/session/{token}"

	// A payer has a day, where the payment has no deadline of its own, and what was under way at
	// the bank by then is over two hours later. Both are assumed: see docs/providers/etpay.md.
	payerTime  = 24 * time.Hour
	payerGrace = 2 * time.Hour
)

// Provider references of a charge: the session, and the key of all messages about it.
const (
	SessionTokenRef   = "session_token"
	SignatureTokenRef = "signature_token"
	// orderUnprovenRef is "true" where ETpay did not say, before a session was opened, that our
	// order id was free.
	orderUnprovenRef = "order_unproven"
)

// Client is one merchant account at ETpay. It is safe for concurrent use.
type Client struct {
	config        Config
	base, payment *url.URL
	wire          *wire.Client
}

// Close drops the idle connections.
func (c *Client) Close() { c.wire.Close() }

var _ providers.TwoStep = (*Client)(nil)

// SafeFirstStep is true: no money moves before a payer acts, and nobody can act in a session whose
// token was handed to nobody. The attempt never reaches a step that can move money; what makes the
// payment possible is the address in its outcome.
func (c *Client) SafeFirstStep() bool { return true }

var _ providers.Charger = (*Client)(nil)

// Charge opens a session, after a precheck of what stands under its order id. Every end but an
// opened session, a refusal or another's payments is an error: another session may be opened. The
// session's tokens are kept, and the charge is findable by its session, before anybody is given the
// address.
func (c *Client) Charge(ctx context.Context, charge providers.Charge, a providers.Attempt) (providers.Outcome, error) {
	body, err := c.encodeOrder(charge)
	if err != nil {
		return wire.Inexpressible(err), nil
	}
	with := c.mappingContext(&charge, a.MayHaveLeft)
	pre, err := c.precheck(ctx, charge.Reference, a.MayHaveLeft)
	if err != nil {
		return providers.Outcome{}, err
	}
	if pre.taken != nil {
		return providers.Redact(*pre.taken, with.hide...), nil
	}
	reply, err := c.wire.Post(ctx, c.base, openPath, body) // its credentials are in the body
	s, o, err := mapSession(reply, err, with)
	if err != nil || s == nil {
		return providers.Redact(o, with.hide...), err
	}
	address, err := wire.Join(c.payment, payerPath, "token", s.token)
	if err != nil {
		return providers.Outcome{}, &providers.NotSent{Reason: wire.Unreadable}
	}
	refs := map[string]string{SessionTokenRef: s.token, SignatureTokenRef: s.signature}
	pre.record(refs, a.ProviderRefs)
	if err := a.Checkpoint(ctx, refs, false); err != nil {
		return providers.Outcome{}, &providers.NotSent{Reason: codeCheckpointRefused, Err: err}
	}
	if err := a.Alias(ctx, s.token); err != nil {
		return providers.Outcome{}, &providers.NotSent{Reason: codeCheckpointRefused, Err: err}
	}
	return providers.Outcome{
		Class: providers.Pending, Code: unpaid, ProviderRefs: refs,
		ActionURL: address, ActionWithin: payerTime, ActionGrace: payerGrace,
	}, nil
}

// precheck asks what ETpay has under the order id before a session is opened, unless an earlier
// session of ours may have been paid there.
func (c *Client) precheck(ctx context.Context, reference string, mayBeOurs bool) (precheck, error) {
	if mayBeOurs {
		return precheck{}, nil
	}
	reply, err := c.queryStatus(ctx, statusRequest{OrderID: reference})
	return mapPrecheck(reply, err, c.config.Now())
}

var _ providers.StatusChecker = (*Client)(nil)

// Status queries by our order id: whatever was paid for it counts, in whichever session, unless the
// id may have been another's before. Then a first success counts in our session alone. A payout is
// none of it: one that was sent while payouts were on is not queried until they are on again.
func (c *Client) Status(ctx context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	if payouts.IsPayoutQuery(q) {
		return providers.Outcome{}, errors.New("status: a payout, and this account has no settings for payouts")
	}
	o, err := c.paid(ctx, q)
	return providers.Redact(o, append(c.privateTexts(q.Charge), q.ProviderRefs[SignatureTokenRef])...), err
}

// paid is Status before the redaction: what was paid is told apart by its true id.
func (c *Client) paid(ctx context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	reply, err := c.queryStatus(ctx, statusRequest{OrderID: q.Reference})
	o, err := mapStatus(reply, err, q, c.config.Now())
	if err != nil || o.Class != providers.Succeeded || q.ProviderID != "" || q.ProviderRefs[orderUnprovenRef] != yes {
		return o, err
	}
	if q.ProviderID, err = c.paidInSession(ctx, q); err != nil {
		return providers.Outcome{}, err
	}
	if q.ProviderID == "" {
		return dialect.ForeignOutcome("paid under our order id, but not in our session"), nil
	}
	return mapStatus(reply, nil, q, c.config.Now())
}

// paidInSession is the token of what was paid in our own session; empty where nothing was.
func (c *Client) paidInSession(ctx context.Context, q providers.StatusQuery) (string, error) {
	if q.ProviderRefs[SessionTokenRef] == "" {
		return "", nil
	}
	reply, err := c.queryStatus(ctx, statusRequest{SessionToken: q.ProviderRefs[SessionTokenRef]})
	o, err := mapStatus(reply, err, q, c.config.Now())
	return o.ProviderID, err
}

func (c *Client) queryStatus(ctx context.Context, request statusRequest) (wire.Reply, error) {
	body, err := c.encodeStatusRequest(request)
	if err != nil {
		return wire.Reply{}, &wire.Error{Reason: wire.Invalid}
	}
	return c.wire.Post(ctx, c.base, statusPath, body)
}

var _ providers.Checker = (*Client)(nil)

// Check queries an order that does not exist: an array, empty or not, proves address and
// credentials.
func (c *Client) Check(ctx context.Context) ([]providers.Finding, error) {
	o, err := c.Status(ctx, providers.StatusQuery{Reference: "remesacheck"})
	switch {
	case err != nil:
		return nil, err
	case o.Class != providers.Pending || o.Code != unpaid:
		text := "a status query of an unknown order found payments: is this order id in use?"
		return []providers.Finding{{Warn: true, Text: text}}, nil
	case c.config.WebhookURL == "":
		return []providers.Finding{{Text: "credentials accepted; no webhook is asked for, so payments are found by polling alone"}}, nil
	}
	return []providers.Finding{{Text: "credentials accepted"}}, nil
}
