package idempotency_test

import (
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

const chargeGuard = "remesa:{" + provider + "}:permit"

func charge(reference string) idempotency.Registration {
	r := registration(reference)
	r.Type, r.Subscription, r.Period = "charge", "sub-1", "3"
	return r
}

// chargeUpdates are the updates that the sweeper has yet to process.
func (f *ledgerFixture) chargeUpdates() []string {
	f.t.Helper()
	members, err := f.rdb.ZRange(f.t.Context(), idempotency.ChargeUpdatesKey(provider), 0, -1).Result()
	f.must(err)
	return members
}

func TestEndOfASubscriptionsChargeIsAnUpdateInTheSameTransition(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	_, err := f.store.Register(t.Context(), charge("c-1"), charge("c-2"), registration("alone"))
	f.must(err)
	for _, reference := range []string{"c-1", "alone"} {
		f.begin(reference, reference)
	}
	if got := f.chargeUpdates(); len(got) != 0 {
		t.Fatalf("charge updates %v before anything ended", got)
	}
	f.finish("c-1", "c-1", paid("X"))
	f.finish("alone", "alone", paid("Y"))
	if got := f.chargeUpdates(); len(got) != 1 || got[0] != "sub-1|c-1" {
		t.Fatalf("charge updates %v, want the subscription's charge only", got)
	}
}

func TestAnomalyOfASubscriptionsChargeIsAnUpdate(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	_, err := f.store.Register(t.Context(), charge("c-1"))
	f.must(err)
	f.begin("c-1", "a")
	f.finish("c-1", "a", paid("X"))
	f.must(f.rdb.Del(t.Context(), idempotency.ChargeUpdatesKey(provider)).Err())
	q, err := f.store.StartQuery(t.Context(), key("c-1"))
	f.must(err)
	_, err = f.store.RecordStatus(t.Context(), key("c-1"), idempotency.StatusResult{
		Version: q.Version, QueriedAt: q.QueriedAt, Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: "Y"}, QueryAfter: time.Second,
	})
	f.must(err)
	if r := f.want("c-1", idempotency.Succeeded); r.Anomaly == "" {
		t.Fatal("a second provider id is no anomaly")
	}
	if got := f.chargeUpdates(); len(got) != 1 {
		t.Fatalf("charge updates %v, want the anomaly", got)
	}
}

func TestAPaymentIsRecordedOnlyWhileItsPermitNamesIt(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	with := func(reference string) idempotency.Registered {
		r := charge(reference)
		r.ChargeGuard = chargeGuard
		got, err := f.store.Register(t.Context(), r)
		f.must(err)
		return got[0]
	}
	if got := with("c-1"); got.Result != idempotency.Conflict || !strings.HasPrefix(got.Conflict, "permit") {
		t.Fatalf("without a charge guard: %+v", got)
	}
	f.must(f.rdb.Set(t.Context(), chargeGuard, "c-2", 0).Err())
	if got := with("c-1"); got.Result != idempotency.Conflict {
		t.Fatalf("with another's charge guard: %+v", got)
	}
	if got := with("c-2"); got.Result != idempotency.New {
		t.Fatalf("with its charge guard: %+v", got)
	}
	if n := f.rdb.Exists(t.Context(), chargeGuard).Val(); n != 0 {
		t.Fatal("the charge guard is still there: it would be good for another record")
	}
	if got := with("c-2"); got.Result != idempotency.Duplicate {
		t.Fatalf("recorded before the charge guard was withdrawn: %+v", got)
	}
}
