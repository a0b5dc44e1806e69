package billing

import (
	"errors"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

const memoryLine = `{"id":"s","provider":"pagoseguro","amount":"32900","currency":"COP","description":"Canal","start":"2026-08-31",
"schedule":{"every":"day","at":"00:00","timezone":"UTC"},
"customer":{"name":"Ana Ruiz","email":"ana@example.com","document_type":1,"document":"100000000","phone":"3100000000",
"address":"Calle 10","city":"Bogotá","first_names":"Ana","last_names":"Ruiz"},
"card":{"token":"eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=","brand":"MasterCard","expiry_month":12,"expiry_year":99,"installments":1}}`

// The store in memory writes under the conditions of the one in Redis: once for each reading, and
// it hands out nothing twice at a time.
func TestMemoryWritesOnlyWhatWasDecidedFromThePresentRecord(t *testing.T) {
	t.Parallel()
	sub, err := tasks.DecodeSubscription([]byte(memoryLine))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 9, 2, 12, 0, 0, 0, time.UTC)
	payments := idempotency.NewMemory()
	payments.Now = func() time.Time { return now }
	m := NewMemory(payments)
	if err := m.Add(NewAddition(sub, nil, now.Add(-48*time.Hour))); err != nil {
		t.Fatal(err)
	}
	_, ids, _ := m.Due(t.Context(), "pagoseguro", 10)
	_, again, _ := m.Due(t.Context(), "pagoseguro", 10)
	if len(ids) != 1 || len(again) != 0 {
		t.Fatalf("handed out %v, and then %v", ids, again)
	}
	stored, err := m.Load(t.Context(), "pagoseguro", ids...)
	if err != nil {
		t.Fatal(err)
	}
	update := Update{Decision: newDecision(stored[0].Record, now), Charge: "charge-1"}
	update.Decision.Claimed, update.Decision.Record.Open = true, &OpenPeriod{Period: 1}
	for n, want := range []error{nil, ErrVersionChanged} {
		if errs, err := m.Commit(t.Context(), update); err != nil || !errors.Is(errs[0], want) {
			t.Errorf("commit %d: %v, %v, want %v", n+1, errs, err, want)
		}
	}
}
