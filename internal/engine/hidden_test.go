package engine

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// TestAnAdapterThatRepeatsAPersonIsNotBelieved: what the adapter let through is hidden all the same, sending and asking.
func TestAnAdapterThatRepeatsAPersonIsNotBelieved(t *testing.T) {
	r := newRig(t)
	said := func(class providers.Class) providers.Outcome {
		return providers.Outcome{Class: class, ProviderID: "77889900112", Code: "canaria soto", Message: "RUT 12.345.678-5 de CANARIA@example.cl"}
	}
	r.bank.behave("sent", script{pay: func(context.Context, providers.Attempt) (providers.Outcome, error) {
		return said(providers.Succeeded), nil
	}})
	var asked []string
	r.bank.behave("asked", script{outcome(providers.InDoubt), answers{
		func(q providers.Query) (providers.Outcome, error) { return said(providers.Pending), nil },
		func(q providers.Query) (providers.Outcome, error) {
			asked = append(asked, q.ProviderID)
			return said(providers.Succeeded), nil
		},
	}})
	r.submit(key("sent"), key("asked"))
	stop := r.run()
	for _, k := range []idempotency.Key{key("sent"), key("asked")} {
		rec := r.reaches(k, idempotency.Succeeded)
		if !providers.Hidden(rec.ProviderID) || rec.Anomaly != "" {
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
	if len(asked) == 0 || slices.ContainsFunc(asked, func(id string) bool { return id != "" }) {
		t.Errorf("asked by %q, want by the reference: the provider knows no such name", asked)
	}
}
