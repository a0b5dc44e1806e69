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
	// maxDirectQueries is how many status queries of a provider the janitor makes itself at a time.
	maxDirectQueries = 16
)

// janitor wakes what is due in a partition, every JanitorInterval. The ledger's due index is the
// only schedule. asynq's own state is at most a hint that a wake-up is on its way, so the janitor
// also wakes what asynq lost, archived or deleted.
func (e *Engine) janitor(ctx context.Context, p idempotency.Partition) {
	tick := time.NewTicker(e.JanitorInterval)
	defer tick.Stop()
	failing := false
	for {
		err := e.tick(ctx, p)
		if err != nil && !failing && ctx.Err() == nil {
			e.Log.Warn().Stringer("partition", p).Err(err).Msg("janitor: trying again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tick notices a store that forgets, unparks what no longer has to wait, and wakes everything that
// is due now. Where one of them fails, tick still does the others.
func (e *Engine) tick(ctx context.Context, p idempotency.Partition) error {
	return errors.Join(e.checkEpoch(ctx, p), e.unpark(ctx, p), e.wakeDue(ctx, p))
}

func (e *Engine) wakeDue(ctx context.Context, p idempotency.Partition) error {
	for ctx.Err() == nil {
		e.OnFaultPoint(PointDue, idempotency.Key{Provider: p.Provider})
		if due, err := e.Ledger.AnyDue(ctx, p); err != nil || !due {
			return err
		}
		free, err := e.laneCapacity(ctx, p)
		if err != nil {
			return err
		}
		lanes := idempotency.Lanes{QueryTimeout: e.queryTimeout(), Send: free.send.oldest, Bulk: free.of(bulkLane).oldest, Query: free.query.oldest}
		wakeups, read, err := e.Ledger.Due(ctx, p, dueBatch, lanes)
		e.wakeAll(ctx, wakeups, free)
		if err != nil || read == 0 {
			return err
		}
	}
	return nil
}

// wakeAll enqueues the wake-ups for which their lane has capacity, and parks the others. While
// asynq takes none (Redis is full, for one), the janitor makes status queries itself: their results
// make payments final, and that frees memory. A worker that drains still hands over what it took
// from the due index: no other worker gets it for a minute.
func (e *Engine) wakeAll(ctx context.Context, wakeups []idempotency.WakeUp, free *laneCapacity) {
	handover, cancel := extendContext(ctx, writeTimeout)
	defer cancel()
	failed, first := 0, error(nil)
	wakeups = free.reachable(wakeups)
	for _, name := range allLanes() {
		lane := free.of(name)
		for batch := range slices.Chunk(laneWakeUps(wakeups, name), tasks.WakeBatch) {
			if lane.free <= 0 {
				for _, w := range batch {
					e.park(handover, w.Key, laneReason(reasonQueue, w.Query), errLaneFull)
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

// queryTimeout is how long after a status query's wake-up the payment is due again, should the
// query get lost.
func (e *Engine) queryTimeout() time.Duration { return e.AttemptDeadline + 5*time.Second }

// extendContext returns a context that ends a while after the other one.
func extendContext(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(by, cancel) })
	return later, func() { stop(); cancel() }
}

// queryDirectly makes the batch's status queries, as far as maxDirectQueries allows. The due times
// of the others wake them again.
func (e *Engine) queryDirectly(ctx context.Context, batch []idempotency.WakeUp) {
	for _, w := range batch {
		if !w.Query {
			continue
		}
		slots := e.directQueries[w.Key.Provider]
		select {
		case slots <- struct{}{}:
			e.running.Go(func() {
				defer func() { <-slots }()
				e.query(ctx, w.Key)
			})
		default:
		}
	}
}
