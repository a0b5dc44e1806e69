package billing

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

// SweepStore is what the sweeper needs of the subscriptions; *Store is one.
type SweepStore interface {
	// AnyWork reports whether the other methods may have anything to hand out.
	AnyWork(ctx context.Context, provider string) (bool, error)
	Due(ctx context.Context, provider string, limit int) (time.Time, []string, error)
	ChargeUpdates(ctx context.Context, provider string, limit int) (time.Time, []ChargeUpdate, error)
	Acknowledge(ctx context.Context, provider string, updates ...ChargeUpdate) error
	Load(ctx context.Context, provider string, ids ...string) ([]Stored, error)
	Commit(ctx context.Context, updates ...Update) ([]error, error)
	Now(ctx context.Context, provider string) (time.Time, error)
}

// Ledger is what subscriptions need of the ledger; *idempotency.Ledger is one.
type Ledger interface {
	Show(ctx context.Context, k idempotency.Key) (idempotency.Record, error)
	Cancel(ctx context.Context, k idempotency.Key, version int64, p idempotency.Actor) (idempotency.Transition, error)
}

// Intake registers charges and wakes workers; *tasks.Client is one.
type Intake interface {
	// CheckMemory returns tasks.ErrMemory where Redis has too little memory left for new charges.
	CheckMemory(ctx context.Context) error
	SubmitPeriods(ctx context.Context, ps ...tasks.Period) ([]tasks.Receipt, error)
}

// SweeperConfig is what a Sweeper works with. Store, Ledger and Intake are required.
type SweeperConfig struct {
	Store  SweepStore
	Ledger Ledger
	Intake Intake
	// Providers are those whose subscriptions Run sweeps.
	Providers []string
	// Interval is the time between two sweeps; 1 s by default.
	Interval time.Duration
	// Limit is how many charges one sweep may claim for a provider, so that a long standstill does
	// not become one burst; 0 is no limit.
	Limit int
	Log   zerolog.Logger
	// OnFaultPoint, if set, is called at each fault point. Tests kill the process there.
	OnFaultPoint func(point SweepPoint, provider string)
}

// SweepPoint is a fault point of the sweep. A process may die at any of them.
type SweepPoint string

// The fault points of a sweep in their order.
const (
	SweepDue      SweepPoint = "sweep_due"
	SweepCommit   SweepPoint = "sweep_commit"
	SweepClaimed  SweepPoint = "sweep_claimed"
	SweepCharged  SweepPoint = "sweep_charged"
	SweepCancel   SweepPoint = "sweep_cancel"
	SweepFinished SweepPoint = "sweep_finished"
)

// Sweeper charges subscriptions. Any number of them may run at a time, in any number of processes.
type Sweeper struct{ SweeperConfig }

// NewSweeper makes a sweeper. It starts nothing; Run does.
func NewSweeper(c SweeperConfig) *Sweeper {
	if c.Interval == 0 {
		c.Interval = time.Second
	}
	if c.OnFaultPoint == nil {
		c.OnFaultPoint = func(SweepPoint, string) {}
	}
	return &Sweeper{c}
}

// Run sweeps all providers until ctx is done; a batch that has begun is finished.
func (s *Sweeper) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, p := range s.Providers {
		wg.Go(func() { s.run(ctx, p) })
	}
	wg.Wait()
}

// idleSweeps is how many sweeps in a row must find nothing before the next one waits for the whole
// interval: until then the charges that were just begun are about to end, and in a catch-up the
// next period waits for that.
const idleSweeps = 20

func (s *Sweeper) run(ctx context.Context, provider string) {
	failing, idle := false, idleSweeps
	for {
		found, err := s.Sweep(ctx, provider)
		if err != nil && !failing && ctx.Err() == nil {
			s.Log.Warn().Str("provider", provider).Err(err).Msg("subscriptions: trying again")
		}
		failing = err != nil
		idle++
		if found > 0 {
			idle = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.wait(failing || idle >= idleSweeps || s.Limit > 0)): // a limit is one for each interval
		}
	}
}

