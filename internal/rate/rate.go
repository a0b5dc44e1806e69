// Package rate keeps the requests of all workers together below what a provider allows.
package rate

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed rate.lua
var source string

// ErrBusy means that no slot is free soon enough.
var ErrBusy = errors.New("the rate limit leaves no room soon")

// Longest is the longest wait for a slot; it passes before a payment begins, so it costs no lease.
const Longest = 10 * time.Second

// Limiter spaces out requests, by the clock of Redis. A worker that dies with a reserved slot wastes it.
type Limiter struct {
	rdb    redis.UniversalClient
	limits map[string]float64
	script *redis.Script
}

// New makes a limiter; limits are requests a second by provider, and a provider without one is not limited.
func New(rdb redis.UniversalClient, limits map[string]float64) *Limiter {
	return &Limiter{rdb: rdb, limits: limits, script: redis.NewScript(source)}
}

// Wait returns when the caller may make one request of the provider. ErrBusy: not soon; come back later.
func (l *Limiter) Wait(ctx context.Context, provider string) error {
	limit := l.limits[provider]
	if limit <= 0 {
		return nil
	}
	distance := time.Duration(float64(time.Second) / limit)
	wait, err := l.script.Run(ctx, l.rdb, []string{"remesa:{" + provider + "}:rate"}, distance.Microseconds(), Longest.Microseconds()).Int64()
	if err != nil {
		return fmt.Errorf("rate limit of %s: %w", provider, err)
	}
	if wait < 0 {
		return ErrBusy
	}
	return sleep(ctx, time.Duration(wait)*time.Microsecond)
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
