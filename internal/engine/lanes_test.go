package engine

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

func TestTheJanitorWakesWhatNobodyWoke(t *testing.T) {
	t.Run("a payment that was registered and never woken", func(t *testing.T) {
		r := newFixture(t)
		r.register(key("p"))
		r.run()
		r.awaitState(key("p"), idempotency.Succeeded)
	})
	t.Run("a payment whose worker died is queried", func(t *testing.T) {
		r := newFixture(t)
		r.provider.behave("p", inDoubt())
		r.register(key("p"))
		begin(r, key("p"), idempotency.NewAttempt(), 300*time.Millisecond)
		r.run()
		r.awaitState(key("p"), idempotency.Succeeded)
		if r.provider.sends("p") != 0 || r.provider.queryCount("p") != 1 {
			t.Errorf("sent %d times, queried %d times", r.provider.sends("p"), r.provider.queryCount("p"))
		}
	})
	t.Run("a payment whose worker died, of a provider that cannot be queried, is held", func(t *testing.T) {
		r := newFixture(t)
		r.register(mute("p"))
		begin(r, mute("p"), idempotency.NewAttempt(), 300*time.Millisecond)
		r.run()
		r.awaitState(mute("p"), idempotency.Held)
		if n := r.provider.sends("p"); n != 0 {
			t.Errorf("sent %d times", n)
		}
	})
	t.Run("a payment not before its time", func(t *testing.T) {
		r := newClockFixture(t)
		reg := r.task(key("p")).Registration(nil)
		reg.NotBefore = time.Unix(1_800_000_000, 0).Add(time.Hour)
		if _, err := r.ledger.Register(t.Context(), reg); err != nil {
			t.Fatal(err)
		}
		r.enqueue(waking(key("p"), 7))
		r.run()
		r.submit(key("other"))
		r.awaitState(key("other"), idempotency.Succeeded)
		r.idle()
		if rec := r.show(key("p")); rec.State != idempotency.Queued {
			t.Errorf("%s before its time", rec.State)
		}
		r.advance(time.Hour)
		r.awaitState(key("p"), idempotency.Succeeded)
	})
}

func TestTwoJanitorsDoNotDoubleWakeUps(t *testing.T) {
	r := newClockFixture(t)
	r.lag()
	var mu sync.Mutex
	woken := map[idempotency.Key]int{}
	e := r.engine(func(o *Options) {
		o.OnFaultPoint = func(s FaultPoint, k idempotency.Key) {
			mu.Lock()
			defer mu.Unlock()
			if s == PointWake {
				woken[k]++
			}
		}
	})
	for n := range 300 {
		r.register(key(fmt.Sprintf("p%d", n)))
	}
	r.advance(time.Minute)
	var sweeps sync.WaitGroup
	for range 4 {
		sweeps.Go(func() {
			if err := e.tick(t.Context(), idempotency.Partition{Provider: "virtualpos"}); err != nil {
				t.Error(err)
			}
		})
	}
	sweeps.Wait()
	for k, n := range woken {
		if n != 1 {
			t.Errorf("%s woken %d times", k, n)
		}
	}
	if len(woken) != 300 {
		t.Errorf("%d woken", len(woken))
	}
}

func TestAProviderThatHangsDelaysNoOther(t *testing.T) {
	r := newFixture(t)
	g, quick := newGate(), newFakeProvider()
	defer close(g.leave)
	r.provider.otherwise = scriptedReplies{pay: g.hold(outcome(providers.Succeeded))}
	for n := range 30 {
		r.submit(key(fmt.Sprintf("hangs%d", n)))
	}
	r.run(func(o *Options) {
		o.Registry.Add(providers.Account{Provider: "pagandocheck", Name: "default", Client: fakeCharger{quick}})
	})
	wait(t, "the first hanging send", g.entered)
	for n := range 20 {
		k := idempotency.Key{Provider: "pagandocheck", Account: "default", Reference: fmt.Sprintf("quick%d", n)}
		r.submit(k)
		r.awaitState(k, idempotency.Succeeded)
	}
}

// TestABacklogOfHangingSendsDelaysNoStatusQuery of the same provider.
func TestABacklogOfHangingSendsDelaysNoStatusQuery(t *testing.T) {
	r := newFixture(t)
	g := newGate()
	defer close(g.leave)
	r.provider.otherwise = scriptedReplies{pay: g.hold(outcome(providers.Succeeded))}
	var ks []idempotency.Key
	for n := range 500 {
		ks = append(ks, key(fmt.Sprintf("hangs%d", n)))
	}
	r.submit(ks...)
	r.provider.behave("pending", inDoubt())
	r.run(func(o *Options) { o.Concurrency = func(string) int { return 4 } })
	wait(t, "the first hanging send", g.entered)
	r.register(key("pending"))
	id := idempotency.NewAttempt()
	begin(r, key("pending"), id, time.Minute)
	if _, err := r.ledger.Finish(t.Context(), key("pending"), idempotency.AttemptResult{Attempt: id, Outcome: providers.Outcome{Class: providers.Pending}, QueryAfter: 0}); err != nil {
		t.Fatal(err)
	}
	r.awaitState(key("pending"), idempotency.Succeeded)
	if n := r.provider.allSends(); n > 4 {
		t.Errorf("%d sends at a time", n)
	}
}

