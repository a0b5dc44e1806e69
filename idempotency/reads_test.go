package idempotency_test

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

// TestOnlyWhatNeedsThePayloadReadsIt counts the texts that each operation reads: one of the record,
// one more of it inside the commit, and one of the payload where the operation returns that.
func TestOnlyWhatNeedsThePayloadReadsIt(t *testing.T) {
	s := redistest.Start(t)
	via, many := s.Client(), &manyKeys{}
	via.AddHook(many)
	f := open(t, s, via, idempotency.Options{})
	f.register("warm") // scripts are loaded once
	ctx, k, attempt := t.Context(), key("a"), idempotency.NewAttempt()
	// The clock of these tests is one, too, once beside what is read and once in a commit that has
	// an age.
	for _, row := range []struct {
		operation string
		gets      int
		do        func() error
	}{
		{"register", 5, func() error { _, err := f.store.Register(ctx, registration("a")); return err }},
		{"register again", 2, func() error { _, err := f.store.Register(ctx, registration("a")); return err }},
		{"begin", 6, func() error {
			begun, err := f.store.Begin(ctx, k, idempotency.BeginParams{Attempt: attempt, Lease: time.Minute, Queryable: true})
			if string(begun.Payload) != "payload" {
				t.Errorf("begun with the payload %q", begun.Payload)
			}
			return err
		}},
		{"checkpoint", 5, func() error { return f.checkpoint(k, attempt, nil, true) }},
		{"finish", 5, func() error {
			_, err := f.store.Finish(ctx, k, idempotency.AttemptResult{Attempt: attempt, Outcome: providers.Outcome{Class: providers.Pending}})
			return err
		}},
		{"start query", 3, func() error {
			q, err := f.store.StartQuery(ctx, k)
			if string(q.Payload) != "payload" {
				t.Errorf("queried with the payload %q", q.Payload)
			}
			return err
		}},
	} {
		f.must(f.rdb.ConfigResetStat(ctx).Err())
		many.keys.Store(0)
		f.must(row.do())
		if got := f.gets() + int(many.keys.Load()); got != row.gets {
			t.Errorf("%s: %d texts, want %d", row.operation, got, row.gets)
		}
	}
}

// manyKeys counts the keys of MGET.
type manyKeys struct{ keys atomic.Int64 }

func (m *manyKeys) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (m *manyKeys) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (m *manyKeys) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, c := range cmds {
			if c.Name() == "mget" {
				m.keys.Add(int64(len(c.Args()) - 1))
			}
		}
		return next(ctx, cmds)
	}
}

func (f *ledgerFixture) gets() int {
	f.t.Helper()
	info, err := f.rdb.Info(f.t.Context(), "commandstats").Result()
	f.must(err)
	_, rest, _ := strings.Cut(info, "cmdstat_get:calls=")
	number, _, _ := strings.Cut(rest, ",")
	n, err := strconv.Atoi(number)
	f.must(err)
	return n
}

// TestABatchOfNewPaymentsIsWrittenAfterOneRead: only where something turns out to be known is it
// read.
func TestABatchOfNewPaymentsIsWrittenAfterOneRead(t *testing.T) {
	_, f := newLedgerFixture(t)
	f.register("known")
	ctx := t.Context()
	batch := func(first string) []idempotency.Registration {
		other := registration("known")
		other.Amount, other.Fingerprint = "1", "another"
		return []idempotency.Registration{registration(first), registration("known"), other, registration("twice"), registration("twice")}
	}
	for _, row := range []struct {
		first string
		want  []idempotency.Result
	}{
		{"new", []idempotency.Result{idempotency.New, idempotency.Duplicate, idempotency.Conflict, idempotency.New, idempotency.Duplicate}},
		{"known", []idempotency.Result{idempotency.Duplicate, idempotency.Duplicate, idempotency.Conflict, idempotency.Duplicate, idempotency.Duplicate}},
	} {
		got, err := f.store.Register(ctx, batch(row.first)...)
		f.must(err)
		for i, want := range row.want {
			if got[i].Result != want {
				t.Errorf("a batch that begins with a %s payment, registration %d: %s, want %s", row.first, i, got[i].Result, want)
			}
		}
	}
	var all []idempotency.Registration
	for i := range 100 {
		all = append(all, registration("n-"+strconv.Itoa(i)))
	}
	f.must(f.rdb.ConfigResetStat(ctx).Err())
	_, err := f.store.Register(ctx, all...)
	f.must(err)
	// Each commit reads what it replaces, the clock and the epoch.
	if got := f.gets(); got > 3*100+10 {
		t.Errorf("%d GETs for 100 new payments, want 3 each and a few: the records were read beforehand", got)
	}
}
