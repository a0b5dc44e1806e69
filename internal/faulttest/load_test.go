package faulttest

import (
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
)

func TestAThousandPayouts(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil, "REMESA_CONCURRENCY", "64")
	w.simulator.slow(50 * time.Millisecond)
	w.work(1)
	w.submit(w.newPayments(1000)...)
	w.awaitSettled(time.Minute)
	fates := w.audit(allowances{})
	all(t, fates, idempotency.Succeeded)
	for reference, f := range fates {
		if f.record.Attempts != 1 || f.arrived != 1 {
			t.Errorf("%s: %d attempts, %d requests; nothing was in the way of the first\n%s", reference, f.record.Attempts, f.arrived, f)
		}
	}
	w.drain()
}
