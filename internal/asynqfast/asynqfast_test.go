package asynqfast

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
)

const testTimeout = 30 * time.Second

// never is longer than any test: what happens happened without it.
const never = time.Hour

// worker is a real asynq server behind notices.
type worker struct {
	t       *testing.T
	rdb     redis.UniversalClient
	notices *Notices
	server  *asynq.Server
	end     context.CancelFunc
	stop    func()
	served  chan string
}

// start serves a queue. Without a change, nothing but a notice makes it take a task.
func start(t *testing.T, rdb redis.UniversalClient, change ...func(*Notices)) *worker {
	t.Helper()
	n := New(rdb, "q")
	n.hold, n.poll, n.plainPoll = never, never, never
	for _, c := range change {
		c(n)
	}
	w := &worker{t: t, rdb: rdb, notices: n, served: make(chan string, 100)}
	w.server = asynq.NewServerFromRedisClient(n.Client(), asynq.Config{
		Concurrency: 2, Queues: map[string]int{"q": 1}, TaskCheckInterval: TaskCheckInterval, LogLevel: asynq.FatalLevel,
	})
	ctx, cancel := context.WithCancel(context.Background())
	w.end = cancel
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	err := w.server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		w.served <- string(task.Payload())
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	w.stop = sync.OnceFunc(func() { cancel(); w.server.Shutdown(); running.Wait() })
	t.Cleanup(w.stop)
	return w
}

func (w *worker) queue() *queue { return w.notices.queues["q"] }

// awaitHeld waits until the subscription is there and a dequeue is held again after it.
func (w *worker) awaitHeld() {
	w.t.Helper()
	eventually.True(w.t, testTimeout, "a dequeue is held", func() bool {
		return w.notices.live.Load() > 0 && len(w.queue().noticed) == 0 && w.queue().held.Load() >= 2
	})
}

func (w *worker) awaitServed(want string) {
	w.t.Helper()
	select {
	case got := <-w.served:
		if got != want {
			w.t.Errorf("served %q, want %q", got, want)
		}
	case <-time.After(testTimeout):
		w.t.Fatalf("%q was not served", want)
	}
}

func enqueue(t *testing.T, c redis.UniversalClient, payload string) {
	t.Helper()
	_, err := asynq.NewClientFromRedisClient(c).EnqueueContext(t.Context(), asynq.NewTask("x", []byte(payload)), asynq.Queue("q"), asynq.TaskID(payload))
	if err != nil {
		t.Fatal(err)
	}
}

// TestANoticeEndsTheWait, and nothing else could: the worker neither polls nor returns the dequeue.
func TestANoticeEndsTheWait(t *testing.T) {
	t.Parallel()
	for name, rdb := range map[string]redis.UniversalClient{
		"one server": redistest.Start(t).Client(),
		"a cluster":  redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.Start(t, redistest.Cluster()).Addr()}}),
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, rdb)
			for _, payload := range []string{"first", "second", "third"} {
				w.awaitHeld()
				enqueue(t, Announce(rdb), payload)
				w.awaitServed(payload)
			}
		})
	}
}

// TestABacklogIsNotWaitedFor: only an empty queue is.
func TestABacklogIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	for range 50 {
		enqueue(t, rdb, time.Now().String())
	}
	w := start(t, rdb)
	for range 50 {
		select {
		case <-w.served:
		case <-time.After(testTimeout):
			t.Fatal("the backlog is not served")
		}
	}
}

func TestALostNoticeCostsOnePoll(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]*redistest.Server{"one server": redistest.Start(t), "a cluster": redistest.Start(t, redistest.Cluster())} {
		t.Run(name, func(t *testing.T) {
			var rdb redis.UniversalClient = server.Client()
			if name == "a cluster" {
				rdb = redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{server.Addr()}})
			}
			w := start(t, rdb, func(n *Notices) { n.poll = 20 * time.Millisecond })
			w.awaitHeld()
			enqueue(t, rdb, "plain")
			w.awaitServed("plain")
		})
	}
}

