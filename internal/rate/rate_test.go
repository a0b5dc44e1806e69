package rate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
)

const often = 400 * time.Millisecond

// again is when a caller that may not comes again: often enough that no slot is left over, and
// seldom enough that a hundred callers leave the processor to others.
const again = often / 16

func limited(rdb redis.UniversalClient, perSecond float64) *Limiter {
	return New(rdb, map[string]float64{"p": perSecond}, often)
}

// may is a caller that comes again until it may.
func may(t *testing.T, l *Limiter, query bool) time.Time {
	for {
		ok, err := l.Wait(t.Context(), "p", query)
		if err != nil {
			t.Error(err)
			return time.Now()
		}
		if ok {
			return time.Now()
		}
		_ = sleep(t.Context(), again)
	}
}

func TestAllWorkersTogetherKeepTheLimit(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	const perSecond, workers, each = 50, 4, 20
	var mu sync.Mutex
	var at []time.Time
	start := time.Now()
	var wg sync.WaitGroup
	for n := range workers {
		l := limited(server.Client(), perSecond)
		wg.Go(func() {
			for i := range each {
				when := may(t, l, (n+i)%2 == 0)
				mu.Lock()
				at = append(at, when)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if took, least := time.Since(start), time.Second*(workers*each-1)/perSecond; took < least {
		t.Fatalf("%d requests took %s, at %d a second they take %s at least", workers*each, took, perSecond, least)
	}
}

// counts is how many slots each lane got in a while, with so many greedy callers.
func counts(t *testing.T, l *Limiter, while time.Duration, callers map[bool]int) map[bool]int {
	end := time.Now().Add(while)
	var mu sync.Mutex
	got := map[bool]int{}
	var wg sync.WaitGroup
	for query, n := range callers {
		for range n {
			wg.Go(func() {
				for when := may(t, l, query); when.Before(end); when = may(t, l, query) {
					mu.Lock()
					got[query]++
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	return got
}

func TestEachLaneHasItsShareAndAloneAll(t *testing.T) {
	t.Parallel()
	const perSecond, seconds = 100, 3
	for _, row := range []struct{ queriers, senders, queries, sends int }{
		{queriers: 20, senders: 60, queries: 15, sends: 65},
		{queriers: 60, senders: 60, queries: 15, sends: 65},
		{queriers: 2, senders: 60, queries: 2, sends: 75},
		{queriers: 60, senders: 0, queries: 85, sends: 0},
		{queriers: 0, senders: 60, queries: 0, sends: 85},
	} {
		t.Run(fmt.Sprintf("%d ask, %d send", row.queriers, row.senders), func(t *testing.T) {
			t.Parallel()
			l := limited(redistest.Start(t).Client(), perSecond)
			got := counts(t, l, seconds*time.Second, map[bool]int{true: row.queriers, false: row.senders})
			const most = perSecond * seconds * 115 / 100 // the last callers of a lane come after the end
			// A busy machine wastes slots, of both lanes alike: what is promised is the share, and
			// that nobody goes faster.
			if got[true] < seconds*row.queries/2 || got[false] < seconds*row.sends/2 || got[true]+got[false] > most {
				t.Errorf("%d questions and %d sends in %d s", got[true], got[false], seconds)
			}
		})
	}
}

// TestAQuestionDoesNotWaitBehindABacklogOfSends: it is served within what sends may reserve ahead.
func TestAQuestionDoesNotWaitBehindABacklogOfSends(t *testing.T) {
	t.Parallel()
	l := limited(redistest.Start(t).Client(), 20)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for range 60 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if ok, err := l.Wait(ctx, "p", false); err == nil && !ok {
					_ = sleep(ctx, 20*time.Millisecond)
				}
			}
		})
	}
	var waits []time.Duration
	for range 20 {
		began := time.Now()
		waits = append(waits, may(t, l, true).Sub(began))
	}
	if longest := slices.Max(waits); longest > 4*often {
		t.Errorf("a question waited %s", longest)
	}
}

func TestAProviderWithoutALimitNeverWaits(t *testing.T) {
	t.Parallel()
	l := limited(redistest.Start(t).Client(), 0.001)
	for range 100 {
		if ok, err := l.Wait(t.Context(), "other", false); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	if n, err := l.Capacity(t.Context(), "other", true, 7); n != 7 || err != nil || l.Limited("other") || !l.Limited("p") {
		t.Errorf("capacity for %d, %v", n, err)
	}
}

func TestAWaitTooLongIsRefusedAndReservesNothing(t *testing.T) {
	t.Parallel()
	l := limited(redistest.Start(t).Client(), 1.0/3600)
	if ok, err := l.Wait(t.Context(), "p", false); !ok || err != nil {
		t.Fatal(ok, err)
	}
	next := func() string { return l.rdb.HGet(t.Context(), "remesa:{p}:rate:lanes", "send:p").Val() }
	before := next()
	for range 3 {
		if ok, err := l.Wait(t.Context(), "p", false); ok || err != nil {
			t.Fatal(ok, err)
		}
		for _, query := range []bool{false, true} {
			if n, err := l.Capacity(t.Context(), "p", query, 10); n != 0 || err != nil {
				t.Fatalf("capacity for %d, %v", n, err)
			}
		}
		if ok, err := l.Wait(t.Context(), "p", true); ok || err != nil {
			t.Fatal("a status query went before its time", ok, err)
		}
	}
	if after := next(); before == "" || after != before {
		t.Fatalf("the next slot was at %s, is at %s: refused callers reserved slots", before, after)
	}
}

// TestRoomIsPromisedOnce, whoever queries, and again when time has passed.
func TestCapacityIsPromisedOnce(t *testing.T) {
	server := redistest.Start(t)
	const perSecond = 100
	a, b := limited(server.Client(), perSecond), limited(server.Client(), perSecond)
	sum := 0
	for _, l := range []*Limiter{a, b, a, b} {
		n, err := l.Capacity(t.Context(), "p", false, 1000)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if sum < 50 || sum > 70 {
		t.Errorf("%d slots were promised, half a second has 50", sum)
	}
	if n, err := a.Capacity(t.Context(), "p", true, 3); n != 3 || err != nil {
		t.Errorf("status queries were promised %d of 3 slots, %v", n, err)
	}
	eventually.True(t, 10*time.Second, "something is promised again", func() bool {
		n, err := b.Capacity(t.Context(), "p", false, 5)
		if err != nil {
			t.Fatal(err)
		}
		return n > 0
	})
}

func TestACallerMayLeave(t *testing.T) {
	t.Parallel()
	l := New(redistest.Start(t).Client(), map[string]float64{"p": 0.2}, 10*time.Second)
	if ok, err := l.Wait(t.Context(), "p", false); !ok || err != nil {
		t.Fatal(ok, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ok, err := l.Wait(ctx, "p", false); ok || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %t, %v", ok, err)
	}
}
