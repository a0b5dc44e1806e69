package idempotency_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

func (f *ledgerFixture) healthStats() idempotency.HealthStats {
	f.t.Helper()
	s, err := f.store.HealthStats(f.t.Context(), provider)
	f.must(err)
	return s
}

// near allows for the wait between two steps.
func near(got, want time.Duration) bool { return (got - want).Abs() < time.Second }

func TestSignals(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	if s := f.healthStats(); s.DueLag != 0 || s.Anomalies != 0 || s.Halts != 0 || len(s.Oldest) != 0 {
		t.Errorf("of nothing: %+v", s)
	}

	f.register("early")
	f.Advance(time.Hour) // it waited; that is no doubt
	f.begin("early", "a")
	f.finish("early", "a", unclear)
	f.Advance(10 * time.Minute)
	f.register("late")
	f.begin("late", "b")
	f.finish("late", "b", unclear)
	f.Advance(5 * time.Minute)
	s := f.healthStats()
	if !near(s.Oldest[idempotency.InDoubt], 15*time.Minute) {
		t.Errorf("the longest in doubt: %s, want 15m", s.Oldest[idempotency.InDoubt])
	}
	if _, held := s.Oldest[idempotency.Held]; held || s.DueLag < 5*time.Minute || s.DueLag > 15*time.Minute {
		t.Errorf("nothing was woken for minutes, nothing is held: %+v", s)
	}

	_, _, err := f.store.Due(f.t.Context(), idempotency.Partition{Provider: provider}, 10, idempotency.Lanes{QueryTimeout: time.Minute})
	f.must(err)
	if s := f.healthStats(); s.DueLag != 0 {
		t.Errorf("right after a sweep something has been due for %s", s.DueLag)
	}
	f.must(f.store.Halt(f.t.Context(), provider, "", idempotency.Actor{By: "ana", Note: "n"}))
	if s := f.healthStats(); s.Halts != 1 {
		t.Errorf("%d halts", s.Halts)
	}
}

// TestAStateIsCountedFromItsOwnBeginning: what is written of a held payment does not make it
// younger.
func TestAStateIsCountedFromItsOwnBeginning(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	f.register("a")
	f.begin("a", "x")
	f.finish("a", "x", unclear)
	f.Advance(10 * time.Minute)
	_, err := f.store.Reject(f.t.Context(), key("a"), idempotency.Rejection{Code: "payload_unreadable", Message: ""})
	f.must(err)
	f.Advance(20 * time.Minute)
	f.finish("a", "x", providers.Outcome{Class: providers.Pending, ProviderID: "P"})
	f.Advance(time.Minute)
	r := f.want("a", idempotency.Held)
	if last := r.History[len(r.History)-1]; last.Note != "late result: pending" {
		t.Fatalf("the late result is not in the history: %+v", last)
	}
	if got := f.healthStats().Oldest[idempotency.Held]; !near(got, 21*time.Minute) {
		t.Errorf("held for %s, want 21m", got)
	}
}

func TestSignalsSurviveWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	for n := range 3 {
		ref := fmt.Sprint("p", n)
		f.register(ref)
		f.begin(ref, ref)
		f.finish(ref, ref, unclear)
	}
	f.must(f.rdb.Set(f.t.Context(), "remesa:{virtualpos}:p:p0", "not a record", 0).Err())
	f.must(f.rdb.Del(f.t.Context(), "remesa:{virtualpos}:p:p1").Err())
	f.Advance(time.Minute)
	if got := f.healthStats().Oldest[idempotency.InDoubt]; !near(got, time.Minute) {
		t.Errorf("in doubt for %s, want 1m", got)
	}
}
