package faulttest

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
)

// TestAnOutageOfTheProviderDrains: for an hour, or some seconds in the short form, the provider
// refuses connections. Then the backlog drains by itself, at the rate limit.
func TestAnOutageOfTheProviderDrains(t *testing.T) {
	t.Parallel()
	const rate = 100
	outage, n := either(5*time.Second, time.Hour), either(300, 10_000)
	w := newFixture(t, nil, "REMESA_VIRTUALPOS_RATE", strconv.Itoa(rate), "REMESA_CONCURRENCY", "32",
		"REMESA_RETRY_BASE", "1s", "REMESA_RETRY_MAX", "10m", "REMESA_CIRCUIT_COOLDOWN", either("1s", "30s"))
	target, _ := strings.CutPrefix(w.simulator.url, "http://")
	host, path, _ := strings.Cut(target, "/")
	proxy := redistest.NewProxy(t, host)
	w.settings["REMESA_VIRTUALPOS_BASE_URL"] = "http://" + proxy.Addr() + "/" + path
	proxy.Refuse()
	w.work(2)
	w.submit(w.newPayments(n)...)
	pause(outage)
	if executed := len(w.simulator.book().Executions); executed > 0 {
		t.Fatalf("%d payments were executed in the outage", executed)
	}
	back := time.Now()
	proxy.Listen()
	w.awaitSettled(w.certainty() + thirdWakeUp)
	w.drain()
	fates := w.audit(allowances{})
	all(t, fates, idempotency.Succeeded)
	var sent []time.Time
	for _, f := range fates {
		if f.arrived != 1 {
			t.Errorf("%d requests arrived\n%s", f.arrived, f)
		}
		sent = append(sent, f.lastSend())
	}
	slices.SortFunc(sent, time.Time.Compare)
	first, took := sent[0], sent[n-1].Sub(sent[0])
	share := float64(n-1) / rate / took.Seconds()
	t.Logf("%d payments after an outage of %s: the first %s after its end, all in %s, %.0f %% of the rate limit", n, outage, first.Sub(back), took, 100*share)
	const pauseOfTheMachine = 2 * time.Second // from a payment's slot to its attempt
	if least := time.Duration(n-1) * time.Second / rate; took+pauseOfTheMachine < least {
		t.Errorf("%d payments in %s, at %d a second they take %s", n, took, rate, least)
	}
	if long() && share < 0.9 {
		t.Errorf("%.0f %% of the rate limit, want at least 90 %%", 100*share)
	}
}

// lastSend is when the last attempt began.
func (f auditedPayment) lastSend() (at time.Time) {
	for _, h := range f.record.History {
		if h.State == idempotency.Sending {
			at = h.At
		}
	}
	return at
}
