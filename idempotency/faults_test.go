package idempotency_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/idempotency/internal/idempotencytest"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

const (
	provider = "virtualpos"
	lease    = time.Minute
)

// ledgerFixture drives payments of one ledger; a call that fails ends the test.
type ledgerFixture struct {
	idempotencytest.Fixture
	t     *testing.T
	rdb   *redis.Client
	store *idempotency.Ledger
}

// open makes a ledger on a server. Its clock is moved over a connection of its own.
func open(t *testing.T, s *redistest.Server, via *redis.Client, o idempotency.Options) *ledgerFixture {
	t.Helper()
	rdb := s.Client()
	f := fixture(t, rdb, provider, o)
	o.TestClock = true
	return &ledgerFixture{Fixture: f, t: t, rdb: rdb, store: idempotency.NewRedis(via, o)}
}

func newLedgerFixture(t *testing.T, options ...redistest.Option) (*redistest.Server, *ledgerFixture) {
	t.Helper()
	s := redistest.Start(t, options...)
	return s, open(t, s, s.Client(), idempotency.Options{})
}

func key(reference string) idempotency.Key {
	return idempotency.Key{Provider: provider, Account: idempotency.DefaultAccount, Reference: reference}
}

func registration(reference string) idempotency.Registration {
	return idempotency.Registration{
		Key: key(reference), Type: "payout", Fingerprint: "v1:f", Amount: "12500", Currency: "CLP", Payload: []byte("payload"),
	}
}

func (f *ledgerFixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *ledgerFixture) register(references ...string) []idempotency.Registered {
	f.t.Helper()
	var rs []idempotency.Registration
	for _, r := range references {
		rs = append(rs, registration(r))
	}
	out, err := f.store.Register(f.t.Context(), rs...)
	f.must(err)
	return out
}

func (f *ledgerFixture) checkpoint(k idempotency.Key, attempt string, refs map[string]string, moneyStepNext bool) error {
	_, err := f.store.Checkpoint(f.t.Context(), k, attempt, refs, moneyStepNext)
	return err
}

func (f *ledgerFixture) begin(reference, attempt string) idempotency.BeginResult {
	f.t.Helper()
	got, err := f.store.Begin(f.t.Context(), key(reference), idempotency.BeginParams{Attempt: attempt, Lease: lease, Queryable: true})
	f.must(err)
	return got
}

// sending registers and begins payments, each with an attempt of its own name.
func (f *ledgerFixture) sending(references ...string) {
	f.t.Helper()
	f.register(references...)
	for _, r := range references {
		if got := f.begin(r, r); got.Decision != idempotency.Send {
			f.t.Fatalf("%s: decision %s", r, got.Decision)
		}
	}
}

func (f *ledgerFixture) finish(reference, attempt string, o providers.Outcome) idempotency.Transition {
	f.t.Helper()
	s, err := f.store.Finish(f.t.Context(), key(reference), idempotency.AttemptResult{Attempt: attempt, Outcome: o, QueryAfter: time.Second})
	f.must(err)
	return s
}

func (f *ledgerFixture) want(reference string, s idempotency.State) idempotency.Record {
	f.t.Helper()
	r, err := f.store.Show(f.t.Context(), key(reference))
	f.must(err)
	if r.State != s {
		f.t.Fatalf("%s is %s, want %s", reference, r.State, s)
	}
	return r
}

func paid(id string) providers.Outcome {
	return providers.Outcome{Class: providers.Succeeded, ProviderID: id}
}

var unclear = providers.Outcome{Class: providers.InDoubt, Code: "timeout"}

// flushScriptsHook forgets all scripts in the middle of each pipeline, once.
type flushScriptsHook struct{ left int }

