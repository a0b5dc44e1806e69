package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
	"github.com/remesa/remesa/tasks"
)

// send serves one wake-up of the send lane.
func (e *Engine) send(ctx context.Context, k idempotency.Key) {
	e.OnFaultPoint(PointWoken, k)
	c, ok := e.circuits[k.Provider+"/"+k.Account]
	if !ok {
		e.park(ctx, k, reasonAccount+":"+k.Account, errNoAccount)
		return
	}
	learnt := errInconclusive
	leave, ok := e.passThrottle(ctx, k, c)
	if !ok {
		return
	}
	defer func() { leave(learnt) }()
	pass, err := c.enter()
	if err != nil {
		e.park(ctx, k, c.reason(), err)
		return
	}
	defer func() { pass(learnt) }() // after a panic too: a probe that never reports would keep the circuit open for ever
	if err := e.prepare(ctx, k, c.account, false); err != nil {
		learnt = err
		return
	}
	learnt = e.attempt(ctx, k, c.account)
}

// prepare does what must come before Begin, because it may take long: a slot under the rate limit,
// and a token. It returns what was learnt about the account where that did not succeed.
func (e *Engine) prepare(ctx context.Context, k idempotency.Key, a providers.Account, ask bool) (err error) {
	if !e.awaitSlot(ctx, k, ask) {
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

// awaitSlot waits for a slot under the provider's rate limit. Who gets none is parked until there is
// room; who needs none takes none.
func (e *Engine) awaitSlot(ctx context.Context, k idempotency.Key, ask bool) bool {
	if !e.Limiter.Limited(k.Provider) {
		return true
	}
	if !e.needsSlot(ctx, k, ask) {
		return false
	}
	ok, err := e.Limiter.Wait(ctx, k.Provider, ask)
	switch {
	case err != nil:
		e.wait(context.WithoutCancel(ctx), k, maxDefer, err)
	case !ok:
		e.park(ctx, k, laneReason(reasonRate, ask), errNoSlot)
	}
	return ok && err == nil
}

var errNoSlot = errors.New("the rate limit leaves no room soon")

// needsSlot looks at the record first: what is settled, owned by another attempt or halted costs no
// slot.
func (e *Engine) needsSlot(ctx context.Context, k idempotency.Key, ask bool) bool {
	q, err := e.Ledger.StartQuery(ctx, k)
	if err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("not looked at; its due time wakes it again")
		return false
	}
	if ask {
		return q.Needed
	}
	if q.State != idempotency.Queued && q.State != idempotency.Ready {
		return false
	}
	halts, err := e.Ledger.Halts(ctx, k.Provider)
	if err == nil && halted(halts, k.Account) {
		e.park(ctx, k, haltOf(halts, k.Account), errHalted)
		return false
	}
	return true
}

var errHalted = errors.New("halted")

// prepareRetry is the wait before a token is asked for again: refused credentials are tried once per
// cooldown.
func (e *Engine) prepareRetry(err error) time.Duration {
	var credentials *providers.CredentialsError
	if errors.As(err, &credentials) {
		return e.CircuitCooldown
	}
	const third = 3 // a failed login rarely heals within the first wait
	return e.retryAfter(third, err)
}

const maxDefer = 30 * time.Second

// wait puts a payment off before Begin. Where even that fails, its due time wakes it as it stands.
func (e *Engine) wait(ctx context.Context, k idempotency.Key, d time.Duration, why error) {
	e.Log.Debug().Stringer("key", k).Err(why).Msg("waits")
	if err := e.Ledger.Defer(ctx, k, d); err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("could not be put off")
	}
}

// attempt begins, sends and reports. It returns what the attempt says about the account's health:
// nil, or why nothing could be sent.
func (e *Engine) attempt(ctx context.Context, k idempotency.Key, a providers.Account) error {
	deadline := e.Now().Add(e.AttemptDeadline)
	id := idempotency.NewAttempt()
	e.OnFaultPoint(PointBegin, k)
	begun, err := e.Ledger.Begin(ctx, k, idempotency.BeginParams{
		Attempt: id, Lease: e.Lease, Queryable: a.Queryable(), SafeFirstStep: safeFirstStep(a), OnlyType: servedType(a),
	})
	if err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("not begun; its due time wakes it again")
		e.releaseUnanswered(ctx, k, id, err)
		return errInconclusive
	}
	if begun.Decision != idempotency.Send {
		if begun.AlreadyBegun {
			e.release(ctx, k, id, "begin_unanswered", 0)
		}
		if begun.DecryptErr != nil {
			e.decryptError(k.Provider, begun.DecryptErr).Stringer("key", k).Msg(logParkedForKey)
		}
		if begun.ParkReason != "" {
			e.park(ctx, k, begun.ParkReason, errInconclusive)
		}
		return errInconclusive
	}
	e.OnFaultPoint(PointBegun, k)
	// From here on only the attempt's own deadline ends it: asynq, which cancels after a hiccup of
	// Redis, would turn a send into doubt.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	sendBy := deadline.Add(-e.RequestTimeout)
	ctx = e.traced(wire.WithSendDeadline(ctx, sendBy, e.Now), k)
	held := ownedAttempt{id: id, begin: begun, queryable: a.Queryable()}
	if pastDeadline(e.Now(), sendBy) {
		return e.report(ctx, k, held, attemptResult{err: &providers.NotSent{Reason: wire.NoTime}})
	}
	return e.report(ctx, k, held, e.execute(ctx, k, a, id, begun))
}

