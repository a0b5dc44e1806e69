package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// behindProxy gives the engine's ledger its own way to Redis, on which replies get lost. Without
// retries of the client's own, each loss reaches the engine.
func (r *fixture) behindProxy(retries int) (*redistest.Proxy, func(*Options)) {
	p := redistest.NewProxy(r.t, r.server.Addr())
	o := redistest.Client(p.Addr()).Options()
	o.MaxRetries = retries
	rdb := redis.NewClient(o)
	r.t.Cleanup(func() { rdb.Close() })
	ledger := idempotency.NewRedis(rdb, idempotency.Options{Default: policy(), FirstWake: 20 * time.Millisecond})
	return p, func(o *Options) { o.Ledger = ledger }
}

// TestALostReplyOfTheLedger: the store executed the operation, and the engine never learned of it.
// Needles are what only the commit, or the read, of that operation holds.
func TestALostReplyOfTheLedger(t *testing.T) {
	for _, row := range []struct {
		step, needle string
		does         func() scriptedReplies
		state        idempotency.State
		sends        int
	}{
		{"begin", `"state":"sending"`, paid, idempotency.Succeeded, 1},
		{"finish", `"state":"succeeded"`, paid, idempotency.Succeeded, 1},
		{"finish of a decline", `"state":"failed"`, declined, idempotency.Failed, 1},
		{"release", `"state":"ready"`, throttledOnce, idempotency.Succeeded, 2},
		{"reading", "remesa:{virtualpos}:d:p", inDoubt, idempotency.Succeeded, 1},
		{"answer", `"state":"succeeded"`, inDoubt, idempotency.Succeeded, 1},
	} {
		for _, retries := range []int{-1, 3} {
			t.Run(fmt.Sprintf("%s, %d retries", row.step, retries), func(t *testing.T) {
				r := newFixture(t)
				r.provider.behave("p", row.does())
				proxy, behind := r.behindProxy(retries)
				lost := proxy.DropReply(row.needle)
				r.submit(key("p"))
				r.run(behind)
				wait(t, "the reply is lost", lost)
				rec := r.awaitState(key("p"), row.state)
				if n := r.provider.sends("p"); n != row.sends || rec.Anomaly != "" {
					t.Errorf("sent %d times, want %d; anomaly %q", n, row.sends, rec.Anomaly)
				}
			})
		}
	}
}

func paid() scriptedReplies { return scriptedReplies{} }

func declined() scriptedReplies { return scriptedReplies{pay: outcome(providers.Refused)} }

func inDoubt() scriptedReplies {
	return scriptedReplies{pay: outcome(providers.InDoubt), results: statusResults{statusResult(providers.Succeeded)}}
}

func throttledOnce() scriptedReplies {
	n := 0
	return scriptedReplies{pay: func(context.Context, providers.Attempt) (providers.Outcome, error) {
		if n++; n == 1 {
			return providers.Outcome{}, &providers.NotSent{Reason: "throttled"}
		}
		return providers.Outcome{Class: providers.Succeeded}, nil
	}}
}

// TestRedisGoesAwayInMidSend: the result is written when it comes back, whatever became of the
// lease meanwhile.
func TestRedisGoesAwayInMidSend(t *testing.T) {
	const lease = 1500 * time.Millisecond
	for _, row := range []struct {
		name       string
		leave      func(*redistest.Server)
		comeBack   func(*redistest.Server)
		leaseLapse bool
	}{
		{"killed and restarted", (*redistest.Server).Kill, (*redistest.Server).Restart, false},
		{"killed for longer than the lease", (*redistest.Server).Kill, (*redistest.Server).Restart, true},
		{"frozen for longer than the lease", (*redistest.Server).Stop, (*redistest.Server).Cont, true},
	} {
		for _, class := range []providers.Class{providers.Succeeded, providers.Refused} {
			t.Run(row.name+", "+string(class), func(t *testing.T) {
				r := newFixture(t, redistest.Appendonly("always"))
				g := newGate()
				r.provider.behave("p", scriptedReplies{pay: g.hold(outcome(class)), results: statusResults{statusResult(providers.InDoubt)}})
				r.submit(key("p"))
				stop := r.run(func(o *Options) {
					o.RequestTimeout, o.AttemptDeadline, o.Lease = 500*time.Millisecond, 1400*time.Millisecond, lease
				})
				wait(t, "the send", g.entered)
				row.leave(r.server)
				close(g.leave)
				r.until("the result was not written", func() bool { return len(r.log.lines("result not written yet")) > 0 })
				if row.leaseLapse {
					<-time.After(lease)
				}
				row.comeBack(r.server)
				state := map[providers.Class]idempotency.State{providers.Succeeded: idempotency.Succeeded, providers.Refused: idempotency.Failed}[class]
				rec := r.awaitState(key("p"), state)
				if n := r.provider.sends("p"); n != 1 || rec.Anomaly != "" {
					t.Errorf("sent %d times; anomaly %q", n, rec.Anomaly)
				}
				stop()
			})
		}
	}
}

