package faulttest

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/redisurl"
	"github.com/remesa/remesa/providers/virtualpos"
)

// newFixtureOf is a fixture whose Redis is several servers behind one URL.
func newFixtureOf(t *testing.T, url string, settings ...string) *fixture {
	t.Helper()
	options, err := redisurl.Parse(url, redisurl.Profile{Retries: 20, PoolSize: 32, Read: testTimeout})
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewUniversalClient(options)
	t.Cleanup(func() { rdb.Close() })
	w := newFixtureAt(t, defaultTiming(), url, rdb, nil, append(settings, "REMESA_CONCURRENCY", "4")...)
	w.simulator.slow(300 * time.Millisecond)
	return w
}

// failedOver is how long payments may take after a failover: nothing is sent at first, and
// wake-ups that were lost come again.
func (w *fixture) failedOver() time.Duration { return w.quietTime() + w.certainty() + thirdWakeUp }

// TestAMasterOfAClusterDies under load, and its replica takes over. Where a replica must have each
// attempt before it is sent, nothing is forgotten.
func TestAMasterOfAClusterDies(t *testing.T) {
	t.Parallel()
	for _, replicas := range []string{"0", "1"} {
		t.Run("REMESA_LEDGER_REPLICAS="+replicas, func(t *testing.T) {
			t.Parallel()
			nodes := redistest.StartCluster(t, 3, redistest.Appendonly("always"))
			w := newFixtureOf(t, nodes.URL(), "REMESA_LEDGER_REPLICAS", replicas)
			master, replica := nodes.Of(t, idempotency.OutcomesKey(virtualpos.Name))
			w.workReady(2)
			w.submit(w.newPayments(either(80, 800))...)
			w.awaitExecuted(20)
			before := w.epoch()
			master.Kill()
			replica.AwaitMaster()
			if n := len(w.simulator.book().Executions); n == len(w.payments) {
				t.Error("all were sent before the master died")
			}
			master.Restart() // as a replica
			w.awaitSettled(w.failedOver())
			w.drain()
			n := w.auditMemory()
			if e := w.epoch(); e.Number <= before.Number {
				t.Errorf("the epoch is %d, and was %d before", e.Number, before.Number)
			} else if replicas == "1" && e.Loss != nil {
				t.Errorf("forgotten, although a replica had it: %+v", e.Loss)
			}
			if replicas == "1" && n[idempotency.Succeeded] != len(w.payments) {
				t.Errorf("%v of %d payments: the workers lived", n, len(w.payments))
			}
			t.Log(n)
		})
	}
}

// epoch is the life of the store that is known to the ledger.
func (w *fixture) epoch() idempotency.Epoch {
	w.t.Helper()
	e, err := w.ledger.Epoch(context.Background(), w.provider)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// TestRedisIsReadOnly for a while under load: what was sent is recorded once it can be, by the
// attempt that sent it.
func TestRedisIsReadOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ begin, end []any }{
		// Nobody listens there: it keeps what it has.
		"a replica":      {[]any{"replicaof", "127.0.0.1", "1"}, []any{"replicaof", "no", "one"}},
		"lacks replicas": {[]any{"config", "set", "min-replicas-to-write", "1"}, []any{"config", "set", "min-replicas-to-write", "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := defaultTiming()
			at.lease = 30 * time.Second
			w := newFixtureIn(t, at, redistest.Start(t, redistest.Appendonly("always")), nil)
			w.simulator.slow(300 * time.Millisecond)
			w.workReady(2)
			w.submit(w.newPayments(80)...)
			w.awaitSome(idempotency.Sending, 8)
			w.do(c.begin...)
			begun := w.begun()
			w.awaitExecuted(begun)
			pause(2 * time.Second) // the responses are there, and more could be sent
			if now, n := w.begun(), len(w.simulator.book().Executions); now != begun || n != begun || begun == len(w.payments) {
				t.Errorf("%d attempts had begun, %d have by now, %d were executed, of %d", begun, now, n, len(w.payments))
			}
			readOnly := time.Now()
			w.do(c.end...)
			w.awaitSettled(w.certainty() + nextWake(readOnly) + thirdWakeUp)
			w.drain()
			fates := w.audit(allowances{})
			all(t, fates, idempotency.Succeeded)
			for _, f := range fates {
				if len(f.lapses()) > 0 {
					t.Errorf("a result was given up\n%s", f)
				}
			}
		})
	}
}

func (w *fixture) do(command ...any) {
	w.t.Helper()
	if err := w.rdb.Do(context.Background(), command...).Err(); err != nil {
		w.t.Fatalf("%v: %s", command, err)
	}
}