// ownedAttempt is an attempt that owns a payment, with all that its worker knows of it should the store
// forget.
type ownedAttempt struct {
	id        string
	begin     idempotency.BeginResult
	queryable bool
}

// pastDeadline compares by monotonic clock and by wall clock: the one stands still while the machine
// sleeps, the other can be set back.
func pastDeadline(now, by time.Time) bool {
	return !now.Before(by) || !now.Round(0).Before(by.Round(0))
}

// traced names the points of the exchanges with the provider as steps of the payment's path.
func (e *Engine) traced(ctx context.Context, k idempotency.Key) context.Context {
	return wire.WithTrace(ctx, func(point string) { e.OnFaultPoint(FaultPoint(point), k) })
}

// releaseUnanswered gives back what a Begin may have taken whose answer was lost: nothing was sent.
func (e *Engine) releaseUnanswered(ctx context.Context, k idempotency.Key, id string, err error) {
	if errors.Is(err, idempotency.ErrUnknown) || errors.Is(err, idempotency.ErrFull) {
		return
	}
	e.release(ctx, k, id, "begin_unanswered", 0)
}

func safeFirstStep(a providers.Account) bool {
	t, ok := a.Client.(providers.TwoStep)
	return ok && t.SafeFirstStep()
}

// servedType is the one type of payment that the account makes; empty where it makes both, or
// neither.
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

// attemptResult is what an attempt came to: err means that the provider cannot have acted.
type attemptResult struct {
	outcome    providers.Outcome
	err        error
	payloadErr error
	// inconclusive: it says nothing about the account.
	inconclusive bool
	// moneyStepReached: the attempt came to a step that can move money.
	moneyStepReached bool
	// checkpointed: the attempt wrote to the record after its Begin.
	checkpointed bool
}

// execute calls the adapter. A panic in it is doubt: nobody knows what was sent before.
func (e *Engine) execute(ctx context.Context, k idempotency.Key, a providers.Account, id string, b idempotency.BeginResult) (r attemptResult) {
	if b.DecryptErr != nil {
		e.decryptError(k.Provider, b.DecryptErr).Stringer("key", k).Msg("PAYLOAD CHANGED OR MOVED in Redis: the payment is not sent")
		return attemptResult{payloadErr: b.DecryptErr}
	}
	payment, err := e.decodeRegistered(b)
	if err != nil {
		return attemptResult{payloadErr: err}
	}
	reached, noted := !safeFirstStep(a), false
	defer func() {
		if p := recover(); p != nil {
			e.Log.Error().Stringer("key", k).Str("type", fmt.Sprintf("%T", p)).Msg("the adapter panicked; the payment is in doubt")
			r = attemptResult{outcome: providers.Outcome{Class: providers.InDoubt, Code: "panic"}, inconclusive: true, moneyStepReached: reached, checkpointed: noted}
		}
	}()
	attempt := providers.Attempt{
		ID: id, ProviderRefs: b.ProviderRefs, MayHaveLeft: b.MayHaveLeft,
		Checkpoint: func(ctx context.Context, h map[string]string, moves bool) error {
			noted = true
			err := e.Ledger.Checkpoint(ctx, k, id, h, moves)
			reached = reached || moves && err == nil
			return err
		},
		Alias: func(ctx context.Context, alias string) error { return e.Ledger.Alias(ctx, k, alias) },
	}
	e.OnFaultPoint(PointSend, k)
	start := e.Now()
	operation, o, err := call(ctx, a, payment, attempt)
	e.Metrics.Request(k.Provider, operation, requestClass(o, err), e.Now().Sub(start))
	e.OnFaultPoint(PointSent, k)
	o = providers.Redact(o, privateTexts(statusQueryFor(payment))...)
	return attemptResult{outcome: verifyOutcome(payment, o), err: err, moneyStepReached: reached, checkpointed: noted}
}

