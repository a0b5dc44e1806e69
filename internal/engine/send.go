package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/trace"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
	"github.com/remesa/remesa/tasks"
)

// send serves one wake-up of the send lane.
func (e *Engine) send(ctx context.Context, k idempotency.Key) {
	e.OnFaultPoint(PointWoken, k)
	c, ok := e.circuitOf(ctx, k)
	if !ok {
		return
	}
	e.admit(ctx, k, c, false, func() error { return e.attempt(ctx, k, c.account) })
}

// circuitOf returns the payment's account with its circuit. A payment of an account that this
// worker does not have is parked.
func (e *Engine) circuitOf(ctx context.Context, k idempotency.Key) (*circuit, bool) {
	c, ok := e.circuits[k.Provider+"/"+k.Account]
	if !ok {
		e.park(ctx, k, reasonAccount+":"+k.Account, errNoAccount)
	}
	return c, ok
}

// admit calls serve where the account's throttle and circuit let the payment pass and prepare
// succeeds; otherwise the payment is parked or deferred. Throttle and circuit then get what serve
// returned about the account: nil, an error, or errInconclusive.
func (e *Engine) admit(ctx context.Context, k idempotency.Key, c *circuit, query bool, serve func() error) {
	accountErr := errInconclusive
	leave, ok := e.passThrottle(ctx, k, c)
	if !ok {
		return
	}
	defer func() { leave(accountErr) }()
	pass, err := c.enter()
	if err != nil {
		e.park(ctx, k, c.reason(), err)
		return
	}
	defer func() { pass(accountErr) }() // after a panic too: a probe that never reports would keep the circuit open for ever
	if err := e.prepare(ctx, k, c.account, query); err != nil {
		accountErr = err
		return
	}
	accountErr = serve()
}

// prepare does what must come before Begin, because it may take long: a slot under the rate limit,
// and a token. Its error is what a failure says about the account.
func (e *Engine) prepare(ctx context.Context, k idempotency.Key, a providers.Account, query bool) (err error) {
	if !e.awaitSlot(ctx, k, query) {
		return errInconclusive
	}
	p, ok := a.Client.(providers.Preparer)
	if !ok {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			e.Log.Error().Stringer("key", k).Str("type", fmt.Sprintf("%T", p)).Msg("the adapter panicked before anything was sent")
			err = errInconclusive
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, e.AttemptDeadline)
	defer cancel()
	if err := p.Prepare(ctx); err != nil {
		e.wait(context.WithoutCancel(ctx), k, e.prepareRetry(err), err)
		return err
	}
	return nil
}

// awaitSlot waits for a slot under the provider's rate limit. A payment that gets none is parked
// until slots are free; one that needs none takes none.
func (e *Engine) awaitSlot(ctx context.Context, k idempotency.Key, query bool) bool {
	if !e.Limiter.Limited(k.Provider) {
		return true
	}
	if !e.needsSlot(ctx, k, query) {
		return false
	}
	ok, err := e.Limiter.Wait(ctx, k.Provider, query)
	switch {
	case err != nil:
		e.wait(context.WithoutCancel(ctx), k, maxDefer, err)
	case !ok:
		e.park(ctx, k, laneReason(reasonRate, query), errNoSlot)
	}
	return ok && err == nil
}

var errNoSlot = errors.New("the rate limit has no slot soon")

// needsSlot reads the record first: a payment that is final, owned by another attempt or halted
// costs no slot.
func (e *Engine) needsSlot(ctx context.Context, k idempotency.Key, query bool) bool {
	q, err := e.Ledger.StartQuery(ctx, k)
	if err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("not processed; its due time wakes it again")
		return false
	}
	if query {
		return q.Needed
	}
	if q.State != idempotency.Queued && q.State != idempotency.Ready {
		return false
	}
	halts, err := e.Ledger.HaltsIn(ctx, e.Ledger.PartitionOf(k))
	if err == nil && halted(halts, k.Account) {
		e.park(ctx, k, haltOf(halts, k.Account), errHalted)
		return false
	}
	return true
}

var errHalted = errors.New("halted")

// prepareRetry is the wait before the next login: refused credentials are tried once per cooldown.
func (e *Engine) prepareRetry(err error) time.Duration {
	var credentials *providers.CredentialsError
	if errors.As(err, &credentials) {
		return e.CircuitCooldown
	}
	const third = 3 // a failed login rarely heals within the first wait
	return e.retryAfter(third, err)
}

const maxDefer = 30 * time.Second

