package idempotency_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

// reads counts the pipelines that read a record and write nothing.
type reads struct {
	redis.Hook
	n int
}

func (r *reads) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		only := true
		for _, c := range cmds {
			only = only && c.Name() != "evalsha"
		}
		if only {
			r.n++
		}
		return next(ctx, cmds)
	}
}

func (r *reads) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (r *reads) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// TestFinishDecidesFromWhatBeginWrote: without reading the record, as long as it is what the store
// has, and the time is about the store's; else as if there were no snapshot.
func TestFinishDecidesFromWhatBeginWrote(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	client, counted := s.Client(), &reads{}
	client.AddHook(counted)
	b := open(t, s, client, idempotency.Options{})
	succeeded := func(reference string, begun idempotency.BeginResult) idempotency.Record {
		t.Helper()
		rep := idempotency.AttemptResult{
			Attempt: reference, Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: "id"}, MoneyStepReached: true, Begin: begun.Snapshot,
		}
		counted.n = 0
		for range 2 { // the reply to the first was lost
			if _, err := b.store.Finish(t.Context(), key(reference), rep); err != nil {
				t.Fatal(err)
			}
		}
		rec, err := b.store.Show(t.Context(), key(reference))
		b.must(err)
		return rec
	}
	t.Run("nothing happened meanwhile", func(t *testing.T) {
		b.register("quiet")
		rec := succeeded("quiet", b.begin("quiet", "quiet"))
		if counted.n > 2 || rec.State != idempotency.Succeeded || rec.Anomaly != "" { // the second Finish reads, and Show
			t.Errorf("%d reads, %s, anomaly %q", counted.n, rec.State, rec.Anomaly)
		}
	})
	t.Run("the lease lapsed, and the payment was called in doubt", func(t *testing.T) {
		b.register("lapsed")
		begun := b.begin("lapsed", "lapsed")
		b.Advance(lease + time.Second)
		_, _, err := b.store.Due(t.Context(), idempotency.Partition{Provider: provider}, 10, idempotency.Lanes{QueryTimeout: time.Second})
		b.must(err)
		b.want("lapsed", idempotency.InDoubt)
		rec := succeeded("lapsed", begun)
		if states := len(rec.History); rec.State != idempotency.Succeeded || states != 4 || rec.Anomaly != "" {
			t.Errorf("%s by %d entries, anomaly %q", rec.State, states, rec.Anomaly)
		}
	})
	t.Run("the store's clock has gone on", func(t *testing.T) {
		b.register("later")
		begun := b.begin("later", "later")
		b.Advance(10 * time.Second)
		rec := succeeded("later", begun)
		if took := rec.Updated.Sub(rec.Created); rec.State != idempotency.Succeeded || took != 10*time.Second {
			t.Errorf("%s after %s", rec.State, took)
		}
	})
	t.Run("the store has lost the payment", func(t *testing.T) {
		b.register("gone")
		begun := b.begin("gone", "gone")
		b.must(b.rdb.Del(t.Context(), "remesa:{"+provider+"}:p:gone").Err())
		_, err := b.store.Finish(t.Context(), key("gone"), idempotency.AttemptResult{
			Attempt: "gone", Outcome: providers.Outcome{Class: providers.Succeeded}, MoneyStepReached: true, Begin: begun.Snapshot,
		})
		if err == nil {
			t.Error("a payment that is gone was finished")
		}
	})
}