func (*flushScriptsHook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (*flushScriptsHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (f *flushScriptsHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if f.left == 0 || len(cmds) < 2 {
			return next(ctx, cmds)
		}
		f.left--
		middle := len(cmds) / 2
		flush := redis.NewStatusCmd(ctx, "script", "flush")
		return next(ctx, append(append(append([]redis.Cmder{}, cmds[:middle]...), flush), cmds[middle:]...))
	}
}

func TestScriptsSurviveAFlush(t *testing.T) {
	t.Parallel()
	s, f := newLedgerFixture(t)
	flush := func() { f.must(f.rdb.ScriptFlush(t.Context()).Err()) }
	t.Run("before any single step", func(t *testing.T) {
		flush()
		f.register("a")
		flush()
		f.begin("a", "a")
		flush()
		_, _, err := f.store.Due(t.Context(), idempotency.Partition{Provider: provider}, 10, idempotency.Lanes{QueryTimeout: time.Second})
		f.must(err)
		flush()
		f.finish("a", "a", paid("X"))
		f.want("a", idempotency.Succeeded)
	})
	t.Run("in the middle of a pipeline: each is registered once, as new", func(t *testing.T) {
		client := s.Client()
		client.AddHook(&flushScriptsHook{left: 1})
		c := open(t, s, client, idempotency.Options{})
		c.register("warm")
		before := len(c.Outcomes(t))
		for i, r := range c.register("p1", "p2", "p3", "p4", "p5") {
			if r.Result != idempotency.New {
				t.Errorf("registration %d is %s", i+1, r.Result)
			}
		}
		if got := len(c.Outcomes(t)) - before; got != 5 {
			t.Errorf("%d entries for 5 registrations", got)
		}
	})
	t.Run("in the middle of waking: no payment is missed", func(t *testing.T) {
		client := s.Client()
		hook := &flushScriptsHook{}
		client.AddHook(hook)
		c := open(t, s, client, idempotency.Options{})
		c.register("q1", "q2", "q3", "q4")
		c.Advance(time.Hour)
		hook.left = 1
		before, _, err := c.store.Due(t.Context(), idempotency.Partition{Provider: provider}, 1000, idempotency.Lanes{QueryTimeout: time.Second})
		c.must(err)
		woken := map[string]bool{}
		for _, w := range before {
			woken[w.Key.Reference] = true
		}
		for _, r := range []string{"q1", "q2", "q3", "q4"} {
			if !woken[r] {
				t.Errorf("%s was not woken", r)
			}
		}
	})
}

func TestRedisFull(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t, redistest.MaxMemory("200mb"))
	f.sending("finished", "released", "checkpointed", "doubtful", "lapsed")
	f.register("queued")
	f.finish("doubtful", "doubtful", unclear)
	q, err := f.store.StartQuery(t.Context(), key("doubtful"))
	f.must(err)
	f.must(f.rdb.ConfigSet(t.Context(), "maxmemory", "1").Err())
	f.must(f.rdb.ScriptFlush(t.Context()).Err())

	t.Run("nothing new is registered", func(t *testing.T) {
		if _, err := f.store.Register(t.Context(), registration("new")); !errors.Is(err, idempotency.ErrFull) {
			t.Fatalf("got %v, want ErrFull", err)
		}
	})
	t.Run("nothing new is sent", func(t *testing.T) {
		_, err := f.store.Begin(t.Context(), key("queued"), idempotency.BeginParams{Attempt: "x", Lease: lease})
		if !errors.Is(err, idempotency.ErrFull) {
			t.Fatalf("got %v, want ErrFull", err)
		}
		if r := f.want("queued", idempotency.Queued); r.MayHaveLeft || r.Attempts != 0 {
			t.Fatalf("got %+v", r)
		}
	})
	t.Run("a provider can be halted, and let go on", func(t *testing.T) {
		p := idempotency.Actor{By: "ana", Note: "full"}
		f.must(f.store.Halt(t.Context(), provider, "", p))
		if halts, err := f.store.Halts(t.Context(), provider); err != nil || len(halts) != 1 {
			t.Fatalf("got %v, %v", halts, err)
		}
		f.must(f.store.Unhalt(t.Context(), provider, "", p))
		if halts, err := f.store.Halts(t.Context(), provider); err != nil || len(halts) != 0 {
			t.Fatalf("got %v, %v", halts, err)
		}
	})
	t.Run("what was sent is recorded", func(t *testing.T) {
		f.finish("finished", "finished", paid("X"))
		if r := f.want("finished", idempotency.Succeeded); r.ProviderID != "X" {
			t.Fatalf("got %+v", r)
		}
		x := f.Outcomes(t)
		if last := x[len(x)-1]; last["key"] != "virtualpos/finished" || last["state"] != "succeeded" {
			t.Fatalf("last event %v", last)
		}
	})
	t.Run("a release, a checkpoint and a status result are recorded", func(t *testing.T) {
		_, err := f.store.Release(t.Context(), key("released"), "released", "", 0)
		f.must(err)
		f.want("released", idempotency.Ready)
		f.must(f.checkpoint(key("checkpointed"), "checkpointed", map[string]string{"order": "o"}, true))
		_, err = f.store.RecordStatus(t.Context(), key("doubtful"), idempotency.StatusResult{Version: q.Version, QueriedAt: q.QueriedAt, Outcome: paid("Y"), QueryAfter: time.Second})
		f.must(err)
		f.want("doubtful", idempotency.Succeeded)
	})
	t.Run("what lapsed is recovered and woken", func(t *testing.T) {
		f.must(f.rdb.ConfigSet(t.Context(), "maxmemory", "0").Err())
		f.Advance(lease)
		f.must(f.rdb.ConfigSet(t.Context(), "maxmemory", "1").Err())
		w, _, err := f.store.Due(t.Context(), idempotency.Partition{Provider: provider}, 100, idempotency.Lanes{QueryTimeout: time.Second})
		f.must(err)
		if len(w) == 0 {
			t.Fatal("no payment was woken")
		}
		f.want("lapsed", idempotency.InDoubt)
	})
	t.Run("an operator can resolve and cancel", func(t *testing.T) {
		by := idempotency.Actor{By: "ana", Note: "full"}
		r := f.want("lapsed", idempotency.InDoubt)
		_, err := f.store.Resolve(t.Context(), r.Key, r.Version, idempotency.Resolution{Actor: by, As: "succeeded"})
		f.must(err)
		r = f.want("queued", idempotency.Queued)
		_, err = f.store.Cancel(t.Context(), r.Key, r.Version, by)
		f.must(err)
	})
	t.Run("with room again it goes on", func(t *testing.T) {
		f.must(f.rdb.ConfigSet(t.Context(), "maxmemory", "0").Err())
		f.sending("later")
	})
}

