package engine

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// TestAnAdapterThatRepeatsAPersonIsNotBelieved: what the adapter let through is redacted all
// the same, in sends and status queries.
func TestAnAdapterThatRepeatsAPersonIsNotBelieved(t *testing.T) {
	r := newFixture(t)
	leaky := func(class providers.Class) providers.Outcome {
		return providers.Outcome{Class: class, ProviderID: "77889900112", Code: "canaria soto", Message: "RUT 12.345.678-5 de CANARIA@example.cl"}
	}
	r.provider.behave("sent", scriptedReplies{pay: func(context.Context, providers.Attempt) (providers.Outcome, error) {
		return leaky(providers.Succeeded), nil
	}})
	var queriedIDs []string
	r.provider.behave("queried", scriptedReplies{outcome(providers.InDoubt), statusResults{
		func(q providers.StatusQuery) (providers.Outcome, error) { return leaky(providers.Pending), nil },
		func(q providers.StatusQuery) (providers.Outcome, error) {
			queriedIDs = append(queriedIDs, q.ProviderID)
			return leaky(providers.Succeeded), nil
		},
	}})
	r.submit(key("sent"), key("queried"))
	stop := r.run()
	for _, k := range []idempotency.Key{key("sent"), key("queried")} {
		rec := r.awaitState(k, idempotency.Succeeded)
		if !providers.IsHiddenID(rec.ProviderID) || rec.Anomaly != "" {
			t.Errorf("%s: id %q, anomaly %q", k, rec.ProviderID, rec.Anomaly)
		}
		kept := strings.ToLower(rec.ProviderID + rec.Code + rec.Message)
		for _, part := range []string{"canaria", "soto", "77889900112", "12.345.678"} {
			if strings.Contains(kept, part) {
				t.Errorf("%s keeps %q: %s", k, part, kept)
			}
		}
	}
	stop()
	if len(queriedIDs) == 0 || slices.ContainsFunc(queriedIDs, func(id string) bool { return id != "" }) {
		t.Errorf("queried by %q, want by the reference: the provider knows no such name", queriedIDs)
	}
}

// TestAPaymentUnderWayGoesOnUnderNewerChecks: what an earlier version accepted is sent and queried.
func TestAPaymentUnderWayGoesOnUnderNewerChecks(t *testing.T) {
	r := newFixture(t)
	details := make(chan bool, 1)
	r.provider.behave("p", scriptedReplies{outcome(providers.InDoubt), statusResults{func(q providers.StatusQuery) (providers.Outcome, error) {
		details <- q.Payout != nil
		return statusResult(providers.Succeeded)(q)
	}}})
	reg := r.task(key("p")).Registration(nil)
	reg.Payload = []byte(strings.Replace(string(reg.Payload), `"Devolución"`, `"Devolución 41111111111111110000"`, 1))
	if _, err := tasks.Decode(reg.Payload); err == nil {
		t.Fatal("the guard takes it")
	}
	if _, err := r.ledger.Register(t.Context(), reg); err != nil {
		t.Fatal(err)
	}
	stop := r.run()
	defer stop()
	r.awaitState(key("p"), idempotency.Succeeded)
	if !<-details {
		t.Error("it was queried without its details")
	}
}
