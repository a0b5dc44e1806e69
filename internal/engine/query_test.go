package engine

import (
	"errors"
	"fmt"
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

// The simulator answers the payout with a 502 and says later that it was paid.
func TestTheHistoryHasEachAnswer(t *testing.T) {
	r := newFixture(t)
	s := simulator.New(simulator.Options{}, sandbox.Options{})
	if err := s.AddFaults(sandbox.Fault{Kind: "bad_gateway_after", Reference: "p", Next: 1}); err != nil {
		t.Fatal(err)
	}
	r.submit(key("p"))
	r.run(func(o *Options) { o.Registry.Add(simulated(t, s)) })
	rec := r.awaitState(key("p"), idempotency.Succeeded)
	var got []string
	for _, h := range rec.History {
		if h.Answer.Took < 0 || h.Answer.Took > testTimeout {
			t.Errorf("an answer took %s", h.Answer.Took)
		}
		got = append(got, fmt.Sprintf("%s %s %d %s", h.State, h.Answer.Question, h.Answer.HTTPStatus, h.Answer.Class))
	}
	want := []string{"queued  0 ", "sending  0 ", "in_doubt pay 502 in_doubt", "succeeded status 200 succeeded"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A provider that gives no answer, to an attempt and to each status query.
func TestWhatWasNotAnsweredStandsInTheHistory(t *testing.T) {
	r := newFixture(t)
	refused := &providers.CredentialsError{Code: "109"}
	r.provider.behave("p", scriptedReplies{
		pay: outcome(providers.InDoubt),
		results: statusResults{
			func(providers.StatusQuery) (providers.Outcome, error) {
				return providers.Outcome{}, errors.New("cut off")
			},
			func(providers.StatusQuery) (providers.Outcome, error) {
				return providers.Outcome{}, errors.New("cut off")
			},
			func(providers.StatusQuery) (providers.Outcome, error) { return providers.Outcome{}, refused },
			statusResult(providers.Succeeded),
		},
	})
	r.provider.behave("q", scriptedReplies{pay: fails(&providers.NotSent{Reason: "connect"})})
	r.submit(key("p"), key("q"))
	r.run()
	var got []string
	for _, h := range r.awaitState(key("p"), idempotency.Succeeded).History[2:] {
		got = append(got, fmt.Sprintf("%s %s %s %d", h.State, h.Answer.Question, h.Answer.Class, h.Count))
	}
	want := []string{"in_doubt pay in_doubt 0", "in_doubt status in_doubt 2", "in_doubt status credentials 0", "succeeded status succeeded 0"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	rec := r.awaitState(key("q"), idempotency.Ready)
	if h := rec.History[2]; h.Answer.Question != idempotency.AskToPay || h.Answer.Class != "not_sent" || h.Note != "connect" {
		t.Errorf("%+v", h)
	}
}