// wait defers a payment before Begin. Where that fails, the due time that it has wakes it.
func (e *Engine) wait(ctx context.Context, k idempotency.Key, d time.Duration, why error) {
	e.Log.Debug().Stringer("key", k).Err(why).Msg("deferred")
	if err := e.Ledger.Defer(ctx, k, d); err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("could not be deferred")
	}
}

// attempt begins, sends and reports. It returns what the attempt says about the account: nil, why
// nothing could be sent, or errInconclusive.
func (e *Engine) attempt(ctx context.Context, k idempotency.Key, a providers.Account) error {
	deadline := e.Now().Add(e.AttemptDeadline)
	id := idempotency.NewAttempt()
	epoch := e.reports[e.Ledger.PartitionOf(k)].seen() // before Begin: a later one may not have counted the send
	e.OnFaultPoint(PointBegin, k)
	began := e.Trace.Now()
	begun, err := e.Ledger.Begin(ctx, k, idempotency.BeginParams{
		Attempt: id, Lease: e.Lease, Queryable: a.Queryable(), SafeFirstStep: safeFirstStep(a), OnlyType: servedType(a),
		Limits: e.Limits(k.Provider, k.Account),
	})
	if err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("not begun; its due time wakes it again")
		e.releaseUnanswered(ctx, k, id, err)
		return errInconclusive
	}
	if begun.Decision != idempotency.Send {
		e.notBegun(ctx, k, id, begun)
		return errInconclusive
	}
	e.OnFaultPoint(PointBegun, k)
	// From here on only the attempt's own deadline ends it: asynq cancels the context when it loses
	// its lease in Redis, and that would turn a send into doubt.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	sendBy := deadline.Add(-e.RequestTimeout)
	ctx = wire.WithSendDeadline(ctx, sendBy, e.Now)
	current := currentAttempt{
		ownedAttempt: ownedAttempt{
			id: id, registered: begun.Registered, leaseEnd: begun.LeaseEnd, queryable: a.Queryable(),
			sequences: []int64{begun.Sequence}, epoch: epoch,
		},
		begin: begun,
		span: e.Trace.Attempt(trace.Begun{ //nolint:contextcheck // it begins its own, from the record
			Key: k, Traceparent: begun.Registered.Traceparent, Age: begun.Now.Sub(begun.Transition.Created), Waited: begun.Waited,
			Attempt: id, Number: begun.Number, Began: began,
		}),
	}
	defer current.span.End()
	if pastDeadline(e.Now(), sendBy) {
		return e.report(ctx, k, &current, attemptResult{err: &providers.NotSent{Reason: wire.NoTime}})
	}
	return e.report(ctx, k, &current, e.execute(ctx, k, a, &current))
}

// notBegun does what follows from a Begin that lets nothing go.
func (e *Engine) notBegun(ctx context.Context, k idempotency.Key, id string, begun idempotency.BeginResult) {
	if begun.AlreadyBegun {
		e.release(ctx, k, id, "begin_reply_lost", 0)
	}
	if begun.DecryptErr != nil {
		e.decryptError(k.Provider, begun.DecryptErr).Stringer("key", k).Msg(logParkedForKey)
	}
	if begun.Blocked != "" {
		e.blocked(k, begun)
	}
	if begun.ParkReason != "" {
		e.park(ctx, k, begun.ParkReason, errInconclusive)
	}
}

// blocked logs and counts a payment that a brake has just blocked.
func (e *Engine) blocked(k idempotency.Key, b idempotency.BeginResult) {
	e.Log.Error().Stringer("key", k).Str("code", string(b.Blocked)).Msg("blocked by a brake: an operator must release or cancel it")
	e.Metrics.Transitioned(k.Provider, b.Transition)
	e.Metrics.Blocked(k.Provider, string(b.Blocked))
}

// currentAttempt is an attempt that owns a payment, with what its Begin returned.
type currentAttempt struct {
	ownedAttempt
	begin idempotency.BeginResult
	span  *trace.Span
}

// ownedAttempt is what a worker keeps of its attempt: all that it needs to record it again where
// the store has lost it. A worker keeps some ten thousand.
type ownedAttempt struct {
	id         string
	registered idempotency.Registration
	leaseEnd   time.Time
	queryable  bool
	// sequences are the numbers under which the store has counted the attempt's begin and its
	// money step.
	sequences []int64
	// epoch is the one that the janitor had seen last when the attempt began.
	epoch int64
}

// pastDeadline compares by monotonic clock and by wall clock: the first stands still while the
// machine sleeps, the second can be set back.
func pastDeadline(now, by time.Time) bool {
	return !now.Before(by) || !now.Round(0).Before(by.Round(0))
}

