package faulttest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/tasks"
)

// timing holds times that are short enough to wait for.
type timing struct {
	request, lease, settle, notFoundInterval time.Duration
}

const (
	confirmations = 2
	// The waits that are no setting: the due index wakes a payment again whose wake-up is gone, and
	// again when that is gone too.
	wakeUpDelay = 10 * time.Second
	thirdWakeUp = time.Minute
)

// nextWake is the longest wait of a payment whose wake-ups may have been lost since then, and are
// no longer.
func nextWake(since time.Time) time.Duration {
	if time.Since(since) < wakeUpDelay {
		return wakeUpDelay
	}
	return thirdWakeUp
}

func defaultTiming() timing {
	return timing{request: time.Second, lease: 3 * time.Second, settle: 2 * time.Second, notFoundInterval: 300 * time.Millisecond}
}

// fastTiming is for fixtures with one payment, which do not depend on the machine's speed.
func fastTiming() timing {
	return timing{request: 500 * time.Millisecond, lease: 1500 * time.Millisecond, settle: time.Second, notFoundInterval: 200 * time.Millisecond}
}

// doubt is how long the workers are in doubt about a payment that the provider does not know.
func (t timing) doubt() time.Duration { return t.lease + t.settle + confirmations*t.notFoundInterval }

// certainty is how long after the last fault every payment is final or held.
func (t timing) certainty() time.Duration { return t.doubt() + 10*time.Second }

// Values of REMESA_ON_NOT_FOUND.
const (
	hold   = "hold"
	resend = "resend"
)

// fixture is one scenario: a Redis, a provider, workers, and the payments that were submitted.
type fixture struct {
	timing
	t         testing.TB
	redis     *redistest.Server
	rdb       redis.UniversalClient
	ledger    *idempotency.Ledger
	client    *tasks.Client
	simulator *simulatorProcess
	settings  map[string]string
	workers   []*processtest.Process
	started   int

	provider string
	prefix   string
	payments map[string]payment // by reference
	faults   []time.Time        // when a worker was killed or stopped
}

// payment is what was requested.
type payment struct {
	amount, beneficiary string
	task                tasks.Task
}

// newFixture starts Redis and, unless one is given, a provider. Settings come in pairs of name and
// value.
func newFixture(t testing.TB, b *simulatorProcess, settings ...string) *fixture {
	t.Helper()
	return newFixtureIn(t, defaultTiming(), redistest.Start(t, redistest.Appendonly("always")), b, settings...)
}

func newFixtureIn(t testing.TB, at timing, server *redistest.Server, b *simulatorProcess, settings ...string) *fixture {
	t.Helper()
	w := newFixtureAt(t, at, server.URL(), slowClient(t, server), b, settings...)
	w.redis = server
	return w
}

// newFixtureAt is for a Redis of several servers.
func newFixtureAt(t testing.TB, at timing, url string, rdb redis.UniversalClient, b *simulatorProcess, settings ...string) *fixture {
	t.Helper()
	return newFixtureOn(t, at, url, rdb, nil, b, settings...)
}

// newFixtureOn is for a Redis of several servers, in which the provider has so many partitions.
func newFixtureOn(t testing.TB, at timing, url string, rdb redis.UniversalClient, parts idempotency.Partitions, b *simulatorProcess, settings ...string) *fixture {
	t.Helper()
	if b == nil {
		b = startSimulator(t)
	}
	w := &fixture{
		timing: at, t: t, rdb: rdb, simulator: b, provider: virtualpos.Name,
		payments: map[string]payment{}, prefix: newPrefix(),
	}
	w.ledger = idempotency.NewRedis(w.rdb, idempotency.Options{FirstWake: 3 * time.Second, Partitions: parts})
	w.client = tasks.NewClient(w.ledger, w.rdb, tasks.ClientOptions{})
	w.settings = map[string]string{
		"REMESA_REDIS_URL": url, "REMESA_HTTP_ADDR": "127.0.0.1:0", "REMESA_LOG_LEVEL": "debug",
		"REMESA_OUTCOMES":        "all", // so that the stream can be held against the history
		"REMESA_REQUEST_TIMEOUT": at.request.String(), "REMESA_LEASE": at.lease.String(), "REMESA_SETTLE_TIME": at.settle.String(),
		"REMESA_NOT_FOUND_CONFIRMATIONS": strconv.Itoa(confirmations), "REMESA_NOT_FOUND_INTERVAL": at.notFoundInterval.String(),
		"REMESA_RETRY_BASE": "100ms", "REMESA_RETRY_MAX": "1s", "REMESA_POLL_FIRST": "200ms", "REMESA_POLL_MAX": "1s",
		"REMESA_JANITOR_INTERVAL": "200ms", "REMESA_CIRCUIT_COOLDOWN": "1s", "REMESA_CONCURRENCY": "8",
		"REMESA_VIRTUALPOS_BASE_URL": b.url, "REMESA_VIRTUALPOS_API_KEY": apiKey, "REMESA_VIRTUALPOS_SECRET_KEY": secretKey,
	}
	for i := 0; i+1 < len(settings); i += 2 {
		w.settings[settings[i]] = settings[i+1]
	}
	return w
}

