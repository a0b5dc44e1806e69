package faulttest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/tasks"
)

// taskTamperer does to asynq's tasks what an operator can do in its dashboard.
type taskTamperer struct {
	t         *testing.T
	inspector *asynq.Inspector
	done      map[string]int
}

func newVandal(t *testing.T, w *fixture) *taskTamperer {
	return &taskTamperer{t: t, inspector: asynq.NewInspectorFromRedisClient(w.rdb), done: map[string]int{}}
}

// run tampers at random until the time is over and each kind of tampering has succeeded. asynq may
// refuse; that does not matter.
func (v *taskTamperer) run(during time.Duration) {
	queues := []string{tasks.SendQueue(virtualpos.Name), tasks.StatusQueue(virtualpos.Name)}
	start := time.Now() // on a busy machine it takes longer until each kind of tampering has succeeded
	for time.Since(start) < during || len(v.done) < 4 && time.Since(start) < testTimeout {
		for _, q := range queues {
			v.tamper(q)
		}
		pause(10 * time.Millisecond)
	}
	for _, q := range queues { // in the end everything that asynq still knows is run
		_, _ = v.inspector.RunAllArchivedTasks(q)
		_, _ = v.inspector.RunAllRetryTasks(q)
	}
	for _, what := range []string{"delete", "archive", "run", "cancel"} {
		if v.done[what] == 0 {
			v.t.Errorf("nothing was there to %s", what)
		}
	}
}

func (v *taskTamperer) tamper(queue string) {
	pending, _ := v.inspector.ListPendingTasks(queue, asynq.PageSize(500)) // all: the first ones are gone before they can be tampered with
	active, _ := v.inspector.ListActiveTasks(queue)
	archived, _ := v.inspector.ListArchivedTasks(queue)
	if t := one(pending); t != nil {
		v.count("delete", v.inspector.DeleteTask(queue, t.ID))
	}
	if t := one(pending); t != nil {
		v.count("archive", v.inspector.ArchiveTask(queue, t.ID))
	}
	if t := one(archived); t != nil {
		v.count("run", v.inspector.RunTask(queue, t.ID))
	}
	if t := one(active); t != nil {
		v.count("cancel", v.inspector.CancelProcessing(t.ID))
	}
}

func one(ts []*asynq.TaskInfo) *asynq.TaskInfo {
	if len(ts) == 0 {
		return nil
	}
	return ts[rand.IntN(len(ts))]
}

func (v *taskTamperer) count(what string, err error) {
	if err == nil {
		v.done[what]++
	}
}

func TestTasksAreTamperedWithByHand(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil, "REMESA_CONCURRENCY", "6")
	w.simulator.slow(400 * time.Millisecond) // a backlog for some seconds
	for range 20 {
		w.simulator.setFaults(sandbox.Fault{Kind: "hang_up_after", Next: 1})
	}
	began := time.Now()                       // of the first payment: its wake-ups are counted from its own registration
	for _, task := range w.newPayments(300) { // one by one: each has a task of its own
		w.submit(task)
	}
	w.work(2)
	v := newVandal(t, w)
	v.run(2 * time.Second)
	w.awaitSettled(w.certainty() + nextWake(began))
	t.Logf("%v", v.done)
	all(t, w.audit(allowances{}), idempotency.Succeeded)
}

// TestATaskIsGivenToManyAtOnce: wake-ups of every generation and full payloads of the same
// payments, all while the first is under way.
func TestATaskIsGivenToManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil, "REMESA_CONCURRENCY", "16")
	w.simulator.slow(200 * time.Millisecond)
	queue := asynq.NewClientFromRedisClient(w.rdb)
	for _, task := range w.newPayments(40) {
		w.submit(task)
		for n := range 4 {
			wake := idempotency.WakeUp{Key: task.Key(), Generation: int64(100 + n)}
			if _, err := queue.Enqueue(tasks.NewWakeUp(time.Minute, wake)); err != nil {
				t.Fatal(err)
			}
			w.enqueueRaw(task.Type(), task.Payload())
		}
	}
	w.work(2)
	w.awaitSettled(w.certainty())
	w.drain()
	fates := w.audit(allowances{})
	all(t, fates, idempotency.Succeeded)
	for _, f := range fates {
		if f.arrived != 1 {
			t.Errorf("%d requests arrived, want 1\n%s", f.arrived, f)
		}
	}
}

func TestAsynqForgetsEverything(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil, "REMESA_CONCURRENCY", "6")
	w.simulator.slow(100 * time.Millisecond)
	w.work(2)
	w.submit(w.newPayments(300)...)
	w.awaitSome(idempotency.Sending, 6)
	if n := w.forgetAsynq(); n == 0 {
		t.Error("asynq had no keys")
	}
	w.awaitSettled(w.certainty() + wakeUpDelay)
	all(t, w.audit(allowances{}), idempotency.Succeeded)
}

// forgetAsynq deletes all of asynq's keys.
func (w *fixture) forgetAsynq() int {
	w.t.Helper()
	ctx, n := context.Background(), 0
	for keys := w.rdb.Scan(ctx, 0, "asynq:*", 1000).Iterator(); keys.Next(ctx); n++ {
		if err := w.rdb.Del(ctx, keys.Val()).Err(); err != nil {
			w.t.Fatal(err)
		}
	}
	return n
}

// enqueueRaw enqueues as a plain asynq client does.
func (w *fixture) enqueueRaw(kind string, payload []byte) {
	w.t.Helper()
	t := asynq.NewTask(kind, payload, asynq.Queue(tasks.SendQueue(virtualpos.Name)))
	if _, err := asynq.NewClientFromRedisClient(w.rdb).Enqueue(t); err != nil {
		w.t.Fatal(err)
	}
}
