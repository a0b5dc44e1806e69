package faulttest

import (
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

// TestAPaymentDoesNotWaitBehindAFile: while a file is paid, payments that are submitted on their
// own are sent after a few of its payments, and not after all.
func TestAPaymentDoesNotWaitBehindAFile(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"on", "off"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			const urgent, mostBefore = 5, 150
			w := newFixture(t, nil, "REMESA_FAST_PATH", path)
			w.client = tasks.NewClient(w.ledger, w.rdb, tasks.ClientOptions{WithoutNotices: path == "off"})
			w.simulator.slow(20 * time.Millisecond)
			file := w.newPayments(tasks.BulkAbove + 500)
			w.submit(file...)
			w.work(1)
			w.awaitSome(idempotency.Sending, 8)
			var alone []tasks.Task
			for _, name := range []string{"a", "b", "c", "d", "e"}[:urgent] {
				task := w.newPayment(name)
				w.submit(task)
				alone = append(alone, task)
			}
			w.awaitSettled(time.Minute)
			all(t, w.audit(allowances{}), idempotency.Succeeded)
			for _, task := range alone {
				registered, sent := w.stages(task)
				before, after := 0, 0
				for _, f := range file {
					switch _, at := w.stages(f); {
					case at.Before(registered):
					case at.Before(sent):
						before++
					default:
						after++
					}
				}
				if before > mostBefore || after == 0 {
					t.Errorf("%s: %d payments of the file were sent before it, %d after it", task, before, after)
				}
			}
			w.drain()
		})
	}
}

// stages is when a payment was registered, and when it was sent first.
func (w *fixture) stages(task tasks.Task) (registered, sent time.Time) {
	w.t.Helper()
	r, err := w.ledger.Show(w.t.Context(), task.Key())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, h := range r.History {
		if h.State == idempotency.Sending {
			return r.Created, h.At
		}
	}
	w.t.Fatalf("%s was not sent", task)
	return
}
