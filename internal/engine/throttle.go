package engine

import (
	"context"
	"errors"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// A 429 is about the account, not about one payment: while it waits, all its payments and questions
// do, and one probe goes first.

// throttled is the reason of a providers.NotSent that stands for a 429.
const throttled = "throttled"

var errThrottled = errors.New("the provider told the account to wait")

// passThrottle lets a payment of an account pass that need not wait; others are parked. The caller must
// hand the returned function what it learnt. Where the store cannot say, the payment passes: what
// follows needs the store, too.
func (e *Engine) passThrottle(ctx context.Context, k idempotency.Key, c *circuit) (func(error), bool) {
	free, probe, err := e.Throttle.Enter(ctx, k.Provider, k.Account)
	if err == nil && !free {
		e.park(ctx, k, reasonThrottled+":"+k.Account, errThrottled)
		return nil, false
	}
	return func(learnt error) { e.reportThrottle(context.WithoutCancel(ctx), k, c, probe, learnt) }, true
}

// reportThrottle tells all workers what was learnt of the account: to wait, or that the wait is over.
func (e *Engine) reportThrottle(ctx context.Context, k idempotency.Key, c *circuit, probe bool, learnt error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var notSent *providers.NotSent
	var err error
	switch {
	case errors.As(learnt, &notSent) && notSent.Reason == throttled:
		d := e.throttleFor(c, probe, notSent.RetryAfter)
		e.Log.Warn().Str("provider", k.Provider).Str("account", k.Account).Dur("wait", d).Msg("the provider told the account to wait")
		err = e.Throttle.Set(ctx, k.Provider, k.Account, d)
	case probe:
		if learnt == nil {
			c.untimed429s.Store(0)
		}
		err = e.Throttle.Leave(ctx, k.Provider, k.Account, learnt == nil)
	}
	if err != nil {
		e.Log.Warn().Str("provider", k.Provider).Str("account", k.Account).Err(err).Msg("a wait could not be shared")
	}
}

// throttleFor is how long to wait: what the provider said, else longer with each probe that it turned
// away.
func (e *Engine) throttleFor(c *circuit, probe bool, said time.Duration) time.Duration {
	if said > 0 {
		return said
	}
	if probe {
		c.untimed429s.Add(1)
	}
	return exponential(e.RetryBase, e.RetryMax, int(c.untimed429s.Load()))
}
