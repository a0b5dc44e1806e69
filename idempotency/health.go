package idempotency

import (
	"context"
	"fmt"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
)

// HealthStats are the numbers that alerts use. Reading them costs the same whatever the number of
// payments.
type HealthStats struct {
	// DueLag is how long ago the payment that is due the longest fell due; zero if none is due.
	DueLag time.Duration
	// Anomalies is the number of payments with an anomaly.
	Anomalies int64
	// Halts is the number of halts in force.
	Halts int64
	// Oldest is the longest time that a payment has been in doubt, and been held, among the 50 of
	// each state of each partition that were registered first.
	Oldest map[State]time.Duration
}

// oldestSample is how many payments of a state are read for Oldest.
const oldestSample = 50

// HealthStats returns them for a provider, by the store's clock.
func (l *Ledger) HealthStats(ctx context.Context, provider string) (HealthStats, error) {
	out := HealthStats{Oldest: map[State]time.Duration{}}
	parts, err := l.KnownPartitions(ctx, provider)
	if err != nil {
		return HealthStats{}, fmt.Errorf("health of %s: %w", provider, err)
	}
	for _, p := range parts {
		if err := l.addHealth(ctx, p, &out); err != nil {
			return HealthStats{}, fmt.Errorf("health of %s: %w", p, err)
		}
	}
	return out, nil
}

// addHealth adds a partition's numbers: the sum of its anomalies, the longest of its times, and the
// most halts, because each halt is in all partitions.
func (l *Ledger) addHealth(ctx context.Context, p Partition, out *HealthStats) error {
	v, err := l.store.Stats(ctx, p.String())
	if err != nil {
		return err
	}
	out.Anomalies += v.Anomalies
	out.Halts = max(out.Halts, v.Halts)
	if v.OldestDue != 0 {
		out.DueLag = max(out.DueLag, positive(rules.Since(v.Now, v.OldestDue)))
	}
	for _, state := range []State{InDoubt, Held} {
		since, err := l.oldestSince(ctx, p, state)
		if err != nil {
			return err
		}
		if since != 0 {
			out.Oldest[state] = max(out.Oldest[state], positive(rules.Since(v.Now, since)))
		}
	}
	return nil
}

// oldestSince returns the earliest time since when a payment has been in the state, among the
// oldest registrations. It skips records that cannot be read; the janitor reports those.
func (l *Ledger) oldestSince(ctx context.Context, p Partition, state State) (rules.Time, error) {
	var first rules.Time
	index := Index{State: state, Limit: oldestSample}
	err := l.store.ListIDs(ctx, p.String(), index, func(ids []string) (bool, error) {
		requests := make([]LoadRequest, len(ids))
		for i, id := range ids {
			requests[i] = LoadRequest{ID: id}
		}
		all, err := l.store.Load(ctx, p.String(), requests)
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
