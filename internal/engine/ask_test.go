package engine

import (
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/providers/virtualpos"
)

// What is undecided is asked about by the id that is known; what is settled is looked for under our
// reference, where a second execution stands.
func TestAQuestionAboutASettledPaymentIsByReference(t *testing.T) {
	t.Parallel()
	settled := []idempotency.State{idempotency.Succeeded, idempotency.Failed, idempotency.Reversed}
	for _, s := range []idempotency.State{
		idempotency.Ready, idempotency.InDoubt, idempotency.Pending, idempotency.Held,
		idempotency.Succeeded, idempotency.Failed, idempotency.Reversed,
	} {
		q := newQuery(key("p"), idempotency.Question{State: s, ProviderID: "id-p"})
		if q.ByReference != slices.Contains(settled, s) || q.ProviderID != "id-p" || q.Reference != "p" {
			t.Errorf("%s: got %+v", s, q)
		}
	}
}

// A settled payout's details are gone, and with them what signs a question about it: the question
// is put to nobody, and the account's payments go on.
func TestAQuestionThatCannotBeSignedLeavesTheAccountOpen(t *testing.T) {
	r := newRig(t)
	s := sandbox.New(sandbox.Options{VirtualPOS: sandbox.VirtualPOSOptions{SignedQuestions: true}})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	client, err := virtualpos.New(virtualpos.Config{
		BaseURL: server.URL + sandbox.VirtualPOSPrefix, APIKey: "sandbox-api-key", SecretKey: "sandbox-secret-key",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	statuses := make(chan struct{}, 10)
	r.submit(key("p"))
	r.run(func(o *Options) {
		o.Registry.Add(client.Account("default"))
		o.CircuitCooldown = time.Hour
		o.OnStep = func(s Step, _ idempotency.Key) {
			if s == StepAnswered {
				statuses <- struct{}{}
			}
		}
	})
	r.reaches(key("p"), idempotency.Succeeded)
	r.enqueue(asynq.NewTask("status", []byte(`{"type":"status","provider":"virtualpos","reference":"p"}`)), asynq.Queue("virtualpos"))
	wait(t, "the question was asked", statuses)
	r.submit(key("other"))
	r.reaches(key("other"), idempotency.Succeeded)
	if rec := r.show(key("p")); rec.State != idempotency.Succeeded || rec.Anomaly != "" {
		t.Errorf("%s, anomaly %q", rec.State, rec.Anomaly)
	}
}

func TestASecondSuccessUnderOurReferenceIsAnAnomaly(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	var looks []bool
	shows := func(q providers.Query) (providers.Outcome, error) {
		mu.Lock()
		defer mu.Unlock()
		looks = append(looks, q.ByReference)
		id := "id-1"
		if q.ByReference {
			id = "id-2"
		}
		return providers.Outcome{Class: providers.Succeeded, ProviderID: id}, nil
	}
	r.bank.behave("p", script{outcome(providers.Pending), answers{shows}})
	r.submit(key("p"))
	r.run()
	r.reaches(key("p"), idempotency.Succeeded)
	r.enqueue(asynq.NewTask("status", []byte(`{"type":"status","provider":"virtualpos","reference":"p"}`)), asynq.Queue("virtualpos"))
	r.until("the anomaly is recorded", func() bool { return r.show(key("p")).Anomaly == "second_success" })
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(looks, []bool{false, true}) {
		t.Errorf("asked by reference: %v", looks)
	}
}
