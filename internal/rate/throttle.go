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

// Throttle shares among all workers that a provider throttles an account (HTTP 429). Until the wait
// is over no worker makes a request; then one does, the probe; after an answer to the probe all do.
// An operator ends the wait early by unhalt, or by a retry of a ready payment.
type Throttle struct {
	rdb    redis.UniversalClient
	script *redis.Script
	probe  time.Duration

	mu sync.Mutex
	// free is until when an account that was not throttled is not read again.
	free map[string]time.Time
}

// freeFor is how long an account that is not throttled is taken for free: a worker that sends a
// thousand requests a second reads Redis twenty times, and notices another worker's 429 that much
// later. Its own 429 counts at once.
const freeFor = 50 * time.Millisecond

// The node of a cluster that has a provider's throttles may be gone while others go on with its
// payments: a read takes no longer than readTimeout, and after one that failed an account is taken
// for free for unreadFor.
const (
	readTimeout = time.Second
	unreadFor   = time.Second
)

// NewThrottle makes a throttle. probe is how long a probe may take: then another takes its place.
func NewThrottle(rdb redis.UniversalClient, probe time.Duration) *Throttle {
	return &Throttle{rdb: rdb, script: redis.NewScript(throttleSource), probe: probe, free: map[string]time.Time{}}
}

// Enter reports whether a request of the account may be made, and whether it is the probe: then
// the caller must call Leave. An account that is not throttled costs one read in 50 ms at most.
func (t *Throttle) Enter(ctx context.Context, provider, account string) (free, probe bool, err error) {
	name := provider + "/" + account
	now := time.Now()
	if t.isFree(name, now) {
		return true, false, nil
	}
	read, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err = t.rdb.HGet(read, idempotency.ThrottledKey(provider), account).Err()
	if errors.Is(err, redis.Nil) {
		t.set(name, now.Add(freeFor))
		return true, false, nil
	}
	if err != nil {
		t.set(name, time.Now().Add(unreadFor))
		return false, false, fmt.Errorf("throttle of %s/%s: %w", provider, account, err)
	}
	wait, err := t.run(ctx, "enter", provider, account, t.probe)
	return wait <= 0 && err == nil, wait < 0, err
}

// Set makes the account wait for d from now, or until the end of its present wait if that is later.
func (t *Throttle) Set(ctx context.Context, provider, account string, d time.Duration) error {
	defer t.set(provider+"/"+account, time.Time{})
	_, err := t.run(ctx, "set", provider, account, d)
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

// Leave reports the probe; well is true if the provider answered it and did not throttle it.
func (t *Throttle) Leave(ctx context.Context, provider, account string, well bool) error {
	what := "unwell"
	if well {
		what = "well"
	}
	_, err := t.run(ctx, what, provider, account, 0)
	return err
}

// Capacity is how many of the account's parked payments may come again now, most at the most: none,
// one where a probe is wanted, or all.
func (t *Throttle) Capacity(ctx context.Context, provider, account string, most int) (int, error) {
	n, err := t.run(ctx, "capacity", provider, account, 0)
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