// TestWhileNothingComesInItPollsAsAPlainWorkerDoes: its user may not subscribe.
func TestWhileNothingComesInItPollsAsAPlainWorkerDoes(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	admin := server.Client()
	if err := admin.Do(t.Context(), "ACL", "SETUSER", "deaf", "on", ">pass", "~*", "+@all", "resetchannels").Err(); err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: "deaf", Password: "pass"})
	t.Cleanup(func() { _ = rdb.Close() })
	w := start(t, rdb, func(n *Notices) { n.plainPoll = 20 * time.Millisecond })
	enqueue(t, Announce(rdb), "unannounced") // the notice is refused, the task is not
	w.awaitServed("unannounced")
	if w.notices.live.Load() != 0 {
		t.Error("it has subscribed: this test tests nothing")
	}
}

// TestAnIdleQueueIsNotAskedAbout: the dequeue of an empty queue runs once, however long it is held.
func TestAnIdleQueueIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	w := start(t, rdb, func(n *Notices) { n.poll = 5 * time.Millisecond })
	w.awaitHeld()
	held := w.queue().held.Load()
	polls := commandCalls(t, rdb, "exists")
	eventually.True(t, testTimeout, "it has polled ten times", func() bool { return commandCalls(t, rdb, "exists") >= polls+10 })
	if now := w.queue().held.Load(); now != held {
		t.Errorf("%d dequeues more", now-held)
	}
}

func commandCalls(t *testing.T, rdb redis.UniversalClient, command string) int64 {
	t.Helper()
	info := rdb.InfoMap(t.Context(), "commandstats").Val()
	for _, section := range info {
		for _, part := range strings.Split(section["cmdstat_"+command], ",") {
			if calls, ok := strings.CutPrefix(part, "calls="); ok {
				n, err := redis.NewCmdResult(calls, nil).Int64()
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
		}
	}
	return 0
}

func TestTheHoldIsBounded(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	w := start(t, rdb, func(n *Notices) { n.hold = 10 * time.Millisecond })
	eventually.True(t, testTimeout, "it is held again and again", func() bool { return w.queue().held.Load() >= 5 })
}

// TestTheEndReleasesTheDequeue: asynq cannot stop while one is held.
func TestTheEndReleasesTheDequeue(t *testing.T) {
	t.Parallel()
	w := start(t, redistest.Start(t).Client())
	w.awaitHeld()
	w.end()
	stopped := make(chan struct{})
	go func() { w.server.Shutdown(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(testTimeout):
		t.Fatal("asynq does not stop")
	}
}

// TestALostConnectionIsMadeUpFor: what was published meanwhile is looked for.
func TestALostConnectionIsMadeUpFor(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	rdb := redistest.Client(proxy.Addr())
	t.Cleanup(func() { _ = rdb.Close() })
	w := start(t, rdb)
	for _, payload := range []string{"first", "second"} {
		w.awaitHeld()
		proxy.Cut()
		enqueue(t, Announce(server.Client()), payload)
		w.awaitServed(payload)
	}
}

// TestARestartedRedisIsHeardAgain: it knows neither the script nor the subscription.
func TestARestartedRedisIsHeardAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Appendonly("always"))
	rdb := redistest.Client(server.Addr())
	t.Cleanup(func() { _ = rdb.Close() })
	w := start(t, rdb)
	w.awaitHeld()
	server.Kill()
	server.Restart()
	enqueue(t, Announce(server.Client()), "after")
	w.awaitServed("after")
	w.stop() // while there is a Redis: a restarted one ends before the other cleanups
}

func TestAPausedQueueIsLeftAlone(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	w := start(t, rdb, func(n *Notices) { n.poll = 10 * time.Millisecond })
	w.awaitHeld()
	inspector := asynq.NewInspectorFromRedisClient(rdb)
	if err := inspector.PauseQueue("q"); err != nil {
		t.Fatal(err)
	}
	held := w.queue().held.Load()
	enqueue(t, Announce(rdb), "paused")
	eventually.True(t, testTimeout, "it was looked at", func() bool { return w.queue().held.Load() > held+1 })
	select {
	case <-w.served:
		t.Fatal("served although the queue is paused")
	default:
	}
	if err := inspector.UnpauseQueue("q"); err != nil {
		t.Fatal(err)
	}
	w.awaitServed("paused")
}

