package idempotency

import (
	"context"
	"fmt"
	"time"
)

// RegisteredAt returns when payments of one provider were registered, by their keys. Payments that
// are not on record any more, or whose record cannot be read, are left out.
func (l *Ledger) RegisteredAt(ctx context.Context, provider string, keys []Key) (map[Key]time.Time, error) {
	requests := make([]LoadRequest, len(keys))
	for i, k := range keys {
		requests[i] = LoadRequest{ID: k.id()}
	}
	all, err := l.store.Load(ctx, provider, requests)
	if err != nil {
		return nil, fmt.Errorf("registrations of %s: %w", provider, err)
	}
	at := make(map[Key]time.Time, len(keys))
	for i, loaded := range all {
		if loaded.Err == nil && loaded.Text != "" {
			at[keys[i]] = asTime(loaded.Record.Created)
		}
	}
	return at, nil
}
