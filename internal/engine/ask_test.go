package engine

import (
	"slices"
	"sync"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
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
