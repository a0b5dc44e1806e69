package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

func waking(k idempotency.Key, generation int64) *asynq.Task {
	return tasks.NewWakeUp(30*time.Second, idempotency.WakeUp{Key: k, Generation: generation})
}

func TestWakeUpsOfOnePaymentSendItOnce(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(r *fixture, k idempotency.Key)
	}{
		{"ten at the same time", func(r *fixture, k idempotency.Key) {
			r.register(k)
			for n := range 10 {
				r.enqueue(waking(k, int64(n)))
			}
			r.run()
		}},
		{"one to each of two workers", func(r *fixture, k idempotency.Key) {
			r.register(k)
			r.run()
			r.run()
			var wg sync.WaitGroup
			for n := range 10 {
				wg.Go(func() { r.enqueue(waking(k, int64(n+50))) })
			}
			wg.Wait()
		}},
		{"one more while it is sent", func(r *fixture, k idempotency.Key) {
			g := newGate()
			r.provider.behave(k.Reference, scriptedReplies{pay: g.hold(outcome(providers.Succeeded))})
			r.submit(k)
			r.run()
			wait(r.t, "the send", g.entered)
			r.enqueue(waking(k, 99))
			r.until("the second wake-up was served", func() bool {
				_, err := r.inspector().GetTaskInfo("virtualpos", k.TaskID(99))
				return err != nil
			})
			close(g.leave)
		}},
		{"one more after it is final", func(r *fixture, k idempotency.Key) {
			r.submit(k)
			r.run()
			r.awaitState(k, idempotency.Succeeded)
			r.enqueue(waking(k, 1000))
			r.enqueue(tasks.NewWakeUp(time.Minute, idempotency.WakeUp{Key: k, Generation: 1001, Query: true}))
		}},
		{"a wake-up and a full payload", func(r *fixture, k idempotency.Key) {
			r.submit(k)
			r.enqueue(asynq.NewTask("payout", payload(k, "12500")), asynq.Queue("virtualpos"))
			r.run()
		}},
		{"a full payload twice", func(r *fixture, k idempotency.Key) {
			r.enqueue(asynq.NewTask("payout", payload(k, "12500")), asynq.Queue("virtualpos"))
			r.enqueue(asynq.NewTask("payout", payload(k, "12500")), asynq.Queue("virtualpos"))
			r.run()
		}},
		{"deleted by hand before anybody saw it", func(r *fixture, k idempotency.Key) {
			r.submit(k)
			if err := r.inspector().DeleteTask("virtualpos", k.TaskID(1)); err != nil {
				r.t.Fatal(err)
			}
			r.run()
		}},
		{"archived by hand, then run by hand once more", func(r *fixture, k idempotency.Key) {
			r.submit(k)
			if err := r.inspector().ArchiveTask("virtualpos", k.TaskID(1)); err != nil {
				r.t.Fatal(err)
			}
			r.run()
			r.awaitState(k, idempotency.Succeeded)
			if err := r.inspector().RunTask("virtualpos", k.TaskID(1)); err != nil {
				r.t.Fatal(err)
			}
		}},
		{"whose place in the queue is lost", func(r *fixture, k idempotency.Key) {
			r.submit(k)
			r.dropRecord(func(ctx context.Context) error { return r.rdb.Del(ctx, pendingKey("virtualpos")).Err() })
			r.submit(key("behind-it"))
			r.run()
		}},
		{"taken by a worker that died", func(r *fixture, k idempotency.Key) {
			r.submit(k)
			r.dropRecord(func(ctx context.Context) error {
				return r.rdb.HSet(ctx, taskKey("virtualpos", k.TaskID(1)), "state", "active").Err()
			})
			r.dropRecord(func(ctx context.Context) error { return r.rdb.Del(ctx, pendingKey("virtualpos")).Err() })
			r.run()
		}},
		{"cancelled by hand while it is sent", func(r *fixture, k idempotency.Key) {
			g := newGate()
			r.provider.behave(k.Reference, scriptedReplies{pay: g.hold(outcome(providers.Succeeded))})
			r.submit(k)
			r.run()
			wait(r.t, "the send", g.entered)
			if err := r.inspector().CancelProcessing(k.TaskID(1)); err != nil {
				r.t.Fatal(err)
			}
			r.until("asynq gave up on the task", func() bool {
				info, err := r.inspector().GetTaskInfo("virtualpos", k.TaskID(1))
				return err == nil && info.Retried > 0
			})
			close(g.leave)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newFixture(t)
			k := key("once")
			row.do(r, k)
			r.awaitState(k, idempotency.Succeeded)
			r.idle()
			if n := r.provider.sends(k.Reference); n != 1 {
				t.Errorf("sent %d times", n)
			}
			if rec := r.show(k); rec.Attempts != 1 || rec.Anomaly != "" {
				t.Errorf("%d attempts, anomaly %q", rec.Attempts, rec.Anomaly)
			}
		})
	}
}

