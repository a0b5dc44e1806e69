package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/trace"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
	"github.com/remesa/remesa/tasks"
)

// query serves one wake-up of the query lane: a status query, which moves no money.
func (e *Engine) query(ctx context.Context, k idempotency.Key) {
	c, ok := e.circuitOf(ctx, k)
	if !ok {
		return
	}
	checker, ok := c.account.Client.(providers.StatusChecker)
	if !ok {
		return
	}
	e.admit(ctx, k, c, true, func() error { return e.runQuery(ctx, k, checker) })
}

// runQuery queries the provider and records the result. It returns what that says about the
// account.
func (e *Engine) runQuery(ctx context.Context, k idempotency.Key, checker providers.StatusChecker) error {
	e.OnFaultPoint(PointQuery, k)
	began := e.Trace.Now()
	q, err := e.Ledger.StartQuery(ctx, k)
	if err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("not queried; its due time wakes it again")
		return errInconclusive
	}
	if !q.Needed {
		return errInconclusive
	}
	if q.DecryptErr != nil {
		e.queryUndecryptable(ctx, k, q)
		return errInconclusive
	}
	span := e.Trace.Ask(k, q.Traceparent, q.QueriedAt.Sub(q.Created), began)
	defer span.End()
	e.OnFaultPoint(PointQuerySend, k)
	o, answer, err := e.status(ctx, k, checker, q, span)
	e.OnFaultPoint(PointQueryDone, k)
	span.Outcome(string(o.Class), o.Code)
	e.recordStatus(ctx, k, q, o, answer, span)
	return err
}

// status makes one status query. A provider that gives no answer leaves the payment as it is.
func (e *Engine) status(ctx context.Context, k idempotency.Key, c providers.StatusChecker, q idempotency.StatusQuery, ask *trace.Span,
) (o providers.Outcome, answer idempotency.Answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, e.AttemptDeadline)
	defer cancel()
	span := ask.Exchange()
	defer span.End()
	ctx = e.traced(ctx, k, span)
	defer func() {
		if p := recover(); p != nil {
			e.Log.Error().Stringer("key", k).Str("type", fmt.Sprintf("%T", p)).Msg("the adapter panicked during a status query")
			o, err = providers.Outcome{Class: providers.InDoubt, Code: "panic"}, errInconclusive
		}
	}()
	query := newStatusQuery(k, q)
	var status wire.LastStatus
	start := e.Now()
	o, err = c.Status(wire.WithLastStatus(ctx, &status), query)
	took := e.Now().Sub(start)
	o = providers.Redact(o, privateTexts(query)...)
	e.exchanged(span, k, string(idempotency.AskStatus), o, err, took)
	if err != nil {
		e.Log.Debug().Stringer("key", k).Err(err).Msg("no answer")
		o = providers.Outcome{Class: providers.InDoubt, Code: "no_answer"}
		return o, newAnswer(idempotency.AskStatus, &status, statusClass(o, err), took), err
	}
	o = verifyStatus(query, o)
	return o, newAnswer(idempotency.AskStatus, &status, string(o.Class), took), nil
}

// statusClass is what a status query without a readable answer comes to: only an error that proves
// so says that it was not sent.
func statusClass(o providers.Outcome, err error) string {
	var notSent *providers.NotSent
	var credentials *providers.CredentialsError
	if errors.As(err, &notSent) || errors.As(err, &credentials) {
		return requestClass(o, err)
	}
	return string(o.Class)
}

// privateTexts lists what no text about the payment may repeat, whatever its adapter has redacted.
func privateTexts(q providers.StatusQuery) []string {
	switch {
	case q.Payout != nil:
		return q.Payout.PrivateTexts()
	case q.Charge != nil:
		return q.Charge.PrivateTexts()
	}
	return nil
}

func newStatusQuery(k idempotency.Key, q idempotency.StatusQuery) providers.StatusQuery {
	var query providers.StatusQuery
	if t, err := tasks.DecodeStored(q.Payload); err == nil {
		query = statusQueryFor(t)
	}
	query.ByReference = q.State.Final() // a query of a final payment looks for an execution under another id
	query.Account, query.Reference, query.ProviderID, query.ProviderRefs = k.Account, k.Reference, q.ProviderID, q.ProviderRefs
	if providers.IsHiddenID(query.ProviderID) {
		query.ProviderID = "" // the provider does not know it by that name
	}
	if m, err := providers.ParseMoney(q.Amount, q.Currency); err == nil {
		query.Amount = m
	}
	return query
}

func statusQueryFor(t tasks.Task) providers.StatusQuery {
	query := providers.StatusQuery{Account: t.Account(), Reference: t.Reference(), Amount: t.Amount()}
	if p, ok := t.Payout(); ok {
		query.Payout = &p
	}
	if c, ok := t.Charge(); ok {
		query.Charge = &c
	}
	return query
}

// recordStatus writes a status result. One that is lost costs a status query, so the engine tries
// three times only.
func (e *Engine) recordStatus(ctx context.Context, k idempotency.Key, q idempotency.StatusQuery, o providers.Outcome,
	answer idempotency.Answer, ask *trace.Span,
) {
	ctx = context.WithoutCancel(ctx)
	e.OnFaultPoint(PointStatusRecord, k)
	for n := range 3 {
		t, err := writeOnce(ctx, exponential(firstWriteTimeout, writeTimeout, n), func(ctx context.Context) (idempotency.Transition, error) {
			return e.Ledger.RecordStatus(ctx, k, idempotency.StatusResult{
				Version: q.Version, QueriedAt: q.QueriedAt, Outcome: o, Ours: o.Echo.Complete, QueryAfter: e.pollAfter(q.Polls),
				Answer: answer,
			})
		})
		if err == nil {
			e.OnFaultPoint(PointStatusRecorded, k)
			ask.State(string(t.State))
			if t.State != q.State || t.Anomaly != "" {
				e.transitioned(k, o, t)
			}
			return
		}
		e.Log.Warn().Stringer("key", k).Err(err).Msg("status result not written")
		if permanent(err) || !e.pause(exponential(firstRetryDelay, maxRetryDelay, n)) {
			return
		}
	}
}

// pollAfter is the wait before the next status query: PollFirst, then doubled, with a quarter of
// jitter to each side, PollMax at most.
func (e *Engine) pollAfter(polls int) time.Duration {
	d := exponential(e.PollFirst, e.PollMax, polls)
	if polls == 0 {
		return d
	}
	return min(time.Duration(float64(d)*(0.75+e.Random()/2)), e.PollMax)
}

// verifyStatus turns a status result about something else into a mismatch: every field that the
// provider repeated must be ours.
func verifyStatus(q providers.StatusQuery, o providers.Outcome) providers.Outcome {
	if o.Class == providers.NotFound || o.Class == providers.InDoubt {
		return o
	}
	if field := differs(q, o.Echo); field != "" {
		return mismatchOutcome(o, providers.Mismatch, field)
	}
	return o
}

// mismatchOutcome keeps the provider's id for an operator, except where it is another payment's.
func mismatchOutcome(o providers.Outcome, class providers.Class, field string) providers.Outcome {
	m := providers.Outcome{Class: class, ProviderID: o.ProviderID, Code: "mismatch", Message: "the provider's " + field + " is not ours"}
	if field == "reference" {
		m.ProviderID = ""
	}
	return m
}

func differs(q providers.StatusQuery, e providers.Echo) string {
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

// errInconclusive stands for whatever says nothing about the account.
var errInconclusive = errors.New("the provider was not called")
