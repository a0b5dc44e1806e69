package engine

import (
	"context"
	"errors"
	"fmt"
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

// order has waiters of a pool enter one after the other, and returns in which order they get its
// one slot.
func order(t *testing.T, p *pool, bulk ...bool) string {
	t.Helper()
	if err := p.enter(t.Context(), key("first")); err != nil {
		t.Fatal(err)
	}
	entered := make(chan string)
	for i, b := range bulk {
		mine, name := p, "n"
		if b {
			mine, name = p.forBulk(), "b"
		}
		w := mine.await(b)
		go func() { <-w.turn; entered <- fmt.Sprint(name, i) }()
	}
	var got []string
	for range bulk {
		p.leave()
		got = append(got, <-entered)
	}
	p.leave()
	return strings.Join(got, " ")
}

// TestBulkPaymentsLetOthersGoFirst, whoever came first; each kind goes in the order of its coming.
func TestBulkPaymentsLetOthersGoFirst(t *testing.T) {
	p := newPool(1, nil)
	if got := order(t, p, true, true, false, true, false); got != "n2 n4 b0 b1 b3" {
		t.Error(got)
	}
	if p.free != 1 {
		t.Errorf("%d slots are free", p.free)
	}
}

// TestBulkPaymentsGoOn however many others come: after eight of them.
func TestBulkPaymentsGoOn(t *testing.T) {
	bulk := make([]bool, 20)
	bulk[0], bulk[1] = true, true
	const want = "n2 n3 n4 n5 n6 n7 n8 n9 b0 n10 n11 n12 n13 n14 n15 n16 n17 b1 n18 n19"
	if got := order(t, newPool(1, nil), bulk...); got != want {
		t.Error(got)
	}
}

// TestASlotThatNobodyWaitsForAnyLongerIsHandedOn, where the one who gives up has just got it.
func TestASlotThatNobodyWaitsForAnyLongerIsHandedOn(t *testing.T) {
	p := newPool(1, nil)
	first, second, third := p.await(false), p.await(true), p.await(false)
	p.giveUp(third)
	p.giveUp(first)
	if !closed(second.turn) || closed(third.turn) || len(p.waiting)+len(p.bulkWaiting) != 0 {
		t.Errorf("%t, %t, %d and %d wait", closed(second.turn), closed(third.turn), len(p.waiting), len(p.bulkWaiting))
	}
	p.giveUp(second)
	if p.free != 1 {
		t.Errorf("%d slots are free", p.free)
	}
}

// TestAPaymentIsWokenInItsLane by the submission, and by the due index where that was lost.
func TestAPaymentIsWokenInItsLane(t *testing.T) {
	for _, bulk := range []bool{false, true} {
		t.Run(fmt.Sprint(bulk), func(t *testing.T) {
			r := newFixture(t)
			queue, other := tasks.SendQueue("virtualpos"), tasks.BulkQueue("virtualpos")
			task := r.task(key("p"))
			if bulk {
				queue, other, task = other, queue, task.BulkByDefault()
			}
			if _, err := r.client.Submit(t.Context(), task); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if r.queued(queue) != 1 || r.queued(other) != 0 {
					t.Fatalf("%d in %s, %d in %s", r.queued(queue), queue, r.queued(other), other)
				}
				r.dropRecord(func(ctx context.Context) error { return r.rdb.FlushDB(ctx).Err() })
				if _, err := r.ledger.Register(t.Context(), task.Registration(nil)); err != nil {
					t.Fatal(err)
				}
				e := r.engine()
				r.until("the due index wakes it", func() bool {
					if err := e.wakeDue(t.Context(), idempotency.Partition{Provider: "virtualpos"}); err != nil {
						t.Fatal(err)
					}
					return r.queued(queue)+r.queued(other) > 0
				})
			}
			r.run()
			r.awaitState(key("p"), idempotency.Succeeded)
		})
	}
}

// TestBulkPaymentsTakeTheOtherLaneWhereTheirsIsOutOfReach: its queue may lie on a node that is
// gone.
func TestBulkPaymentsTakeTheOtherLaneWhereTheirsIsOutOfReach(t *testing.T) {
	r := newFixture(t)
	free := &laneCapacity{send: laneState{free: 1}, bulk: laneState{free: 1}, noBulk: true}
	bulk := func(ref string) idempotency.WakeUp {
		if _, err := r.ledger.Register(t.Context(), r.task(key(ref)).BulkByDefault().Registration(nil)); err != nil {
			t.Fatal(err)
		}
		return idempotency.WakeUp{Key: key(ref), Generation: 1, Bulk: true}
	}
	e := r.engine()
	e.wakeAll(t.Context(), []idempotency.WakeUp{bulk("p")}, free)
	e.wakeAll(t.Context(), []idempotency.WakeUp{bulk("q")}, free)
	if r.queued(tasks.SendQueue("virtualpos")) != 1 || r.queued(tasks.BulkQueue("virtualpos")) != 0 || r.parked("queue") != 1 {
		t.Errorf("%d in the one queue, %d in the other, %d parked", r.queued("virtualpos"), r.queued("virtualpos-bulk"), r.parked("queue"))
	}
}

// TestAFilesPaymentsFindNoSlotWhileOthersWait: the pool is full of a file, and more of it waits in
// every handler that asynq has.
func TestAFilesPaymentsFindNoSlotWhileOthersWait(t *testing.T) {
	r := newFixture(t)
	c := newCrowd()
	r.provider.otherwise = scriptedReplies{pay: c.pay}
	g := newGate()
	r.provider.behave("urgent", scriptedReplies{pay: g.hold(outcome(providers.Succeeded))})
	var file []tasks.Task
	for _, k := range keys(20*tasks.WakeBatch, "default") {
		file = append(file, r.task(k).BulkByDefault())
	}
	if _, err := r.client.Submit(t.Context(), file...); err != nil {
		t.Fatal(err)
	}
	r.run(concurrency(2))
	r.until("all slots are taken", func() bool { return c.now.Load() == 2 })
	r.submit(key("urgent"))
	r.until("it was taken from its queue", func() bool { return r.queued(tasks.SendQueue("virtualpos")) == 0 })
	before := r.provider.allSends()
	for range 20 { // each frees one slot
		select {
		case c.leave <- struct{}{}:
		case <-g.entered:
		}
		if closed(g.entered) {
			break
		}
	}
	wait(t, "the urgent payment", g.entered)
	if n := r.provider.allSends() - before - 1; n > 4 {
		t.Errorf("%d payments of the file went first", n)
	}
	close(g.leave)
	close(c.leave)
	r.awaitState(key("urgent"), idempotency.Succeeded)
}
