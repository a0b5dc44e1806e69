package faulttest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/tasks"
)

// load is a load of 300 payouts at 150 ms on two workers that lasts longer than the faults.
type load struct {
	*fixture
	random *rand.Rand
	// wakeUp is how long the last payments may wait for their next wake-up.
	wakeUp time.Duration
}

// loadConcurrency is how many payments each worker has under way at a time.
const loadConcurrency = 6

func newChurn(t *testing.T, policy string) *load {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("REMESA_TEST_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("REMESA_TEST_SEED: %s", err)
		}
		seed = n
	}
	t.Logf("REMESA_TEST_SEED=%d", seed)
	w := newFixture(t, nil, "REMESA_ON_NOT_FOUND", policy, "REMESA_CONCURRENCY", strconv.Itoa(loadConcurrency))
	// As producers register: the due index wakes after ten seconds, when the faults of the short
	// form are over. A worker that dies between taking a wake-up and Begin makes that payment wait
	// for its next one, a minute later; the long form allows for it.
	w.client = tasks.NewClient(idempotency.NewRedis(w.rdb, idempotency.Options{}), w.rdb, tasks.ClientOptions{})
	c := &load{w, rand.New(rand.NewPCG(seed, 0)), either(0, thirdWakeUp)}
	c.simulator.slow(150 * time.Millisecond)
	c.work(2)
	c.submit(c.newPayments(either(300, 1500))...)
	// Each worker has some under way: a fault hits an attempt, whomever it hits.
	c.awaitSome(idempotency.Sending, loadConcurrency+1)
	return c
}

// awaitUnderWay waits until each worker has a payment under way, or the load is nearly over. A
// fault that follows hits an attempt, whichever worker it hits and however busy the machine is.
func (c *load) awaitUnderWay() {
	c.t.Helper()
	eventually.NoError(c.t, testTimeout, func() error {
		counts, err := c.counts()
		sending, waiting := counts[idempotency.Sending], counts[idempotency.Queued]+counts[idempotency.Ready]
		if err == nil && sending <= loadConcurrency && waiting > 2*loadConcurrency {
			err = fmt.Errorf("%v, want more than %d sending", counts, loadConcurrency)
		}
		return err
	})
}

// injectEvery injects a fault into a random worker, again and again; inject returns the worker that
// replaces it.
func (c *load) injectEvery(pace time.Duration, times int, inject func(*processtest.Process) *processtest.Process) {
	for range times {
		pause(pace)
		c.awaitUnderWay()
		i := c.random.IntN(len(c.workers))
		c.injectFault()
		c.workers[i] = inject(c.workers[i])
	}
}

// end waits until every payment is final or held, and compares.
func (c *load) end(r allowances) map[string]auditedPayment {
	c.t.Helper()
	c.awaitQuiet(c.certainty() + c.wakeUp)
	c.drain()
	fates := c.audit(r)
	lapses := 0
	for _, f := range fates {
		lapses += len(f.lapses())
	}
	c.t.Logf("%v, %d attempts lapsed", tally(fates), lapses)
	return fates
}

func (c *load) replace(p *processtest.Process) *processtest.Process {
	p.Kill()
	return c.startWorker(worker)
}

func TestWorkersAreKilled(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{hold, resend} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			c := newChurn(t, policy)
			c.injectEvery(300*time.Millisecond, either(10, 50), c.replace)
			fates := c.end(allowances{mayHold: c.faultsOnlyWhereInjected})
			assertLapses(t, fates)
			c.logCertainty(fates)
		})
	}
}

// logCertainty prints how long it took from the death of a worker until its payments were final or
// held. It demands nothing: a busy machine delays some at will. The simulation demands it, on its
// own clock.
func (c *load) logCertainty(fates map[string]auditedPayment) {
	c.t.Helper()
	var took []time.Duration
	for _, f := range fates {
		if d, ok := c.sinceCrash(f); ok {
			took = append(took, d)
		}
	}
	n := len(took)
	if n == 0 {
		return // assertLapses says so
	}
	slices.Sort(took)
	p50, p99, expected := took[(n-1)/2], took[(n*99+99)/100-1], c.lease+c.settle+5*time.Second
	c.t.Logf("from the crash of a worker until its payments were final or held: p50 %s, p99 %s, of %d; %d took %s or longer",
		p50.Round(time.Millisecond), p99.Round(time.Millisecond), n, countFrom(took, expected), expected)
}

