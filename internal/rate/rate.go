// Package rate keeps the requests of all workers together below what a provider allows.
package rate

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
)

//go:embed rate.lua
var source string

// Limiter spaces out requests, by the clock of Redis. Sends and questions are two lanes: while both
// want slots, sends get four of five and questions the fifth, so that neither starves the other;
// what one leaves unused, and alone everything, is the other's. A worker that dies with a reserved
// slot wastes it.
type Limiter struct {
	rdb      redis.UniversalClient
	limits   map[string]float64
	script   *redis.Script
	maxAhead time.Duration
}

// New makes a limiter; limits are requests a second by provider, and a provider without one is not
// limited. every is how often Room is asked: it promises slots until a little after it is asked
// again.
func New(rdb redis.UniversalClient, limits map[string]float64, every time.Duration) *Limiter {
	return &Limiter{rdb: rdb, limits: limits, script: redis.NewScript(source), maxAhead: every + every/4}
}

// lane is one of a provider's two, and its share of the slots while the other wants some.
type lane struct {
	name  string
	share float64
}

var (
	sends   = lane{"send", 0.8}
	queries = lane{"ask", 0.2}
)

// lanes returns the caller's lane and the other.
func lanes(ask bool) (mine, other lane) {
	if ask {
		return queries, sends
	}
	return sends, queries
}

// Limited reports whether the provider has a limit.
func (l *Limiter) Limited(provider string) bool { return l.limits[provider] > 0 }

// Wait returns true when the caller may make one request of the provider; false: not soon, and
// nothing is reserved. It waits before a payment begins, so that it costs no lease.
func (l *Limiter) Wait(ctx context.Context, provider string, ask bool) (bool, error) {
	if !l.Limited(provider) {
		return true, nil
	}
	wait, err := l.run(ctx, "take", provider, ask, l.maxAhead+l.maxAhead/4, 0)
	if err != nil || wait < 0 {
		return false, err
	}
	err = sleep(ctx, time.Duration(wait)*time.Microsecond)
	return err == nil, err
}

// Capacity is how many callers who were told false may come again now, most at the most: all workers
// together promise each slot once.
func (l *Limiter) Capacity(ctx context.Context, provider string, ask bool, most int) (int, error) {
	if !l.Limited(provider) || most <= 0 {
		return max(most, 0), nil
	}
	n, err := l.run(ctx, "room", provider, ask, l.maxAhead, most)
	return int(n), err
}

func (l *Limiter) run(ctx context.Context, what, provider string, ask bool, ahead time.Duration, most int) (int64, error) {
	mine, other := lanes(ask)
	distance := float64(time.Second/time.Microsecond) / l.limits[provider]
	got, err := l.script.Run(ctx, l.rdb, []string{kv.Prefix(provider) + "rate:lanes"}, what, mine.name, other.name,
		int64(distance), int64(distance/mine.share), int64(distance/other.share), ahead.Microseconds(), most).Int64()
	if err != nil {
		return 0, fmt.Errorf("rate limit of %s: %w", provider, err)
	}
	return got, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
