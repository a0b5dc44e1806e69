package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/rate"
	"github.com/remesa/remesa/providers"
)

// withLimit sets a limiter as the worker makes one.
func (r *fixture) withLimit(perSecond float64, every time.Duration) func(*Options) {
	return func(o *Options) {
		o.Limiter = rate.New(r.rdb, map[string]float64{"virtualpos": perSecond}, every)
		o.JanitorInterval = every
	}
}

// grants counts the slots that a limiter gives.
type grants struct {
	RateLimiter
	mu sync.Mutex
	n  int
}

func (g *grants) Wait(ctx context.Context, provider string, query bool) (bool, error) {
	ok, err := g.RateLimiter.Wait(ctx, provider, query)
	g.mu.Lock()
	defer g.mu.Unlock()
	if ok {
		g.n++
	}
	return ok, err
}

// TestABacklogRunsAtItsRate: no slot is lost, the limit is kept, and the status queries are made
// meanwhile. How long it takes beyond that is the machine's.
func TestABacklogRunsAtItsRate(t *testing.T) {
	r := newFixture(t)
	var given grants
	const perSecond, n = 20, 80
	var mu sync.Mutex
	var sends, queries []time.Time
	note := func(at *[]time.Time) {
		mu.Lock()
		defer mu.Unlock()
		*at = append(*at, time.Now())
	}
	r.provider.otherwise = scriptedReplies{
		pay: func(context.Context, providers.Attempt) (providers.Outcome, error) {
			note(&sends)
			return providers.Outcome{Class: providers.Pending, ProviderID: "id-1"}, nil
		},
		results: statusResults{func(providers.StatusQuery) (providers.Outcome, error) {
			note(&queries)
			return providers.Outcome{Class: providers.Succeeded, ProviderID: "id-1"}, nil
		}},
	}
	ks := keys(n, "default")
	r.submit(ks...)
	r.run(r.withLimit(perSecond, 200*time.Millisecond), func(o *Options) { given.RateLimiter, o.Limiter = o.Limiter, &given })
	for _, k := range ks {
		r.awaitState(k, idempotency.Succeeded)
	}
	mu.Lock()
	defer mu.Unlock()
	given.mu.Lock()
	defer given.mu.Unlock()
	// A wake-up that comes twice may take a slot in vain; one in ten at most.
	if requests := len(sends) + len(queries); given.n < requests || given.n > requests*11/10 {
		t.Errorf("%d slots for %d requests", given.n, requests)
	}
	if !queries[0].Before(sends[n/2]) {
		t.Error("no status query was made before half of the payments were sent")
	}
	all := slices.Concat(sends, queries)
	slices.SortFunc(all, time.Time.Compare)
	if least := time.Duration(len(all)-1) * time.Second / perSecond; all[len(all)-1].Sub(all[0]) < least*9/10 {
		t.Errorf("%d requests in %s, at %d a second they take %s", len(all), all[len(all)-1].Sub(all[0]), perSecond, least)
	}
}

// countingLimiter is a limiter that counts the slots that are taken.
type countingLimiter struct {
	noRateLimit
	mu    sync.Mutex
	taken int
}

func (*countingLimiter) Limited(string) bool { return true }

func (s *countingLimiter) Wait(context.Context, string, bool) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken++
	return true, nil
}

func (s *countingLimiter) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// TestAWakeUpThatDoesNothingTakesNoSlot of the rate limit.
func TestAWakeUpThatDoesNothingTakesNoSlot(t *testing.T) {
	r := newFixture(t)
	s := &countingLimiter{}
	e := r.engine(func(o *Options) { o.Limiter = s })
	final, owned, stopped := key("final"), key("owned"), key("stopped")
	r.register(final, owned, stopped)
	e.send(t.Context(), final)
	if s.count() != 1 || r.show(final).State != idempotency.Succeeded {
		t.Fatalf("%d slots for one payment, which is %s", s.count(), r.show(final).State)
	}
	begin(r, owned, idempotency.NewAttempt(), time.Minute)
	if err := r.ledger.Halt(t.Context(), "virtualpos", "default", ana); err != nil {
		t.Fatal(err)
	}
	for _, k := range []idempotency.Key{final, owned, stopped, key("unknown")} {
		e.send(t.Context(), k)
	}
	for _, k := range []idempotency.Key{owned, stopped, key("unknown")} {
		e.query(t.Context(), k)
	}
	if s.count() != 1 {
		t.Errorf("%d slots were taken for nothing", s.count()-1)
	}
	if got := r.show(stopped).ParkReason; got != "halted:default" {
		t.Errorf("the halted one is parked for %q", got)
	}
}

// TestWhoGetsNoSlotIsParked until slots are free, sends and status queries apart.
func TestWhoGetsNoSlotIsParked(t *testing.T) {
	r := newFixture(t)
	e := r.engine(r.withLimit(1.0/3600, time.Second))
	ks := keys(5, "default")
	doubt := key("doubt")
	r.register(append(ks, doubt)...)
	begin(r, doubt, "x", 10*time.Millisecond)
	for _, k := range ks {
		e.send(t.Context(), k)
	}
	r.until("its lease lapsed", func() bool { e.query(t.Context(), doubt); return r.parked("rate:query") == 1 })
	if r.provider.allSends() != 1 || r.parked("rate") != 4 || r.provider.queryCount("doubt") != 0 {
		t.Errorf("sent %d, %d are parked", r.provider.allSends(), r.parked("rate"))
	}
	if err := e.unpark(t.Context(), idempotency.Partition{Provider: "virtualpos"}); err != nil || r.parked("rate") != 4 {
		t.Errorf("%d are parked, %v", r.parked("rate"), err)
	}
	unlimited := r.engine()
	if err := unlimited.unpark(t.Context(), idempotency.Partition{Provider: "virtualpos"}); err != nil || r.parked("rate")+r.parked("rate:query") != 0 {
		t.Errorf("%d are parked without a limit, %v", r.parked("rate"), err)
	}
	if lines := r.log.lines(fmt.Sprintf("%q", errNoSlot)); len(lines) != 5 || !strings.Contains(lines[0], "parked") {
		t.Errorf("logged %q", lines)
	}
}
