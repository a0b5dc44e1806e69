package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

const (
	// dueBatch is how many payments are woken in one round trip.
	dueBatch = 8 * tasks.WakeBatch
	// maxDirectQueries is how many questions of a provider the janitor asks itself at a time.
	maxDirectQueries = 16
)

// janitor wakes what is due, every JanitorInterval. The due index of the ledger is the only
// schedule; asynq's own state is at most a hint that a wake-up is on its way already, so what asynq
// lost, archived or was told to delete is woken all the same.
func (e *Engine) janitor(ctx context.Context, provider string) {
	tick := time.NewTicker(e.JanitorInterval)
	defer tick.Stop()
	failing := false
	for {
		err := e.tick(ctx, provider)
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

// tick lets go what no longer has to wait, and wakes everything that is due now. Where the one
// fails the other is done all the same.
func (e *Engine) tick(ctx context.Context, provider string) error {
	return errors.Join(e.unpark(ctx, provider), e.wakeDue(ctx, provider))
}

func (e *Engine) wakeDue(ctx context.Context, provider string) error {
	for ctx.Err() == nil {
		free, err := e.laneCapacity(ctx, provider)
		if err != nil {
			return err
		}
		e.OnFaultPoint(PointDue, idempotency.Key{Provider: provider})
		lanes := idempotency.Lanes{QueryTimeout: e.queryTimeout(), Send: free.send.oldest, Query: free.query.oldest}
		wakeups, looked, err := e.Ledger.Due(ctx, provider, dueBatch, lanes)
		e.wakeAll(ctx, wakeups, free)
		if err != nil || looked == 0 {
			return err
		}
	}
	return nil
}

// wakeAll enqueues a wake-up for each, as long as its lane has room. While asynq takes none (a full
// Redis, for one), questions are asked right here: their answers settle payments, which is what
// makes room. A worker that drains still hands over what it took from the due index: nobody else
// looks at it for a minute.
func (e *Engine) wakeAll(ctx context.Context, wakeups []idempotency.WakeUp, free *laneCapacity) {
	handover, cancel := extendContext(ctx, writeTimeout)
	defer cancel()
	failed, first := 0, error(nil)
	for _, ask := range []bool{false, true} {
		lane := free.of(ask)
		for batch := range slices.Chunk(splitOutstanding(wakeups, ask), tasks.WakeBatch) {
			if lane.free <= 0 {
				for _, w := range batch {
					e.park(handover, w.Key, laneReason(reasonQueue, ask), errLaneFull)
				}
				continue
			}
			if err := e.wake(handover, batch); err != nil {
				failed, first = failed+len(batch), cmp.Or(first, err)
				e.queryDirectly(ctx, batch)
				continue
			}
			lane.free--
		}
	}
	if first != nil {
		e.Log.Warn().Int("of", len(wakeups)).Int("failed", failed).Err(first).Msg("wake-ups not enqueued; their due times wake them again")
	}
}

var errLaneFull = errors.New("the queue holds enough wake-ups")

// queryTimeout is when a payment is due again whose question got lost.
func (e *Engine) queryTimeout() time.Duration { return e.AttemptDeadline + 5*time.Second }

// extendContext returns a context that ends a while after the other one.
func extendContext(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(by, cancel) })
	return later, func() { stop(); cancel() }
}

// queryDirectly asks what there is to ask unless too many are asking already; then the due time does.
func (e *Engine) queryDirectly(ctx context.Context, batch []idempotency.WakeUp) {
	for _, w := range batch {
		if !w.Query {
			continue
		}
		asks := e.directQueries[w.Key.Provider]
		select {
		case asks <- struct{}{}:
			e.running.Go(func() {
				defer func() { <-asks }()
				e.query(ctx, w.Key)
			})
		default:
		}
	}
}
