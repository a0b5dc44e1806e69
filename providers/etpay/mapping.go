package etpay

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay/internal/dialect"
	"github.com/remesa/remesa/providers/wire"
)

// This file holds all that is assumed of ETpay's responses. Of its words for a payment only
// "success" is known.

// paidWord is the one word that means that money moved.
const paidWord = "success"

// perhapsPaid are words that could mean so, too: they end nothing.
var perhapsPaid = []string{
	"paid", "approved", "accepted", "authorized", "completed", "complete", "confirmed", "succeeded", "successful", "settled", "ok", "done",
	"refunded", "partially_refunded", "reversed", "refund",
}

// endedWords are assumed to mean that one attempt of the payer ended without money. The session
// stays open.
var endedWords = []string{"error", "failed", "failure", "fail", "rejected", "declined", "cancelled", "canceled", "expired", "aborted"}

// Codes of ours.
const (
	unpaid                = "unpaid"             // nobody tried to pay yet
	contradictory         = "contradictory"      // one payment with two words, one of them success
	codeCheckpointRefused = "checkpoint_refused" // the ledger did not take the session's tokens
)

// refusalStatuses are the HTTP statuses with which an error in JSON is a refusal for good.
var refusalStatuses = []int{http.StatusBadRequest, http.StatusPaymentRequired, http.StatusConflict, http.StatusUnprocessableEntity}

// mappingContext is what the mapping knows beside the reply.
type mappingContext struct {
	now time.Time
	// mayBeOurs: an earlier session of ours may stand under the order id.
	mayBeOurs bool
	hide      []string
}

// precheck is what stood under our order id before a session of ours could be paid: nothing,
// another's payments, or no readable response. It is none of them where there was no precheck.
type precheck struct {
	free, noResponse bool
	taken            *providers.Outcome
}

// mapPrecheck says what a precheck came to. An error means that the attempt ends here, with nothing
// opened. A response that cannot be read ends nothing: the order id is then unproven.
func mapPrecheck(r wire.Reply, err error, now time.Time) (precheck, error) {
	if proof := wire.Unsent(err); proof != nil {
		return precheck{}, proof
	}
	if err := dialect.ErrorBeforeExecution(r, now); err != nil {
		return precheck{}, err
	}
	payments, ok := parsePayments(r.Body)
	switch {
	case err != nil || r.Status != http.StatusOK || !ok:
		return precheck{noResponse: true}, nil
	case len(payments) > 0:
		taken := referenceTakenOutcome(fmt.Sprintf("before any session of ours, this order id has %d payments", len(payments)))
		return precheck{taken: &taken}, nil
	}
	return precheck{free: true}, nil
}

const yes, no = "true", "false"

// record keeps what has to be remembered of the precheck: that it had no readable response, or that
// it makes up for an earlier one that had none.
func (l precheck) record(refs, earlier map[string]string) {
	switch {
	case l.noResponse:
		refs[orderUnprovenRef] = yes
	case l.free && earlier[orderUnprovenRef] == yes:
		refs[orderUnprovenRef] = no
	}
}

// referenceTakenOutcome is the end of an attempt whose order id is another's. It keeps that with
// the payment, which is held and queried every day: what is paid there counts in a session of ours
// alone.
func referenceTakenOutcome(message string) providers.Outcome {
	o := dialect.ForeignOutcome(message)
	o.ProviderRefs = map[string]string{orderUnprovenRef: yes}
	return o
}

// mapSession says what a request for a session came to: a session, a refusal, or an error, after
// which another may be opened. What cannot be read is an error: a session whose token nobody has
// moves no money.
func mapSession(r wire.Reply, err error, with mappingContext) (*session, providers.Outcome, error) {
	if err != nil {
		return nil, providers.Outcome{}, wire.MayRepeat(err)
	}
	if err := dialect.ErrorBeforeExecution(r, with.now); err != nil {
		return nil, providers.Outcome{}, err
	}
	if dialect.Success(r) {
		if s, ok := parseSession(r.Body); ok {
			return &s, providers.Outcome{}, nil
		}
	}
	if f, ok := dialect.ParseFailure(r.Body); ok && slices.Contains(refusalStatuses, r.Status) {
		return nil, with.refused(f, cmp.Or(providers.Code(f.Code, with.hide...), r.Code())), nil
	}
	return nil, providers.Outcome{}, &providers.NotSent{Reason: r.Code()}
}

