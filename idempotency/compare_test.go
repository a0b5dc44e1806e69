package idempotency_test

import (
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
)

// TestCompareFindsWhatRegisterWouldAndWritesNothing: a dry run asks it.
func TestCompareFindsWhatRegisterWouldAndWritesNothing(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	for says, l := range map[string]*idempotency.Ledger{
		"in Redis": idempotency.NewRedis(s.Client(), idempotency.Options{}), "in memory": idempotency.NewLedger(idempotency.NewMemory(), idempotency.Options{}),
	} {
		payment := func(reference, amount, fingerprint string) idempotency.Registration {
			return idempotency.Registration{
				Key:  idempotency.Key{Provider: "virtualpos", Account: "default", Reference: reference},
				Type: "payout", Amount: amount, Currency: "CLP", Fingerprint: fingerprint,
			}
		}
		if _, err := l.Register(t.Context(), payment("a", "100", "1:x"), payment("b", "100", "1:x")); err != nil {
			t.Fatal(says, err)
		}
		asked := []idempotency.Registration{payment("new", "1", "1:y"), payment("a", "100", "1:x"), payment("b", "101", "1:w"), payment("b", "100", "1:z"), payment("new", "2", "1:y")}
		want := []idempotency.Result{idempotency.New, idempotency.Duplicate, idempotency.Conflict, idempotency.Conflict, idempotency.New}
		for range 2 {
			got, err := l.Compare(t.Context(), asked...)
			if err != nil {
				t.Fatal(says, err)
			}
			for i, r := range got {
				if r.Result != want[i] || (r.Result == idempotency.Conflict) != (r.Conflict != "") || r.Result == idempotency.Duplicate && r.State != idempotency.Queued {
					t.Errorf("%s: the answer %d is %+v, want %s", says, i, r, want[i])
				}
			}
		}
		if counts, err := l.Counts(t.Context(), "virtualpos"); err != nil || counts[idempotency.Queued] != 2 {
			t.Errorf("%s: %v %v", says, counts, err)
		}
	}
}