// TestWhatCannotBeWrittenAtExitIsLogged: Redis is gone for good.
func TestWhatCannotBeWrittenAtExitIsLogged(t *testing.T) {
	r := newFixture(t)
	r.withoutEnd()
	g := newGate()
	r.provider.behave("p", scriptedReplies{pay: g.hold(outcome(providers.Succeeded))})
	r.submit(key("p"))
	stop := r.run(func(o *Options) {
		o.RequestTimeout, o.AttemptDeadline, o.Lease = 100*time.Millisecond, 400*time.Millisecond, 500*time.Millisecond
		o.TaskTimeout, o.ShutdownTimeout = time.Second, 1500*time.Millisecond
	})
	wait(t, "the send", g.entered)
	r.server.Kill()
	close(g.leave)
	r.until("the result was not written", func() bool { return len(r.log.lines("result not written yet")) > 0 })
	stop()
	// A wake-up that came at the end may have begun it once more in vain, and say so too.
	lines := slices.DeleteFunc(r.log.lines("RESULT NOT WRITTEN"), func(line string) bool { return !strings.Contains(line, `"operation":"finish"`) })
	if len(lines) != 1 {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	const want = `"key":"virtualpos/p","operation":"finish","class":"succeeded","provider_id":"id-1","code":"code-succeeded","error":`
	if !strings.Contains(lines[0], want) {
		t.Errorf("want %s in %s", want, lines[0])
	}
}

// TestADrainEndsWithoutRedis: it answers nothing for a long time, and a worker has nothing, or a
// result, in hand. asynq waits for Redis as long as that takes; nobody stops a worker that does.
func TestADrainEndsWithoutRedis(t *testing.T) {
	for _, row := range []struct {
		name   string
		busy   bool
		most   time.Duration
		logged int
	}{{"idle", false, asynqStopTimeout + 3*time.Second, 0}, {"with a result in hand", true, 3*time.Second + finalWriteTimeout, 1}} {
		t.Run(row.name, func(t *testing.T) {
			r := newFixture(t)
			r.withoutEnd()
			g := newGate()
			r.provider.behave("p", scriptedReplies{pay: g.hold(outcome(providers.Succeeded))})
			e := r.engine(func(o *Options) {
				o.RequestTimeout, o.AttemptDeadline, o.Lease = 100*time.Millisecond, 400*time.Millisecond, 500*time.Millisecond
				o.TaskTimeout, o.ShutdownTimeout = time.Second, 1500*time.Millisecond
				if !row.busy {
					o.ShutdownTimeout = time.Minute
				}
			})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- e.Run(ctx) }()
			if row.busy {
				r.submit(key("p"))
				wait(t, "the send", g.entered)
			} else {
				r.until("asynq serves", func() bool {
					servers, err := r.inspector().Servers()
					return err == nil && len(servers) == len(tasks.Queues("virtualpos"))
				})
			}
			r.server.Stop()
			t.Cleanup(r.server.Cont)
			close(g.leave)
			begun := time.Now()
			cancel()
			select {
			case err := <-ended:
				if !errors.Is(err, ErrNotStopped) {
					t.Errorf("Run: %v", err)
				}
			case <-time.After(row.most):
				t.Fatalf("still draining after %s", time.Since(begun))
			}
			lines := slices.DeleteFunc(r.log.lines("RESULT NOT WRITTEN"), func(l string) bool { return !strings.Contains(l, `"operation":"finish","class":"succeeded"`) })
			if len(lines) != row.logged {
				t.Errorf("%d lines: %q", len(lines), lines)
			}
		})
	}
}

// withoutEnd gives the fixture a worker's client, which is never closed: an asynq that has not
// stopped uses it to the end.
func (r *fixture) withoutEnd() {
	o := redistest.Client(r.server.Addr()).Options()
	o.MaxRetries, o.ReadTimeout, o.DialTimeout = 20, 3*time.Second, 3*time.Second
	r.rdb = redis.NewClient(o)
	r.ledger = idempotency.NewRedis(r.rdb, idempotency.Options{Default: policy(), FirstWake: 20 * time.Millisecond})
	r.client = tasks.NewClient(r.ledger, r.rdb, tasks.ClientOptions{TaskTimeout: 30 * time.Second})
}

// refusing is a client at which asynq's enqueues to some queues fail.
type refusing struct{ queues string }

