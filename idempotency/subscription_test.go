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
func (b *ledgerFixture) chargeUpdates() []string {
	b.t.Helper()
	members, err := b.rdb.ZRange(b.t.Context(), idempotency.ChargeUpdatesKey(provider), 0, -1).Result()
	b.must(err)
	return members
}

func TestEndOfASubscriptionsChargeIsAnUpdateInTheSameTransition(t *testing.T) {
	t.Parallel()
	_, b := newLedgerFixture(t)
	_, err := b.store.Register(t.Context(), charge("c-1"), charge("c-2"), registration("alone"))
	b.must(err)
	for _, reference := range []string{"c-1", "alone"} {
		b.begin(reference, reference)
	}
	if got := b.chargeUpdates(); len(got) != 0 {
		t.Fatalf("charge updates %v before anything ended", got)
	}
	b.finish("c-1", "c-1", paid("X"))
	b.finish("alone", "alone", paid("Y"))
	if got := b.chargeUpdates(); len(got) != 1 || got[0] != "sub-1|c-1" {
		t.Fatalf("charge updates %v, want the subscription's charge only", got)
	}
}

func TestAnomalyOfASubscriptionsChargeIsAnUpdate(t *testing.T) {
	t.Parallel()
	_, b := newLedgerFixture(t)
	_, err := b.store.Register(t.Context(), charge("c-1"))
	b.must(err)
	b.begin("c-1", "a")
	b.finish("c-1", "a", paid("X"))
	b.must(b.rdb.Del(t.Context(), idempotency.ChargeUpdatesKey(provider)).Err())
	q, err := b.store.StartQuery(t.Context(), key("c-1"))
	b.must(err)
	_, err = b.store.RecordStatus(t.Context(), key("c-1"), idempotency.StatusResult{
		Version: q.Version, QueriedAt: q.QueriedAt, Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: "Y"}, QueryAfter: time.Second,
	})
	b.must(err)
	if r := b.want("c-1", idempotency.Succeeded); r.Anomaly == "" {
		t.Fatal("a second provider id is no anomaly")
	}
	if got := b.chargeUpdates(); len(got) != 1 {
		t.Fatalf("charge updates %v, want the anomaly", got)
	}
}

func TestAPaymentIsRecordedOnlyWhileItsPermitNamesIt(t *testing.T) {
	t.Parallel()
	_, b := newLedgerFixture(t)
	with := func(reference string) idempotency.Registered {
		r := charge(reference)
		r.ChargeGuard = chargeGuard
		got, err := b.store.Register(t.Context(), r)
		b.must(err)
		return got[0]
	}
	if got := with("c-1"); got.Result != idempotency.Conflict || !strings.HasPrefix(got.Conflict, "permit") {
		t.Fatalf("without a charge guard: %+v", got)
	}
	b.must(b.rdb.Set(t.Context(), chargeGuard, "c-2", 0).Err())
	if got := with("c-1"); got.Result != idempotency.Conflict {
		t.Fatalf("with another's charge guard: %+v", got)
	}
	if got := with("c-2"); got.Result != idempotency.New {
		t.Fatalf("with its charge guard: %+v", got)
	}
	if n := b.rdb.Exists(t.Context(), chargeGuard).Val(); n != 0 {
		t.Fatal("the charge guard is still there: it would be good for another record")
	}
	if got := with("c-2"); got.Result != idempotency.Duplicate {
		t.Fatalf("recorded before the charge guard was withdrawn: %+v", got)
	}
}
