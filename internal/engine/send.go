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
	e.OnStep(StepWoken, k)
	c, ok := e.circuits[k.Provider+"/"+k.Account]
	if !ok {
		e.wait(ctx, k, longestWait, errNoAccount)
		return
	}
	pass, err := c.allow()
	if err != nil {
		e.wait(ctx, k, c.cooldown, err)
		return
	}
	learnt := errNoVerdict
	defer func() { pass(learnt) }() // after a panic too: a probe that never reports would keep the circuit open for ever
	if err := e.prepare(ctx, k, c.account); err != nil {
		learnt = err
		return
	}
	learnt = e.attempt(ctx, k, c.account)
}

// prepare does what must come before Begin, because it may take long: a slot under the rate limit, and a token. It returns what was
// learnt about the account where that did not succeed.
func (e *Engine) prepare(ctx context.Context, k idempotency.Key, a providers.Account) (err error) {
	if err := e.Pace(ctx, k.Provider); err != nil {
		e.wait(context.WithoutCancel(ctx), k, longestWait, err)
		return errNoVerdict
	}
	p, ok := a.Client.(providers.Preparer)
	if !ok {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			e.Log.Error().Stringer("key", k).Str("type", fmt.Sprintf("%T", p)).Msg("the adapter panicked before anything was sent")
			err = errNoVerdict
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, e.AttemptDeadline)
	defer cancel()
	if err := p.Prepare(ctx); err != nil {
		e.wait(context.WithoutCancel(ctx), k, e.unprepared(err), err)
		return err
	}
	return nil
}

// unprepared is the wait before a token is asked for again: refused credentials are tried once per cooldown.
func (e *Engine) unprepared(err error) time.Duration {
	var credentials *providers.CredentialsError
	if errors.As(err, &credentials) {
		return e.CircuitCooldown
	}
	const third = 3 // a failed login rarely heals within the first wait
	return e.retryAfter(third, err)
}

const longestWait = 30 * time.Second

// wait puts a payment off before Begin. Where even that fails, its due time wakes it as it stands.
func (e *Engine) wait(ctx context.Context, k idempotency.Key, d time.Duration, why error) {
	e.Log.Debug().Stringer("key", k).Err(why).Msg("waits")
	if err := e.Ledger.Defer(ctx, k, d); err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("could not be put off")
	}
}

// attempt begins, sends and reports. It returns what the attempt says about the account's health: nil, or why nothing could be sent.
func (e *Engine) attempt(ctx context.Context, k idempotency.Key, a providers.Account) error {
	deadline := e.Now().Add(e.AttemptDeadline)
	id := idempotency.NewAttempt()
	e.OnStep(StepBegin, k)
	begun, err := e.Ledger.Begin(ctx, k, idempotency.BeginRequest{
		Attempt: id, Lease: e.Lease, Askable: a.Askable(), OpensLate: opensLate(a), Only: onlyType(a),
	})
	if err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("not begun; its due time wakes it again")
		e.disown(ctx, k, id, err)
		return errNoVerdict
	}
	if begun.Verdict != idempotency.Send {
		if begun.Own {
			e.release(ctx, k, id, "begin_unanswered", 0)
		}
		if begun.Unopened != nil {
			e.unopened(k.Provider, begun.Unopened).Stringer("key", k).Msg(waitsForKeys)
		}
		return errNoVerdict
	}
	e.OnStep(StepBegun, k)
	// From here on only the attempt's own deadline ends it: asynq, which cancels after a hiccup of Redis, would turn a send into doubt.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	sendBy := deadline.Add(-e.RequestTimeout)
	ctx = e.traced(wire.WithSendBy(ctx, sendBy, e.Now), k)
	if late(e.Now(), sendBy) {
		return e.report(ctx, k, id, begun.Number, result{err: &providers.NotSent{Reason: wire.NoTime}})
	}
	return e.report(ctx, k, id, begun.Number, e.execute(ctx, k, a, id, begun))
}

// late compares by monotonic clock and by wall clock: the one stands still while the machine sleeps, the other can be set back.
func late(now, by time.Time) bool { return !now.Before(by) || !now.Round(0).Before(by.Round(0)) }

// traced names the points of the exchanges with the provider as steps of the payment's path.
func (e *Engine) traced(ctx context.Context, k idempotency.Key) context.Context {
	return wire.WithTrace(ctx, func(point string) { e.OnStep(Step(point), k) })
}

// disown gives back what a Begin may have taken whose answer was lost: nothing was sent.
func (e *Engine) disown(ctx context.Context, k idempotency.Key, id string, err error) {
	if errors.Is(err, idempotency.ErrUnknown) || errors.Is(err, idempotency.ErrFull) {
		return
	}
	e.release(ctx, k, id, "begin_unanswered", 0)
}

