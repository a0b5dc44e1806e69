package engine

import (
	"context"
	"errors"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

// dueBatch is how many payments are woken in one round trip.
const dueBatch = 200

// janitor wakes what is due, every JanitorInterval. The due index of the ledger is the only schedule; asynq's own state is never
// consulted, so what asynq lost, archived or was told to delete is woken all the same.
func (e *Engine) janitor(ctx context.Context, provider string) {
	tick := time.NewTicker(e.JanitorInterval)
	defer tick.Stop()
	failing := false
	for {
		err := e.sweep(ctx, provider)
		if err != nil && !failing && ctx.Err() == nil {
			e.Log.Warn().Str("provider", provider).Err(err).Msg("janitor: trying again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sweep wakes everything that is due now.
func (e *Engine) sweep(ctx context.Context, provider string) error {
	for ctx.Err() == nil {
		e.OnStep(StepDue, idempotency.Key{Provider: provider})
		wakeups, err := e.Ledger.Due(ctx, provider, dueBatch, e.askFor())
		if err != nil {
			return err
		}
		for _, w := range wakeups {
			e.wake(ctx, w)
		}
		if len(wakeups) == 0 {
			return nil
		}
	}
	return nil
}

// askFor is when a payment is due again whose question got lost.
func (e *Engine) askFor() time.Duration { return e.AttemptDeadline + 5*time.Second }

// wake enqueues a wake-up. While asynq takes none (a full Redis, for one), questions are asked right here: their answers settle
// payments, which is what makes room.
func (e *Engine) wake(ctx context.Context, w idempotency.Wakeup) {
	e.OnStep(StepWake, w.Key)
	_, err := e.queue.EnqueueContext(ctx, tasks.NewWake(w, e.TaskTimeout))
	if err == nil || errors.Is(err, asynq.ErrTaskIDConflict) {
		return
	}
	e.Log.Warn().Stringer("key", w.Key).Err(err).Msg("wake-up not enqueued; its due time wakes it again")
	if !w.Ask {
		return
	}
	select {
	case e.asks <- struct{}{}:
		e.work.Go(func() {
			defer func() { <-e.asks }()
			e.ask(ctx, w.Key)
		})
	default:
	}
}