// TestAWakeUpWhoseDataIsLostIsMadeAgain: asynq hands that task out never, and counts it as active
// for ever.
func TestAWakeUpWhoseDataIsLostIsMadeAgain(t *testing.T) {
	r := newFixture(t)
	k := key("p")
	r.submit(k)
	r.dropRecord(func(ctx context.Context) error { return r.rdb.Del(ctx, taskKey("virtualpos", k.TaskID(1))).Err() })
	r.run()
	r.awaitState(k, idempotency.Succeeded)
	if n := r.provider.sends("p"); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

// dropRecord takes something of asynq's away.
func (r *fixture) dropRecord(what func(context.Context) error) {
	r.t.Helper()
	if err := what(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func TestAFullPayloadIsRegisteredThenSent(t *testing.T) {
	r := newFixture(t)
	r.enqueue(asynq.NewTask("payout", payload(key("plain"), "12500")), asynq.Queue("virtualpos"))
	r.run()
	rec := r.awaitState(key("plain"), idempotency.Succeeded)
	if states := walked(rec); states != "queued sending succeeded" {
		t.Errorf("history: %s", states)
	}
}

func TestAConflictChangesNothing(t *testing.T) {
	r := newFixture(t)
	r.submit(key("p"))
	r.run()
	before := r.awaitState(key("p"), idempotency.Succeeded)
	r.enqueue(asynq.NewTask("payout", payload(key("p"), "99999")), asynq.Queue("virtualpos"))
	r.until("the conflict was logged", func() bool { return len(r.log.lines("conflict")) > 0 })
	r.idle()
	if after := r.show(key("p")); after.Version != before.Version || after.Amount != "12500" || r.provider.sends("p") != 1 {
		t.Errorf("version %d, then %d; amount %s; sent %d times", before.Version, after.Version, after.Amount, r.provider.sends("p"))
	}
}

func TestTheSamePayloadUnderANewFingerprintKeyIsNoConflict(t *testing.T) {
	r := newFixture(t)
	r.register(key("p"))
	r.enqueue(asynq.NewTask("payout", payload(key("p"), "12500")), asynq.Queue("virtualpos"))
	r.run(func(o *Options) { o.FingerprintKey = fingerprintKey })
	r.until("it is parked", func() bool { return r.show(key("p")).ParkReason != "" })
	r.idle()
	if lines := r.log.lines("conflict"); len(lines) > 0 {
		t.Error(lines)
	}
}

func TestAnUnreadableTaskIsArchivedAndHarmsNobody(t *testing.T) {
	for _, row := range []struct {
		name, queue string
		task        *asynq.Task
	}{
		{"no JSON", "virtualpos", asynq.NewTask("payout", []byte("\xff\x00"))},
		{"an unknown field", "virtualpos", asynq.NewTask("payout", []byte(`{"type":"payout","provider":"virtualpos","account_number":"77889900112"}`))},
		{"a card number", "virtualpos", asynq.NewTask("payout", []byte(`{"type":"payout","provider":"virtualpos","description":"4111111111111111"}`))},
		{"a wake-up of nothing", "virtualpos", asynq.NewTask(tasks.TypeWakeUp, []byte(`{"key":"../77889900112"}`))},
		{"a wake-up that is no JSON", "virtualpos-ask", asynq.NewTask(tasks.TypeWakeUp, []byte("77889900112"))},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newFixture(t)
			bad := r.enqueue(row.task, asynq.Queue(row.queue), asynq.MaxRetry(3))
			r.submit(key("good"))
			r.run()
			r.awaitState(key("good"), idempotency.Succeeded)
			var info *asynq.TaskInfo
			r.until("the task is archived", func() bool {
				var err error
				info, err = r.inspector().GetTaskInfo(row.queue, bad.ID)
				return err == nil && info.State == asynq.TaskStateArchived
			})
			if info.Retried != 0 || strings.Contains(info.LastErr, "77889900112") || strings.Contains(info.LastErr, "41111111") {
				t.Errorf("retried %d times; its error is %q", info.Retried, info.LastErr)
			}
		})
	}
}

func TestAStatusTaskAsks(t *testing.T) {
	ask := func(r *fixture, reference string) {
		r.enqueue(asynq.NewTask("status", fmt.Appendf(nil, `{"type":"status","provider":"virtualpos","reference":%q}`, reference)),
			asynq.Queue("virtualpos"))
	}
	t.Run("of a final payment once, and a difference is an anomaly", func(t *testing.T) {
		r := newFixture(t)
		r.provider.behave("p", scriptedReplies{results: statusResults{statusResult(providers.Refused)}})
		r.submit(key("p"))
		r.run()
		r.awaitState(key("p"), idempotency.Succeeded)
		ask(r, "p")
		r.until("the anomaly is recorded", func() bool { return r.show(key("p")).Anomaly == "refused_after_succeeded" })
		if rec := r.show(key("p")); rec.State != idempotency.Succeeded || r.provider.queryCount("p") != 1 {
			t.Errorf("state %s, queried %d times", rec.State, r.provider.queryCount("p"))
		}
	})
	t.Run("nothing about a queued payment, and sends nothing", func(t *testing.T) {
		r := newFixture(t)
		reg := r.task(key("p")).Registration(nil)
		reg.NotBefore = time.Now().Add(time.Hour)
		if _, err := r.ledger.Register(t.Context(), reg); err != nil {
			t.Fatal(err)
		}
		ask(r, "p")
		r.run()
		r.submit(key("other"))
		r.awaitState(key("other"), idempotency.Succeeded)
		r.idle()
		if r.show(key("p")).State != idempotency.Queued || r.provider.queryCount("p")+r.provider.sends("p") != 0 {
			t.Errorf("state %s, queried %d, sent %d", r.show(key("p")).State, r.provider.queryCount("p"), r.provider.sends("p"))
		}
	})
	t.Run("nothing about an unknown payment", func(t *testing.T) {
		r := newFixture(t)
		ask(r, "nobody")
		r.submit(key("other"))
		r.run()
		r.awaitState(key("other"), idempotency.Succeeded)
		r.idle()
		if n := r.provider.queryCount("nobody"); n != 0 {
			t.Errorf("queried %d times", n)
		}
	})
}

func walked(rec idempotency.Record) string {
	var states []string
	for _, h := range rec.History {
		states = append(states, string(h.State))
	}
	return strings.Join(states, " ")
}
