package faulttest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/tasks"
)

// The ledger's transitions, by a text that only the reply or request of each contains.
const (
	onBegin   = `"state":"sending"`
	onRelease = `"state":"ready"`
	onFinish  = `"state":"succeeded"`
	onDoubt   = `"state":"in_doubt"`
	onAnswer  = `"inferred":true`
)

// TestRepliesOfRedisAreLost: an attempt repeats a transition whose reply was lost. It neither waits
// for its own lease nor sends twice.
func TestRepliesOfRedisAreLost(t *testing.T) {
	t.Parallel()
	// No attempt may lapse here. The lease outlasts any pause of a busy machine, so that one lapses
	// only if its worker gave up on a lost reply; awaitQuiet waits for longer than a lease and sees
	// it.
	at := defaultTiming()
	at.lease = 30 * time.Second
	w := newFixtureIn(t, at, redistest.Start(t, redistest.Appendonly("always")), nil)
	proxy := redistest.NewProxy(t, w.redis.Addr())
	w.settings["REMESA_REDIS_URL"] = proxy.URL()
	w.simulator.slow(50 * time.Millisecond)
	w.work(2)
	for round := range either(2, 20) {
		for _, needle := range []string{onBegin, onRelease, onFinish, onDoubt, onAnswer} {
			w.loseReply(proxy, needle, round)
		}
	}
	w.awaitQuiet(w.certainty() + wakeUpDelay)
	fates := w.audit(allowances{})
	all(t, fates, idempotency.Succeeded)
	for _, f := range fates {
		if len(f.lapses()) > 0 {
			t.Errorf("an attempt whose worker lived lapsed\n%s", f)
		}
	}
}

// loseReply waits until a reply to such a transition of new payments was lost.
func (w *fixture) loseReply(proxy *redistest.Proxy, needle string, round int) {
	w.t.Helper()
	lost := proxy.DropReply(needle)
	w.submit(w.eventful(6)...)
	eventually.NoError(w.t, testTimeout, func() error {
		select {
		case <-lost:
			return nil
		default:
			return fmt.Errorf("round %d: no reply to %s was lost yet\n%s", round, needle, w.describeOpen())
		}
	})
}

// eventful makes payments that go through every transition above: each is throttled once, and every
// other one is paid without a response.
func (w *fixture) eventful(n int) []tasks.Task {
	w.t.Helper()
	var ts []tasks.Task
	for i := range n {
		task := w.newPayment(fmt.Sprintf("%04d", len(w.payments)))
		w.simulator.setFaults(sandbox.Fault{Kind: "throttled", Operation: sandbox.SendOperation, Reference: task.Reference(), Next: 1})
		if i%2 == 1 {
			w.simulator.setFaults(sandbox.Fault{Kind: "hang_up_after", Operation: sandbox.SendOperation, Reference: task.Reference(), Next: 1})
		}
		ts = append(ts, task)
	}
	return ts
}

func TestConnectionsToRedisAreCut(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil, "REMESA_CONCURRENCY", "6")
	proxy := redistest.NewProxy(t, w.redis.Addr())
	w.settings["REMESA_REDIS_URL"] = proxy.URL()
	w.simulator.slow(100 * time.Millisecond)
	w.work(2)
	w.submit(w.newPayments(either(200, 2000))...)
	w.awaitSome(idempotency.Sending, 1)
	cut := time.Now()
	for range either(10, 100) {
		pause(100 * time.Millisecond)
		proxy.Cut()
	}
	proxy.Blackhole()
	pause(time.Second)
	proxy.Heal()
	w.awaitQuiet(w.certainty() + nextWake(cut))
	all(t, w.audit(allowances{}), idempotency.Succeeded) // nobody died
}

// TestTheNetworkFailsOnEitherSide: latency, connections that are cut, reset, half-open, that carry
// nothing, or whose end only one side sees, between the workers and Redis, and between the workers
// and the provider.
func TestTheNetworkFailsOnEitherSide(t *testing.T) {
	t.Parallel()
	for _, side := range []string{"redis", "provider"} {
		t.Run(side, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, nil, "REMESA_CONCURRENCY", "6", "REMESA_ON_NOT_FOUND", resend)
			target, _ := strings.CutPrefix(w.simulator.url, "http://")
			host, path, _ := strings.Cut(target, "/")
			name, url := "REMESA_VIRTUALPOS_BASE_URL", "http://%s/"+path
			if side == "redis" {
				host, name, url = w.redis.Addr(), "REMESA_REDIS_URL", "redis://%s/0"
			}
			proxy := redistest.NewProxy(t, host)
			w.settings[name] = fmt.Sprintf(url, proxy.Addr())
			w.simulator.slow(100 * time.Millisecond)
			w.work(2)
			w.submit(w.newPayments(either(200, 2000))...)
			w.awaitSome(idempotency.Sending, 1)
			began := time.Now()
			for range either(2, 20) {
				for _, fail := range []func(){proxy.Cut, proxy.Reset, proxy.HalfOpen, proxy.Blackhole, proxy.SlowClose, func() { proxy.Delay(50 * time.Millisecond) }} {
					fail()
					pause(300 * time.Millisecond)
					proxy.Heal()
				}
			}
			w.awaitQuiet(w.certainty() + nextWake(began))
			// Nobody died, and a request that is cut off ends. One that is cut off twice is held.
			if n := tally(w.audit(allowances{mayHold: cutOffTwice})); n[idempotency.Failed] > 0 {
				t.Errorf("%v, want none failed", n)
			}
		})
	}
}

// cutOffTwice is the reason to hold a payment where it is sent again once: neither request arrived.
func cutOffTwice(f auditedPayment) error {
	if f.record.Attempts < 2 || f.arrived > 0 {
		return fmt.Errorf("held after %d attempts, of which %d arrived", f.record.Attempts, f.arrived)
	}
	return nil
}
