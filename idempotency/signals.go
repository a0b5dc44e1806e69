package idempotency

import (
	"context"
	"fmt"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
)

// Signals are what an alarm looks at: few numbers, read from indexes, whatever the number of
// payments.
type Signals struct {
	// Overdue is how long the payment that is due the longest has been waiting to be woken; zero
	// where nothing waits.
	Overdue time.Duration
	// Anomalies that nobody has cleared.
	Anomalies int64
	// Halts that nobody has lifted.
	Halts int64
	// Longest is how long a payment has been in doubt, and how long one has been held: the longest
	// of those that were registered first.
	Longest map[State]time.Duration
}

// looked is how many payments of a state are read for Longest.
const looked = 50

// Signals reads them for a provider, by the store's clock.
func (l *Ledger) Signals(ctx context.Context, provider string) (Signals, error) {
	v, err := l.store.Vitals(ctx, provider)
	if err != nil {
		return Signals{}, fmt.Errorf("signals of %s: %w", provider, err)
	}
	out := Signals{Anomalies: v.Anomalies, Halts: v.Halts, Longest: map[State]time.Duration{}}
	if v.FirstDue != 0 {
		out.Overdue = positive(rules.Since(v.Now, v.FirstDue))
	}
	for _, state := range []State{InDoubt, Held} {
		since, err := l.since(ctx, provider, state)
		if err != nil {
			return Signals{}, fmt.Errorf("signals of %s: %w", provider, err)
		}
		if since != 0 {
			out.Longest[state] = positive(rules.Since(v.Now, since))
		}
	}
	return out, nil
}

// since is when the first of the payments that were registered first came into the state in which
// it still is. Records that cannot be read are for others to report.
func (l *Ledger) since(ctx context.Context, provider string, state State) (rules.Time, error) {
	var first rules.Time
	index := Index{State: state, Limit: looked}
	err := l.store.Listed(ctx, provider, index, func(ids []string) (bool, error) {
		wants := make([]Want, len(ids))
		for i, id := range ids {
			wants[i] = Want{ID: id}
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
