package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

func keys(n int, account string) []idempotency.Key {
	ks := make([]idempotency.Key, n)
	for i := range ks {
		ks[i] = idempotency.Key{Provider: "virtualpos", Account: account, Reference: fmt.Sprintf("p%03d", i)}
	}
	return ks
}

var ana = idempotency.Actor{By: "ana", Note: "test"}

func (r *fixture) parked(reason string) int {
	r.t.Helper()
	all, err := r.ledger.ParkedCounts(r.t.Context(), "virtualpos")
	if err != nil {
		r.t.Fatal(err)
	}
	return int(all[reason])
}

// pointCounter counts the fault points that a worker passes.
type pointCounter struct {
	mu     sync.Mutex
	passed map[FaultPoint]int
}

func (s *pointCounter) option(o *Options) {
	o.OnFaultPoint = func(step FaultPoint, _ idempotency.Key) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.passed == nil {
			s.passed = map[FaultPoint]int{}
		}
		s.passed[step]++
	}
}

func (s *pointCounter) count(step FaultPoint) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.passed[step]
}

// TestWhatCannotMoveIsParked: however many they are and however long it lasts, nobody is woken;
// when the reason ends all go, once.
func TestWhatCannotMoveIsParked(t *testing.T) {
	const n = 40
	chargesOnly := func(r *fixture) func(*Options) {
		return func(o *Options) {
			o.Registry.Add(providers.Account{Provider: "virtualpos", Name: "default", Client: fakeCharger{r.provider}})
		}
	}
	withSold := func(r *fixture) func(*Options) {
		return func(o *Options) {
			o.Registry.Add(providers.Account{Provider: "virtualpos", Name: "sold", Client: queryablePayer{fakePayer{r.provider}, r.provider}})
		}
	}
	halt := func(account string) func(r *fixture) error {
		return func(r *fixture) error { return r.ledger.Halt(r.t.Context(), "virtualpos", account, ana) }
	}
	unhalt := func(account string) func(r *fixture) error {
		return func(r *fixture) error { return r.ledger.Unhalt(r.t.Context(), "virtualpos", account, ana) }
	}
	for _, row := range []struct {
		reason, account string
		begin           func(r *fixture) error
		// worker meets the reason; for better one it is over, or it ends by end.
		worker, better func(r *fixture) func(*Options)
		end            func(r *fixture) error
	}{
		{reason: "halted", account: "default", begin: halt(""), end: unhalt("")},
		{reason: "halted:default", account: "default", begin: halt("default"), end: unhalt("default")},
		{reason: "account:sold", account: "sold", better: withSold},
		{reason: "account:default:payout", account: "default", worker: chargesOnly, better: func(*fixture) func(*Options) { return func(*Options) {} }},
	} {
		t.Run(row.reason, func(t *testing.T) {
			r := newClockFixture(t)
			if row.begin != nil {
				if err := row.begin(r); err != nil {
					t.Fatal(err)
				}
			}
			ks := keys(n, row.account)
			r.submit(ks...)
			seen := &pointCounter{}
			options := []func(*Options){seen.option}
			if row.worker != nil {
				options = append(options, row.worker(r))
			}
			r.run(options...)
			r.until("all are parked", func() bool { return r.parked(row.reason) == n })
			r.idle()
			woken := seen.count(PointWake)
			r.advance(time.Hour)
			sweeps := seen.count(PointDue)
			r.until("an hour went by", func() bool { return seen.count(PointDue) > sweeps+20 })
			if got := seen.count(PointWake); got != woken || r.parked(row.reason) != n {
				t.Errorf("%d were woken, %d are parked", got-woken, r.parked(row.reason))
			}
			if row.end != nil {
				if err := row.end(r); err != nil {
					t.Fatal(err)
				}
			} else {
				r.run(row.better(r))
			}
			for _, k := range ks {
				r.awaitState(k, idempotency.Succeeded)
			}
			r.until("none is parked", func() bool { return r.parked(row.reason) == 0 })
			if got := r.provider.allSends(); got != n {
				t.Errorf("%d sends for %d payments", got, n)
			}
		})
	}
}

// TestAnOpenCircuitOfOneWorkerStarvesNoOther: one worker's connections are refused, the other's are
// not.
func TestAnOpenCircuitOfOneWorkerStarvesNoOther(t *testing.T) {
	r := newFixture(t)
	refused := newFakeProvider()
	refused.otherwise = scriptedReplies{pay: fails(&providers.CredentialsError{Code: "401"})}
	r.run(func(o *Options) {
		o.Registry.Add(providers.Account{Provider: "virtualpos", Name: "default", Client: queryablePayer{fakePayer{refused}, refused}})
		o.CircuitCooldown = time.Hour
	})
	ks := keys(60, "default")
	r.submit(ks...)
	r.until("it has parked some", func() bool { return r.parked("circuit:default") > 0 })
	r.run(func(o *Options) { o.Concurrency = func(string) int { return 1 } })
	for _, k := range ks {
		r.awaitState(k, idempotency.Succeeded)
	}
	if n := refused.allSends(); n > 8 {
		t.Errorf("the refused worker sent %d times in one cooldown", n)
	}
}

