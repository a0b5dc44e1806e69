package engine

import (
	"context"
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
	r.until("two probes were turned away", func() bool { return len(s.times()) > 0 && time.Since(s.times()[0]) > 5*wait/2 })
	s.mu.Lock()
	s.opens = time.Now()
	turned := s.turned
	s.mu.Unlock()
	first := 0
	for _, at := range turned {
		if at.Sub(turned[0]) < wait-100*time.Millisecond {
			first++
		}
	}
	if probes := len(turned) - first; first > 2*each || probes < 1 || probes > 2 {
		t.Errorf("%d requests before the wait was known, %d probes", first, probes)
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
			s.mu.Lock()
			s.opens = time.Now()
			s.mu.Unlock()
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
