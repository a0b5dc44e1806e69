package payouts

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/etpay/internal/dialect"
	"github.com/remesa/remesa/providers/wire"
)

// Codes of ours for payouts.
const (
	notListed   = "not_listed"   // a complete listing of the days at issue has no payout of our reference
	severalRows = "several_rows" // it has more than one
	otherAmount = "other_amount"
)

// payoutContext is what the mappings of payouts know beside the reply.
type payoutContext struct {
	now       time.Time
	reference string
	amount    providers.Money
	// document and bank are the beneficiary's, empty where the payment's details are gone.
	document string
	bank     providers.Bank
	hide     []string
}

func (c *Client) payoutContext(reference string, amount providers.Money, p *providers.Payout) payoutContext {
	w := payoutContext{now: c.config.Auth.Now(), reference: reference, amount: amount, hide: []string{
		c.config.MerchantAPIToken.Reveal(), c.config.Password.Reveal(), c.config.Username,
	}}
	if p != nil {
		w.document, w.bank = p.Recipient.Document, p.Bank
		w.hide = append(append(w.hide, p.PrivateTexts()...), dialect.BareRUT(p.Recipient.Document))
	}
	return w
}

// mapPayout says what a new payout came to. An error means that ETpay cannot have acted; the last
// line is in doubt. Even the word for paid only means that the request was taken: it may be the
// request's own. A status query decides.
func mapPayout(r wire.Reply, err error, with payoutContext) (providers.Outcome, error) {
	if err != nil {
		return wire.OutcomeOfFailure(err)
	}
	c := parsePayoutResponse(r.Body)
	if err := dialect.ErrorBeforeExecution(r, with.now); err != nil && !c.madeSomething {
		return providers.Outcome{}, err
	}
	_, known := classOf(c.word)
	accepted := (dialect.Success(r) || r.Status == http.StatusAccepted) && c.readable && c.id != ""
	switch {
	case c.isUncontradictedRefusal() && slices.Contains(refusals, r.Status):
		return with.outcome(c, providers.Refused, cmp.Or(c.Code, r.Code())), nil
	case c.isDuplicate(r.Status):
		return with.outcome(c, providers.Duplicate, cmp.Or(c.Code, r.Code())), nil
	case accepted && known && c.ours(with):
		return with.outcome(c, providers.Pending, strings.ToLower(c.word)), nil
	case accepted && c.word != "":
		return with.outcome(c, providers.InDoubt, dialect.UnknownStatus), nil
	}
	return with.outcome(c, providers.InDoubt, r.Code()), nil
}

// isUncontradictedRefusal reports a well-formed refusal that nothing in the response contradicts:
// neither a payout, nor a word of one that lives, nor a hint that there was one before.
func (c payoutResponse) isUncontradictedRefusal() bool { return c.isRefusal() && !c.IsDuplicate() }

// isDuplicate reports a refusal because the reference is known: one that says so, or the HTTP
// status for it.
func (c payoutResponse) isDuplicate(status int) bool {
	conflict := status == http.StatusConflict
	return c.isRefusal() && (conflict || c.IsDuplicate() && slices.Contains(refusals, status))
}

func (c payoutResponse) isRefusal() bool {
	class, known := classOf(c.word)
	return c.failed && c.readable && !c.madeSomething && (c.word == "" || known && class == providers.Refused)
}

// ours reports whether the response speaks of our payout, as far as it says.
func (c payoutResponse) ours(with payoutContext) bool {
	return c.reference == "" || c.reference == with.reference
}

func (w payoutContext) outcome(c payoutResponse, class providers.Class, code string) providers.Outcome {
	o := providers.Outcome{Class: class, Code: providers.Code(code, w.hide...), Message: providers.Message(c.Message, w.hide...)}
	if c.readable && c.ours(w) {
		o.ProviderID = c.id
	}
	if class == providers.Pending {
		o.Echo = c.echo(w)
	}
	return o
}

// mapPayoutStatus says what a query by ETpay's id came to. An error means that there is no status
// result: a payout that ETpay took and does not know any more is none either.
func mapPayoutStatus(r wire.Reply, err error, id string, with payoutContext) (providers.Outcome, error) {
	if err != nil {
		return providers.Outcome{}, wire.NoStatusAnswer(err)
	}
	if err := dialect.ErrorBeforeExecution(r, with.now); err != nil {
		return providers.Outcome{}, err
	}
	p, ok := parsePayout(r.Body)
	if r.Status != http.StatusOK || !ok || p.id != id {
		return providers.Outcome{}, fmt.Errorf("no answer: %s", r.Code())
	}
	return with.rowOutcome(p), nil
}