// verifyOutcome turns an outcome that an attempt cannot have, or that speaks of another payment, into
// doubt: the provider will be asked.
func verifyOutcome(t tasks.Task, o providers.Outcome) providers.Outcome {
	switch o.Class {
	case providers.Succeeded, providers.Pending, providers.Refused:
		if field := differs(statusQueryFor(t), o.Echo); field != "" {
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

// call hands the payment to what the provider can do.
func call(ctx context.Context, a providers.Account, t tasks.Task, at providers.Attempt) (string, providers.Outcome, error) {
	if p, ok := t.Payout(); ok {
		if payer, ok := a.Client.(providers.Payer); ok {
			o, err := payer.Pay(ctx, p, at)
			return "pay", o, err
		}
	}
	if c, ok := t.Charge(); ok {
		if charger, ok := a.Client.(providers.Charger); ok {
			o, err := charger.Charge(ctx, c, at)
			return "charge", o, err
		}
	}
	return "none", providers.Outcome{}, &providers.NotSent{Reason: "unsupported", Err: fmt.Errorf("%s cannot do a %s", a.Provider, t.Type())}
}

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

// report writes what the attempt came to and does not give up before it is written. It returns the
// attempt's word on the account.
func (e *Engine) report(ctx context.Context, k idempotency.Key, h ownedAttempt, r attemptResult) error {
	var uncompared *unverifiable
	switch {
	case errors.As(r.payloadErr, &uncompared):
		e.release(ctx, k, h.id, "payload not compared", 0)
		e.parkUnverifiable(ctx, k, uncompared)
		return errInconclusive
	case r.payloadErr != nil && !undecryptableAnywhere(r.payloadErr):
		e.release(ctx, k, h.id, "payload", maxDefer)
		return errInconclusive
	case r.payloadErr != nil:
		e.release(ctx, k, h.id, "payload", 0)
		e.reject(ctx, k, r.payloadErr)
		return errInconclusive
	case r.err != nil:
		e.release(ctx, k, h.id, releaseReason(r.err), e.retryAfter(h.begin.Number, r.err))
		return r.err
	default:
		e.finish(ctx, k, h, r)
		if r.inconclusive {
			return errInconclusive
		}
		return nil
	}
}

// finish writes the attempt's outcome. A payment that the store has lost meanwhile is recorded
// again first, from what this worker still holds: a result is never thrown away.
func (e *Engine) finish(ctx context.Context, k idempotency.Key, h ownedAttempt, r attemptResult) {
	e.OnFaultPoint(PointFinish, k)
	report := idempotency.AttemptResult{
		Attempt: h.id, Outcome: r.outcome, MoneyStepReached: r.moneyStepReached, QueryAfter: e.PollFirst,
	}
	if !r.checkpointed {
		report.Begin = h.begin.Snapshot
	}
	e.persist(ctx, k, "finish", r.outcome, func(ctx context.Context) (idempotency.Transition, error) {
		s, err := e.Ledger.Finish(ctx, k, report)
		if !errors.Is(err, idempotency.ErrUnknown) || !r.moneyStepReached || h.begin.Registered.Fingerprint == "" {
			return s, err
		}
		e.Log.Error().Stringer("key", k).Msg("RECORD LOST by the store: recorded again with this attempt")
		lost := idempotency.RestoredAttempt{Attempt: h.id, LeaseEnd: h.begin.LeaseEnd, Queryable: h.queryable}
		if err := e.Ledger.Restore(ctx, h.begin.Registered, lost); err != nil {
			return s, err
		}
		return e.Ledger.Finish(ctx, k, report)
	})
	e.OnFaultPoint(PointFinished, k)
}

func (e *Engine) release(ctx context.Context, k idempotency.Key, id, why string, after time.Duration) {
	e.OnFaultPoint(PointRelease, k)
	e.persist(ctx, k, "release", providers.Outcome{Class: "not_sent", Code: why},
		func(ctx context.Context) (idempotency.Transition, error) {
			return e.Ledger.Release(ctx, k, id, why, after)
		})
	e.OnFaultPoint(PointReleased, k)
}

// codeUnreadable stands on a payment whose payload cannot be used.
const codeUnreadable = "payload_unreadable"

// codePayloadChanged stands on a payment whose payload is not what was registered.
const codePayloadChanged = "payload_changed"

// reject stops a payment that cannot be sent as it stands. What was changed is a person's: whoever
// changed it may have changed more.
func (e *Engine) reject(ctx context.Context, k idempotency.Key, why error) {
	rejection := idempotency.Rejection{Code: codeUnreadable, Message: why.Error()}
	if errors.Is(why, errPayloadChanged) {
		rejection.Code, rejection.Hold = codePayloadChanged, true
		e.Metrics.Anomaly(k.Provider, codePayloadChanged)
		e.Log.Error().Stringer("key", k).Err(why).Msg("PAYLOAD CHANGED in Redis: the payment is not sent; a person must look")
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

// retryAfter is the wait before the next attempt: what the provider asked for, else exponential
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
