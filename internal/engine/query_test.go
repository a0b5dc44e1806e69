package engine

import (
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
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/virtualpos"
	"github.com/remesa/remesa/providers/virtualpos"
)

// A payment that is not final is queried by the id that is known; a final one by our reference,
// where a second execution stands.
func TestAQuestionAboutASettledPaymentIsByReference(t *testing.T) {
	t.Parallel()
	final := []idempotency.State{idempotency.Succeeded, idempotency.Failed, idempotency.Reversed}
	for _, s := range []idempotency.State{
		idempotency.Ready, idempotency.InDoubt, idempotency.Pending, idempotency.Held,
		idempotency.Succeeded, idempotency.Failed, idempotency.Reversed,
	} {
		q := newStatusQuery(key("p"), idempotency.StatusQuery{State: s, ProviderID: "id-p"})
		if q.ByReference != slices.Contains(final, s) || q.ProviderID != "id-p" || q.Reference != "p" {
			t.Errorf("%s: got %+v", s, q)
		}
	}
}

// The first request is executed after the second: both are paid, under two ids. The daily query
// after a resend finds it, by whichever id the payout is known.
func TestAResentPayoutThatIsExecutedTwiceIsAnAnomaly(t *testing.T) {
	t.Parallel()
	p := policy()
	p.Resend, p.MaxResends = true, 1
	r := newFixtureOn(t, redistest.Start(t), idempotency.Options{Default: p, FirstWake: 20 * time.Millisecond, TestClock: true})
	r.advance(1_800_000_000 * time.Second)
	var hours atomic.Int64
	s := simulator.New(simulator.Options{}, sandbox.Options{Now: func() time.Time { return time.Unix(1_800_000_000, 0).Add(time.Duration(hours.Load()) * time.Hour) }})
	if err := s.AddFaults(sandbox.Fault{Kind: "delayed", Reference: "p", Next: 1, Delay: sandbox.Duration(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{}, 1000)
	r.run(func(o *Options) {
		o.Registry.Add(simulated(t, s))
		o.OnFaultPoint = func(s FaultPoint, k idempotency.Key) {
			if s == PointStatusRecorded && k == key("first") {
				answered <- struct{}{}
			}
		}
	})
	r.submit(key("first"))
	wait(t, "the account's lookup is proven", answered)
	r.submit(key("p"))
	r.until("it was sent again and is paid", func() bool {
		r.advance(50 * time.Millisecond)
		return r.show(key("p")).State == idempotency.Succeeded
	})
	hours.Add(1)
	if n := s.ExecutionCount("p"); n != 2 {
		t.Fatalf("money moved %d times: nothing to find", n)
	}
	r.until("the anomaly is recorded", func() bool {
		r.advance(time.Hour)
		return r.show(key("p")).Anomaly == "second_success"
	})
}

// simulated is the account default at a simulator.
func simulated(t *testing.T, s *sandbox.Provider) providers.Account {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	client, err := virtualpos.New(virtualpos.Config{
		BaseURL: server.URL + s.Prefix, APIKey: "sandbox-api-key", SecretKey: "sandbox-secret-key",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return providers.Account{Provider: virtualpos.Name, Name: idempotency.DefaultAccount, Client: client, Identity: s.Name}
}

// A final payout's details are gone, and with them what signs a status query of it: the query is
// not sent, and the account's payments go on.
func TestAQuestionThatCannotBeSignedLeavesTheAccountOpen(t *testing.T) {
	r := newFixture(t)
	s := simulator.New(simulator.Options{SignedQueries: true}, sandbox.Options{})
	statuses := make(chan struct{}, 10)
	r.submit(key("p"))
	r.run(func(o *Options) {
		o.Registry.Add(simulated(t, s))
		o.CircuitCooldown = time.Hour
		o.OnFaultPoint = func(s FaultPoint, _ idempotency.Key) {
			if s == PointStatusRecorded {
				statuses <- struct{}{}
			}
		}
	})
	r.awaitState(key("p"), idempotency.Succeeded)
	r.enqueue(asynq.NewTask("status", []byte(`{"type":"status","provider":"virtualpos","reference":"p"}`)), asynq.Queue("virtualpos"))
	wait(t, "the status query was made", statuses)
	r.submit(key("other"))
	r.awaitState(key("other"), idempotency.Succeeded)
	if rec := r.show(key("p")); rec.State != idempotency.Succeeded || rec.Anomaly != "" {
		t.Errorf("%s, anomaly %q", rec.State, rec.Anomaly)
	}
}

func TestASecondSuccessUnderOurReferenceIsAnAnomaly(t *testing.T) {
	r := newFixture(t)
	var mu sync.Mutex
	var byReference []bool
	shows := func(q providers.StatusQuery) (providers.Outcome, error) {
		mu.Lock()
		defer mu.Unlock()
		byReference = append(byReference, q.ByReference)
		id := "id-1"
		if q.ByReference {
			id = "id-2"
		}
		return providers.Outcome{Class: providers.Succeeded, ProviderID: id}, nil
	}
	r.provider.behave("p", scriptedReplies{outcome(providers.Pending), statusResults{shows}})
	r.submit(key("p"))
	r.run()
	r.awaitState(key("p"), idempotency.Succeeded)
	r.enqueue(asynq.NewTask("status", []byte(`{"type":"status","provider":"virtualpos","reference":"p"}`)), asynq.Queue("virtualpos"))
	r.until("the anomaly is recorded", func() bool { return r.show(key("p")).Anomaly == "second_success" })
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(byReference, []bool{false, true}) {
		t.Errorf("queried by reference: %v", byReference)
	}
}
