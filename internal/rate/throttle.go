package rate

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
)

//go:embed throttle.lua
var throttleSource string

// Throttle keeps what a provider's 429 says about an account for all workers: until the wait is
// over nobody makes a request, then one, the probe, and when that was answered all. A person's
// unhalt ends the wait early, and so does a retry of a ready payment.
type Throttle struct {
	rdb    redis.UniversalClient
	script *redis.Script
	probe  time.Duration

	mu sync.Mutex
	// free is until when an account that had not been told to wait is not looked up again.
	free map[string]time.Time
}

// freeFor is how long an account that has not been told to wait is taken for free: a worker that
// sends a thousand requests a second looks twenty times, and hears of another worker's 429 that
// much later. Its own counts at once.
const freeFor = 50 * time.Millisecond

// NewThrottle makes a throttle; a probe that has not reported after this while is given up, and
// another takes its place.
func NewThrottle(rdb redis.UniversalClient, probe time.Duration) *Throttle {
	return &Throttle{rdb: rdb, script: redis.NewScript(throttleSource), probe: probe, free: map[string]time.Time{}}
}

// Enter reports whether a request of the account may be made, and whether it is the probe: then
// Leave must be called. An account that was not told to wait costs one read in a while.
func (t *Throttle) Enter(ctx context.Context, provider, account string) (free, probe bool, err error) {
	name := provider + "/" + account
	looked := time.Now()
	if t.isFree(name, looked) {
		return true, false, nil
	}
	err = t.rdb.HGet(ctx, idempotency.ThrottledKey(provider), account).Err()
	if errors.Is(err, redis.Nil) {
		t.set(name, looked.Add(freeFor))
		return true, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("throttle of %s/%s: %w", provider, account, err)
	}
	wait, err := t.run(ctx, "enter", provider, account, t.probe)
	return wait <= 0 && err == nil, wait < 0, err
}

// Set makes the account wait this long from now, or as long as it was told before if that is
// longer.
func (t *Throttle) Set(ctx context.Context, provider, account string, d time.Duration) error {
	defer t.set(provider+"/"+account, time.Time{})
	_, err := t.run(ctx, "hold", provider, account, d)
	return err
}

func (t *Throttle) isFree(name string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return now.Before(t.free[name])
}

func (t *Throttle) set(name string, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free[name] = until
}

// Leave reports what became of the probe: well if the provider answered it with anything but
// another wait.
func (t *Throttle) Leave(ctx context.Context, provider, account string, well bool) error {
	what := "unwell"
	if well {
		what = "well"
	}
	_, err := t.run(ctx, what, provider, account, 0)
	return err
}

// Capacity is how many of those that wait may come again now, most at the most: none, one where a probe
// is wanted, or all.
func (t *Throttle) Capacity(ctx context.Context, provider, account string, most int) (int, error) {
	n, err := t.run(ctx, "room", provider, account, 0)
	if n < 0 {
		return most, err
	}
	return min(int(n), most), err
}

func (t *Throttle) run(ctx context.Context, what, provider, account string, d time.Duration) (int64, error) {
	n, err := t.script.Run(ctx, t.rdb, []string{idempotency.ThrottledKey(provider)}, what, account, d.Milliseconds()).Int64()
	if err != nil {
		return 0, fmt.Errorf("throttle of %s/%s: %w", provider, account, err)
	}
	return n, nil
}
