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
func (b *ledgerFixture) ttl(kind, reference string) int {
	b.t.Helper()
	d, err := b.rdb.PTTL(b.t.Context(), "remesa:{virtualpos}:"+kind+":"+reference).Result()
	b.must(err)
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
	version := func(b *ledgerFixture) int64 {
		r, err := b.store.Show(b.t.Context(), key("a"))
		b.must(err)
		return r.Version
	}
	resolve := func(b *ledgerFixture, as string) {
		_, err := b.store.Resolve(b.t.Context(), key("a"), version(b), idempotency.Resolution{Actor: by, As: as})
		b.must(err)
	}
	declined := providers.Outcome{Class: providers.Refused, Code: "E-051"}
	rows := []struct {
		is              string
		run             func(b *ledgerFixture)
		record, payload int // days, as ttl
	}{
		{"an open payment is kept for ever, with its payload", func(*ledgerFixture) {}, 0, 0},
		{"a payment in doubt is kept for ever, with its payload", func(b *ledgerFixture) { b.finish("a", "a", unclear) }, 0, 0},
		{"a succeeded one is kept for the retention, without its payload", func(b *ledgerFixture) { b.finish("a", "a", paid("X")) }, 400, -1},
		{"a failed one keeps its payload for 30 days", func(b *ledgerFixture) { b.finish("a", "a", declined) }, 400, 30},
		{"a failed one with an open attempt keeps both while it is watched", func(b *ledgerFixture) {
			b.finish("a", "a", unclear)
			resolve(b, "failed")
		}, 0, 0},
		{"after the watch it is kept for the retention, its payload for 30 days", func(b *ledgerFixture) {
			b.finish("a", "a", unclear)
			resolve(b, "failed")
			b.Advance(7 * day)
			_, _, err := b.store.Due(b.t.Context(), provider, 10, idempotency.Lanes{QueryTimeout: time.Second})
			b.must(err)
		}, 400, 30},
		{"an anomaly is kept until an operator clears it", func(b *ledgerFixture) {
			b.finish("a", "a", unclear)
			resolve(b, "failed")
			b.finish("a", "a", paid("X"))
		}, 0, 0},
		{"an anomaly of an unwatched payment is kept until an operator clears it", func(b *ledgerFixture) {
			b.finish("a", "a", unclear)
			q, err := b.store.StartQuery(b.t.Context(), key("a"))
			b.must(err)
			_, err = b.store.RecordStatus(b.t.Context(), key("a"), idempotency.StatusResult{Version: q.Version, QueriedAt: q.QueriedAt, Outcome: paid("X"), QueryAfter: time.Second})
			b.must(err)
			b.finish("a", "a", declined)
		}, 0, -1},
		{"after an accepted anomaly it is kept for the retention", func(b *ledgerFixture) {
			b.finish("a", "a", unclear)
			resolve(b, "failed")
			b.finish("a", "a", paid("X"))
			_, err := b.store.ClearAnomaly(b.t.Context(), key("a"), version(b), false, by)
			b.must(err)
		}, 400, -1},
		{"a payment that is tried again is kept for ever", func(b *ledgerFixture) {
			b.finish("a", "a", declined)
			_, err := b.store.Retry(b.t.Context(), key("a"), version(b), false, by)
			b.must(err)
		}, 0, 0},
	}
	s := redistest.Start(t)
	for _, r := range rows {
		t.Run(r.is, func(t *testing.T) {
			if err := s.Client().FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			b := open(t, s, s.Client(), idempotency.Options{})
			b.sending("a")
			r.run(b)
			if got := b.ttl("p", "a"); got != r.record {
				t.Errorf("the record is kept %d days, want %d", got, r.record)
			}
			if got := b.ttl("d", "a"); got != r.payload {
				t.Errorf("the payload is kept %d days, want %d", got, r.payload)
			}
		})
	}
}

func TestRetryWithoutItsPayloadIsRefused(t *testing.T) {
	t.Parallel()
	_, b := newLedgerFixture(t)
	b.sending("a")
	b.finish("a", "a", providers.Outcome{Class: providers.Refused})
	b.must(b.rdb.Del(t.Context(), "remesa:{virtualpos}:d:a").Err())
	r := b.want("a", idempotency.Failed)
	_, err := b.store.Retry(t.Context(), r.Key, r.Version, false, idempotency.Actor{By: "ana", Note: "n"})
	if err == nil {
		t.Fatal("a payment without its details was made ready")
	}
	b.want("a", idempotency.Failed)
}

func TestExpiredRecordsAreInNoList(t *testing.T) {
	t.Parallel()
	_, b := newLedgerFixture(t)
	b.sending("a")
	b.finish("a", "a", providers.Outcome{Class: providers.Refused})
	b.must(b.rdb.Del(t.Context(), "remesa:{virtualpos}:p:a").Err())
	err := b.store.List(t.Context(), idempotency.Filter{Provider: provider, State: idempotency.Failed}, func(r idempotency.Record) bool {
		t.Errorf("listed %+v", r)
		return true
	})
	b.must(err)
	if _, err := b.store.Show(t.Context(), key("a")); err == nil {
		t.Fatal("an expired record is shown")
	}
}

func TestOutcomesAreTrimmedByAge(t *testing.T) {
	t.Parallel()
	p := idempotency.DefaultPolicy()
	p.OutcomesRetention = day
	s := redistest.Start(t)
	b := open(t, s, s.Client(), idempotency.Options{Default: p})
	b.must(b.rdb.Set(t.Context(), "remesa:{virtualpos}:clock", time.Now().UnixMilli(), 0).Err())
	for range 300 {
		b.register(idempotency.NewAttempt())
	}
	if got := len(b.Outcomes(t)); got != 300 {
		t.Fatalf("%d entries", got)
	}
	b.Advance(2 * day)
	b.register("late")
	if got := len(b.Outcomes(t)); got > 101 {
		t.Fatalf("%d entries are kept of 301, all but one too old", got)
	}
}

func TestTimesAreTheStores(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	rdb := s.Client()
	b := &ledgerFixture{t: t, rdb: rdb, store: idempotency.NewRedis(rdb, idempotency.Options{})}
	before, err := rdb.Time(t.Context()).Result()
	b.must(err)
	b.register("a")
	got := b.begin("a", "a")
	after, err := rdb.Time(t.Context()).Result()
	b.must(err)
	if got.Now.Before(before.Truncate(time.Millisecond)) || got.Now.After(after) || !got.LeaseEnd.Equal(got.Now.Add(lease)) {
		t.Fatalf("begun at %s until %s, by the store between %s and %s", got.Now, got.LeaseEnd, before, after)
	}
}