// traced makes the points of each exchange with the provider fault points of the payment's path,
// and marks them in the span.
func (e *Engine) traced(ctx context.Context, k idempotency.Key, span *trace.Span) context.Context {
	return wire.WithTrace(ctx, func(point string) {
		span.At(point)
		e.OnFaultPoint(FaultPoint(point), k)
	})
}

// releaseUnanswered releases what a Begin may have taken whose reply was lost: nothing was sent.
func (e *Engine) releaseUnanswered(ctx context.Context, k idempotency.Key, id string, err error) {
	if errors.Is(err, idempotency.ErrUnknown) || errors.Is(err, idempotency.ErrFull) {
		return
	}
	e.release(ctx, k, id, "begin_reply_lost", 0)
}

func safeFirstStep(a providers.Account) bool {
	t, ok := a.Client.(providers.TwoStep)
	return ok && t.SafeFirstStep()
}

// servedType is the one type of payment that the account makes, "payout" or "charge"; empty where
// it makes both, or neither.
func servedType(a providers.Account) string {
	_, pays := a.Client.(providers.Payer)
	_, charges := a.Client.(providers.Charger)
	switch {
	case pays && !charges:
		return "payout"
	case charges && !pays:
		return "charge"
	}
	return ""
}

// attemptResult is what an attempt came to.
type attemptResult struct {
	outcome providers.Outcome
	// err means that the provider cannot have acted.
	err error
	// payloadErr means that this worker could not use the payload, and sent nothing.
	payloadErr error
	// inconclusive means that the attempt says nothing about the account.
	inconclusive bool
	// moneyStepReached means that the attempt came to its money step.
	moneyStepReached bool
	// checkpointed means that the attempt wrote to the record after its Begin.
	checkpointed bool
	// answer is what the provider said; zero if it was not asked.
	answer idempotency.Answer
}

// execute calls the adapter. After a panic the payment is in doubt: nobody knows what was sent.
func (e *Engine) execute(ctx context.Context, k idempotency.Key, a providers.Account, current *currentAttempt) (r attemptResult) {
	id, b := current.id, &current.begin
	if b.DecryptErr != nil {
		e.decryptError(k.Provider, b.DecryptErr).Stringer("key", k).Msg("PAYLOAD CHANGED OR MOVED in Redis: the payment is not sent")
		return attemptResult{payloadErr: b.DecryptErr}
	}
	payment, err := e.decodeRegistered(*b)
	if err != nil {
		return attemptResult{payloadErr: err}
	}
	reached, checkpointed := !safeFirstStep(a), false
	defer func() {
		if p := recover(); p != nil {
			e.Log.Error().Stringer("key", k).Str("type", fmt.Sprintf("%T", p)).Msg("the adapter panicked; the payment is in doubt")
			r = attemptResult{outcome: providers.Outcome{Class: providers.InDoubt, Code: "panic"}, inconclusive: true, moneyStepReached: reached, checkpointed: checkpointed}
		}
	}()
	attempt := providers.Attempt{
		ID: id, ProviderRefs: b.ProviderRefs, MayHaveLeft: b.MayHaveLeft,
		Checkpoint: func(ctx context.Context, refs map[string]string, moneyStepNext bool) error {
			checkpointed = true
			sequence, err := e.Ledger.Checkpoint(ctx, k, id, refs, moneyStepNext)
			if moneyStepNext && err == nil {
				current.sequences = append(current.sequences, sequence)
				err = e.intend(k, &current.ownedAttempt, sequence)
				reached = reached || err == nil
			}
			return err
		},
		Alias: func(ctx context.Context, alias string) error { return e.Ledger.Alias(ctx, k, alias) },
	}
	if reached {
		if err := e.intend(k, &current.ownedAttempt, b.Sequence); err != nil {
			return attemptResult{err: &providers.NotSent{Reason: "journal", Err: err}, inconclusive: true}
		}
	}
	e.OnFaultPoint(PointSend, k)
	span := current.span.Exchange()
	defer span.End()
	var status wire.LastStatus
	start := e.Now()
	operation, o, err := call(wire.WithLastStatus(e.traced(ctx, k, span), &status), a, payment, attempt)
	took := e.Now().Sub(start)
	query := statusQueryFor(payment)
	o = providers.Redact(o, privateTexts(query)...)
	e.exchanged(span, k, operation, o, err, took)
	e.OnFaultPoint(PointSent, k)
	r = attemptResult{outcome: verifyOutcome(query, o), err: err, moneyStepReached: reached, checkpointed: checkpointed}
	if operation != operationNone {
		r.answer = newAnswer(idempotency.Question(operation), &status, requestClass(r.outcome, err), took)
	}
	return r
}

