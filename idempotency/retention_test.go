package idempotency_test

import (
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

const day = 24 * time.Hour

// ttl is how long a key is kept, to the day: 0 for ever, -1 where there is none.
func (f *ledgerFixture) ttl(kind, reference string) int {
	f.t.Helper()
	d, err := f.rdb.PTTL(f.t.Context(), "remesa:{virtualpos}:"+kind+":"+reference).Result()
	f.must(err)
	switch d {
	case -2:
		return -1
	case -1:
		return 0
	}
	return int((d + day - 1) / day)
}

func TestRetention(t *testing.T) {
	t.Parallel()
	by := idempotency.Actor{By: "ana", Note: "bank"}
	version := func(f *ledgerFixture) int64 {
		r, err := f.store.Show(f.t.Context(), key("a"))
		f.must(err)
		return r.Version
	}
	resolve := func(f *ledgerFixture, as string) {
		_, err := f.store.Resolve(f.t.Context(), key("a"), version(f), idempotency.Resolution{Actor: by, As: as})
		f.must(err)
	}
	declined := providers.Outcome{Class: providers.Refused, Code: "E-051"}
	rows := []struct {
		is              string
		run             func(f *ledgerFixture)
		record, payload int // days, as ttl
	}{
		{"an open payment is kept for ever, with its payload", func(*ledgerFixture) {}, 0, 0},
		{"a payment in doubt is kept for ever, with its payload", func(f *ledgerFixture) { f.finish("a", "a", unclear) }, 0, 0},
		{"a succeeded one is kept for the retention, without its payload", func(f *ledgerFixture) { f.finish("a", "a", paid("X")) }, 400, -1},
		{"a failed one keeps its payload for 30 days", func(f *ledgerFixture) { f.finish("a", "a", declined) }, 400, 30},
		{"a failed one with an open attempt keeps both while it is watched", func(f *ledgerFixture) {
			f.finish("a", "a", unclear)
			resolve(f, "failed")
		}, 0, 0},
		{"after the watch it is kept for the retention, its payload for 30 days", func(f *ledgerFixture) {
			f.finish("a", "a", unclear)
			resolve(f, "failed")
			f.Advance(7 * day)
			_, _, err := f.store.Due(f.t.Context(), idempotency.Partition{Provider: provider}, 10, idempotency.Lanes{QueryTimeout: time.Second})
			f.must(err)
		}, 400, 30},
		{"an anomaly is kept until an operator clears it", func(f *ledgerFixture) {
			f.finish("a", "a", unclear)
			resolve(f, "failed")
			f.finish("a", "a", paid("X"))
		}, 0, 0},
		{"an anomaly of an unwatched payment is kept until an operator clears it", func(f *ledgerFixture) {
			f.finish("a", "a", unclear)
			q, err := f.store.StartQuery(f.t.Context(), key("a"))
			f.must(err)
			_, err = f.store.RecordStatus(f.t.Context(), key("a"), idempotency.StatusResult{Version: q.Version, QueriedAt: q.QueriedAt, Outcome: paid("X"), QueryAfter: time.Second})
			f.must(err)
			f.finish("a", "a", declined)
		}, 0, -1},
		{"after an accepted anomaly it is kept for the retention", func(f *ledgerFixture) {
			f.finish("a", "a", unclear)
			resolve(f, "failed")
			f.finish("a", "a", paid("X"))
			_, err := f.store.ClearAnomaly(f.t.Context(), key("a"), version(f), false, by)
			f.must(err)
		}, 400, -1},
		{"a payment that is tried again is kept for ever", func(f *ledgerFixture) {
			f.finish("a", "a", declined)
			_, err := f.store.Retry(f.t.Context(), key("a"), version(f), false, by)
			f.must(err)
		}, 0, 0},
	}
	s := redistest.Start(t)
	for _, r := range rows {
		t.Run(r.is, func(t *testing.T) {
			if err := s.Client().FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			f := open(t, s, s.Client(), idempotency.Options{})
			f.sending("a")
			r.run(f)
			if got := f.ttl("p", "a"); got != r.record {
				t.Errorf("the record is kept %d days, want %d", got, r.record)
			}
			if got := f.ttl("d", "a"); got != r.payload {
				t.Errorf("the payload is kept %d days, want %d", got, r.payload)
			}
		})
	}
}

func TestRetryWithoutItsPayloadIsRefused(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	f.sending("a")
	f.finish("a", "a", providers.Outcome{Class: providers.Refused})
	f.must(f.rdb.Del(t.Context(), "remesa:{virtualpos}:d:a").Err())
	r := f.want("a", idempotency.Failed)
	_, err := f.store.Retry(t.Context(), r.Key, r.Version, false, idempotency.Actor{By: "ana", Note: "n"})
	if err == nil {
		t.Fatal("a payment without its details was made ready")
	}
	f.want("a", idempotency.Failed)
}

func TestExpiredRecordsAreInNoList(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	f.sending("a")
	f.finish("a", "a", providers.Outcome{Class: providers.Refused})
	f.must(f.rdb.Del(t.Context(), "remesa:{virtualpos}:p:a").Err())
	err := f.store.List(t.Context(), idempotency.Filter{Provider: provider, State: idempotency.Failed}, func(r idempotency.Record) bool {
		t.Errorf("listed %+v", r)
		return true
	})
	f.must(err)
	if _, err := f.store.Show(t.Context(), key("a")); err == nil {
		t.Fatal("an expired record is shown")
	}
}

func TestOutcomesAreTrimmedByAge(t *testing.T) {
	t.Parallel()
	p := idempotency.DefaultPolicy()
	p.OutcomesRetention = day
	s := redistest.Start(t)
	f := open(t, s, s.Client(), idempotency.Options{Default: p})
	f.must(f.rdb.Set(t.Context(), "remesa:{virtualpos}:clock", time.Now().UnixMilli(), 0).Err())
	for range 300 {
		f.register(idempotency.NewAttempt())
	}
	if got := len(f.Outcomes(t)); got != 300 {
		t.Fatalf("%d entries", got)
	}
	f.Advance(2 * day)
	f.register("late")
	if got := len(f.Outcomes(t)); got > 101 {
		t.Fatalf("%d entries are kept of 301, all but one too old", got)
	}
}

func TestTimesAreTheStores(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	rdb := s.Client()
	f := &ledgerFixture{t: t, rdb: rdb, store: idempotency.NewRedis(rdb, idempotency.Options{})}
	before, err := rdb.Time(t.Context()).Result()
	f.must(err)
	f.register("a")
	got := f.begin("a", "a")
	after, err := rdb.Time(t.Context()).Result()
	f.must(err)
	if got.Now.Before(before.Truncate(time.Millisecond)) || got.Now.After(after) || !got.LeaseEnd.Equal(got.Now.Add(lease)) {
		t.Fatalf("begun at %s until %s, by the store between %s and %s", got.Now, got.LeaseEnd, before, after)
	}
}