// TestLostReplies: the server executes the command, the reply is lost, and the client sends the
// same command again by itself.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	proxy := redistest.NewProxy(t, s.Addr())
	client := redistest.Client(proxy.Addr())
	t.Cleanup(func() { _ = client.Close() })
	f := open(t, s, client, idempotency.Options{})
	f.sending("warm")
	f.finish("warm", "warm", paid("W"))
	lose := func(t *testing.T, step func()) {
		t.Helper()
		dropped := proxy.DropReply("evalsha")
		step()
		select {
		case <-dropped:
		default:
			t.Fatal("no reply was lost")
		}
	}
	events := func(t *testing.T, reference string) (states []string) {
		for _, x := range f.Outcomes(t) {
			if x["reference"] == reference {
				states = append(states, x["state"])
			}
		}
		return states
	}
	wantEvents := func(t *testing.T, reference, want string) {
		t.Helper()
		if got := strings.Join(events(t, reference), " "); got != want {
			t.Fatalf("events %q, want %q", got, want)
		}
	}

	t.Run("of Register: one payment", func(t *testing.T) {
		lose(t, func() {
			if got := f.register("reg")[0]; got.Result == idempotency.Conflict || got.State != idempotency.Queued {
				t.Fatalf("got %+v", got)
			}
		})
		wantEvents(t, "reg", "queued")
	})
	t.Run("of Begin: the worker does not wait for itself", func(t *testing.T) {
		f.register("beg")
		lose(t, func() {
			if got := f.begin("beg", "a"); got.Decision != idempotency.Send || got.Number != 1 {
				t.Fatalf("got %+v", got)
			}
		})
		wantEvents(t, "beg", "queued")
	})
	t.Run("of Finish: one outcome", func(t *testing.T) {
		f.sending("fin")
		lose(t, func() { f.finish("fin", "fin", paid("X")) })
		wantEvents(t, "fin", "queued succeeded")
	})
	t.Run("of an in-doubt Finish: one outcome", func(t *testing.T) {
		f.sending("dou")
		lose(t, func() { f.finish("dou", "dou", unclear) })
		wantEvents(t, "dou", "queued in_doubt")
	})
	t.Run("of Release: ready once", func(t *testing.T) {
		f.sending("rel")
		lose(t, func() {
			_, err := f.store.Release(t.Context(), key("rel"), "rel", "", 0)
			f.must(err)
		})
		wantEvents(t, "rel", "queued ready")
	})
	t.Run("of Checkpoint: recorded", func(t *testing.T) {
		f.sending("not")
		lose(t, func() { f.must(f.checkpoint(key("not"), "not", map[string]string{"o": "1"}, true)) })
		f.want("not", idempotency.Sending)
	})
	t.Run("of RecordStatus: one outcome", func(t *testing.T) {
		f.sending("ans")
		f.finish("ans", "ans", unclear)
		q, err := f.store.StartQuery(t.Context(), key("ans"))
		f.must(err)
		lose(t, func() {
			_, err := f.store.RecordStatus(t.Context(), key("ans"), idempotency.StatusResult{Version: q.Version, QueriedAt: q.QueriedAt, Outcome: paid("X"), QueryAfter: time.Second})
			f.must(err)
		})
		wantEvents(t, "ans", "queued in_doubt succeeded")
		if r := f.want("ans", idempotency.Succeeded); r.Anomaly != "" {
			t.Fatalf("anomaly %q", r.Anomaly)
		}
	})
}

