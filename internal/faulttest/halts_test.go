package faulttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/virtualpos"
)

func operator() idempotency.Actor { return idempotency.Actor{By: "ana", Note: "not this one"} }

func TestCancelRacesWithWorkers(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil, "REMESA_CONCURRENCY", "6")
	w.simulator.slow(20 * time.Millisecond)
	w.submit(w.newPayments(300)...)
	w.work(2)
	w.awaitSome(idempotency.Sending, 1)
	cancelled := map[string]bool{}
	for reference := range w.payments {
		cancelled[reference] = w.cancel(reference)
	}
	w.awaitSettled(testTimeout)
	fates := w.audit(allowances{})
	n := tally(fates)
	t.Logf("%v", n)
	if n[idempotency.Failed] == 0 || n[idempotency.Succeeded] == 0 {
		t.Errorf("%v: no race took place", n)
	}
	for reference, f := range fates {
		if cancelled[reference] != (f.record.State == idempotency.Failed && f.record.Code == "cancelled") {
			t.Errorf("cancel answered %t\n%s", cancelled[reference], f)
		}
	}
}

// cancel reports whether it was in time.
func (w *fixture) cancel(reference string) bool {
	w.t.Helper()
	for {
		r, err := w.ledger.Show(context.Background(), key(reference))
		if err != nil {
			w.t.Fatal(err)
		}
		switch _, err := w.ledger.Cancel(context.Background(), key(reference), r.Version, operator()); {
		case err == nil:
			return true
		case errors.Is(err, idempotency.ErrVersionChanged):
		case errors.Is(err, idempotency.ErrRefused):
			return false
		default:
			w.t.Fatal(err)
		}
	}
}

func TestHaltInMidLoad(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil, "REMESA_CONCURRENCY", "6")
	w.simulator.slow(100 * time.Millisecond)
	w.work(2)
	w.submit(w.newPayments(200)...)
	w.awaitSome(idempotency.Sending, 1)
	if code := w.enqueue("halt", "--provider", virtualpos.Name, "--by", "ana", "--note", "wait").Exit(testTimeout); code != 0 {
		t.Fatalf("halt: exit code %d", code)
	}
	begun := w.begun()
	w.awaitNone(idempotency.Sending)
	pause(time.Second)
	if now := w.begun(); now != begun {
		t.Errorf("%d attempts began after the halt", now-begun)
	}
	if n := len(w.simulator.book().Executions); n != begun || n == 0 || n == len(w.payments) {
		t.Errorf("%d of %d were executed, %d had begun", n, len(w.payments), begun)
	}
	if code := w.enqueue("unhalt", "--provider", virtualpos.Name, "--by", "ana", "--note", "go on").Exit(testTimeout); code != 0 {
		t.Fatalf("unhalt: exit code %d", code)
	}
	w.awaitSettled(w.certainty() + 30*time.Second) // what waited is due again within 30 s
	all(t, w.audit(allowances{}), idempotency.Succeeded)
}

// begun is how many attempts ever began, by the outcome stream.
func (w *fixture) begun() int {
	w.t.Helper()
	n := 0
	for _, e := range w.stream() {
		if e["state"] == string(idempotency.Sending) {
			n++
		}
	}
	return n
}