func TestADrainFinishesWhatIsUnderWayAndTakesNothingNew(t *testing.T) {
	r := newFixture(t)
	g := newGate()
	r.provider.behave("under-way", scriptedReplies{pay: g.hold(outcome(providers.Succeeded))})
	r.submit(key("under-way"))
	e := r.engine()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	wait(t, "the send", g.entered)
	cancel()
	r.until("asynq's servers say that they take nothing any more", func() bool {
		servers, err := r.inspector().Servers()
		return err == nil && !slices.ContainsFunc(servers, func(s *asynq.ServerInfo) bool { return s.Status == "active" })
	})
	r.submit(key("new"))
	select {
	case err := <-ended:
		t.Fatalf("Run returned %v with a send under way", err)
	default:
	}
	close(g.leave)
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(testTimeout):
		t.Fatal("Run does not end")
	}
	if s := r.show(key("under-way")).State; s != idempotency.Succeeded {
		t.Errorf("under way: %s", s)
	}
	if rec := r.show(key("new")); rec.State != idempotency.Queued || r.provider.sends("new") != 0 {
		t.Errorf("new: %s, sent %d times", rec.State, r.provider.sends("new"))
	}
}

// TestADrainWaitsForWhatAsynqHasGivenUpOn: asynq's own shutdown knows nothing of such a send.
func TestADrainWaitsForWhatAsynqHasGivenUpOn(t *testing.T) {
	r := newFixture(t)
	g := newGate()
	r.provider.behave("p", scriptedReplies{pay: g.hold(outcome(providers.Succeeded))})
	r.submit(key("p"))
	e := r.engine()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	wait(t, "the send", g.entered)
	if err := r.inspector().CancelProcessing(key("p").TaskID(1)); err != nil {
		t.Fatal(err)
	}
	r.until("asynq gave up on the task", func() bool {
		info, err := r.inspector().GetTaskInfo("virtualpos", key("p").TaskID(1))
		return err == nil && info.Retried > 0
	})
	cancel()
	r.until("asynq is gone", func() bool {
		servers, err := r.inspector().Servers()
		return err == nil && len(servers) == 0
	})
	select {
	case err := <-ended:
		t.Errorf("Run returned %v with a send under way", err)
	case <-time.After(200 * time.Millisecond):
	}
	close(g.leave)
	r.awaitState(key("p"), idempotency.Succeeded)
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// httpPayer pays by real exchanges, whose points are fault points too.
type httpPayer struct {
	wire *wire.Client
	url  string
}

func (p httpPayer) Pay(ctx context.Context, o providers.Payout, _ providers.Attempt) (providers.Outcome, error) {
	reply, err := p.wire.Do(ctx, wire.Request{Method: http.MethodPost, URL: p.url + "/" + o.Reference})
	if err != nil {
		return providers.Outcome{Class: providers.InDoubt}, nil
	}
	if reply.Status == http.StatusTooManyRequests {
		return providers.Outcome{}, &providers.NotSent{Reason: "throttled"}
	}
	return providers.Outcome{Class: providers.InDoubt}, nil
}

func (p httpPayer) Status(ctx context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	_, err := p.wire.Do(ctx, wire.Request{Method: http.MethodGet, URL: p.url + "/" + q.Reference})
	return providers.Outcome{Class: providers.Succeeded}, err
}

// TestTheFaultPointsOfAPayment: a full payload is throttled once, then sent without a readable
// response, then queried. Together they pass all fault points, in their order.
func TestTheFaultPointsOfAPayment(t *testing.T) {
	t.Parallel()
	// The due index wakes what was released, and not also what a busy worker has yet to begin.
	r := newFixtureOn(t, redistest.Start(t), idempotency.Options{Default: policy(), FirstWake: time.Minute})
	var posts atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost && posts.Add(1) == 1 {
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	t.Cleanup(server.Close)
	client := newWire(t)
	var mu sync.Mutex
	var path []FaultPoint
	r.enqueue(asynq.NewTask("payout", payload(key("p"), "12500")), asynq.Queue("virtualpos"))
	stop := r.run(func(o *Options) {
		o.Registry.Add(providers.Account{Provider: "virtualpos", Name: "default", Client: httpPayer{client, server.URL}})
		o.RetryBase, o.RetryMax = 300*time.Millisecond, 300*time.Millisecond
		o.Random = func() float64 { return 1 }
		o.OnFaultPoint = func(s FaultPoint, k idempotency.Key) {
			mu.Lock()
			defer mu.Unlock()
			if k.Reference == "p" || s == PointDue && len(path) > 0 && path[len(path)-1] != PointDue {
				path = append(path, s)
			}
		}
	})
	r.awaitState(key("p"), idempotency.Succeeded)
	stop()
	mu.Lock()
	defer mu.Unlock()
	exchange := []FaultPoint{PointWrite, PointWritten, PointRead}
	want := slices.Concat(
		[]FaultPoint{PointRegister, PointRegistered, PointWoken, PointBegin, PointBegun, PointSend}, exchange, []FaultPoint{PointSent, PointRelease, PointReleased},
		[]FaultPoint{PointWake, PointWoken, PointBegin, PointBegun, PointSend}, exchange, []FaultPoint{PointSent, PointFinish, PointFinished},
		[]FaultPoint{PointWake, PointQuery, PointQuerySend}, exchange, []FaultPoint{PointQueryDone, PointStatusRecord, PointStatusRecorded})
	got := slices.DeleteFunc(slices.Clone(path), func(s FaultPoint) bool { return s == PointDue })
	if !slices.Equal(got, want) {
		t.Errorf("passed %v\n  want %v", got, want)
	}
	for _, s := range FaultPoints() {
		if !slices.Contains(path, s) {
			t.Errorf("%s was never passed", s)
		}
	}
	for _, s := range path {
		if !slices.Contains(FaultPoints(), s) {
			t.Errorf("%s is not in Steps()", s)
		}
	}
}

func newWire(t *testing.T) *wire.Client {
	t.Helper()
	c, err := wire.New(wire.Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
