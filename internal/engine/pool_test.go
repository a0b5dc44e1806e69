package engine

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// crowd is a provider that keeps every payment until the test lets all go, and counts how many it
// has at a time.
type crowd struct {
	now, most atomic.Int64
	leave     chan struct{}
}

func newCrowd() *crowd { return &crowd{leave: make(chan struct{})} }

func (c *crowd) pay(ctx context.Context, a providers.Attempt) (providers.Outcome, error) {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	<-c.leave
	return outcome(providers.Succeeded)(ctx, a)
}

func concurrency(n int) func(*Options) {
	return func(o *Options) { o.Concurrency = func(string) int { return n } }
}

// TestABatchTakesNoMoreThanTheLanesSlots: whatever the number of payments that a wake-up names, and
// of wake-ups beside it, so many are under way as the lane allows.
func TestABatchTakesNoMoreThanTheLanesSlots(t *testing.T) {
	r := newFixture(t)
	c := newCrowd()
	r.provider.otherwise = scriptedReplies{pay: c.pay}
	ks := keys(2*tasks.WakeBatch+5, "default")
	r.submit(ks[:len(ks)-1]...)
	r.submit(ks[len(ks)-1]) // alone
	r.run(concurrency(3))
	r.until("all slots are taken", func() bool { return c.now.Load() == 3 })
	close(c.leave)
	for _, k := range ks {
		r.awaitState(k, idempotency.Succeeded)
	}
	if most := c.most.Load(); most != 3 {
		t.Errorf("%d were under way at a time", most)
	}
	if n := r.provider.allSends(); n != len(ks) {
		t.Errorf("sent %d times", n)
	}
}

// TestADrainBeginsNothingMore of a wake-up that it has begun to serve: what is under way is
// finished, and the rest goes to another worker.
func TestADrainBeginsNothingMore(t *testing.T) {
	r := newClockFixture(t) // the due index wakes nobody
	c := newCrowd()
	r.provider.otherwise = scriptedReplies{pay: c.pay}
	ks := keys(tasks.WakeBatch, "default")
	r.submit(ks...)
	e := r.engine(concurrency(2))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	r.until("all slots are taken", func() bool { return c.now.Load() == 2 })
	cancel()
	r.until("it drains", func() bool { return closed(e.closing) })
	close(c.leave)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := r.provider.allSends(); n != 2 {
		t.Errorf("the worker that went sent %d", n)
	}
	r.run()
	for _, k := range ks {
		r.awaitState(k, idempotency.Succeeded)
	}
	if n := r.provider.allSends(); n != len(ks) {
		t.Errorf("sent %d times", n)
	}
}

// TestWhatWaitsForASlotIsNotWaitedForTwice: a second wake-up of it has nothing to add, and one that
// comes once it has begun is served.
func TestWhatWaitsForASlotIsNotWaitedForTwice(t *testing.T) {
	p := newPool(1, nil)
	a, b, c := key("a"), key("b"), key("c")
	if got := p.expect([]idempotency.Key{a, b, a}); len(got) != 2 {
		t.Errorf("%v", got)
	}
	if got := p.expect([]idempotency.Key{b, c}); len(got) != 1 || got[0] != c {
		t.Errorf("%v", got)
	}
	if err := p.enter(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if got := p.expect([]idempotency.Key{a}); len(got) != 1 {
		t.Error("one that has begun is still waited for")
	}
	p.forget(b)
	if got := p.expect([]idempotency.Key{b}); len(got) != 1 {
		t.Error("one that was given up is still waited for")
	}
}

// TestAPanicEndsNoWorker: what is served in the background has no handler of asynq's around it.
func TestAPanicEndsNoWorker(t *testing.T) {
	p := newPool(1, nil)
	log := &logBuffer{}
	e := &Engine{Options: Options{TaskTimeout: time.Minute, Log: zerolog.New(log)}}
	served := make(chan idempotency.Key, 2)
	err := e.serve(t.Context(), p, []idempotency.Key{key("a"), key("b")}, func(_ context.Context, k idempotency.Key) {
		served <- k
		if k == key("a") {
			panic("secret")
		}
	})
	if err != nil || <-served != key("a") || <-served != key("b") {
		t.Errorf("not both were served: %v", err)
	}
	if err := p.enter(t.Context(), key("c")); err != nil { // the slot is free once both have ended
		t.Error(err)
	}
	if lines := log.lines("panic while"); len(lines) != 1 || strings.Contains(lines[0], "secret") {
		t.Errorf("%q", lines)
	}
}

// TestATaskThatFindsNoSlotGoesBack: its time-out ends the wait for a slot, and not what is under
// way.
func TestATaskThatFindsNoSlotGoesBack(t *testing.T) {
	p := newPool(1, nil)
	if err := p.enter(t.Context(), key("first")); err != nil {
		t.Fatal(err)
	}
	e := &Engine{Options: Options{TaskTimeout: time.Minute}}
	ctx, cancel := context.WithCancel(t.Context())
	var served sync.Map
	ended := make(chan error, 1)
	go func() {
		ended <- e.serve(ctx, p, []idempotency.Key{key("a"), key("b")}, func(_ context.Context, k idempotency.Key) { served.Store(k, true) })
	}()
	cancel()
	if err := <-ended; err == nil {
		t.Error("no error: asynq would not hand it out again")
	}
	served.Range(func(k, _ any) bool { t.Errorf("%v was begun without a slot", k); return true })
	if got := p.expect([]idempotency.Key{key("a"), key("b")}); len(got) != 2 {
		t.Errorf("still waited for: only %v are not", got)
	}
}

// TestAClosingPoolBeginsNothing, also where a slot is free.
func TestAClosingPoolBeginsNothing(t *testing.T) {
	closing := make(chan struct{})
	close(closing)
	p := newPool(100, closing)
	for range 100 { // a select between two that are ready takes either
		if err := p.enter(t.Context(), key("a")); !errors.Is(err, errNotServed) {
			t.Fatalf("begun: %v", err)
		}
	}
}
