package faulttest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/tasks"
)

// quietTime is how long nothing is sent in a new epoch of the store, and some room.
func (t timing) quietTime() time.Duration { return t.lease + 10*time.Second }

// newForgetful is a fixture whose payments are registered, and a mark in the append-only file from
// before the first is sent. Two workers need six seconds for them at least, so that the store
// forgets in the middle.
func newForgetful(t *testing.T) (w *fixture, ts []tasks.Task, mark int64) {
	t.Helper()
	w = newFixture(t, nil, "REMESA_CONCURRENCY", "2")
	w.simulator.slow(400 * time.Millisecond)
	ts = w.newPayments(60)
	w.submit(ts...)
	return w, ts, w.redis.Written()
}

// awaitExecuted waits until the provider has executed that many payments.
func (w *fixture) awaitExecuted(n int) {
	w.t.Helper()
	eventually.NoError(w.t, testTimeout, func() error {
		if got := len(w.simulator.book().Executions); got < n {
			return fmt.Errorf("%d payments are executed, want %d", got, n)
		}
		return nil
	})
}

// auditMemory demands that nothing was executed twice, and that the ledger says what the provider
// did, or that a payment is held. It returns the number of payments by state.
func (w *fixture) auditMemory() map[idempotency.State]int {
	w.t.Helper()
	fates := w.fates()
	for reference, f := range fates {
		executed, state := len(f.executed), f.record.State
		if executed > 1 || executed == 0 && state == idempotency.Succeeded || executed > 0 && state == idempotency.Failed ||
			state != idempotency.Held && !state.Final() {
			w.t.Errorf("%s: %s", reference, f)
		}
	}
	return tally(fates)
}

// TestTheEndOfTheAppendOnlyFileIsLost: Redis comes back without the attempts of its last moments,
// and their workers live.
func TestTheEndOfTheAppendOnlyFileIsLost(t *testing.T) {
	t.Parallel()
	w, _, _ := newForgetful(t)
	w.work(2)
	w.awaitExecuted(10)
	mark := w.redis.Written()
	w.awaitExecuted(25)
	w.redis.Kill()
	w.redis.Forget(mark)
	w.redis.Restart()
	w.awaitSettled(w.quietTime() + w.certainty() + thirdWakeUp)
	w.drain()
	t.Log(w.auditMemory())
}

// TestABackupIsRestored is the drill of the runbook: the store goes back to before any payment was
// sent, and no worker lives who knows better. What was sent is found; the rest is held, until an
// operator lets it be sent.
func TestABackupIsRestored(t *testing.T) {
	t.Parallel()
	w, ts, mark := newForgetful(t)
	w.work(2)
	w.awaitExecuted(15)
	for _, p := range w.workers {
		p.Kill()
	}
	w.workers = nil
	w.redis.Kill()
	w.redis.Forget(mark)
	w.redis.Restart()
	if err := w.ledger.DeclareLoss(context.Background(), w.provider, time.Now().Add(-time.Minute), idempotency.Actor{By: "ana", Note: "restored the backup"}); err != nil {
		t.Fatal(err)
	}
	w.work(2)
	w.awaitSettled(w.quietTime() + w.certainty() + thirdWakeUp)
	n := w.auditMemory()
	executed := len(w.simulator.book().Executions)
	if n[idempotency.Succeeded] != executed || n[idempotency.Held] != len(ts)-executed || executed < 15 {
		t.Errorf("%v of %d payments, %d executed", n, len(ts), executed)
	}
	sum := 0
	for _, f := range w.fates() {
		if amount, err := strconv.Atoi(f.amount); err == nil && f.record.State == idempotency.Held {
			sum += amount
		}
	}
	p := start(t, "enqueue", enqueue, w.settings, "forgot", "close", "--provider", w.provider, "--send-not-found",
		"--expect-count", strconv.Itoa(n[idempotency.Held]), "--expect-sum", "CLP="+strconv.Itoa(sum), "--by", "ana", "--note", "the bank has none of them")
	if code := p.Exit(testTimeout); code != 0 {
		t.Fatalf("enqueue forgot close: exit %d: %s", code, strings.TrimSpace(p.Output()))
	}
	eventually.NoError(t, w.quietTime()+w.certainty()+thirdWakeUp, func() error {
		counts, err := w.counts()
		if err == nil && counts[idempotency.Held]+counts[idempotency.Ready]+counts[idempotency.Sending] > 0 {
			err = fmt.Errorf("%v", counts)
		}
		return err
	})
	w.drain()
	if n := w.auditMemory(); n[idempotency.Succeeded] != len(ts) {
		t.Errorf("%v of %d payments", n, len(ts))
	}
}

// TestRedisIsFlushedUnderLoad: everything is gone, the workers live, and the billing system submits
// its file again.
func TestRedisIsFlushedUnderLoad(t *testing.T) {
	t.Parallel()
	w, ts, _ := newForgetful(t)
	w.work(2)
	w.awaitExecuted(20)
	if err := w.rdb.FlushAll(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.Submit(context.Background(), ts...); err != nil {
		t.Fatal(err)
	}
	w.awaitSettled(w.quietTime() + w.certainty() + thirdWakeUp)
	w.drain()
	t.Log(w.auditMemory())
}
