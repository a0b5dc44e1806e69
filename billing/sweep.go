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
	Due(ctx context.Context, provider string, limit int) (time.Time, []string, error)
	News(ctx context.Context, provider string, limit int) (time.Time, []News, error)
	Heard(ctx context.Context, provider string, news ...News) error
	Load(ctx context.Context, provider string, ids ...string) ([]Subscription, error)
	Commit(ctx context.Context, changes ...Change) ([]error, error)
	Now(ctx context.Context, provider string) (time.Time, error)
}

// Ledger is what the sweeper needs of the ledger.
type Ledger interface {
	Show(ctx context.Context, k idempotency.Key) (idempotency.Record, error)
	Cancel(ctx context.Context, k idempotency.Key, version int64, p idempotency.Person) (idempotency.Settlement, error)
}

// Intake registers charges and wakes workers; *tasks.Client is one.
type Intake interface {
	Room(ctx context.Context) error
	SubmitPeriods(ctx context.Context, ps ...tasks.Period) ([]tasks.Receipt, error)
}

// SweepStep is a named step of the sweep. A process may die at any of them.
type SweepStep string

// The steps in their order.
const (
	SweepDue      SweepStep = "sweep_due"
	SweepCommit   SweepStep = "sweep_commit"
	SweepClaimed  SweepStep = "sweep_claimed"
	SweepCharged  SweepStep = "sweep_charged"
	SweepCancel   SweepStep = "sweep_cancel"
	SweepFinished SweepStep = "sweep_finished"
)

// SweepSweepSteps lists them all.
func SweepSteps() []SweepStep {
	return []SweepStep{SweepDue, SweepCommit, SweepClaimed, SweepCharged, SweepCancel, SweepFinished}
}

// SweeperConfig is what a Sweeper works with.
type SweeperConfig struct {
	Store  SweepStore
	Ledger Ledger
	Intake Intake
	// Providers are those whose subscriptions are swept.
	Providers []string
	// Interval is the time between two sweeps; 1 s by default.
	Interval time.Duration
	// Limit is how many charges one sweep may claim for a provider, so that a long standstill does not become one burst; 0 is no limit.
	Limit int
	Log   zerolog.Logger
	// OnStep, if set, is called at each named step. Tests kill the process there.
	OnStep func(step SweepStep, provider string)
}

// Sweeper charges subscriptions. NewSweeper starts nothing; Run does.
type Sweeper struct{ SweeperConfig }

// NewSweeper makes a sweeper.
func NewSweeper(o SweeperConfig) *Sweeper {
	if o.Interval == 0 {
		o.Interval = time.Second
	}
	if o.OnStep == nil {
		o.OnStep = func(SweepStep, string) {}
	}
	return &Sweeper{o}
}

// Run sweeps all providers until ctx is done; a batch that has begun is finished.
func (s *Sweeper) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, p := range s.Providers {
		wg.Go(func() { s.run(ctx, p) })
	}
	wg.Wait()
}

// restless is how many sweeps in a row must find nothing before the next one waits for the whole interval: until then the charges that
// were just begun are about to end, and in a catch-up the next period waits for that.
const restless = 20

func (s *Sweeper) run(ctx context.Context, provider string) {
	failing, idle := false, restless
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
		case <-time.After(s.pause(failing || idle >= restless || s.Limit > 0)): // a limit is one for each interval
		}
	}
}

func (s *Sweeper) pause(whole bool) time.Duration {
	if whole {
		return s.Interval
	}
	return s.Interval / 10
}

const (
	// batch is how many subscriptions share their round trips.
	batch = 200
	// finishing is how long a batch may take after the worker was told to stop.
	finishing = 10 * time.Second
)

// Sweep looks at what the ledger told, and then at all that is due now. It returns how many subscriptions it looked at.
func (s *Sweeper) Sweep(ctx context.Context, provider string) (int, error) {
	if err := s.Intake.Room(ctx); err != nil {
		return 0, err
	}
	found, claimed, err := s.sweepNews(ctx, provider)
	if err != nil {
		return found, err
	}
	for ctx.Err() == nil && s.limit(claimed) > 0 {
		s.OnStep(SweepDue, provider)
		now, ids, err := s.Store.Due(ctx, provider, s.limit(claimed))
		if err != nil || len(ids) == 0 {
			return found, err
		}
		found += len(ids)
		done, err := s.whole(ctx, provider, now, ids, nil)
		if err != nil {
			return found, err
		}
		claimed += done.claimed
	}
	return found, nil
}

// limit is how many subscriptions the next batch may have: none of them claims more than one charge.
func (s *Sweeper) limit(claimed int) int {
	if s.Limit == 0 {
		return batch
	}
	return max(0, min(batch, s.Limit-claimed))
}

// sweepNews looks at the subscriptions whose charges ended or have an anomaly. In a catch-up the next period is claimed at once: these
// claims count too, and what the limit leaves comes with the next sweep.
func (s *Sweeper) sweepNews(ctx context.Context, provider string) (found, claimed int, _ error) {
	for more := true; more && ctx.Err() == nil && s.limit(claimed) > 0; {
		limit := s.limit(claimed)
		now, news, err := s.Store.News(ctx, provider, limit)
		if err != nil || len(news) == 0 {
			return found, claimed, err
		}
		more = len(news) == limit // what is told meanwhile waits, so that news without end do not keep from what is due
		found += len(news)
		told := map[string][]string{}
		var ids []string
		for _, n := range news {
			if told[n.Subscription] == nil {
				ids = append(ids, n.Subscription)
			}
			told[n.Subscription] = append(told[n.Subscription], n.Charge)
		}
		done, err := s.whole(ctx, provider, now, ids, told)
		if err != nil {
			return found, claimed, err
		}
		claimed += done.claimed
		// What was decided from older news than these is decided again when they come again.
		heard := slices.DeleteFunc(news, func(n News) bool { return done.left[n.Subscription] })
		if err := s.Store.Heard(ctx, provider, heard...); err != nil {
			return found, claimed, err
		}
	}
	return found, claimed, nil
}

// ErrLeft: a subscription was not looked at to the end, because it moved on or cannot be read here; it is due again soon.
var ErrLeft = errors.New("left for the next sweep")

// Look looks at one subscription now.
func (s *Sweeper) Look(ctx context.Context, provider, id string) error {
	now, err := s.Store.Now(ctx, provider)
	if err != nil {
		return err
	}
	done, err := s.whole(ctx, provider, now, []string{id}, nil)
	if err == nil && done.left[id] {
		err = ErrLeft
	}
	return err
}

// whole is look for a batch that is finished even when ctx ends: what it took is nobody else's for half a minute.
func (s *Sweeper) whole(ctx context.Context, provider string, now time.Time, ids []string, told map[string][]string) (done, error) {
	on, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(finishing, cancel) })
	defer stop()
	return s.look(on, provider, now, ids, told)
}
