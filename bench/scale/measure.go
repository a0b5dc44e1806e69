package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/remesa/remesa/bench/payment"
	"github.com/remesa/remesa/bench/process"
	"github.com/remesa/remesa/bench/redisserver"
	"github.com/remesa/remesa/bench/rig"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

const (
	provider = "virtualpos"
	batch    = 1000
	hands    = 64
)

// filler fills a ledger with payments.
type filler struct {
	ctx    context.Context
	ledger *idempotency.Ledger
	redis  *redisserver.Server
}

// fill makes n payments, batch by batch, and returns what each takes of Redis' memory.
func (f *filler) fill(run string, n int, one func(rs []idempotency.Registration) error) (float64, error) {
	before, err := f.redis.Used(f.ctx)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for from := 0; from < n; from += batch {
		rs, err := registrations(run, from, min(from+batch, n))
		if err != nil {
			return 0, err
		}
		if err := one(rs); err != nil {
			return 0, err
		}
	}
	fmt.Printf("%d %s after %s\n", n, run, time.Since(start).Round(time.Millisecond))
	after, err := f.redis.Used(f.ctx)
	return float64(after-before) / float64(n), err
}

func registrations(run string, from, to int) ([]idempotency.Registration, error) {
	var rs []idempotency.Registration
	for i := from; i < to; i++ {
		t, err := tasks.Decode(payment.Line(run, i))
		if err != nil {
			return nil, err
		}
		rs = append(rs, t.Registration(nil))
	}
	return rs, nil
}

// open registers payments that may not begin for a long time.
func (f *filler) open(rs []idempotency.Registration) error {
	for i := range rs {
		rs[i].NotBefore = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	_, err := f.ledger.Register(f.ctx, rs...)
	return err
}

// settle registers, begins and finishes payments as a worker does.
func (f *filler) settle(rs []idempotency.Registration) error {
	if _, err := f.ledger.Register(f.ctx, rs...); err != nil {
		return err
	}
	errs := make([]error, hands)
	var wg sync.WaitGroup
	for hand := range hands {
		wg.Go(func() {
			for i := hand; i < len(rs) && errs[hand] == nil; i += hands {
				errs[hand] = f.send(rs[i].Key)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (f *filler) send(k idempotency.Key) error {
	attempt := idempotency.NewAttempt()
	if _, err := f.ledger.Begin(f.ctx, k, idempotency.BeginParams{Attempt: attempt, Lease: time.Minute, Queryable: true}); err != nil {
		return err
	}
	o := providers.Outcome{Class: providers.Succeeded, ProviderID: "pyt_1234567", Code: "200"}
	_, err := f.ledger.Finish(f.ctx, k, idempotency.AttemptResult{Attempt: attempt, Outcome: o, QueryAfter: time.Second})
	return err
}

// dueAtOnce is how many payments a tick wakes in one round trip.
const dueAtOnce = 256

// due registers payments that are due at once, and returns how long waking a batch takes.
func (f *filler) due() (time.Duration, error) {
	const batches = 20
	rs, err := registrations("due", 0, batches*dueAtOnce)
	if err != nil {
		return 0, err
	}
	if _, err := f.ledger.Register(f.ctx, rs...); err != nil {
		return 0, err
	}
	time.Sleep(10 * time.Millisecond) // longer than FirstWake
	return median(batches-1, func() error {
		_, read, err := f.ledger.Due(f.ctx, idempotency.Partition{Provider: provider}, dueAtOnce, idempotency.Lanes{QueryTimeout: time.Minute})
		if err == nil && read < dueAtOnce {
			err = fmt.Errorf("%d payments are due, want %d", read, dueAtOnce)
		}
		return err
	})
}

// tick is what a worker's janitor asks of the ledger when nothing is due.
func tick(ctx context.Context, l *idempotency.Ledger) error {
	_, err := l.ParkedCounts(ctx, provider)
	_, _, errDue := l.Due(ctx, idempotency.Partition{Provider: provider}, dueAtOnce, idempotency.Lanes{QueryTimeout: time.Minute})
	return errors.Join(err, errDue)
}

// scrape is what /metrics asks of the ledger.
func scrape(ctx context.Context, l *idempotency.Ledger) error {
	_, err := l.Counts(ctx, provider)
	_, errStats := l.HealthStats(ctx, provider)
	return errors.Join(err, errStats)
}

// median is how long something usually takes.
func median(times int, do func() error) (time.Duration, error) {
	var took []time.Duration
	for range times {
		start := time.Now()
		if err := do(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// paid is what paying came to.
type paid struct {
	rate float64 // payouts a second
	// busiest is the processor of the busiest Redis for each payout, together that of all, in µs.
	busiest, together float64
}

// pay has worker processes execute payouts that are queued already, beside what the ledger holds.
// The first tenth warms up.
func (p plan) pay(ctx context.Context, file string, r rig.Remesa, simulator *rig.Simulator, s store, open, workers int) (paid, error) {
	if err := payment.WriteLines(file, fmt.Sprintf("w%d", workers), p.n); err != nil {
		return paid{}, err
	}
	submit, err := r.Submit(ctx, file)
	if err != nil {
		return paid{}, err
	}
	if err := submit.Wait(); err != nil {
		return paid{}, err
	}
	earlier, err := simulator.Report(ctx)
	if err != nil {
		return paid{}, err
	}
	var running []*process.Process
	defer func() {
		for _, w := range running {
			w.Stop()
		}
	}()
	for range workers {
		w, err := r.Work(ctx, max(p.inFlight/workers, 1), r.Environment())
		if err != nil {
			return paid{}, err
		}
		running = append(running, w)
	}
	return p.time(ctx, simulator, s, earlier, open)
}

func (p plan) time(ctx context.Context, simulator *rig.Simulator, s store, earlier rig.Arrivals, open int) (paid, error) {
	warm, err := simulator.Await(ctx, earlier.Arrivals+p.n/10)
	if err != nil {
		return paid{}, err
	}
	before, err := s.cpu(ctx)
	if err != nil {
		return paid{}, err
	}
	if _, err := simulator.Await(ctx, earlier.Arrivals+p.n); err != nil {
		return paid{}, err
	}
	end, err := rig.Await(ctx, func() (bool, error) {
		left, err := s.open(ctx)
		return left == int64(open), err
	})
	if err != nil {
		return paid{}, err
	}
	after, err := s.cpu(ctx)
	if err != nil {
		return paid{}, err
	}
	n := float64(p.n - p.n/10)
	all := paid{rate: n / end.Sub(time.Unix(0, warm.Last)).Seconds()}
	for i := range after {
		busy := float64((after[i] - before[i]).Microseconds()) / n
		all.busiest, all.together = max(all.busiest, busy), all.together+busy
	}
	return all, nil
}