func TestReadOnlyReplicaRefuses(t *testing.T) {
	t.Parallel()
	s, f := newLedgerFixture(t)
	f.register("a")
	replica := redistest.Start(t, redistest.ReplicaOf(s))
	client := redis.NewClient(&redis.Options{Addr: replica.Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	awaitReplica(t, client)
	store := idempotency.NewRedis(client, idempotency.Options{TestClock: true})
	_, err := store.Begin(t.Context(), key("a"), idempotency.BeginParams{Attempt: "a", Lease: lease})
	if err == nil || !strings.Contains(err.Error(), "READONLY") {
		t.Fatalf("got %v, want READONLY", err)
	}
	if _, err := store.Register(t.Context(), registration("b")); err == nil || !strings.Contains(err.Error(), "READONLY") {
		t.Fatalf("got %v, want READONLY", err)
	}
	f.want("a", idempotency.Queued)
}

func awaitReplica(t *testing.T, c *redis.Client) {
	t.Helper()
	record := "remesa:{" + provider + "}:p:a"
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if n, err := c.Exists(t.Context(), record).Result(); err == nil && n == 1 {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("the replica never got the record")
}

func TestKilledRedisKeepsEverything(t *testing.T) {
	t.Parallel()
	s, f := newLedgerFixture(t, redistest.Appendonly("always"))
	f.sending("sending", "finished")
	f.register("queued")
	f.finish("finished", "finished", paid("X"))
	before := f.Outcomes(t)
	s.Kill()
	s.Restart()
	f.want("queued", idempotency.Queued)
	f.want("finished", idempotency.Succeeded)
	if after := f.Outcomes(t); len(after) != len(before) {
		t.Fatalf("%d entries became %d", len(before), len(after))
	}
	if got := f.begin("sending", "other"); got.Decision != idempotency.Wait {
		t.Fatalf("the decision of another attempt is %s", got.Decision)
	}
	f.finish("sending", "sending", paid("Y"))
	f.want("sending", idempotency.Succeeded)
	if got := f.begin("queued", "q"); got.Decision != idempotency.Wait {
		t.Fatalf("sent at once after a restart: %+v", got)
	}
	f.Advance(time.Minute + 10*time.Second)
	if got := f.begin("queued", "q"); got.Decision != idempotency.Send || string(got.Payload) != "payload" {
		t.Fatalf("got %+v", got)
	}
}

func TestReplicasMustAcknowledge(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	o := idempotency.Options{Replicas: 1, ReplicaTimeout: 50 * time.Millisecond}
	open(t, s, s.Client(), idempotency.Options{}).register("a", "b", "c", "d")
	f := open(t, s, s.Client(), o)
	f.waitsForEveryIntent()
	t.Run("without one nothing is sent and no attempt owns the payment", func(t *testing.T) {
		_, err := f.store.Begin(t.Context(), key("a"), idempotency.BeginParams{Attempt: "first", Lease: lease, Queryable: true})
		if err == nil || !strings.Contains(err.Error(), "0 of 1 replicas") {
			t.Fatalf("got %v", err)
		}
		if r := f.want("a", idempotency.Ready); r.MayHaveLeft {
			t.Fatalf("got %+v", r)
		}
		if got := f.begin("a", "first"); got.Decision != idempotency.Done {
			t.Fatalf("the decision of the same attempt is %s", got.Decision)
		}
	})
	t.Run("with one it is sent", func(t *testing.T) {
		replica := redistest.Start(t, redistest.ReplicaOf(s))
		awaitReplica(t, replica.Client())
		f.Advance(time.Minute)
		o.ReplicaTimeout = 30 * time.Second
		f := &ledgerFixture{Fixture: f.Fixture, t: t, store: idempotency.NewRedis(s.Client(), withTestClock(o))}
		if got := f.begin("a", "second"); got.Decision != idempotency.Send {
			t.Fatalf("the decision is %s", got.Decision)
		}
	})
}

// waitsForEveryIntent: nothing that others rely on is called done while no replica has it;
// repeating it is no way around.
func (f *ledgerFixture) waitsForEveryIntent() {
	f.t.Helper()
	ctx, by := f.t.Context(), idempotency.Actor{By: "ana", Note: "bank"}
	alone := &ledgerFixture{Fixture: f.Fixture, t: f.t, rdb: f.rdb, store: idempotency.NewRedis(f.rdb, withTestClock(idempotency.Options{}))}
	_, err := alone.store.Begin(ctx, key("c"), idempotency.BeginParams{Attempt: "c", Lease: lease, Queryable: true, SafeFirstStep: true})
	f.must(err)
	_, err = alone.store.Begin(ctx, key("d"), beginAs("d"))
	f.must(err)
	steps := map[string]func() error{
		"begin again":    func() error { _, err := f.store.Begin(ctx, key("d"), beginAs("d")); return err },
		"register":       func() error { _, err := f.store.Register(ctx, registration("new")); return err },
		"register again": func() error { _, err := f.store.Register(ctx, registration("new")); return err },
		"checkpoint":     func() error { return f.checkpoint(key("c"), "c", nil, true) },
		"cancel": func() error {
			_, err := f.store.Cancel(ctx, key("b"), alone.want("b", idempotency.Queued).Version, by)
			return err
		},
		"halt":   func() error { return f.store.Halt(ctx, provider, "other", by) },
		"unhalt": func() error { return f.store.Unhalt(ctx, provider, "other", by) },
	}
	for _, name := range []string{"begin again", "register", "register again", "checkpoint", "cancel", "halt", "unhalt"} {
		if err := steps[name](); !errors.Is(err, idempotency.ErrReplicas) {
			f.t.Errorf("%s with no replica: got %v", name, err)
		}
	}
	if r := f.want("d", idempotency.Ready); r.MayHaveLeft {
		f.t.Errorf("begun again and not acknowledged: %+v", r)
	}
	if s := f.finish("c", "c", unclear); s.State != idempotency.InDoubt {
		f.t.Errorf("a report waits for replicas, or the checkpoint is lost: %+v", s)
	}
}

func beginAs(attempt string) idempotency.BeginParams {
	return idempotency.BeginParams{Attempt: attempt, Lease: lease, Queryable: true}
}

func withTestClock(o idempotency.Options) idempotency.Options {
	o.TestClock = true
	return o
}

func TestUnreachableRedisIsAnError(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	store := idempotency.NewRedis(client, idempotency.Options{})
	_, err = store.Begin(t.Context(), key("a"), idempotency.BeginParams{Attempt: "a", Lease: lease})
	if err == nil || errors.Is(err, idempotency.ErrUnknown) || !strings.Contains(err.Error(), "begin virtualpos/a") {
		t.Fatalf("got %v", err)
	}
	if store.Ping(t.Context()) == nil {
		t.Fatal("it says that it is available")
	}
}

func TestThousandAttemptsStaySmall(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	f.register("lapsing")
	for i := range 1000 {
		_, err := f.store.Begin(t.Context(), key("lapsing"),
			idempotency.BeginParams{Attempt: fmt.Sprintf("attempt-of-22-chars-%d", i), Lease: lease, Queryable: true, SafeFirstStep: i%2 == 0})
		f.must(err)
		if i%2 == 1 {
			_, err = f.store.Release(t.Context(), key("lapsing"), fmt.Sprintf("attempt-of-22-chars-%d", i), "connection refused", 0)
			f.must(err)
		}
		f.Advance(lease)
	}
	const most = 8 << 10
	n, err := f.rdb.StrLen(t.Context(), "remesa:{virtualpos}:p:lapsing").Result()
	f.must(err)
	if n > most {
		t.Fatalf("the record has %d bytes after 1,000 attempts, want at most %d", n, most)
	}
	if r := f.want("lapsing", idempotency.Ready); r.Attempts != 1000 {
		t.Fatalf("%d attempts", r.Attempts)
	}
}
