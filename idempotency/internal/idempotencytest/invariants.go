package idempotencytest

import (
	"slices"
	"strings"

	"github.com/remesa/remesa/idempotency"
)

// checkInvariants runs after every row: each change of state has exactly one entry in the outcome
// stream, and nothing is forgotten.
func (e *suite) checkInvariants() {
	e.t.Helper()
	entries := e.Outcomes(e.t)
	if !e.repeats {
		e.uniqueIDs(entries)
	}
	for _, p := range e.payments {
		r := p.show()
		if p.rewound && r.State == idempotency.Queued {
			continue // the indexes and the stream did not go back with its record
		}
		if e.policy.PublishAll {
			p.oneEntryForEachChange(r, entries)
		}
		p.notForgotten(r)
	}
}

func (e *suite) uniqueIDs(entries []map[string]string) {
	e.t.Helper()
	seen := map[string]bool{}
	for _, x := range entries {
		if seen[x["event_id"]] {
			e.t.Errorf("event id %s is there twice", x["event_id"])
		}
		seen[x["event_id"]] = true
	}
}

func (p *payment) oneEntryForEachChange(r idempotency.Record, entries []map[string]string) {
	p.t.Helper()
	var changes, published []string
	for i, h := range r.History {
		if i == 0 || h.State != r.History[i-1].State || h.State.Final() && strings.HasPrefix(h.Note, "by ") {
			changes = append(changes, string(h.State))
		}
	}
	for _, x := range entries {
		if x["key"] == p.key.String() && x["event"] == "state" {
			published = append(published, x["state"])
		}
	}
	if !p.rewound && !slices.Equal(changes, published) {
		p.t.Errorf("%s: the history went %v, the outcome stream has %v", p.key, changes, published)
	}
	if len(published) == 0 || published[len(published)-1] != string(r.State) {
		p.t.Errorf("%s: is %s, the events say %v", p.key, r.State, published)
	}
}

// notForgotten: a payment that is not final is due, is parked, or is listed for an operator.
func (p *payment) notForgotten(r idempotency.Record) {
	p.t.Helper()
	waits := r.State == idempotency.Blocked || r.State == idempotency.Held
	if !r.State.Final() && !waits && r.NextDue.IsZero() && r.ParkReason == "" {
		p.t.Errorf("%s is %s and it is neither due nor listed", p.key, r.State)
	}
	if r.State.Final() && r.Anomaly == "" {
		return
	}
	f := idempotency.Filter{Provider: p.Provider, State: r.State, Anomalies: r.Anomaly != ""}
	if !slices.Contains(p.list(f), p.key.Reference) {
		p.t.Errorf("%s is %s with anomaly %q and stands in no list", p.key, r.State, r.Anomaly)
	}
}

func (e *suite) list(f idempotency.Filter) []string {
	e.t.Helper()
	var out []string
	e.must(e.Ledger.List(e.ctx(), f, func(r idempotency.Record) bool {
		out = append(out, r.Key.Reference)
		return true
	}))
	return out
}