// mapListing says what a query for the payouts of some days came to. An error means that there is
// no status result.
func mapListing(r wire.Reply, err error, now time.Time) (listing, error) {
	if err != nil {
		return listing{}, wire.NoStatusAnswer(err)
	}
	if err := dialect.ErrorBeforeExecution(r, now); err != nil {
		return listing{}, err
	}
	l, ok := parseListing(r.Body)
	if r.Status != http.StatusOK || !ok {
		return listing{}, fmt.Errorf("no answer: %s", r.Code())
	}
	return l, nil
}

// outcome searches for our reference. That it is absent counts only where the listing is complete,
// and proves nothing yet. What is there may be older than our first attempt: it is accepted only
// where it repeats everything that our payout means.
func (l listing) outcome(with payoutContext) (providers.Outcome, error) {
	ours := l.byReference(with.reference)
	switch {
	case len(ours) == 0 && !l.complete:
		return providers.Outcome{}, errors.New("no answer: the listing may be one page of several")
	case len(ours) == 0:
		return providers.Outcome{Class: providers.NotFound, Code: notListed}, nil
	case len(ours) > 1:
		return providers.Outcome{Class: providers.Mismatch, Code: severalRows, Message: with.describe(ours)}, nil
	}
	o := with.rowOutcome(ours[0])
	if o.Class != providers.InDoubt && o.Class != providers.Mismatch && !o.Echo.Complete {
		return dialect.ForeignOutcome("whose is it? the answer does not repeat our beneficiary; " + with.describe(ours)), nil
	}
	return o, nil
}

func (l listing) byReference(reference string) []row {
	var ours []row
	for _, p := range l.rows {
		if p.reference == reference {
			ours = append(ours, p)
		}
	}
	return ours
}

// secondPayout searches for what was paid under our reference and another id, the first of them in
// alphabetical order. One of another amount is not ours, or is more than ours: an operator must
// look at all that stands there.
func (l listing) secondPayout(id string, with payoutContext) (providers.Outcome, bool) {
	ours := l.byReference(with.reference)
	slices.SortFunc(ours, func(a, b row) int { return strings.Compare(a.id, b.id) })
	for _, p := range ours {
		class, _ := classOf(p.word)
		if p.id == id || class != providers.Succeeded {
			continue
		}
		if !with.amount.Is(p.amount) {
			return providers.Outcome{Class: providers.Mismatch, Code: severalRows, Message: with.describe(ours)}, true
		}
		return with.rowOutcome(p), true
	}
	return providers.Outcome{}, false
}

// rowOutcome says what a payout that is shown means.
func (w payoutContext) rowOutcome(p row) providers.Outcome {
	class, known := classOf(p.word)
	switch {
	case !w.amount.Is(p.amount):
		return providers.Outcome{Class: providers.Mismatch, Code: otherAmount, Message: w.describe([]row{p})}
	case !known:
		return providers.Outcome{Class: providers.InDoubt, Code: dialect.UnknownStatus, Message: providers.Message(p.word, w.hide...)}
	}
	return providers.Outcome{Class: class, ProviderID: p.id, Code: providers.Code(strings.ToLower(strings.TrimSpace(p.word)), w.hide...), Echo: p.echo(w)}
}

// describe lists payouts by ids and amounts.
func (w payoutContext) describe(rows []row) string {
	var texts []string
	for _, p := range rows {
		texts = append(texts, fmt.Sprintf("payout %s: %s %s", providers.ID(p.id, w.hide...), providers.Code(p.amount), providers.Code(p.word, w.hide...)))
	}
	return providers.List(texts)
}

// tokenRefused reads a response that refuses the token, and names nothing that was made all the
// same.
func tokenRefused(r wire.Reply) auth.Refusal {
	if r.Status != http.StatusUnauthorized || parsePayoutResponse(r.Body).madeSomething {
		return auth.Refusal{}
	}
	return auth.Refusal{Code: r.Code()}
}
