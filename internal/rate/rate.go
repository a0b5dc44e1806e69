// Package rate keeps the requests of all workers together within what a provider allows. Limiter
// spaces them out by the configured rate; Throttle stops an account's requests after a 429.
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

// Limiter spaces out requests, by the clock of Redis. Sends and status queries are two lanes: while
// both want slots, sends get four of five and status queries the fifth, so that neither starves the
// other. What one lane leaves unused goes to the other. A worker that dies with a reserved slot
// wastes it.
type Limiter struct {
	rdb      redis.UniversalClient
	limits   map[string]float64
	script   *redis.Script
	maxAhead time.Duration
}

// New makes a limiter; limits are requests a second by provider, and a provider without one is not
// limited. every is how often the caller calls Capacity, which promises slots until a little after
// its next call.
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
	queries = lane{"query", 0.2}
)

// lanes returns the caller's lane and the other.
func lanes(query bool) (mine, other lane) {
	if query {
		return queries, sends
	}
	return sends, queries
}

// Limited reports whether the provider has a limit.
func (l *Limiter) Limited(provider string) bool { return l.limits[provider] > 0 }

// Wait reserves a slot in the caller's lane, waits for it, and returns true when the caller may
// make one request. It returns false at once, and reserves nothing, where no slot is free soon.
// Call it before a payment begins, so that the wait costs no lease.
func (l *Limiter) Wait(ctx context.Context, provider string, query bool) (bool, error) {
	if !l.Limited(provider) {
		return true, nil
	}
	wait, err := l.run(ctx, "take", provider, query, l.maxAhead+l.maxAhead/4, 0)
	if err != nil || wait < 0 {
		return false, err
	}
	err = sleep(ctx, time.Duration(wait)*time.Microsecond)
	return err == nil, err
}

// Capacity is how many callers to which Wait returned false may come again now, most at the most.
// All workers together promise each slot once.
func (l *Limiter) Capacity(ctx context.Context, provider string, query bool, most int) (int, error) {
	if !l.Limited(provider) || most <= 0 {
		return max(most, 0), nil
	}
	n, err := l.run(ctx, "capacity", provider, query, l.maxAhead, most)
	return int(n), err
}

func (l *Limiter) run(ctx context.Context, what, provider string, query bool, ahead time.Duration, most int) (int64, error) {
	mine, other := lanes(query)
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