// newAnswer is what the history keeps of what the provider said.
func newAnswer(q idempotency.Question, status *wire.LastStatus, class string, took time.Duration) idempotency.Answer {
	return idempotency.Answer{Question: q, HTTPStatus: int(status.Load()), Class: class, Took: took}
}

// exchanged counts and traces what was said to the provider. The outcome is redacted: its code goes
// to a collector of traces, as it stands.
func (e *Engine) exchanged(span *trace.Span, k idempotency.Key, operation string, o providers.Outcome, err error, took time.Duration) {
	class := requestClass(o, err)
	e.Metrics.Request(k.Provider, operation, class, took)
	span.Operation(operation)
	span.Outcome(class, o.Code)
	span.End()
}

// verifyOutcome turns an outcome that an attempt cannot have, or that is about another payment,
// into doubt: a status query follows.
func verifyOutcome(q providers.StatusQuery, o providers.Outcome) providers.Outcome {
	switch o.Class {
	case providers.Succeeded, providers.Pending, providers.Refused:
		if field := differs(q, o.Echo); field != "" {
			return mismatchOutcome(o, providers.InDoubt, field)
		}
		return o
	case providers.InDoubt, providers.Mismatch, providers.Duplicate:
		return o
	default:
		o.Class, o.Code = providers.InDoubt, "unknown_class"
		return o
	}
}

// call calls the adapter's method for the payment's type, and names the operation for the metrics.
func call(ctx context.Context, a providers.Account, t tasks.Task, at providers.Attempt) (string, providers.Outcome, error) {
	if p, ok := t.Payout(); ok {
		if payer, ok := a.Client.(providers.Payer); ok {
			o, err := payer.Pay(ctx, p, at)
			return string(idempotency.AskToPay), o, err
		}
	}
	if c, ok := t.Charge(); ok {
		if charger, ok := a.Client.(providers.Charger); ok {
			o, err := charger.Charge(ctx, c, at)
			return string(idempotency.AskToCharge), o, err
		}
	}
	return operationNone, providers.Outcome{}, &providers.NotSent{Reason: "unsupported", Err: fmt.Errorf("%s cannot do a %s", a.Provider, t.Type())}
}

// operationNone is the operation of an attempt that the account's provider cannot make.
const operationNone = "none"

func requestClass(o providers.Outcome, err error) string {
	var credentials *providers.CredentialsError
	switch {
	case errors.As(err, &credentials):
		return "credentials"
	case err != nil:
		return "not_sent"
	default:
		return string(o.Class)
	}
}

// report writes what the attempt came to, and tries until it is written. It returns what the
// attempt says about the account.
func (e *Engine) report(ctx context.Context, k idempotency.Key, current *currentAttempt, r attemptResult) error {
	var unverified *unverifiable
	switch {
	case errors.As(r.payloadErr, &unverified):
		e.release(ctx, k, current.id, "payload not compared", 0)
		e.parkUnverifiable(ctx, k, unverified)
		return errInconclusive
	case r.payloadErr != nil && !undecryptableAnywhere(r.payloadErr):
		e.release(ctx, k, current.id, "payload", maxDefer)
		return errInconclusive
	case r.payloadErr != nil:
		e.release(ctx, k, current.id, "payload", maxDefer) // nobody begins it before it is rejected
		e.reject(ctx, k, r.payloadErr)
		return errInconclusive
	case r.err != nil:
		span := current.span.Finish()
		defer span.End()
		span.Outcome("not_sent", releaseReason(r.err))
		if e.release(ctx, k, current.id, releaseReason(r.err), e.retryAfter(current.begin.Number, r.err), r.answer) {
			e.reported(sentReport{owned: current.ownedAttempt, at: e.Now()})
		}
		return r.err
	default:
		e.finish(ctx, k, current, r)
		if r.inconclusive {
			return errInconclusive
		}
		return nil
	}
}

