package idempotency

import (
	"context"
	"fmt"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
)

// HealthStats are what an alarm looks at: few numbers, read from indexes, whatever the number of
// payments.
type HealthStats struct {
	// DueLag is how long the payment that is due the longest has been waiting to be woken; zero
	// where nothing waits.
	DueLag time.Duration
	// Anomalies that nobody has cleared.
	Anomalies int64
	// Halts that nobody has lifted.
	Halts int64
	// Oldest is how long a payment has been in doubt, and how long one has been held: the longest
	// of those that were registered first.
	Oldest map[State]time.Duration
}

// oldestSample is how many payments of a state are read for Longest.
const oldestSample = 50

// HealthStats reads them for a provider, by the store's clock.
func (l *Ledger) HealthStats(ctx context.Context, provider string) (HealthStats, error) {
	v, err := l.store.Stats(ctx, provider)
	if err != nil {
		return HealthStats{}, fmt.Errorf("signals of %s: %w", provider, err)
	}
	out := HealthStats{Anomalies: v.Anomalies, Halts: v.Halts, Oldest: map[State]time.Duration{}}
	if v.OldestDue != 0 {
		out.DueLag = positive(rules.Since(v.Now, v.OldestDue))
	}
	for _, state := range []State{InDoubt, Held} {
		since, err := l.oldestSince(ctx, provider, state)
		if err != nil {
			return HealthStats{}, fmt.Errorf("signals of %s: %w", provider, err)
		}
		if since != 0 {
			out.Oldest[state] = positive(rules.Since(v.Now, since))
		}
	}
	return out, nil
}

// oldestSince is when the first of the payments that were registered first came into the state in which
// it still is. Records that cannot be read are for others to report.
func (l *Ledger) oldestSince(ctx context.Context, provider string, state State) (rules.Time, error) {
	var first rules.Time
	index := Index{State: state, Limit: oldestSample}
	err := l.store.ListIDs(ctx, provider, index, func(ids []string) (bool, error) {
		wants := make([]LoadRequest, len(ids))
		for i, id := range ids {
			wants[i] = LoadRequest{ID: id}
		}
		all, err := l.store.Load(ctx, provider, wants)
		if err != nil {
			return false, err
		}
		for _, loaded := range all {
			if loaded.Err != nil || loaded.Text == "" || loaded.Record.State != state {
				continue
			}
			if at := loaded.Record.StateSince(); first == 0 || at < first {
				first = at
			}
		}
		return true, nil
	})
	return first, err
}
