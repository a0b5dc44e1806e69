package faulttest

import (
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
)

// replicated is a primary and its replica, which a sentinel watches. Whoever asks the sentinel, and
// the replica, reach the primary through a proxy: it is the network between the two sides.
type replicated struct {
	primary, replica *redistest.Server
	network          *redistest.Proxy
	sentinel         *redistest.Sentinel
}

func startReplicated(t *testing.T) *replicated {
	t.Helper()
	r := &replicated{primary: redistest.Start(t, redistest.Appendonly("always"))}
	r.network = redistest.NewProxy(t, r.primary.Addr())
	r.replica = redistest.Start(t, redistest.Appendonly("always"), redistest.ReplicaOfAddr(r.network.Addr()))
	r.replica.AwaitReplica()
	r.sentinel = redistest.StartSentinel(t, r.network.Addr(), 1)
	return r
}

// detach lets the replica get nothing more: it logs in, and its primary knows no login.
func (r *replicated) detach(t *testing.T) {
	t.Helper()
	if err := r.replica.Client().ConfigSet(t.Context(), "masterauth", "x").Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := r.primary.Client().ClientKillByFilter(t.Context(), "type", "replica").Result(); err != nil || n != 1 {
		t.Fatalf("%d replicas lost their primary: %v", n, err)
	}
}

// TestTwoPrimaries: the old primary runs on, with workers of its own, and is cut off from its
// replica and the sentinel, which promotes that replica. A worker sends only what a replica has, so
// that no payment is sent on both sides.
func TestTwoPrimaries(t *testing.T) {
	t.Parallel()
	r := startReplicated(t)
	w := newFixtureOf(t, r.sentinel.URL(), "REMESA_LEDGER_REPLICAS", "1")
	w.workReady(1)
	old := w.startWorker(worker, "REMESA_REDIS_URL", r.primary.URL())
	old.Await(testTimeout, `"message":"serving`, `"`)
	w.submit(w.newPayments(either(60, 600))...)
	w.awaitExecuted(20)
	r.network.Blackhole()
	r.sentinel.AwaitPrimary(r.replica.Addr())
	r.replica.AwaitMaster()
	if n := len(w.simulator.book().Executions); n == len(w.payments) {
		t.Error("all were sent before the network failed")
	}
	// As an operator does: with one server nothing more is sent.
	second := redistest.Start(t, redistest.Appendonly("always"), redistest.ReplicaOf(r.replica))
	second.AwaitReplica()
	w.awaitSettled(w.failedOver())
	r.primary.AwaitMaster() // there were two until now
	old.Await(testTimeout, idempotency.ErrReplicas.Error(), "\n")
	old.Kill()
	r.primary.Kill()
	w.drain()
	n := w.auditMemory()
	if n[idempotency.Succeeded] < len(w.payments)/2 {
		t.Errorf("%v of %d payments", n, len(w.payments))
	}
	t.Log(n)
}

// TestAReplicaThatLagsTakesOver: without acknowledged replicas a failover forgets what the replica
// did not have. It is noticed, and the workers, which live, report it again.
func TestAReplicaThatLagsTakesOver(t *testing.T) {
	t.Parallel()
	r := startReplicated(t)
	w := newFixtureOf(t, r.sentinel.URL())
	w.workReady(2)
	w.submit(w.newPayments(either(60, 600))...)
	w.awaitExecuted(10)
	before := w.epoch()
	r.detach(t) // what is written from here is unknown to it
	executed := len(w.simulator.book().Executions)
	w.awaitExecuted(executed + 10)
	r.primary.Kill()
	r.sentinel.AwaitPrimary(r.replica.Addr())
	w.awaitSettled(w.failedOver())
	workers := w.workers
	w.drain()
	if e := w.epoch(); e.Number <= before.Number {
		t.Errorf("the epoch is %d, and was %d before", e.Number, before.Number)
	}
	if !slices.ContainsFunc(workers, func(p *processtest.Process) bool {
		return strings.Contains(p.Output(), "the store has forgotten sends")
	}) {
		t.Error("no worker noticed that sends were forgotten")
	}
	t.Log(w.auditMemory())
}