// finish writes the attempt's outcome. A payment that the store has lost meanwhile is recorded
// again first, from what this worker still holds, so that no result is thrown away.
func (e *Engine) finish(ctx context.Context, k idempotency.Key, current *currentAttempt, r attemptResult) {
	e.OnFaultPoint(PointFinish, k)
	span := current.span.Finish()
	defer span.End()
	span.Outcome(string(r.outcome.Class), r.outcome.Code)
	report := idempotency.AttemptResult{
		Attempt: current.id, Outcome: r.outcome, MoneyStepReached: r.moneyStepReached, Queryable: current.queryable, QueryAfter: e.PollFirst,
		Answer: r.answer,
	}
	if !r.checkpointed {
		report.Begin = current.begin.Snapshot
	}
	written := e.persist(ctx, k, "finish", r.outcome, func(ctx context.Context) (idempotency.Transition, error) {
		t, err := e.finishOrRestore(ctx, k, current.ownedAttempt, report)
		span.State(string(t.State))
		return t, err
	})
	if written { // else the journal keeps the attempt open, and the next worker reports it
		report.Begin, report.Outcome.Echo = nil, providers.Echo{}
		e.reported(sentReport{owned: current.ownedAttempt, result: &report, at: e.Now()})
	}
	e.OnFaultPoint(PointFinished, k)
}

// finishOrRestore reports an attempt. A payment that the store has lost is recorded again first.
func (e *Engine) finishOrRestore(ctx context.Context, k idempotency.Key, owned ownedAttempt, report idempotency.AttemptResult,
) (idempotency.Transition, error) {
	t, err := e.Ledger.Finish(ctx, k, report)
	if !errors.Is(err, idempotency.ErrUnknown) || !report.MoneyStepReached || owned.registered.Fingerprint == "" {
		return t, err
	}
	e.Log.Error().Stringer("key", k).Msg("RECORD LOST by the store: recorded again with this attempt")
	lost := idempotency.RestoredAttempt{Attempt: owned.id, LeaseEnd: owned.leaseEnd, Queryable: owned.queryable}
	if err := e.Ledger.Restore(ctx, owned.registered, lost); err != nil {
		return t, err
	}
	return e.Ledger.Finish(ctx, k, report)
}

func (e *Engine) release(ctx context.Context, k idempotency.Key, id, why string, after time.Duration, answer ...idempotency.Answer,
) (written bool) {
	e.OnFaultPoint(PointRelease, k)
	written = e.persist(ctx, k, "release", providers.Outcome{Class: "not_sent", Code: why},
		func(ctx context.Context) (idempotency.Transition, error) {
			return e.Ledger.Release(ctx, k, id, why, after, answer...)
		})
	e.OnFaultPoint(PointReleased, k)
	return written
}

// codeUnreadable is the code of a payment whose payload cannot be used.
const codeUnreadable = "payload_unreadable"

// codePayloadChanged is the code of a payment whose payload is not what was registered.
const codePayloadChanged = "payload_changed"

// reject stops a payment that cannot be sent as it stands. One whose payload was changed is held
// for an operator: whoever changed it may have changed more.
func (e *Engine) reject(ctx context.Context, k idempotency.Key, why error) {
	rejection := idempotency.Rejection{Code: codeUnreadable, Message: why.Error()}
	if errors.Is(why, errPayloadChanged) {
		rejection.Code, rejection.Hold = codePayloadChanged, true
		e.Metrics.Anomaly(k.Provider, codePayloadChanged)
		e.Log.Error().Stringer("key", k).Err(why).Msg("PAYLOAD CHANGED in Redis: the payment is not sent; an operator must look")
	}
	e.persist(ctx, k, "reject", providers.Outcome{Class: providers.Refused, Code: rejection.Code},
		func(ctx context.Context) (idempotency.Transition, error) {
			return e.Ledger.Reject(ctx, k, rejection)
		})
}

func releaseReason(err error) string {
	var notSent *providers.NotSent
	var credentials *providers.CredentialsError
	switch {
	case errors.As(err, &notSent):
		return notSent.Reason
	case errors.As(err, &credentials):
		return "credentials refused, code " + credentials.Code
	default:
		return "not sent"
	}
}

// retryAfter is the wait before the next attempt: the provider's Retry-After, else exponential
// backoff with full jitter.
func (e *Engine) retryAfter(number int, err error) time.Duration {
	var notSent *providers.NotSent
	if errors.As(err, &notSent) && notSent.RetryAfter > 0 {
		return notSent.RetryAfter
	}
	return time.Duration(e.Random() * float64(exponential(e.RetryBase, e.RetryMax, number-1)))
}

// exponential is base doubled n times, longest at most.
func exponential(base, longest time.Duration, n int) time.Duration {
	d := base
	for range n {
		if d >= longest/2 {
			return longest
		}
		d *= 2
	}
	return min(d, longest)
}
