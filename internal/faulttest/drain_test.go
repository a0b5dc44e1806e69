package faulttest

import (
	"syscall"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
)

func TestADrainingWorkerFinishesWhatItBegan(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil)
	w.simulator.slow(200 * time.Millisecond)
	w.work(1)
	w.submit(w.newPayments(100)...)
	w.awaitSome(idempotency.Sending, 8)
	w.drain()
	counts, err := w.counts()
	if err != nil {
		t.Fatal(err)
	}
	if counts[idempotency.Queued] == 0 || counts[idempotency.Queued] == 100 {
		t.Errorf("%v: not in mid-load", counts)
	}
	delete(counts, idempotency.Queued)
	for state, n := range counts {
		if n > 0 {
			t.Errorf("the drained worker left %d payments %s", n, state)
		}
	}
	w.work(1)
	w.awaitSettled(w.certainty())
	fates := w.audit(allowances{})
	all(t, fates, idempotency.Succeeded)
	for reference, f := range fates {
		if f.record.Attempts != 1 {
			t.Errorf("%s: %d attempts, want 1\n%s", reference, f.record.Attempts, f)
		}
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	at := defaultTiming()
	at.request, at.lease = 4*time.Second, 12*time.Second
	w := newFixtureIn(t, at, redistest.Start(t, redistest.Appendonly("always")), nil)
	w.simulator.slow(3500 * time.Millisecond) // both signals come before that, also on a busy machine
	w.work(1)
	w.submit(w.newPayment("a"))
	w.awaitSome(idempotency.Sending, 1)
	p := w.workers[0]
	w.injectFault()
	p.Signal(syscall.SIGTERM)
	p.Await(testTimeout, "draining", "\n")
	p.Signal(syscall.SIGTERM)
	if code := p.Exit(testTimeout); code == 0 {
		t.Error("exit code 0: it drained")
	}
	if counts, err := w.counts(); err != nil || counts[idempotency.Sending] != 1 {
		t.Errorf("%v %v: it finished what it had begun", counts, err)
	}
	w.workers = nil
	w.work(1)
	w.awaitSettled(w.certainty())
	w.audit(allowances{mayHold: w.faultsOnlyWhereInjected})
}
