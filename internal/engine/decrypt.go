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

// A payload that cannot be opened is one of two things. Sealed with a key that this worker lacks,
// or not sealed where it has keys: then a setting is wrong, perhaps for every payment there is, so
// each waits as it is and somebody is told. Opened by no key though the right one is here: then it
// was changed or moved in Redis, and this one payment is over: it failed if it never left, else it
// is held.

const logParkedForKey = "PAYLOAD NOT OPENED: the payment waits for a worker with the right keys (REMESA_PAYLOAD_KEYS)"

// undecryptableAnywhere reports whether no other worker can use the payload either.
func undecryptableAnywhere(err error) bool {
	return !errors.Is(err, seal.ErrUnknownKey) && !errors.Is(err, seal.ErrNotSealed)
}

// queryUndecryptable serves a question that cannot be put. Waiting for a key, the payment is parked as it is;
// what was changed is given to a person, or, where it already is a person's or settled, asked again
// when it would have been.
func (e *Engine) queryUndecryptable(ctx context.Context, k idempotency.Key, q idempotency.StatusQuery) {
	if !undecryptableAnywhere(q.DecryptErr) {
		e.decryptError(k.Provider, q.DecryptErr).Stringer("key", k).Msg(logParkedForKey)
		e.park(ctx, k, q.ParkReason, q.DecryptErr)
		return
	}
	e.decryptError(k.Provider, q.DecryptErr).Stringer("key", k).Msg("PAYLOAD CHANGED OR MOVED in Redis: the provider is not asked")
	if q.State == idempotency.InDoubt || q.State == idempotency.Pending {
		e.reject(ctx, k, q.DecryptErr)
		return
	}
	e.recordStatus(ctx, k, q, providers.Outcome{Class: providers.InDoubt, Code: codeUnreadable})
}

// decryptError counts, and returns the line to write: nil, which writes nothing, where the same was
// said in the last minute.
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

// logLimiter remembers when each thing was last said: a worker with the wrong keys meets every payment
// there is, twice a minute.
type logLimiter struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (s *logLimiter) allow(what string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, said := s.last[what]; said && now.Sub(last) < time.Minute {
		return false
	}
	if s.last == nil {
		s.last = map[string]time.Time{}
	}
	s.last[what] = now
	return true
}
