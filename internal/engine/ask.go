package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// ask serves one wake-up of the ask lane: it asks the provider what became of a payment, and moves
// no money.
func (e *Engine) ask(ctx context.Context, k idempotency.Key) {
	c, ok := e.circuits[k.Provider+"/"+k.Account]
	if !ok {
		e.park(ctx, k, reasonAccount+":"+k.Account, errNoAccount)
		return
	}
	checker, ok := c.account.Client.(providers.StatusChecker)
	if !ok {
		return
	}
	learnt := errNoVerdict
	leave, ok := e.enter(ctx, k, c)
	if !ok {
		return
	}
	defer func() { leave(learnt) }()
	pass, err := c.allow()
	if err != nil {
		e.park(ctx, k, c.reason(), err)
		return
	}
	defer func() { pass(learnt) }()
	if err := e.prepare(ctx, k, c.account, true); err != nil {
		learnt = err
		return
	}
	learnt = e.question(ctx, k, checker)
}

func (e *Engine) question(ctx context.Context, k idempotency.Key, checker providers.StatusChecker) error {
	e.OnStep(StepAsk, k)
	q, err := e.Ledger.Ask(ctx, k)
	if err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("not asked; its due time wakes it again")
		return errNoVerdict
	}
	if !q.Ask {
		return errNoVerdict
	}
	if q.Unopened != nil {
		e.unasked(ctx, k, q)
		return errNoVerdict
	}
	e.OnStep(StepQuestion, k)
	o, err := e.status(ctx, k, checker, q)
	e.OnStep(StepStatus, k)
	e.answer(ctx, k, q, o)
	return err
}

// status asks once. No answer is doubt about the answer, never about the payment.
func (e *Engine) status(ctx context.Context, k idempotency.Key, c providers.StatusChecker, q idempotency.Question,
) (o providers.Outcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, e.AttemptDeadline)
	defer cancel()
	ctx = e.traced(ctx, k)
	defer func() {
		if p := recover(); p != nil {
			e.Log.Error().Stringer("key", k).Str("type", fmt.Sprintf("%T", p)).Msg("the adapter panicked while asking")
			o, err = providers.Outcome{Class: providers.InDoubt, Code: "panic"}, errNoVerdict
		}
	}()
	query := newQuery(k, q)
	start := e.Now()
	o, err = c.Status(ctx, query)
	e.Metrics.Request(k.Provider, "status", class(o, err), e.Now().Sub(start))
	if err != nil {
		e.Log.Debug().Stringer("key", k).Err(err).Msg("no answer")
		return providers.Outcome{Class: providers.InDoubt, Code: "no_answer"}, err
	}
	return compare(query, providers.Conceal(o, private(query)...)), nil
}

// private lists what no text about the payment may repeat, whatever its adapter took care of.
func private(q providers.Query) []string {
	switch {
	case q.Payout != nil:
		return q.Payout.Private()
	case q.Charge != nil:
		return q.Charge.Private()
	}
	return nil
}

func newQuery(k idempotency.Key, q idempotency.Question) providers.Query {
	var query providers.Query
	if t, err := tasks.DecodeStored(q.Payload); err == nil {
		query = queryFor(t)
	}
	query.ByReference = q.State.Final() // what may still be found then is an execution under another id
	query.Account, query.Reference, query.ProviderID, query.Handles = k.Account, k.Reference, q.ProviderID, q.Handles
	if providers.Hidden(query.ProviderID) {
		query.ProviderID = "" // the provider does not know it by that name
	}
	if m, err := providers.ParseMoney(q.Amount, q.Currency); err == nil {
		query.Amount = m
	}
	return query
}

func queryFor(t tasks.Task) providers.Query {
	query := providers.Query{Account: t.Account(), Reference: t.Reference(), Amount: t.Amount()}
	if p, ok := t.Payout(); ok {
		query.Payout = &p
	}
	if c, ok := t.Charge(); ok {
		query.Charge = &c
	}
	return query
}

// answer reports what was said. A lost answer costs a question, so it is tried a few times only.
func (e *Engine) answer(ctx context.Context, k idempotency.Key, q idempotency.Question, o providers.Outcome) {
	ctx = context.WithoutCancel(ctx)
	e.OnStep(StepAnswer, k)
	for n := range 3 {
		s, err := once(ctx, exponential(firstWrite, writeTimeout, n), func(ctx context.Context) (idempotency.Settlement, error) {
			return e.Ledger.Answer(ctx, k, idempotency.Answered{
				Version: q.Version, AskedAt: q.AskedAt, Outcome: o, Ours: o.Echo.Complete, Next: e.pollAfter(q.Polls),
			})
		})
		if err == nil {
			e.OnStep(StepAnswered, k)
			if s.State != q.State || s.Anomaly != "" {
				e.settled(k, o, s)
			}
			return
		}
		e.Log.Warn().Stringer("key", k).Err(err).Msg("answer not written")
		if final(err) || !e.pause(exponential(firstRewrite, slowestWrites, n)) {
			return
		}
	}
}

// pollAfter spaces out the questions: PollFirst, then doubled, a quarter of jitter to each side,
// PollMax at most.
func (e *Engine) pollAfter(polls int) time.Duration {
	d := exponential(e.PollFirst, e.PollMax, polls)
	if polls == 0 {
		return d
	}
	return min(time.Duration(float64(d)*(0.75+e.Random()/2)), e.PollMax)
}

// compare turns an answer about something else into a mismatch: every field that the provider
// repeated must be ours.
func compare(q providers.Query, o providers.Outcome) providers.Outcome {
	if o.Class == providers.NotFound || o.Class == providers.InDoubt {
		return o
	}
	if field := differs(q, o.Echo); field != "" {
		return mismatch(o, providers.Mismatch, field)
	}
	return o
}

// mismatch keeps the provider's id for a person, except where it is another payment's.
func mismatch(o providers.Outcome, class providers.Class, field string) providers.Outcome {
	m := providers.Outcome{Class: class, ProviderID: o.ProviderID, Code: "mismatch", Message: "the provider's " + field + " is not ours"}
	if field == "reference" {
		m.ProviderID = ""
	}
	return m
}

func differs(q providers.Query, e providers.Echo) string {
	switch {
	case e.Reference != "" && e.Reference != q.Reference:
		return "reference"
	case e.Currency != "" && !strings.EqualFold(e.Currency, q.Amount.Currency()):
		return "currency"
	case e.Amount != "" && !sameAmount(e.Amount, q.Amount):
		return "amount"
	case e.Beneficiary != "" && q.Payout != nil && e.Beneficiary != q.Payout.Recipient.Document &&
		e.Beneficiary != q.Payout.Bank.AccountNumber:
		return "beneficiary"
	}
	return ""
}

func sameAmount(text string, m providers.Money) bool {
	a, err := decimal.Parse(text)
	if err != nil {
		return false
	}
	b, err := decimal.Parse(m.Text())
	return err == nil && a.Cmp(b) == 0
}

// errNoVerdict: nothing was learnt about the account.
var errNoVerdict = errors.New("the provider was not called")
