// Package rate keeps the requests of all workers together below what a provider allows.
package rate

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed rate.lua
var source string

// Limiter spaces out requests, by the clock of Redis. Sends and questions are two lanes: while both want slots, sends get at most four
// of five and questions at most every second one, so that neither starves; alone, each gets all. A worker that dies with a reserved slot
// wastes it.
type Limiter struct {
	rdb    redis.UniversalClient
	limits map[string]float64
	script *redis.Script
	ahead  time.Duration
}

// New makes a limiter; limits are requests a second by provider, and a provider without one is not limited. every is how often Room is
// asked: it promises slots until a little after it is asked again.
func New(rdb redis.UniversalClient, limits map[string]float64, every time.Duration) *Limiter {
	return &Limiter{rdb: rdb, limits: limits, script: redis.NewScript(source), ahead: every + every/4}
}

// lane is one of a provider's two: its name, its share of the slots while the other wants some, and for how long its callers wait.
type lane struct {
	name  string
	share float64
	near  float64
}

// Callers wait for a reserved slot before a payment begins, so that it costs no lease. Questions may wait longer than sends: else a
// schedule that sends have filled would have no place for them.
var (
	sends = lane{"send", 0.8, 1.25}
	asks  = lane{"ask", 0.5, 2.5}
)

func laneOf(ask bool) lane {
	if ask {
		return asks
	}
	return sends
}

// Limited reports whether the provider has a limit.
func (l *Limiter) Limited(provider string) bool { return l.limits[provider] > 0 }

// Wait returns true when the caller may make one request of the provider; false: not soon, and nothing is reserved.
func (l *Limiter) Wait(ctx context.Context, provider string, ask bool) (bool, error) {
	if !l.Limited(provider) {
		return true, nil
	}
	n := laneOf(ask)
	wait, err := l.run(ctx, "take", provider, n, time.Duration(n.near*float64(l.ahead)), 0)
	if err != nil || wait < 0 {
		return false, err
	}
	err = sleep(ctx, time.Duration(wait)*time.Microsecond)
	return err == nil, err
}

// Room is how many callers who were told false may come again now, most at the most: all workers together promise each slot once.
func (l *Limiter) Room(ctx context.Context, provider string, ask bool, most int) (int, error) {
	if !l.Limited(provider) || most <= 0 {
		return max(most, 0), nil
	}
	n, err := l.run(ctx, "room", provider, laneOf(ask), l.ahead, most)
	return int(n), err
}

func (l *Limiter) run(ctx context.Context, what, provider string, n lane, ahead time.Duration, most int) (int64, error) {
	keys := []string{"remesa:{" + provider + "}:rate", "remesa:{" + provider + "}:rate:lanes"}
	distance := float64(time.Second) / l.limits[provider]
	got, err := l.script.Run(ctx, l.rdb, keys, what, n.name, time.Duration(distance).Microseconds(), ahead.Microseconds(),
		time.Duration(distance/n.share).Microseconds(), most).Int64()
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
