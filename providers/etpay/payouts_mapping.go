package etpay

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// Codes of ours for payouts.
const (
	notListed   = "not_listed"   // a whole listing of the days in question has no payout of our reference
	severalRows = "several_rows" // it has more than one
	otherAmount = "other_amount"
)

// about is what the mappings of payouts know beside the reply.
type about struct {
	now       time.Time
	reference string
	amount    providers.Money
	// account is the beneficiary's account number, empty where the payment's details are gone.
	account string
	hide    []string
}

func (c *PayoutClient) about(reference string, amount providers.Money, p *providers.Payout) about {
	w := about{now: c.config.Now(), reference: reference, amount: amount, hide: []string{
		c.config.MerchantAPIToken.Reveal(), c.payouts.Password.Reveal(), c.payouts.Username,
	}}
	if p != nil {
		w.account = p.Bank.AccountNumber
		w.hide = append(append(w.hide, p.Private()...), bareRUT(p.Recipient.Document))
	}
	return w
}

// created says what a new payout came to. An error means that ETpay cannot have acted; the last line is in doubt. Even the word for paid
// only means that the request was taken: it may be the request's own. A status query decides.
func created(r wire.Reply, err error, with about) (providers.Outcome, error) {
	if err != nil {
		return unansweredPayout(err)
	}
	c := readCreation(r.Body)
	if err := refusedBefore(r, with.now); err != nil && !c.made {
		return providers.Outcome{}, err
	}
	_, known := payoutClass(c.word)
	accepted := (success(r) || r.Status == http.StatusAccepted) && c.readable && c.id != ""
	switch {
	case c.refuses() && slices.Contains(payoutRefusals, r.Status):
		return with.outcome(c, providers.Refused, firstOf(c.code, statusCode(r))), nil
	case accepted && known && c.ours(with):
		return with.outcome(c, providers.Pending, strings.ToLower(c.word)), nil
	case accepted && c.word != "":
		return with.outcome(c, providers.InDoubt, unknownStatus), nil
	}
	return with.outcome(c, providers.InDoubt, statusCode(r)), nil
}

// refuses reports a well-formed refusal that nothing in the answer contradicts: neither a payout, nor a word of one that lives, nor a hint
// that there was one before.
func (c creation) refuses() bool {
	class, known := payoutClass(c.word)
	return c.failed && c.readable && !c.made && (c.word == "" || known && class == providers.Refused) && !repeated(c.failure)
}

// ours reports whether the answer speaks of our payout, as far as it says.
func (c creation) ours(with about) bool { return c.reference == "" || c.reference == with.reference }

func (w about) outcome(c creation, class providers.Class, code string) providers.Outcome {
	o := providers.Outcome{Class: class, Code: providers.Code(code, w.hide...), Message: providers.Message(c.message, w.hide...)}
	if c.readable && c.ours(w) {
		o.ProviderID = c.id
	}
	if class == providers.Pending {
		o.Echo = c.echo(w.account)
	}
	return o
}

// askedAbout says what a query by ETpay's id came to. An error means that there was no answer: a payout that ETpay took and does not know any
// more is none either.
func askedAbout(r wire.Reply, err error, id string, with about) (providers.Outcome, error) {
	if err != nil {
		return providers.Outcome{}, notAnswered(err)
	}
	if err := refusedBefore(r, with.now); err != nil {
		return providers.Outcome{}, err
	}
	p, ok := parsePayout(r.Body)
	if r.Status != http.StatusOK || !ok || p.id != id {
		return providers.Outcome{}, fmt.Errorf("no answer: %s", statusCode(r))
	}
	return with.row(p), nil
}

// listed says what a query for the payouts of some days came to. An error means that there was no answer.
func listed(r wire.Reply, err error, now time.Time) (listing, error) {
	if err != nil {
		return listing{}, notAnswered(err)
	}
	if err := refusedBefore(r, now); err != nil {
		return listing{}, err
	}
	l, ok := parseListing(r.Body)
	if r.Status != http.StatusOK || !ok {
		return listing{}, fmt.Errorf("no answer: %s", statusCode(r))
	}
	return l, nil
}

// judge looks for our reference. That it is absent counts only where the listing is whole, and proves nothing yet.
func (l listing) judge(with about) (providers.Outcome, error) {
	var ours []payoutRow
	for _, p := range l.rows {
		if p.reference == with.reference {
			ours = append(ours, p)
		}
	}
	switch {
	case len(ours) == 0 && !l.whole:
		return providers.Outcome{}, errors.New("no answer: the listing may be one page of several")
	case len(ours) == 0:
		return providers.Outcome{Class: providers.NotFound, Code: notListed}, nil
	case len(ours) > 1:
		return providers.Outcome{Class: providers.Mismatch, Code: severalRows, Message: with.describe(ours)}, nil
	}
	return with.row(ours[0]), nil
}

// row says what a payout that is shown means.
func (w about) row(p payoutRow) providers.Outcome {
	class, known := payoutClass(p.word)
	switch {
	case !sameAmount(p.amount, w.amount):
		return providers.Outcome{Class: providers.Mismatch, Code: otherAmount, Message: w.describe([]payoutRow{p})}
	case !known:
		return providers.Outcome{Class: providers.InDoubt, Code: unknownStatus, Message: providers.Message(p.word, w.hide...)}
	}
	return providers.Outcome{Class: class, ProviderID: p.id, Code: providers.Code(strings.ToLower(strings.TrimSpace(p.word)), w.hide...), Echo: p.echo(w.account)}
}

const mostText = 120

// describe lists payouts by ids and amounts, as many as fit, and says how many do not.
func (w about) describe(rows []payoutRow) string {
	var b strings.Builder
	for i, p := range rows {
		one := fmt.Sprintf("payout %s: %s %s", providers.ID(p.id, w.hide...), providers.Code(p.amount), providers.Code(p.word, w.hide...))
		if b.Len()+len(one) > mostText-20 {
			fmt.Fprintf(&b, "; %d more", len(rows)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(one)
	}
	return b.String()
}

// unansweredPayout is a new payout without an answer. An error of another kind comes from the token, before anything was sent or after a request
// was refused for want of one.
func unansweredPayout(err error) (providers.Outcome, error) {
	var e *wire.Error
	switch {
	case !errors.As(err, &e):
		return providers.Outcome{}, err
	case !e.Sent:
		return providers.Outcome{}, &providers.NotSent{Reason: e.Reason, Err: e}
	}
	return providers.Outcome{Class: providers.InDoubt, Code: e.Reason}, nil
}

// unauthorized reports an answer that refuses the token, and names nothing that was made all the same.
func unauthorized(r wire.Reply) bool {
	return r.Status == http.StatusUnauthorized && !readCreation(r.Body).made
}
