package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/seal"
)

// A payload that this worker cannot open is one of two things. Either it is sealed with a key that
// the worker lacks, or it is not sealed where the worker has keys: then a setting is wrong, perhaps
// for every payment, so each is parked as it is and an alert fires. Or the right key does not open
// it: then it was changed or moved in Redis, and the payment fails if it never left, else it is
// held.

const logParkedForKey = "PAYLOAD NOT OPENED: the payment is parked for a worker with the right keys (REMESA_PAYLOAD_KEYS)"

// undecryptableAnywhere reports whether no other worker can use the payload either.
func undecryptableAnywhere(err error) bool {
	return !errors.Is(err, seal.ErrUnknownKey) && !errors.Is(err, seal.ErrNotSealed)
}

// queryUndecryptable serves a status query whose payload this worker cannot open. Where a key is
// missing, the payment is parked as it is. Where the payload was changed, the payment is held for
// an operator; one that is held or final already is queried again when it would have been.
func (e *Engine) queryUndecryptable(ctx context.Context, k idempotency.Key, q idempotency.StatusQuery) {
	if !undecryptableAnywhere(q.DecryptErr) {
		e.decryptError(k.Provider, q.DecryptErr).Stringer("key", k).Msg(logParkedForKey)
		e.park(ctx, k, q.ParkReason, q.DecryptErr)
		return
	}
	e.decryptError(k.Provider, q.DecryptErr).Stringer("key", k).Msg("PAYLOAD CHANGED OR MOVED in Redis: the provider is not queried")
	if q.State == idempotency.InDoubt || q.State == idempotency.Pending {
		e.reject(ctx, k, q.DecryptErr)
		return
	}
	e.recordStatus(ctx, k, q, providers.Outcome{Class: providers.InDoubt, Code: codeUnreadable}, idempotency.Answer{}, nil)
}

// decryptError counts the error and returns the log line to complete. It is nil, which writes
// nothing, where the same line was written in the last minute.
func (e *Engine) decryptError(provider string, err error) *zerolog.Event {
	reason := "tampered"
	switch {
	case errors.Is(err, seal.ErrUnknownKey):
		reason = "key"
	case errors.Is(err, seal.ErrNotSealed):
		reason = "unsealed"
	}
	e.Metrics.DecryptError(provider, reason)
	if !e.logLimiter.allow(provider+" "+reason, e.Now()) && reason != "tampered" {
		return nil
	}
	return e.Log.Error().Err(err).Str("reason", reason)
}

// logLimiter allows each kind of log line once a minute: a worker with the wrong keys meets every
// payment there is, twice a minute.
type logLimiter struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (l *logLimiter) allow(line string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, logged := l.last[line]; logged && now.Sub(last) < time.Minute {
		return false
	}
	if l.last == nil {
		l.last = map[string]time.Time{}
	}
	l.last[line] = now
	return true
}
