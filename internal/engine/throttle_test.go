package engine

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/rate"
	"github.com/remesa/remesa/providers"
)

// throttlingProvider is a provider that answers 429 until it opens.
type throttlingProvider struct {
	mu         sync.Mutex
	opens      time.Time
	retryAfter time.Duration
	turned     []time.Time
}

func (s *throttlingProvider) pay(context.Context, providers.Attempt) (providers.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.opens) {
		s.turned = append(s.turned, time.Now())
		return providers.Outcome{}, &providers.NotSent{Reason: throttled, RetryAfter: s.retryAfter}
	}
	return providers.Outcome{Class: providers.Succeeded, ProviderID: "id-1"}, nil
}

func (s *throttlingProvider) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turned
}

func (r *fixture) throttle(o *Options) { o.Throttle = rate.NewThrottle(r.rdb, 30*time.Second) }

// open takes every request from now on, and returns when the earlier ones were turned away.
func (s *throttlingProvider) open() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opens = time.Now()
	return s.turned
}

// early is how much sooner than its wait a request may seem to come: the provider and the store
// look at the clock at different moments.
const early = 100 * time.Millisecond

// probes are the requests that came after the wait: the others were under way before it was known.
func probes(turned []time.Time, wait time.Duration) []time.Time {
	i := slices.IndexFunc(turned, func(at time.Time) bool { return at.Sub(turned[0]) >= wait-early })
	if i < 0 {
		return nil
	}
	return turned[i:]
}

// TestAThrottledAccountWaitsAsAWhole: what was under way is throttled, nothing else is sent,
// and after the wait one goes first.
func TestAThrottledAccountWaitsAsAWhole(t *testing.T) {
	r := newFixture(t)
	const wait = 1500 * time.Millisecond
	s := &throttlingProvider{opens: time.Now().Add(time.Hour), retryAfter: wait}
	r.provider.otherwise = scriptedReplies{pay: s.pay}
	ks := keys(100, "default")
	const each = 4
	for range 2 {
		r.run(r.throttle, func(o *Options) { o.Concurrency = func(string) int { return each } })
	}
	r.submit(ks...)
	r.until("two probes were turned away", func() bool { return len(probes(s.times(), wait)) >= 2 })
	turned := s.open()
	after := probes(turned, wait)
	if first := len(turned) - len(after); first > 2*each {
		t.Errorf("%d requests before the wait was known", first)
	}
	for i, last := 0, turned[0]; i < len(after); i, last = i+1, after[i] {
		if after[i].Sub(last) < wait-early {
			t.Errorf("probe %d came %s after the one before it", i, after[i].Sub(last))
		}
	}
	for _, k := range ks {
		r.awaitState(k, idempotency.Succeeded)
	}
	if n := r.provider.allSends(); n != len(ks)+len(turned) {
		t.Errorf("%d requests, %d turned away", n, len(turned))
	}
}

// TestAnOperatorEndsADaysWait by a retry of the payment that got the 429, or by an unhalt.
func TestAnOperatorEndsADaysWait(t *testing.T) {
	for name, step := range map[string]func(r *fixture, k idempotency.Key) error{
		"retry": func(r *fixture, k idempotency.Key) error {
			_, err := r.ledger.Retry(r.t.Context(), k, r.show(k).Version, false, ana)
			return err
		},
		"unhalt": func(r *fixture, k idempotency.Key) error {
			return r.ledger.Unhalt(r.t.Context(), k.Provider, k.Account, ana)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			s := &throttlingProvider{opens: time.Now().Add(time.Hour), retryAfter: 24 * time.Hour}
			r.provider.otherwise = scriptedReplies{pay: s.pay}
			throttledKey := key("throttled")
			r.submit(throttledKey)
			r.run(r.throttle)
			r.awaitState(throttledKey, idempotency.Ready)
			others := keys(20, "default")
			r.submit(others...)
			r.until("the others are parked", func() bool { return r.parked("throttled:default") == len(others) })
			s.open()
			if err := step(r, throttledKey); err != nil {
				t.Fatal(err)
			}
			for _, k := range others {
				r.awaitState(k, idempotency.Succeeded)
			}
			if name == "retry" {
				r.awaitState(throttledKey, idempotency.Succeeded)
			}
		})
	}
}

// TestAThrottledStatusQueryMakesTheAccountWait, too.
func TestAThrottledStatusQueryMakesTheAccountWait(t *testing.T) {
	r := newFixture(t)
	turned := func(providers.StatusQuery) (providers.Outcome, error) {
		return providers.Outcome{}, &providers.NotSent{Reason: throttled, RetryAfter: time.Hour}
	}
	r.provider.behave("p", scriptedReplies{pay: outcome(providers.InDoubt), results: statusResults{turned}})
	r.run(r.throttle)
	r.submit(key("p"))
	r.until("it was queried", func() bool { return r.provider.queryCount("p") == 1 })
	r.until("its next status query is parked", func() bool { return r.parked("throttled:default") == 1 })
	r.submit(key("q"))
	r.until("so does the next payment", func() bool { return r.parked("throttled:default") == 2 })
	if r.provider.queryCount("p") != 1 || r.provider.sends("q") != 0 {
		t.Errorf("queried %d times, sent %d times", r.provider.queryCount("p"), r.provider.sends("q"))
	}
}

func TestTheWaitThatNobodyTold(t *testing.T) {
	e := &Engine{Options: Options{RetryBase: time.Second, RetryMax: 10 * time.Minute}}
	c := &circuit{}
	for i, row := range []struct {
		probe      bool
		said, want time.Duration
	}{
		{false, 0, time.Second},
		{false, 0, time.Second},
		{true, 0, 2 * time.Second},
		{true, 0, 4 * time.Second},
		{false, 7 * time.Second, 7 * time.Second},
		{true, 24 * time.Hour, 24 * time.Hour},
		{true, 0, 8 * time.Second},
	} {
		if got := e.throttleFor(c, row.probe, row.said); got != row.want {
			t.Errorf("row %d: %s, want %s", i, got, row.want)
		}
	}
}