// slowClient waits long for its replies. Under one that does not, a busy machine makes the
// client send a registration twice, and the second time the payment is a duplicate.
func slowClient(t testing.TB, server *redistest.Server) *redis.Client {
	t.Helper()
	options := *server.Client().Options()
	options.ReadTimeout, options.Dialer = testTimeout, nil
	client := redis.NewClient(&options)
	t.Cleanup(func() { client.Close() })
	return client
}

// newPrefix keeps fixtures apart that share a provider. It is made of an id's last characters,
// which are random: its first are the millisecond, in which two fixtures may begin.
func newPrefix() string { return "x" + idempotency.NewAttempt()[14:] + "." }

// with is the fixture's settings and more, in pairs of name and value.
func (w *fixture) with(more ...string) map[string]string {
	all := maps.Clone(w.settings)
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// work starts n workers.
func (w *fixture) work(n int) {
	w.t.Helper()
	for range n {
		w.workers = append(w.workers, w.startWorker(worker))
	}
}

// workReady starts n workers, and waits until they serve: one that starts in the midst of a fault
// of Redis refuses to.
func (w *fixture) workReady(n int) {
	w.t.Helper()
	w.work(n)
	for _, p := range w.workers {
		p.Await(testTimeout, `"message":"serving`, `"`)
	}
}

// startWorker starts one worker that no fault is injected into.
func (w *fixture) startWorker(name string, more ...string) *processtest.Process {
	w.t.Helper()
	w.started++
	return start(w.t, fmt.Sprintf("%s-%d", name, w.started), name, w.with(more...), "run")
}

// drain ends all workers, and demands that they end well.
func (w *fixture) drain() {
	w.t.Helper()
	for _, p := range w.workers {
		p.Cont()
		drain(p)
	}
	w.workers = nil
}

// faultFile is the file that a faulty worker creates at its fault point.
func (w *fixture) faultFile() string { return filepath.Join(w.t.TempDir(), "fault") }

// newPayment makes one whose amount and beneficiary are no other's.
func (w *fixture) newPayment(reference string) tasks.Task {
	w.t.Helper()
	return w.newPayout(tasks.Payout{MerchantID: w.prefix + reference})
}

// newPayout makes a payout to a beneficiary of its own, of an amount of its own unless it has one.
func (w *fixture) newPayout(p tasks.Payout) tasks.Task {
	w.t.Helper()
	n := len(w.payments) + 1
	p.Provider, p.Amount, p.Currency = virtualpos.Name, cmp.Or(p.Amount, strconv.Itoa(1000+n)), "CLP"
	p.Recipient = providers.Recipient{Document: rut(10_000_000 + n), Name: "Ana Soto", Email: "ana@example.cl"}
	p.Bank = providers.Bank{Code: "012", AccountNumber: strconv.Itoa(50_000_000 + n)}
	task, err := p.Task()
	if err != nil {
		w.t.Fatal(err)
	}
	w.payments[p.MerchantID] = payment{
		amount: p.Amount, beneficiary: p.Recipient.Document + " 012 " + p.Bank.AccountNumber, task: task,
	}
	return task
}

func (w *fixture) newPayments(n int) []tasks.Task {
	w.t.Helper()
	var ts []tasks.Task
	for i := range n {
		ts = append(ts, w.newPayment(fmt.Sprintf("%04d", i)))
	}
	return ts
}

// submit registers and wakes; all must be new.
func (w *fixture) submit(ts ...tasks.Task) {
	w.t.Helper()
	receipts, err := w.client.Submit(context.Background(), ts...)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range receipts {
		if r.Result != tasks.Enqueued {
			w.t.Fatalf("submit %s: %s %s", r.Key, r.Result, r.Problem)
		}
	}
}

func key(reference string) idempotency.Key {
	return idempotency.Key{Provider: virtualpos.Name, Account: idempotency.DefaultAccount, Reference: reference}
}

func (w *fixture) key(reference string) idempotency.Key {
	return idempotency.Key{Provider: w.provider, Account: idempotency.DefaultAccount, Reference: reference}
}

// rut is a Chilean document number with its check digit: modulo 11, weights 2 to 7 from the right.
func rut(body int) string {
	sum, weight := 0, 2
	for n := body; n > 0; n /= 10 {
		sum += n % 10 * weight
		if weight++; weight > 7 {
			weight = 2
		}
	}
	return fmt.Sprintf("%d-%c", body, "0K987654321"[sum%11])
}

// counts is how many payments are in each open state, failed of the last days included.
func (w *fixture) counts() (map[idempotency.State]int64, error) {
	return w.ledger.Counts(context.Background(), w.provider)
}

// open is how many payments are neither final nor held.
func (w *fixture) open() (int64, error) {
	counts, err := w.counts()
	var n int64
	for state, c := range counts {
		if state != idempotency.Held && state != idempotency.Failed {
			n += c
		}
	}
	return n, err
}

// awaitSettled waits until every payment is final or held. The limit begins anew whenever fewer are
// open than before: how long a backlog takes depends on the machine, how long its last payment
// takes does not.
func (w *fixture) awaitSettled(limit time.Duration) {
	w.t.Helper()
	least := int64(math.MaxInt64)
	for more := true; more; {
		eventually.NoError(w.t, limit, func() error {
			n, err := w.open()
			more = n > 0
			switch {
			case err != nil:
				return err
			case n == 0:
				return w.allRegistered()
			case n < least:
				least = n
				return nil
			}
			return fmt.Errorf("%d payments are still open, among them\n%s", n, w.describeOpen())
		})
	}
}

// awaitQuiet waits until every payment is final or held and nothing can change any more. A worker
// that was stopped, or cut off from Redis, may report late that it sent nothing, and a held payment
// is then sent: so all workers end, which they do when they have reported, and a fresh one finishes
// what that set free.
func (w *fixture) awaitQuiet(limit time.Duration) {
	w.t.Helper()
	w.awaitSettled(limit)
	w.drain()
	w.work(1)
	w.awaitSettled(w.certainty())
}

func (w *fixture) allRegistered() error {
	for reference := range w.payments {
		if _, err := w.ledger.Show(context.Background(), w.key(reference)); err != nil {
			return err
		}
	}
	return nil
}

// describeOpen describes some of the open payments.
func (w *fixture) describeOpen() string {
	text, n := "", 0
	_ = w.ledger.List(context.Background(), idempotency.Filter{Provider: w.provider}, func(r idempotency.Record) bool {
		if r.State != idempotency.Held {
			text += describe(r) + "\n"
			n++
		}
		return n < 5
	})
	return text
}

// awaitSome waits until at least n payments are in the state.
func (w *fixture) awaitSome(state idempotency.State, n int64) {
	w.t.Helper()
	eventually.NoError(w.t, testTimeout, func() error {
		counts, err := w.counts()
		if err == nil && counts[state] < n {
			err = fmt.Errorf("%v, want %d %s", counts, n, state)
		}
		return err
	})
}

// awaitNone waits until no payment is in the state.
func (w *fixture) awaitNone(state idempotency.State) {
	w.t.Helper()
	eventually.NoError(w.t, testTimeout, func() error {
		counts, err := w.counts()
		if err == nil && counts[state] > 0 {
			err = fmt.Errorf("%v, want none %s", counts, state)
		}
		return err
	})
}

// awaitNoneBefore waits until no payment is being sent by an attempt that began before an instant:
// its worker has reported it, or its lease has lapsed.
func (w *fixture) awaitNoneBefore(at time.Time) {
	w.t.Helper()
	eventually.NoError(w.t, testTimeout, func() error {
		var earlier []string
		err := w.ledger.List(context.Background(), idempotency.Filter{Provider: w.provider, State: idempotency.Sending}, func(r idempotency.Record) bool {
			if n := len(r.History); n > 0 && r.History[n-1].At.Before(at) {
				earlier = append(earlier, describe(r))
			}
			return true
		})
		if err == nil && len(earlier) > 0 {
			err = fmt.Errorf("%d attempts from before, among them\n%s", len(earlier), earlier[0])
		}
		return err
	})
}

// injectFault records that a worker is being killed or stopped.
func (w *fixture) injectFault() { w.faults = append(w.faults, time.Now()) }

func redisZ(member string, at time.Time) redis.Z {
	return redis.Z{Score: float64(at.Unix()), Member: member}
}
