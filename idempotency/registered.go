package idempotency

import (
	"context"
	"fmt"
	"time"
)

// RegisteredAt returns when payments of one partition, by its name, were registered, by their keys.
// Payments that it does not have, or whose record cannot be read, are left out.
func (l *Ledger) RegisteredAt(ctx context.Context, partition string, keys []Key) (map[Key]time.Time, error) {
	requests := make([]LoadRequest, len(keys))
	for i, k := range keys {
		requests[i] = LoadRequest{ID: k.id()}
	}
	all, err := l.store.Load(ctx, partition, requests)
	if err != nil {
		return nil, fmt.Errorf("registrations of %s: %w", partition, err)
	}
	at := make(map[Key]time.Time, len(keys))
	for i, loaded := range all {
		if loaded.Err == nil && loaded.Text != "" {
			at[keys[i]] = asTime(loaded.Record.Created)
		}
	}
	return at, nil
}
