package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

const (
	// A write waits for its reply for firstWriteTimeout, each later one twice as long, writeTimeout
	// at most: a lost reply costs a second, and a slow Redis gets time to reply.
	firstWriteTimeout = time.Second
	writeTimeout      = 5 * time.Second
	firstRetryDelay   = 50 * time.Millisecond
	maxRetryDelay     = 2 * time.Second
)

// persist tries to write what happened to a payment until the store has it: past the lease, past
// asynq's timeout, through an outage. Only the process's exit ends it; then it logs the result for
// an operator to compare. It reports whether the store has it.
func (e *Engine) persist(ctx context.Context, k idempotency.Key, operation string, o providers.Outcome,
	write func(context.Context) (idempotency.Transition, error),
) (written bool) {
	ctx = context.WithoutCancel(ctx)
	for n := 0; ; n++ {
		t, err := writeOnce(ctx, exponential(firstWriteTimeout, writeTimeout, n), write)
		if err == nil {
			e.transitioned(k, o, t)
			return true
		}
		if permanent(err) {
			logLost(e.Log.Error(), k, operation, o).Err(err).Msg("RESULT REFUSED by the ledger: an operator must look")
			return false
		}
		if n == 0 {
			e.Log.Warn().Stringer("key", k).Str("operation", operation).Err(err).Msg("result not written yet; trying until it is")
		}
		if !e.pause(exponential(firstRetryDelay, maxRetryDelay, n)) {
			logLost(e.Log.Error(), k, operation, o).Err(err).Msg("RESULT NOT WRITTEN: the payment is queried when its lease has lapsed")
			return false
		}
	}
}

// logLost logs all that an operator needs to compare a result that the ledger lacks with the
// provider's panel.
func logLost(l *zerolog.Event, k idempotency.Key, operation string, o providers.Outcome) *zerolog.Event {
	return l.Stringer("key", k).Str("operation", operation).Str("class", string(o.Class)).Str("provider_id", o.ProviderID).Str("code", o.Code)
}

func writeOnce(ctx context.Context, wait time.Duration, write func(context.Context) (idempotency.Transition, error)) (idempotency.Transition, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return write(ctx)
}

// permanent reports whether the same write would fail each time: the payment is gone and could not
// be recorded again, or its record cannot be read.
func permanent(err error) bool {
	return errors.Is(err, idempotency.ErrUnknown) || errors.Is(err, idempotency.ErrDamaged) || errors.Is(err, idempotency.ErrRefused) ||
		scriptFailed(err)
}

// transientReplies begin the replies of a Redis that takes the same command later: it loads, is
// full, is a replica, is cut off from its replicas, fails over, or is busy.
var transientReplies = []string{
	"LOADING", "OOM", "READONLY", "MISCONF", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "BUSY", "UNKILLABLE",
	"NOSCRIPT", "NOAUTH", "WRONGPASS", "NOPERM",
}

// scriptFailed reports whether the script itself failed, as it will each time: Redis names the
// script in such a reply. Any other reply is about the server, not about the payment, and may pass.
func scriptFailed(err error) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	text := reply.Error()
	code, _, _ := strings.Cut(text, " ")
	return !slices.Contains(transientReplies, code) && (strings.Contains(text, "user_script:") || strings.Contains(text, " script: "))
}

// pause waits with jitter; false when the process is about to exit.
func (e *Engine) pause(d time.Duration) bool {
	t := time.NewTimer(d/2 + time.Duration(e.Random()*float64(d)/2))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-e.exiting:
		return false
	}
}

// transitioned logs and counts a transition.
func (e *Engine) transitioned(k idempotency.Key, o providers.Outcome, t idempotency.Transition) {
	if t.Anomaly != "" && t.Applied {
		e.Log.Error().Stringer("key", k).Str("anomaly", t.Anomaly).Str("state", string(t.State)).Msg("anomaly: an operator must look")
		e.Metrics.Anomaly(k.Provider, t.Anomaly)
	}
	e.Log.Info().Stringer("key", k).Str("class", string(o.Class)).Str("code", o.Code).Str("state", string(t.State)).
		Bool("applied", t.Applied).Msg("recorded")
	if t.StateChanged {
		e.Metrics.Transitioned(k.Provider, t)
	}
}