// TestAnOpenCircuitIsProbedOnceACooldown, however many are parked.
func TestAnOpenCircuitIsProbedOnceACooldown(t *testing.T) {
	r := newFixture(t)
	var healed atomic.Bool
	var mu sync.Mutex
	var at []time.Time
	r.provider.otherwise = scriptedReplies{pay: func(context.Context, providers.Attempt) (providers.Outcome, error) {
		mu.Lock()
		defer mu.Unlock()
		at = append(at, time.Now())
		if healed.Load() {
			return providers.Outcome{Class: providers.Succeeded}, nil
		}
		return providers.Outcome{}, &providers.CredentialsError{Code: "401"}
	}}
	const cooldown = 300 * time.Millisecond
	ks := keys(50, "default")
	r.submit(ks...)
	r.run(func(o *Options) {
		o.Concurrency = func(string) int { return 1 }
		o.CircuitCooldown = cooldown
	})
	r.until("it was probed", func() bool { return r.provider.allSends() >= 4 })
	healed.Store(true)
	mu.Lock()
	probes := slices.Clone(at[:4])
	mu.Unlock()
	for i := 1; i < len(probes); i++ {
		if d := probes[i].Sub(probes[i-1]); d < cooldown*9/10 {
			t.Errorf("probe %d came after %s", i, d)
		}
	}
	for _, k := range ks {
		r.awaitState(k, idempotency.Succeeded)
	}
}

// queued counts the payments that are named in a queue's wake-ups.
func (r *fixture) queued(queue string) int {
	r.t.Helper()
	infos, err := r.inspector().ListPendingTasks(queue, asynq.PageSize(1000))
	if err != nil && !errors.Is(err, asynq.ErrQueueNotFound) {
		r.t.Fatal(err)
	}
	n := 0
	for _, i := range infos {
		keys, err := tasks.WakeUpKeys(i.Payload)
		if err != nil {
			r.t.Fatal(err)
		}
		n += len(keys)
	}
	return n
}

// TestAQueueHoldsOneWakeUpOfEachPayment however long it is paused.
func TestAQueueHoldsOneWakeUpOfEachPayment(t *testing.T) {
	r := newClockFixture(t)
	ks := keys(50, "default")
	r.submit(ks[:40]...)
	r.register(ks[40:]...)
	e := r.engine()
	for range 40 {
		r.advance(15 * time.Minute)
		if err := e.tick(t.Context(), idempotency.Partition{Provider: "virtualpos"}); err != nil {
			t.Fatal(err)
		}
	}
	// Those that nobody woke stand behind those that wait: they are woken once these were served.
	if n := r.queued("virtualpos"); n != 40 {
		t.Errorf("%d wake-ups of 40 payments", n)
	}
	r.run()
	for _, k := range ks[:40] {
		r.awaitState(k, idempotency.Succeeded)
	}
	r.advance(15 * time.Minute)
	for _, k := range ks[40:] {
		r.awaitState(k, idempotency.Succeeded)
	}
	if n := r.provider.allSends(); n != len(ks) {
		t.Errorf("sent %d times", n)
	}
}

// TestAQueueHoldsOneStatusQueryOfEachPayment while no worker serves it.
func TestAQueueHoldsOneStatusQueryOfEachPayment(t *testing.T) {
	r := newClockFixture(t)
	r.provider.otherwise = scriptedReplies{results: statusResults{statusResult(providers.Succeeded)}}
	ks := keys(20, "default")
	r.register(ks...)
	for _, k := range ks {
		begin(r, k, idempotency.NewAttempt(), time.Minute)
	}
	e := r.engine()
	for range 40 {
		r.advance(15 * time.Minute)
		if err := e.tick(t.Context(), idempotency.Partition{Provider: "virtualpos"}); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.queued("virtualpos-ask"); n != len(ks) {
		t.Errorf("%d status queries of %d payments", n, len(ks))
	}
	r.run()
	for _, k := range ks {
		r.awaitState(k, idempotency.Succeeded)
	}
}

// TestALaneIsBounded: what is due beyond its bound is parked, and goes on as the lane drains.
func TestALaneIsBounded(t *testing.T) {
	r := newClockFixture(t)
	const bound, more = maxLane * tasks.WakeBatch, 160
	ks := keys(bound+more, "default")
	r.lag()
	r.register(ks...)
	r.advance(10 * time.Minute)
	e := r.engine()
	if err := e.tick(t.Context(), idempotency.Partition{Provider: "virtualpos"}); err != nil {
		t.Fatal(err)
	}
	pending := func() int { return r.queued("virtualpos") }
	if pending() != bound || r.parked("queue") != more {
		t.Fatalf("%d are in the queue, %d are parked", pending(), r.parked("queue"))
	}
	r.advance(30 * time.Minute)
	if err := e.tick(t.Context(), idempotency.Partition{Provider: "virtualpos"}); err != nil || pending() != bound {
		t.Fatalf("%d are in the queue, %v", pending(), err)
	}
	for _, want := range []int{bound, more} { // the others went into the queue again, or wait for it to drain
		if _, err := r.inspector().DeleteAllPendingTasks("virtualpos"); err != nil {
			t.Fatal(err)
		}
		if err := e.tick(t.Context(), idempotency.Partition{Provider: "virtualpos"}); err != nil || pending() != want {
			t.Errorf("%d are in the queue, %d are parked, %v", pending(), r.parked("queue"), err)
		}
	}
	if n := r.parked("queue"); n != 0 {
		t.Errorf("%d are parked for a lane with capacity", n)
	}
}

// TestUnhaltTakesEffectAtOnce by the store's own clock.
func TestUnhaltTakesEffectAtOnce(t *testing.T) {
	r := newFixture(t)
	if err := r.ledger.Halt(t.Context(), "virtualpos", "", ana); err != nil {
		t.Fatal(err)
	}
	ks := keys(30, "default")
	r.submit(ks...)
	r.run()
	r.until("all are parked", func() bool { return r.parked("halted") == len(ks) })
	if err := r.ledger.Unhalt(t.Context(), "virtualpos", "", ana); err != nil {
		t.Fatal(err)
	}
	unhalted := time.Now()
	for _, k := range ks {
		r.awaitState(k, idempotency.Succeeded)
	}
	if took := time.Since(unhalted); took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
}