// countFrom is how many of the sorted durations are at least that long.
func countFrom(sorted []time.Duration, least time.Duration) int {
	i, _ := slices.BinarySearch(sorted, least)
	return len(sorted) - i
}

// sinceCrash is the time from the crash that hit the payment until it was final or held, by the
// clock of the store, which is this machine's. It is none where no crash hit it, or more than one.
func (c *load) sinceCrash(f auditedPayment) (time.Duration, bool) {
	lapses := f.lapses()
	if len(lapses) != 1 {
		return 0, false
	}
	began := lapses[0]
	i := slices.IndexFunc(c.faults, func(at time.Time) bool { return at.After(began) && at.Before(began.Add(c.lease)) })
	if i < 0 {
		return 0, false
	}
	for _, h := range f.record.History {
		if h.At.After(began) && (h.State.Final() || h.State == idempotency.Held) {
			return h.At.Sub(c.faults[i]), true
		}
	}
	return 0, false
}

// assertLapses fails where no fault hit an attempt: then the run proved nothing.
func assertLapses(t *testing.T, fates map[string]auditedPayment) {
	t.Helper()
	for _, f := range fates {
		if len(f.lapses()) > 0 {
			return
		}
	}
	t.Error("no fault hit an attempt")
}

func TestWorkersAreStopped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy string
		stall  time.Duration
	}{
		{hold, defaultTiming().lease + time.Second},
		{resend, defaultTiming().lease + time.Second}, // shorter than the settle time, counted from the lapse
		{hold, defaultTiming().doubt() + 2*time.Second},
	} {
		t.Run(fmt.Sprintf("%s, for %s", c.policy, c.stall), func(t *testing.T) {
			t.Parallel()
			churn := newChurn(t, c.policy)
			churn.injectEvery(100*time.Millisecond, either(1, 10), func(p *processtest.Process) *processtest.Process {
				p.Stop()
				pause(c.stall)
				p.Cont()
				return p
			})
			assertLapses(t, churn.end(allowances{mayHold: churn.faultsOnlyWhereInjected}))
		})
	}
}

func TestRedisIsKilled(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{hold, resend} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			c := newChurn(t, policy)
			c.wakeUp = thirdWakeUp // the first wake-ups are spent while nothing is sent in the new epoch
			for range either(2, 10) {
				pause(600 * time.Millisecond)
				c.redis.Kill()
				pause(300 * time.Millisecond)
				c.redis.Restart()
			}
			// A worker may still hold a result that it could not write. Were it killed before it
			// has written it, that payment would be held, and no fault near its attempt would say
			// why.
			c.awaitNoneBefore(time.Now())
			c.injectEvery(300*time.Millisecond, 2, c.replace)
			c.end(allowances{mayHold: c.faultsOnlyWhereInjected})
		})
	}
}

func TestRedisIsStopped(t *testing.T) {
	t.Parallel()
	c := newChurn(t, hold)
	for range either(1, 5) {
		pause(500 * time.Millisecond)
		c.redis.Stop()
		pause(c.lease + time.Second)
		c.redis.Cont()
	}
	all(t, c.end(allowances{}), idempotency.Succeeded) // nobody died
}

// TestResultsOutlastAnOutage: results of an outage of Redis are written when it responds again, as
// long as the lease lasts.
func TestResultsOutlastAnOutage(t *testing.T) {
	t.Parallel()
	at := defaultTiming()
	at.lease = 30 * time.Second
	w := newFixtureIn(t, at, redistest.Start(t, redistest.Appendonly("always")), nil)
	w.simulator.slow(300 * time.Millisecond)
	w.work(2)
	w.submit(w.newPayments(60)...)
	w.awaitSome(idempotency.Sending, 8)
	w.redis.Stop()
	pause(7 * time.Second) // longer than one try to write a result
	w.redis.Cont()
	w.awaitQuiet(w.certainty())
	fates := w.audit(allowances{})
	all(t, fates, idempotency.Succeeded)
	for _, f := range fates {
		if len(f.lapses()) > 0 {
			t.Errorf("a result was given up\n%s", f)
		}
	}
}