// TestATaskWithoutDataHidesTheNextOneForAPollOnly: asynq takes it, and says that there is none.
func TestATaskWithoutDataHidesTheNextOneForAPollOnly(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	enqueue(t, rdb, "lost")
	enqueue(t, rdb, "whole")
	if err := rdb.Del(t.Context(), "asynq:{q}:t:lost").Err(); err != nil {
		t.Fatal(err)
	}
	w := start(t, rdb, func(n *Notices) { n.poll = 10 * time.Millisecond })
	w.awaitServed("whole")
}

// TestARefusalIsNotRepeatedAtOnce: asynq repeats a failed dequeue without any pause.
func TestARefusalIsNotRepeatedAtOnce(t *testing.T) {
	t.Parallel()
	n := New(redistest.Start(t).Client(), "q")
	began := time.Now()
	refused := errors.New("NOPERM")
	cmd := n.run(t.Context(), []string{"asynq:{q}:pending", "asynq:{q}:paused", "asynq:{q}:active", "asynq:{q}:lease"}, func() *redis.Cmd {
		return redis.NewCmdResult(nil, refused)
	})
	if !errors.Is(cmd.Err(), refused) || time.Since(began) < refusedPause {
		t.Errorf("%v after %s", cmd.Err(), time.Since(began))
	}
}

// TestAnEnqueueIsOneRoundTrip, and enqueues once: the notice travels with it.
func TestAnEnqueueIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	enqueue(t, Announce(rdb), "before") // loads the script
	var trips trips
	rdb.AddHook(&trips)
	client := asynq.NewClientFromRedisClient(Announce(rdb))
	for _, id := range []string{"a", "b"} {
		if _, err := client.EnqueueContext(t.Context(), asynq.NewTask("x", nil), asynq.Queue("q"), asynq.TaskID(id)); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(trips.names, " "); got != "sadd evalsha+publish evalsha+publish" {
		t.Errorf("round trips: %s", got)
	}
	if n := rdb.LLen(t.Context(), "asynq:{q}:pending").Val(); n != 3 {
		t.Errorf("%d tasks", n)
	}
	_, err := client.EnqueueContext(t.Context(), asynq.NewTask("x", nil), asynq.Queue("q"), asynq.TaskID("a"))
	if !errors.Is(err, asynq.ErrTaskIDConflict) {
		t.Errorf("the same id again: %v", err)
	}
}

// trips records what goes to Redis together.
type trips struct{ names []string }

func (h *trips) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.names = append(h.names, cmd.Name())
		return next(ctx, cmd)
	}
}

func (h *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		var names []string
		for _, cmd := range cmds {
			names = append(names, cmd.Name())
		}
		h.names = append(h.names, strings.Join(names, "+"))
		return next(ctx, cmds)
	}
}

// TestOtherScriptsPassUnchanged, those of asynq that have the same number of keys among them.
func TestOtherScriptsPassUnchanged(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{
		nil,
		{"asynq:{q}:t:1", "asynq:{q}:scheduled"},
		{"asynq:{q}:t:1", "asynq:{other}:pending"},
		{"asynq:{q}:active", "asynq:{q}:lease", "asynq:{q}:pending", "asynq:{q}:t:1"}, // requeue
		{"asynq:{q}:pending", "asynq:{q}:paused", "asynq:{q}:active", "asynq:{other}:lease"},
	} {
		if queue, ok := enqueued(keys); ok {
			t.Errorf("%q enqueues into %s", keys, queue)
		}
		if queue, ok := dequeued(keys); ok {
			t.Errorf("%q dequeues from %s", keys, queue)
		}
	}
}

// TestThisIsTheAsynqThatWasRead: another version may have other scripts. Whoever raises it reads
// the scripts with which internal/rdb enqueues (Enqueue) and dequeues (Dequeue), and what
// processor.exec does where there is no task; the tests above show whether they still fit.
func TestThisIsTheAsynqThatWasRead(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "github.com/hibiken/asynq v0.26.0\n") {
		t.Error("go.mod has another asynq than v0.26.0")
	}
}
