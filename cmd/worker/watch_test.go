package main

import (
	"testing"

	"github.com/remesa/remesa/tasks"
)

// TestPaymentsThatNoWorkerServesAreCountedToo: they are overdue before any other, and an alert on
// them must not wait for a worker.
func TestPaymentsThatNoWorkerServesAreCountedToo(t *testing.T) {
	t.Parallel()
	s := idle(t)
	task, err := tasks.Decode([]byte(`{"type":"charge","provider":"etpay","txnid":"OC700104","amount":"50000","currency":"CLP",` +
		`"description":"Cuenta gas","customer":{"email":"ana@example.cl","document":"12345678-5"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tasks.NewClient(s.ledger, s.rdb, tasks.ClientOptions{}).Submit(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	reported := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				name += " " + l.GetValue()
			}
			reported[name] = m.GetGauge().GetValue()
		}
	}
	if n := reported["remesa_payments_open etpay queued"]; n != 1 {
		t.Errorf("%g payments are queued", n)
	}
	for _, name := range []string{"remesa_due_lag_seconds etpay", "remesa_subscriptions_lag_seconds etpay", "remesa_due_lag_seconds virtualpos"} {
		if _, ok := reported[name]; !ok {
			t.Errorf("%s is not reported", name)
		}
	}
}