func opensLate(a providers.Account) bool {
	t, ok := a.Client.(providers.TwoStep)
	return ok && t.OpensLate()
}

// onlyType is the one type of payment that the account makes; empty where it makes both, or neither.
func onlyType(a providers.Account) string {
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

// result is what an attempt came to: err means that the provider cannot have acted.
type result struct {
	outcome providers.Outcome
	err     error
	payload error
	// silent: it says nothing about the account.
	silent bool
}

// execute calls the adapter. A panic in it is doubt: nobody knows what was sent before.
func (e *Engine) execute(ctx context.Context, k idempotency.Key, a providers.Account, id string, b idempotency.Begun) (r result) {
	if b.Unopened != nil {
		e.unopened(k.Provider, b.Unopened).Stringer("key", k).Msg("PAYLOAD CHANGED OR MOVED in Redis: the payment is not sent")
		return result{payload: b.Unopened}
	}
	payment, err := tasks.DecodeStored(b.Payload)
	if err != nil {
		return result{payload: err}
	}
	defer func() {
		if p := recover(); p != nil {
			e.Log.Error().Stringer("key", k).Str("type", fmt.Sprintf("%T", p)).Msg("the adapter panicked; the payment is in doubt")
			r = result{outcome: providers.Outcome{Class: providers.InDoubt, Code: "panic"}, silent: true}
		}
	}()
	attempt := providers.Attempt{
		ID: id, Handles: b.Handles, MayHaveLeft: b.MayHaveLeft,
		Note: func(ctx context.Context, h map[string]string, moves bool) error {
			return e.Ledger.Note(ctx, k, id, h, moves)
		},
		Alias: func(ctx context.Context, alias string) error { return e.Ledger.Alias(ctx, k, alias) },
	}
	e.OnStep(StepSend, k)
	start := e.Now()
	operation, o, err := call(ctx, a, payment, attempt)
	e.Metrics.Request(k.Provider, operation, class(o, err), e.Now().Sub(start))
	e.OnStep(StepSent, k)
	return result{outcome: believable(payment, providers.Conceal(o, private(queryFor(payment))...)), err: err}
}

// believable turns an outcome that an attempt cannot have, or that speaks of another payment, into doubt: the provider will be asked.
func believable(t tasks.Task, o providers.Outcome) providers.Outcome {
	switch o.Class {
	case providers.Succeeded, providers.Pending, providers.Refused:
		if field := differs(queryFor(t), o.Echo); field != "" {
			return mismatch(o, providers.InDoubt, field)
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

func class(o providers.Outcome, err error) string {
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

// report writes what the attempt came to and does not give up before it is written. It returns the attempt's word on the account.
func (e *Engine) report(ctx context.Context, k idempotency.Key, id string, number int, r result) error {
	switch {
	case r.payload != nil && !hopeless(r.payload):
		e.release(ctx, k, id, "payload", longestWait)
		return errNoVerdict
	case r.payload != nil:
		e.release(ctx, k, id, "payload", 0)
		e.reject(ctx, k, r.payload)
		return errNoVerdict
	case r.err != nil:
		e.release(ctx, k, id, reason(r.err), e.retryAfter(number, r.err))
		return r.err
	default:
		e.finish(ctx, k, id, r.outcome)
		if r.silent {
			return errNoVerdict
		}
		return nil
	}
}

func (e *Engine) finish(ctx context.Context, k idempotency.Key, id string, o providers.Outcome) {
	e.OnStep(StepFinish, k)
	e.persist(ctx, k, "finish", o, func(ctx context.Context) (idempotency.Settlement, error) {
		return e.Ledger.Finish(ctx, k, id, o, e.PollFirst)
	})
	e.OnStep(StepFinished, k)
}

func (e *Engine) release(ctx context.Context, k idempotency.Key, id, why string, after time.Duration) {
	e.OnStep(StepRelease, k)
	e.persist(ctx, k, "release", providers.Outcome{Class: "not_sent", Code: why},
		func(ctx context.Context) (idempotency.Settlement, error) {
			return e.Ledger.Release(ctx, k, id, why, after)
		})
	e.OnStep(StepReleased, k)
}

// codeUnreadable stands on a payment whose payload cannot be used.
const codeUnreadable = "payload_unreadable"

func (e *Engine) reject(ctx context.Context, k idempotency.Key, why error) {
	e.persist(ctx, k, "reject", providers.Outcome{Class: providers.Refused, Code: codeUnreadable},
		func(ctx context.Context) (idempotency.Settlement, error) {
			return e.Ledger.Reject(ctx, k, codeUnreadable, why.Error())
		})
}

func reason(err error) string {
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

// retryAfter is the wait before the next attempt: what the provider asked for, else exponential backoff with full jitter.
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
