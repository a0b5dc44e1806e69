package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// violation is a promise that was broken.
type violation struct {
	key  string
	what string
}

func (w *world) violate(k *idempotency.Key, what string) {
	v := violation{what: what}
	if k != nil {
		v.key = k.String()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = append(w.broken, v)
}

// judgeIntent requires that the store knows of an attempt when a request arrives that can move
// money.
func (s *store) judgeIntent(w *world, k idempotency.Key) {
	if s.forgot {
		return
	}
	all, err := s.memory.Load(context.Background(), w.plan.partitions.Of(k).String(), []idempotency.LoadRequest{{ID: k.ID(), Account: k.Account}})
	if err != nil || all[0].Err != nil || all[0].Text == "" {
		w.violate(&k, "a request arrived, and the store has no record of it")
		return
	}
	r := all[0].Record
	if r.AttemptCount == 0 {
		w.violate(&k, "a request arrived, and the store knows of no attempt")
	}
}

// atRest reports whether nothing more will happen by itself, but for what is looked for daily.
func (w *world) atRest() bool {
	w.mu.Lock()
	quiet := len(w.waiting) == 0 && len(w.queue) == 0
	w.mu.Unlock()
	if !quiet || len(w.events) > 0 {
		return false
	}
	for _, p := range w.processes {
		p.mu.Lock()
		busy := p.busy
		p.mu.Unlock()
		if busy > 0 {
			return false
		}
	}
	if w.charging() {
		return false
	}
	for _, p := range w.payments {
		r, err := w.record(p)
		if p.ofPeriod && errors.Is(err, idempotency.ErrUnknown) {
			continue // nobody was told that it is registered; the subscription is judged as a whole
		}
		if err != nil || !p.ofPeriod && !p.registered || !stands(r) {
			return time.Since(w.ends) > w.plan.policy.PollDeadline+30*time.Hour
		}
		if wrong := w.wrong(p, r); wrong != "" && time.Since(w.ends) < 9*24*time.Hour {
			return false // a daily look may still find it
		}
	}
	return true
}

// stands reports whether a payment is final, or in a list for people.
func stands(r idempotency.Record) bool {
	return r.State.Final() || r.State == idempotency.Held || r.State == idempotency.Blocked
}

// record reads a payment's record past all faults.
func (w *world) record(p *payment) (idempotency.Record, error) {
	l := idempotency.NewLedger(w.store.memory, w.plan.options())
	return l.Show(context.Background(), p.key)
}

// judge compares records, outcome events and the providers' books.
func (w *world) judge() {
	w.judgeSubscription()
	for _, p := range w.payments {
		r, err := w.record(p)
		switch {
		case errors.Is(err, idempotency.ErrUnknown) && p.ofPeriod && !p.registered:
			continue
		case errors.Is(err, idempotency.ErrUnknown):
			w.violate(&p.key, "it was registered, and the store has no record")
			continue
		case err != nil:
			w.violate(&p.key, err.Error())
			continue
		}
		if !stands(r) {
			w.violate(&p.key, fmt.Sprintf("it is neither final nor in a list: %s", r.State))
		}
		if wrong := w.wrong(p, r); wrong != "" {
			w.violate(&p.key, wrong)
		}
		w.judgeEvents(p, r)
	}
}

// wrong says how the providers' book contradicts a record.
func (w *world) wrong(p *payment, r idempotency.Record) string {
	n := w.executions(p)
	switch {
	case n > 1+p.risked:
		return fmt.Sprintf("executed %d times", n)
	case n == 0 && r.State == idempotency.Succeeded && r.Anomaly == "":
		return "succeeded, and never executed"
	case n > 0 && r.State == idempotency.Failed && r.Anomaly == "":
		return "failed, and executed"
	}
	return ""
}

// judgeEvents requires that the newest outcome event of a payment tells its state.
func (w *world) judgeEvents(p *payment, r idempotency.Record) {
	if w.store.forgot {
		return
	}
	last, seen := "", map[string]bool{}
	for _, e := range w.store.memory.Outcomes(w.plan.partitions.Of(p.key).String()) {
		if e["key"] != p.key.String() {
			continue
		}
		if seen[e["event_id"]] {
			w.violate(&p.key, "two events have the id "+e["event_id"])
		}
		seen[e["event_id"]] = true
		if e["event"] == "state" {
			last = e["state"]
		}
	}
	if r.State.Final() && last != string(r.State) {
		w.violate(&p.key, fmt.Sprintf("the last event says %q, and the record %s", last, r.State))
	}
}