func (s *Sweeper) wait(wholeInterval bool) time.Duration {
	if wholeInterval {
		return s.Interval
	}
	return s.Interval / 10
}

const (
	// batchSize is how many subscriptions share their round trips.
	batchSize = 200
	// finishTimeout is how long a batch may take after ctx ended.
	finishTimeout = 10 * time.Second
)

// Sweep processes a provider's charge updates, and then all that is due now. It returns how many of
// both there were. What it leaves out, because of an error or of the limit, is due again for a
// later sweep.
func (s *Sweeper) Sweep(ctx context.Context, provider string) (int, error) {
	if work, err := s.Store.AnyWork(ctx, provider); err != nil || !work {
		return 0, err
	}
	if err := s.Intake.CheckMemory(ctx); err != nil {
		return 0, err
	}
	found, claimed, err := s.sweepChargeUpdates(ctx, provider)
	if err != nil {
		return found, err
	}
	for ctx.Err() == nil && s.limit(claimed) > 0 {
		s.OnFaultPoint(SweepDue, provider)
		now, ids, err := s.Store.Due(ctx, provider, s.limit(claimed))
		if err != nil || len(ids) == 0 {
			return found, err
		}
		found += len(ids)
		result, err := s.finishBatch(ctx, batch{provider: provider, now: now, ids: ids})
		if err != nil {
			return found, err
		}
		claimed += result.claimed
	}
	return found, nil
}

// limit is how many subscriptions the next batch may have: none of them claims more than one
// charge.
func (s *Sweeper) limit(claimed int) int {
	if s.Limit == 0 {
		return batchSize
	}
	return max(0, min(batchSize, s.Limit-claimed))
}

// sweepChargeUpdates processes the subscriptions whose charges ended or have an anomaly. In a
// catch-up the next period is claimed at once: these claims count too, and what the limit leaves
// comes with the next sweep.
func (s *Sweeper) sweepChargeUpdates(ctx context.Context, provider string) (found, claimed int, _ error) {
	for more := true; more && ctx.Err() == nil && s.limit(claimed) > 0; {
		limit := s.limit(claimed)
		now, updates, err := s.Store.ChargeUpdates(ctx, provider, limit)
		if err != nil || len(updates) == 0 {
			return found, claimed, err
		}
		// Updates that come in meanwhile wait, so that updates without end do not keep the sweep
		// from what is due.
		more = len(updates) == limit
		found += len(updates)
		b := batch{provider: provider, now: now, updated: map[string][]string{}}
		for _, u := range updates {
			if b.updated[u.Subscription] == nil {
				b.ids = append(b.ids, u.Subscription)
			}
			b.updated[u.Subscription] = append(b.updated[u.Subscription], u.Charge)
		}
		result, err := s.finishBatch(ctx, b)
		if err != nil {
			return found, claimed, err
		}
		claimed += result.claimed
		// What was decided from facts older than these updates is decided again when they come
		// again.
		handled := slices.DeleteFunc(updates, func(u ChargeUpdate) bool { return result.deferred[u.Subscription] })
		if err := s.Store.Acknowledge(ctx, provider, handled...); err != nil {
			return found, claimed, err
		}
	}
	return found, claimed, nil
}

// ErrDeferred: a subscription was not processed to the end, because it changed meanwhile or cannot
// be read here; it is due again soon.
var ErrDeferred = errors.New("left for the next sweep")

// SweepOne processes one subscription now, due or not.
func (s *Sweeper) SweepOne(ctx context.Context, provider, id string) error {
	now, err := s.Store.Now(ctx, provider)
	if err != nil {
		return err
	}
	result, err := s.finishBatch(ctx, batch{provider: provider, now: now, ids: []string{id}})
	if err == nil && result.deferred[id] {
		err = ErrDeferred
	}
	return err
}

// finishBatch processes a batch to its end even when ctx ends: no other sweeper gets its
// subscriptions for half a minute.
func (s *Sweeper) finishBatch(ctx context.Context, b batch) (batchResult, error) {
	on, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(finishTimeout, cancel) })
	defer stop()
	return s.process(on, b)
}
