package idempotency_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
)

// stallHook lets time pass, once, after a pipeline that only read: as if the process stood still
// between reading and writing.
type stallHook struct {
	redis.Hook
	after func()
}

func (s *stallHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		reads := true
		for _, c := range cmds {
			reads = reads && c.Name() != "evalsha"
		}
		if after := s.after; reads && after != nil {
			s.after = nil
			after()
		}
		return err
	}
}

func (s *stallHook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (s *stallHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// TestAProcessThatStoodStill: what was decided before it stood still is decided again, from the
// time that it is now.
func TestAProcessThatStoodStill(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	client, still := s.Client(), &stallHook{}
	client.AddHook(still)
	b := open(t, s, client, idempotency.Options{})
	t.Run("a lease begins when it is written", func(t *testing.T) {
		b.register("a")
		still.after = func() { b.Advance(10 * time.Minute) }
		got := b.begin("a", "a")
		if want := start.Add(10*time.Minute + lease); got.Decision != idempotency.Send || !got.LeaseEnd.Equal(want) {
			t.Fatalf("decision %s until %s, want send until %s", got.Decision, got.LeaseEnd, want)
		}
	})
	t.Run("a payment that is gone is recorded again all the same", func(t *testing.T) {
		still.after = func() { b.Advance(10 * time.Minute) }
		b.must(b.store.Restore(t.Context(), registration("gone"), idempotency.RestoredAttempt{Attempt: "g", Queryable: true}))
		b.want("gone", idempotency.InDoubt)
	})
	t.Run("an emptied record is not taken for a lost one", func(t *testing.T) {
		b.must(b.rdb.Set(t.Context(), "remesa:{"+provider+"}:p:empty", "", 0).Err())
		err := b.store.Restore(t.Context(), registration("empty"), idempotency.RestoredAttempt{Attempt: "e", Queryable: true})
		if !errors.Is(err, idempotency.ErrDamaged) {
			t.Fatalf("got %v, want ErrDamaged", err)
		}
	})
}