// refused is a refusal for good, or one because the order id is known.
func (w mappingContext) refused(f dialect.Failure, code string) providers.Outcome {
	o := providers.Outcome{Class: providers.Refused, Code: code, Message: providers.Message(f.Message, w.hide...)}
	switch {
	case !f.IsDuplicate():
		return o
	case !w.mayBeOurs:
		return referenceTakenOutcome("ETpay knows this order id already")
	}
	o.Class = providers.Duplicate
	return o
}

// mapStatus says what a status query came to. An error means that there is no status result. Its
// last line leaves the session open.
func mapStatus(r wire.Reply, err error, q providers.StatusQuery, now time.Time) (providers.Outcome, error) {
	if err != nil {
		return providers.Outcome{}, wire.NoStatusAnswer(err)
	}
	if err := dialect.ErrorBeforeExecution(r, now); err != nil {
		return providers.Outcome{}, err
	}
	payments, ok := parsePayments(r.Body)
	if r.Status != http.StatusOK || !ok {
		return providers.Outcome{}, fmt.Errorf("no answer: %s", r.Code())
	}
	echo := echoOf(payments, q)
	paid := successes(payments, q.ProviderID)
	switch {
	case contradicts(payments):
		return providers.Outcome{Class: providers.InDoubt, Code: contradictory, Echo: echo}, nil
	case len(paid) > 1:
		return providers.Outcome{Class: providers.Succeeded, ProviderID: paid[0], SecondID: paid[1], Code: paidWord, Echo: echo}, nil
	case len(paid) == 1:
		return providers.Outcome{Class: providers.Succeeded, ProviderID: paid[0], Code: paidWord, Echo: echo}, nil
	case slices.ContainsFunc(payments, payment.perhapsPaid):
		return providers.Outcome{Class: providers.InDoubt, Code: dialect.UnknownStatus, Echo: echo}, nil
	}
	return providers.Outcome{Class: providers.Pending, Code: openCode(payments), Echo: echo}, nil
}

// successes are the tokens of what was paid, each once: the one that is on record first, the others
// in alphabetical order, so that the same response in another order says the same.
func successes(payments []payment, recorded string) []string {
	var tokens []string
	for _, p := range payments {
		if p.status == paidWord && !slices.Contains(tokens, p.token) {
			tokens = append(tokens, p.token)
		}
	}
	slices.SortFunc(tokens, func(a, b string) int {
		if (a == recorded) != (b == recorded) {
			return map[bool]int{true: -1, false: 1}[a == recorded]
		}
		return strings.Compare(a, b)
	})
	return tokens
}

// contradicts reports a payment that stands in the response as paid and as something else.
func contradicts(payments []payment) bool {
	return slices.ContainsFunc(payments, func(p payment) bool {
		return p.status == paidWord && slices.ContainsFunc(payments, func(o payment) bool { return o.token == p.token && o.status != paidWord })
	})
}

// perhapsPaid also knows success in another spelling.
func (p payment) perhapsPaid() bool {
	word := strings.ToLower(strings.TrimSpace(p.status))
	return p.status != paidWord && (word == paidWord || slices.Contains(perhapsPaid, word))
}

// openCode is the word for a session in which nobody paid yet.
func openCode(payments []payment) string {
	if len(payments) == 0 {
		return unpaid
	}
	word := strings.ToLower(payments[len(payments)-1].status)
	if slices.Contains(endedWords, word) {
		return word
	}
	return dialect.UnknownStatus
}

// echoOf is what the response repeats: another order's id wherever it stands, and the amount of
// what was paid. What is not ours comes first.
func echoOf(payments []payment, q providers.StatusQuery) providers.Echo {
	var e providers.Echo
	for _, p := range payments {
		if p.orderID != "" && (e.Reference == "" || e.Reference == q.Reference) {
			e.Reference = p.orderID
		}
		if p.status == paidWord && p.amount != "" && (e.Amount == "" || q.Amount.Is(e.Amount)) {
			e.Amount = p.amount
		}
	}
	return e
}
