package faulttest

import (
	"context"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/sandbox"
)

func TestRedisIsFull(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil, "REMESA_CONCURRENCY", "6")
	w.simulator.slow(300 * time.Millisecond)
	for range 5 {
		w.simulator.setFaults(sandbox.Fault{Kind: "hang_up_after", Next: 1})
	}
	w.work(2)
	w.submit(w.newPayments(100)...)
	w.awaitSome(idempotency.Sending, 6)
	full := time.Now()
	w.limitMemory("1mb") // far below what is in use
	begun := w.begun()
	for _, state := range []idempotency.State{idempotency.Sending, idempotency.InDoubt} {
		w.awaitNone(state) // what was sent is recorded, what is in doubt is queried
	}
	pause(time.Second)
	if now := w.begun(); now != begun || now == len(w.payments) {
		t.Errorf("%d attempts began before Redis was full, %d by now, of %d", begun, now, len(w.payments))
	}
	if n := len(w.simulator.book().Executions); n != begun {
		t.Errorf("%d were executed, %d had begun", n, begun)
	}
	w.limitMemory("0")
	w.awaitSettled(w.certainty() + nextWake(full))
	all(t, w.audit(allowances{}), idempotency.Succeeded)
}

func (w *fixture) limitMemory(limit string) {
	w.t.Helper()
	if err := w.rdb.ConfigSet(context.Background(), "maxmemory", limit).Err(); err != nil {
		w.t.Fatal(err)
	}
}
