package idempotency

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Signals are what an alarm looks at: few numbers, read from indexes, whatever the number of payments.
type Signals struct {
	// Overdue is how long the payment that is due the longest has been waiting to be woken; zero where nothing waits.
	Overdue time.Duration
	// Anomalies that nobody has cleared.
	Anomalies int64
	// Halts that nobody has lifted.
	Halts int64
	// Longest is how long a payment has been in doubt, and how long one has been held: the longest of those that were registered first.
	Longest map[State]time.Duration
}

// looked is how many payments of a state are read for Longest.
const looked = 50

// Signals reads them for a provider, by the store's clock.
func (l *Redis) Signals(ctx context.Context, provider string) (Signals, error) {
	p := prefix(provider)
	pipe := l.rdb.Pipeline()
	clock := l.askTime(ctx, pipe, provider)
	due := pipe.ZRangeWithScores(ctx, p+"due", 0, 0)
	anomalies := pipe.ZCard(ctx, p+"anomalies")
	halts := pipe.HLen(ctx, p+"halted")
	ids := map[State]*redis.StringSliceCmd{}
	for _, s := range []State{InDoubt, Held} {
		low, high := bounds(s)
		ids[s] = pipe.ZRangeByScore(ctx, p+"states", &redis.ZRangeBy{Min: low, Max: high, Count: looked})
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return Signals{}, fmt.Errorf("signals of %s: %w", provider, err)
	}
	now := clock()
	out := Signals{Anomalies: anomalies.Val(), Halts: halts.Val(), Longest: map[State]time.Duration{}}
	if first := due.Val(); len(first) > 0 {
		out.Overdue = max(0, now.Sub(fromMS(int64(first[0].Score))))
	}
	for s, cmd := range ids {
		since, err := l.since(ctx, provider, s, cmd.Val())
		if err != nil {
			return Signals{}, fmt.Errorf("signals of %s: %w", provider, err)
		}
		if !since.IsZero() {
			out.Longest[s] = max(0, now.Sub(since))
		}
	}
	return out, nil
}

// askTime asks the store for its time, which the returned function tells once the pipe was sent.
func (l *Redis) askTime(ctx context.Context, pipe redis.Pipeliner, provider string) func() time.Time {
	if l.opts.TestClock {
		ms := pipe.Get(ctx, prefix(provider)+"clock")
		return func() time.Time { n, _ := ms.Int64(); return fromMS(n) }
	}
	return pipe.Time(ctx).Val
}

// since is when the first of these payments came into the state in which it still is. Records that cannot be read are for others to report.
func (l *Redis) since(ctx context.Context, provider string, state State, ids []string) (time.Time, error) {
	if len(ids) == 0 {
		return time.Time{}, nil
	}
	pipe := l.rdb.Pipeline()
	texts := make([]*redis.StringCmd, len(ids))
	for i, id := range ids {
		texts[i] = pipe.Get(ctx, recordKey(keyFromID(provider, id)))
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return time.Time{}, err
	}
	var first time.Time
	for _, text := range texts {
		var s stored
		if json.Unmarshal([]byte(text.Val()), &s) != nil || s.State != state {
			continue
		}
		if at := s.entered(); first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first, nil
}

// entered is when the record came into its present state, by the entries at the end of its history.
func (s stored) entered() time.Time {
	at := fromMS(s.Updated)
	for i := len(s.History) - 1; i >= 0; i-- {
		e := event(s.Created, s.History[i])
		if e.State != s.State {
			break
		}
		at = e.At
	}
	return at
}
