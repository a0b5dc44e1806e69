package idempotency_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

func (b *ledgerFixture) healthStats() idempotency.HealthStats {
	b.t.Helper()
	s, err := b.store.HealthStats(b.t.Context(), provider)
	b.must(err)
	return s
}

// near allows for the wait between two steps.
func near(got, want time.Duration) bool { return (got - want).Abs() < time.Second }

func TestSignals(t *testing.T) {
	t.Parallel()
	_, b := newLedgerFixture(t)
	if s := b.healthStats(); s.DueLag != 0 || s.Anomalies != 0 || s.Halts != 0 || len(s.Oldest) != 0 {
		t.Errorf("of nothing: %+v", s)
	}

	b.register("early")
	b.Advance(time.Hour) // it waited; that is no doubt
	b.begin("early", "a")
	b.finish("early", "a", unclear)
	b.Advance(10 * time.Minute)
	b.register("late")
	b.begin("late", "b")
	b.finish("late", "b", unclear)
	b.Advance(5 * time.Minute)
	s := b.healthStats()
	if !near(s.Oldest[idempotency.InDoubt], 15*time.Minute) {
		t.Errorf("the longest in doubt: %s, want 15m", s.Oldest[idempotency.InDoubt])
	}
	if _, held := s.Oldest[idempotency.Held]; held || s.DueLag < 5*time.Minute || s.DueLag > 15*time.Minute {
		t.Errorf("nothing was woken for minutes, nothing is held: %+v", s)
	}

	_, _, err := b.store.Due(b.t.Context(), provider, 10, idempotency.Lanes{QueryTimeout: time.Minute})
	b.must(err)
	if s := b.healthStats(); s.DueLag != 0 {
		t.Errorf("right after a sweep something has been due for %s", s.DueLag)
	}
	b.must(b.store.Halt(b.t.Context(), provider, "", idempotency.Actor{By: "ana", Note: "n"}))
	if s := b.healthStats(); s.Halts != 1 {
		t.Errorf("%d halts", s.Halts)
	}
}

// TestAStateIsCountedFromItsOwnBeginning: what is written of a held payment does not make it
// younger.
func TestAStateIsCountedFromItsOwnBeginning(t *testing.T) {
	t.Parallel()
	_, b := newLedgerFixture(t)
	b.register("a")
	b.begin("a", "x")
	b.finish("a", "x", unclear)
	b.Advance(10 * time.Minute)
	_, err := b.store.Reject(b.t.Context(), key("a"), idempotency.Rejection{Code: "payload_unreadable", Message: ""})
	b.must(err)
	b.Advance(20 * time.Minute)
	b.finish("a", "x", providers.Outcome{Class: providers.Pending, ProviderID: "P"})
	b.Advance(time.Minute)
	r := b.want("a", idempotency.Held)
	if last := r.History[len(r.History)-1]; last.Note != "late result: pending" {
		t.Fatalf("the late result is not in the history: %+v", last)
	}
	if got := b.healthStats().Oldest[idempotency.Held]; !near(got, 21*time.Minute) {
		t.Errorf("held for %s, want 21m", got)
	}
}

func TestSignalsSurviveWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	_, b := newLedgerFixture(t)
	for n := range 3 {
		ref := fmt.Sprint("p", n)
		b.register(ref)
		b.begin(ref, ref)
		b.finish(ref, ref, unclear)
	}
	b.must(b.rdb.Set(b.t.Context(), "remesa:{virtualpos}:p:p0", "not a record", 0).Err())
	b.must(b.rdb.Del(b.t.Context(), "remesa:{virtualpos}:p:p1").Err())
	b.Advance(time.Minute)
	if got := b.healthStats().Oldest[idempotency.InDoubt]; !near(got, time.Minute) {
		t.Errorf("in doubt for %s, want 1m", got)
	}
}
