package engine

import (
	"context"
	"errors"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// A 429 is about the account, not about one payment: while the account waits, all its sends and
// status queries do, and one probe goes first.

// throttled is the reason of a providers.NotSent that stands for a 429.
const throttled = "throttled"

var errThrottled = errors.New("throttled by the provider (429)")

// passThrottle parks a payment whose account is throttled, and returns false. Otherwise the caller
// must call the returned function with what the call said about the account. Where the store fails,
// the payment passes: what follows needs the store, too.
func (e *Engine) passThrottle(ctx context.Context, k idempotency.Key, c *circuit) (func(error), bool) {
	free, probe, err := e.Throttle.Enter(ctx, k.Provider, k.Account)
	if err == nil && !free {
		e.park(ctx, k, reasonThrottled+":"+k.Account, errThrottled)
		return nil, false
	}
	return func(accountErr error) {
		if accountErr != nil || probe { // else there is nothing to share
			e.reportThrottle(context.WithoutCancel(ctx), k, c, probe, accountErr)
		}
	}, true
}

// reportThrottle shares with all workers what a call said about the account: that the provider
// throttles it, or that the wait is over.
func (e *Engine) reportThrottle(ctx context.Context, k idempotency.Key, c *circuit, probe bool, accountErr error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var notSent *providers.NotSent
	var err error
	switch {
	case errors.As(accountErr, &notSent) && notSent.Reason == throttled:
		d := e.throttleFor(c, probe, notSent.RetryAfter)
		e.Log.Warn().Str("provider", k.Provider).Str("account", k.Account).Dur("wait", d).Msg("throttled by the provider (429)")
		err = e.Throttle.Set(ctx, k.Provider, k.Account, d)
	case probe:
		if accountErr == nil {
			c.untimed429s.Store(0)
		}
		err = e.Throttle.Leave(ctx, k.Provider, k.Account, accountErr == nil)
	}
	if err != nil {
		e.Log.Warn().Str("provider", k.Provider).Str("account", k.Account).Err(err).Msg("the throttle could not be shared with other workers")
	}
}

// throttleFor is how long to wait: the provider's Retry-After, else longer with each throttled
// probe.
func (e *Engine) throttleFor(c *circuit, probe bool, retryAfter time.Duration) time.Duration {
	if retryAfter > 0 {
		return retryAfter
	}
	if probe {
		c.untimed429s.Add(1)
	}
	return exponential(e.RetryBase, e.RetryMax, int(c.untimed429s.Load()))
}