func (h refusing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h refusing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// asynq enqueues by a script whose first keys are the task and the queue's pending list.
func (h refusing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		args := cmd.Args()
		if len(args) > 4 && strings.HasPrefix(cmd.Name(), "eval") && strings.HasPrefix(fmt.Sprint(args[3]), "asynq:{"+h.queues) &&
			strings.Contains(fmt.Sprint(args[3]), "}:t:") {
			err := errors.New("OOM command not allowed when used memory > 'maxmemory'.")
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}

func TestWhileAsynqTakesNoTasksQuestionsAreAsked(t *testing.T) {
	r := newFixture(t)
	r.provider.otherwise = scriptedReplies{results: append(slices.Repeat(statusResults{statusResult(providers.Pending)}, 10), statusResult(providers.Succeeded))}
	var ks []idempotency.Key
	for n := range maxDirectQueries {
		k := key(fmt.Sprintf("p%d", n))
		ks = append(ks, k)
		r.register(k)
		id := idempotency.NewAttempt()
		begin(r, k, id, time.Minute)
		if _, err := r.ledger.Finish(t.Context(), k, idempotency.AttemptResult{Attempt: id, Outcome: providers.Outcome{Class: providers.InDoubt}, QueryAfter: 0}); err != nil {
			t.Fatal(err)
		}
	}
	full := r.server.Client()
	full.AddHook(refusing{"virtualpos"})
	r.run(func(o *Options) {
		o.Redis = full
		o.AttemptDeadline, o.RequestTimeout = 200*time.Millisecond, 50*time.Millisecond
	})
	for _, k := range ks {
		r.awaitState(k, idempotency.Succeeded)
	}
	if n := r.provider.allSends(); n != 0 {
		t.Errorf("sent %d", n)
	}
}

// TestRedisIsFull: nothing new is sent, and what was sent is recorded.
func TestRedisIsFull(t *testing.T) {
	r := newFixture(t, redistest.MaxMemory("100mb"))
	g := newGate()
	r.provider.behave("sent", scriptedReplies{pay: g.hold(outcome(providers.Succeeded))})
	r.submit(key("sent"))
	r.run()
	wait(t, "the send", g.entered)
	r.register(key("new"))
	set := func(limit string) {
		if err := r.rdb.ConfigSet(t.Context(), "maxmemory", limit).Err(); err != nil {
			t.Fatal(err)
		}
	}
	set("1mb")
	close(g.leave)
	r.awaitState(key("sent"), idempotency.Succeeded)
	r.until("the new one could not be woken", func() bool { return len(r.log.lines("wake-ups not enqueued")) > 0 })
	if n := r.provider.sends("new"); n != 0 {
		t.Errorf("sent %d times", n)
	}
	set("100mb")
	if _, err := r.client.Submit(t.Context(), r.task(key("new"))); err != nil {
		t.Fatal(err)
	}
	r.awaitState(key("new"), idempotency.Succeeded)
}

// TestAsynqsStateIsLost: the queues are emptied under the workers, again and again.
func TestAsynqsStateIsLost(t *testing.T) {
	r := newClockFixture(t)
	var struck atomic.Bool // until then no payment settles, so that each strike finds tasks to lose
	r.provider.otherwise = scriptedReplies{pay: outcome(providers.Pending), results: statusResults{func(q providers.StatusQuery) (providers.Outcome, error) {
		if struck.Load() {
			return statusResult(providers.Succeeded)(q)
		}
		return statusResult(providers.Pending)(q)
	}}}
	var ks []idempotency.Key
	for n := range 60 {
		ks = append(ks, key(fmt.Sprintf("p%d", n)))
	}
	r.submit(ks...)
	r.run()
	for range 10 {
		r.until("asynq has something to lose", func() bool {
			names, err := r.rdb.Keys(t.Context(), "asynq:{*").Result()
			if err != nil {
				t.Fatal(err)
			}
			return len(names) > 0 && r.rdb.Del(t.Context(), names...).Err() == nil
		})
		r.advance(15 * time.Minute) // by then whatever was lost is woken again
	}
	struck.Store(true)
	r.until("all are paid", func() bool {
		r.advance(time.Minute)
		return !slices.ContainsFunc(ks, func(k idempotency.Key) bool { return r.show(k).State != idempotency.Succeeded })
	})
	for _, k := range ks {
		if n := r.provider.sends(k.Reference); n != 1 {
			t.Errorf("%s sent %d times", k, n)
		}
	}
}

// TestAResultThatTheStoreForgotIsKept: the store loses the attempt, or the whole payment, while the
// request is under way. The worker still knows what it sent, and whoever submits the payment again
// gets a duplicate.
func TestAResultThatTheStoreForgotIsKept(t *testing.T) {
	const record = "remesa:{virtualpos}:p:p"
	for _, row := range []struct {
		name   string
		forget func(r *fixture, before string) error
	}{
		{"the payment", func(r *fixture, _ string) error { return r.rdb.FlushAll(r.t.Context()).Err() }},
		{"the attempt", func(r *fixture, before string) error { return r.rdb.Set(r.t.Context(), record, before, 0).Err() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newFixture(t)
			g := newGate()
			r.provider.behave("p", scriptedReplies{pay: g.hold(outcome(providers.Succeeded))})
			r.submit(key("p"))
			before := r.rdb.Get(t.Context(), record).Val()
			stop := r.run()
			wait(t, "the send", g.entered)
			if err := row.forget(r, before); err != nil {
				t.Fatal(err)
			}
			close(g.leave)
			rec := r.awaitState(key("p"), idempotency.Succeeded)
			stop()
			if n := r.provider.sends("p"); n != 1 || rec.Anomaly != "" || rec.Amount != "12500" {
				t.Errorf("sent %d times, anomaly %q, amount %q", n, rec.Anomaly, rec.Amount)
			}
		})
	}
}
