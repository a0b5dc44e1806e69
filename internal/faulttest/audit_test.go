package faulttest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/sandbox"
)

// auditedPayment is everything about one payment: what was requested, what the provider did, what
// the ledger and the stream have.
type auditedPayment struct {
	payment
	reference string
	record    idempotency.Record
	executed  []sandbox.Execution
	arrived   int
	events    []map[string]string
}

func (f auditedPayment) currency() string { return f.task.Amount().Currency() }

// allowances are what a scenario allows beyond: everything succeeds or fails.
type allowances struct {
	// repeats lets each attempt send once more, after a rejection of its token.
	repeats bool
	// otherIDs is for a provider whose charges bear another id than what they are found by.
	otherIDs bool
	// mayHold returns why a payment must not be held; nil means that none may be.
	mayHold func(auditedPayment) error
}

// audit compares the provider's book, the ledger and the outcome stream entry by entry, and returns
// the audited payments by reference.
func (w *fixture) audit(r allowances) map[string]auditedPayment {
	w.t.Helper()
	fates := w.fates()
	wrong := 0
	for _, reference := range slices.Sorted(maps.Keys(fates)) {
		f := fates[reference]
		for _, problem := range f.problems(r) {
			if wrong++; wrong <= 10 {
				w.t.Errorf("%s: %s\n%s", reference, problem, f)
			}
		}
	}
	w.auditEvents(fates)
	w.auditIndexes(fates)
	if wrong > 10 {
		w.t.Errorf("and %d more", wrong-10)
	}
	return fates
}

// fates collects the payments. What the provider or the stream has and nobody requested is an
// error.
func (w *fixture) fates() map[string]auditedPayment {
	w.t.Helper()
	fates := map[string]auditedPayment{}
	for reference, p := range w.payments {
		record, err := w.ledger.Show(context.Background(), w.key(reference))
		if err != nil {
			w.t.Errorf("lost: %s", err)
		}
		fates[reference] = auditedPayment{payment: p, reference: reference, record: record}
	}
	book := w.simulator.book()
	for _, e := range book.Executions {
		if f, ok := fates[e.Reference]; ok {
			f.executed = append(f.executed, e)
			fates[e.Reference] = f
		} else if strings.HasPrefix(e.Reference, w.prefix) {
			w.t.Errorf("the provider executed %s, which nobody submitted", e.Reference)
		}
	}
	for reference, n := range book.Arrivals {
		if f, ok := fates[reference]; ok {
			f.arrived = n
			fates[reference] = f
		}
	}
	for _, values := range w.stream() {
		f, ok := fates[values["reference"]]
		if !ok {
			w.t.Errorf("the stream tells of %s, which nobody submitted", values["reference"])
			continue
		}
		f.events = append(f.events, values)
		fates[f.reference] = f
	}
	return fates
}

// stream is what the outcome stream tells of payments; what it tells of the store, and of tasks
// that became no payment, is of none.
func (w *fixture) stream() []map[string]string {
	w.t.Helper()
	var entries []redis.XMessage
	for _, p := range w.ledger.Partitions(w.provider) {
		some, err := w.rdb.XRange(context.Background(), idempotency.OutcomesKey(p.String()), "-", "+").Result()
		if err != nil {
			w.t.Fatal(err)
		}
		entries = append(entries, some...)
	}
	var out []map[string]string
	for _, e := range entries {
		values := map[string]string{}
		for k, v := range e.Values {
			values[k], _ = v.(string)
		}
		if values["event"] == "epoch" || values["event"] == "rejected" {
			continue
		}
		out = append(out, values)
	}
	return out
}

// problems is what is wrong with one payment.
func (f auditedPayment) problems(r allowances) []string {
	var all []string
	say := func(bad bool, format string, args ...any) {
		if bad {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	n := len(f.executed)
	switch f.record.State {
	case idempotency.Succeeded:
		say(n != 1, "succeeded, and the provider executed it %d times", n)
	case idempotency.Failed:
		say(n != 0, "failed, and the provider executed it %d times", n)
	case idempotency.Held:
		say(n > 1, "held, and the provider executed it %d times", n)
		if r.mayHold == nil {
			say(true, "held, which nothing here explains")
		} else if err := r.mayHold(f); err != nil {
			say(true, "held, %s", err)
		}
	default:
		say(true, "left open: %s", f.record.State)
	}
	for _, e := range f.executed {
		say(e.Amount != f.amount || e.Currency != f.currency(), "executed with %s %s, want %s %s", e.Amount, e.Currency, f.amount, f.currency())
		say(e.Beneficiary != f.beneficiary, "executed for another beneficiary")
		say(!r.otherIDs && f.record.State == idempotency.Succeeded && f.record.ProviderID != e.ID, "the provider's id is %s, the ledger has %q", e.ID, f.record.ProviderID)
	}
	most := f.record.Attempts
	if r.repeats {
		most *= 2
	}
	say(f.arrived > most, "%d requests arrived from %d attempts", f.arrived, f.record.Attempts)
	say(f.record.Amount != f.amount, "the ledger has the amount %s, want %s", f.record.Amount, f.amount)
	say(f.record.Anomaly != "", "anomaly %s", f.record.Anomaly)
	return append(all, f.eventProblems()...)
}

// eventProblems compares the stream with the history: each change of state is in both, in the same
// order.
func (f auditedPayment) eventProblems() []string {
	if len(f.events) == 0 {
		return []string{"nothing in the outcome stream"}
	}
	var all, streamed []string
	anomalies := 0
	for _, e := range f.events {
		if e["amount"] != f.amount || e["currency"] != f.currency() || e["key"] != f.record.Key.String() {
			all = append(all, fmt.Sprintf("an event of %s has %s %s", e["key"], e["amount"], e["currency"]))
		}
		if e["event"] == "anomaly" {
			anomalies++
		} else {
			streamed = append(streamed, e["state"])
		}
	}
	last := f.events[len(f.events)-1]
	if last["state"] != string(f.record.State) || last["provider_id"] != f.record.ProviderID || last["code"] != f.record.Code {
		all = append(all, fmt.Sprintf("the last event says %s %q %q, the ledger %s %q %q", last["state"], last["provider_id"], last["code"],
			f.record.State, f.record.ProviderID, f.record.Code))
	}
	states, recorded := f.history()
	if !slices.Equal(streamed, states) || anomalies != recorded {
		all = append(all, fmt.Sprintf("the stream says %v and %d anomalies, the history %v and %d", streamed, anomalies, states, recorded))
	}
	return all
}

// history is the changes of state in the record's history, and how many anomalies it has. It leaves
// out entries that change no state.
func (f auditedPayment) history() (states []string, anomalies int) {
	for _, h := range f.record.History {
		if strings.HasPrefix(h.Note, "anomaly: ") {
			anomalies++
		}
		if len(states) == 0 || states[len(states)-1] != string(h.State) {
			states = append(states, string(h.State))
		}
	}
	return states, anomalies
}

// auditEvents demands that consumers can recognize repeated events by their id.
func (w *fixture) auditEvents(fates map[string]auditedPayment) {
	w.t.Helper()
	seen := map[string]bool{}
	for _, f := range fates {
		for _, e := range f.events {
			if id := e["event_id"]; id == "" || seen[id] {
				w.t.Errorf("event_id %q stands twice in the stream", id)
			} else {
				seen[id] = true
			}
		}
	}
}

// auditIndexes demands that operators see by state exactly what the records say.
func (w *fixture) auditIndexes(fates map[string]auditedPayment) {
	w.t.Helper()
	want := map[idempotency.State]int64{}
	for _, f := range fates {
		if f.record.State != idempotency.Succeeded {
			want[f.record.State]++
		}
	}
	counts, err := w.counts()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range idempotency.States() {
		if counts[s] != want[s] {
			w.t.Errorf("the index has %d payments %s, the records %d", counts[s], s, want[s])
		}
	}
}

// all demands the same state of every payment.
func all(t testing.TB, fates map[string]auditedPayment, state idempotency.State) {
	t.Helper()
	for reference, f := range fates {
		if f.record.State != state {
			t.Errorf("%s: %s, want %s\n%s", reference, f.record.State, state, f)
		}
	}
}

// tally counts the payments by state.
func tally(fates map[string]auditedPayment) map[idempotency.State]int {
	n := map[idempotency.State]int{}
	for _, f := range fates {
		n[f.record.State]++
	}
	return n
}

func (f auditedPayment) String() string {
	return fmt.Sprintf("  executed %d, arrived %d, %s", len(f.executed), f.arrived, describe(f.record))
}

func describe(r idempotency.Record) string {
	text := fmt.Sprintf("%s %s code %q attempts %d", r.Key, r.State, r.Code, r.Attempts)
	for _, h := range r.History {
		text += fmt.Sprintf("\n    %s %s %d %s", h.At.Format("15:04:05.000"), h.State, h.Attempt, h.Note)
	}
	return text
}

// lapses are the instants at which an attempt began whose lease lapsed.
func (f auditedPayment) lapses() []time.Time {
	var began, lapsed []time.Time
	for _, h := range f.record.History {
		if h.State == idempotency.Sending {
			began = append(began, h.At)
		}
		if h.Note == "lease lapsed" && len(began) > 0 {
			lapsed = append(lapsed, began[len(began)-1])
		}
	}
	return lapsed
}

// faultsOnlyWhereInjected lets a payment be held where a worker was killed or stopped during one of
// its attempts.
func (w *fixture) faultsOnlyWhereInjected(f auditedPayment) error {
	const blur = 100 * time.Millisecond // between a clock read and the kill
	lapses := f.lapses()
	for _, began := range lapses {
		for _, at := range w.faults {
			if at.After(began.Add(-blur)) && at.Before(began.Add(w.lease+blur)) {
				return nil
			}
		}
	}
	return fmt.Errorf("but no worker was killed or stopped during an attempt (%d lapsed)", len(lapses))
}
