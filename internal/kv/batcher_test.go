package kv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/redistest"
)

// pushes are n decisions, each of which appends its number to one list.
func pushes(n int) []*Commit {
	cs := make([]*Commit, n)
	for i := range cs {
		cs[i] = NewGuardedCommit(owner)
		cs[i].Write("RPUSH", at("list"), i)
	}
	return cs
}

// wantsEach holds that each of the numbers was appended once.
func (b *fixture) wantsEach(n int) {
	b.t.Helper()
	got, err := b.c.LRange(b.t.Context(), at("list"), 0, -1).Result()
	b.must(err)
	slices.Sort(got)
	if len(got) != n || len(slices.Compact(got)) != n {
		b.t.Errorf("%d of %d decisions were written, or some twice: %v", len(got), n, got)
	}
}

// Another process may flush the scripts between two commands of a pipeline: what was taken is not
// sent again.
func TestAScriptForgottenInMidPipelineIsSentForTheRestOnly(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		const n = 10 * maxGroup
		other, done := client(), false
		b := newFixture(t, client(pipelineHook(func(next redis.ProcessPipelineHook, ctx context.Context, cmds []redis.Cmder) error {
			if done || evals(cmds) != n {
				return next(ctx, cmds)
			}
			done = true
			err := next(ctx, cmds[:len(cmds)/2])
			if err := other.ScriptFlush(ctx).Err(); err != nil {
				t.Error(err)
			}
			return errors.Join(err, next(ctx, cmds[len(cmds)/2:]))
		})))
		b.commit(write("r", "", "the script is known")) // else the first half is refused too
		results, errs := b.Commit(t.Context(), owner, pushes(n)...)
		for i, r := range results {
			if errs[i] != nil || !r.Done {
				t.Fatalf("decision %d: %+v, %v", i, r, errs[i])
			}
		}
		if !done {
			t.Fatal("nothing was forgotten")
		}
		b.wantsEach(n)
	})
}

// refuseScriptLoad is a hook that refuses to load scripts, as a server does that became a replica.
type refuseScriptLoad struct{ pipelineHook }

func (refuseScriptLoad) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "script" {
			cmd.SetErr(errors.New("not here"))
			return cmd.Err()
		}
		return next(ctx, cmd)
	}
}

func TestNothingCountsAsWrittenWhereTheScriptCannotBeLoaded(t *testing.T) {
	t.Parallel()
	passing := func(next redis.ProcessPipelineHook, ctx context.Context, cmds []redis.Cmder) error {
		return next(ctx, cmds)
	}
	c := redistest.Start(t).Client()
	c.AddHook(refuseScriptLoad{passing})
	b := newFixture(t, c)
	if results, errs := b.Commit(t.Context(), owner, write("r", "", "a")); errs[0] == nil || results[0] != (Result{}) {
		t.Errorf("%+v, %v", results[0], errs[0])
	}
	b.wants("r", "")
}

func TestDecisionsMadeMeanwhileShareARoundTrip(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		const callers = 200
		g := &pipelineGate{}
		b := newFixture(t, client(g.hook()))
		b.commit(write("r", "", "the script is known"))
		open := g.close()
		var group sync.WaitGroup
		for i, c := range pushes(callers) {
			group.Go(func() {
				if results, errs := b.Commit(t.Context(), owner, c); errs[0] != nil || !results[0].Done {
					t.Errorf("%d: %+v, %v", i, results[0], errs[0])
				}
			})
			if i < maxPipelines { // each of the first has a pipeline for itself
				await(t, "a pipeline", func() bool { return len(g.sent()) == i+1 })
			}
		}
		await(t, "all others wait", func() bool { return b.waiting() == callers-maxPipelines })
		open()
		group.Wait()
		if got := g.sent(); !slices.Equal(got, []int{1, 1, callers - maxPipelines}) {
			t.Errorf("pipelines of %v decisions", got)
		}
		b.wantsEach(callers)
	})
}

func TestAPipelineCarriesSoManyAndOwnersDoNotWaitForOneAnother(t *testing.T) {
	t.Parallel()
	g := &pipelineGate{}
	b := newFixture(t, clientsOf(t, redistest.Start(t).Addr())(g.hook()))
	b.commit(write("r", "", "the script is known"))
	open := g.close()
	var group sync.WaitGroup
	group.Go(func() {
		for i, err := range second(b.Commit(t.Context(), owner, pushes(maxOps+88)...)) {
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
	})
	await(t, "the first pipeline", func() bool { return slices.Equal(g.sent(), []int{maxOps}) })
	other := NewCommit("virtualpos", Prefix("virtualpos")+"r", "", 0)
	other.Write("SET", Prefix("virtualpos")+"r", "a")
	group.Go(func() {
		if _, errs := b.Commit(t.Context(), "virtualpos", other); errs[0] != nil {
			t.Error(errs[0])
		}
	})
	await(t, "the other owner's", func() bool { return slices.Equal(g.sent(), []int{maxOps, 1}) })
	open()
	group.Wait()
	if got := g.sent(); !slices.Equal(got, []int{maxOps, 1, 88}) {
		t.Errorf("pipelines of %v decisions", got)
	}
	b.wantsEach(maxOps + 88)
}

func second[A, B any](_ A, b B) B { return b }

func TestWhoLeavesEarlyTakesNobodyAlong(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		g := &pipelineGate{}
		b := newFixture(t, client(g.hook()))
		b.commit(write("r", "", "the script is known"))
		open := g.close()
		ctx, leave := context.WithCancel(t.Context())
		left, stayed := make(chan error, 1), make(chan error, 1)
		go func() { left <- second(b.Commit(ctx, owner, write("left", "", "a"), write("left-2", "", "a")))[1] }()
		await(t, "a pipeline", func() bool { return len(g.sent()) == 1 })
		go func() { stayed <- second(b.Commit(t.Context(), owner, write("stayed", "", "a")))[0] }()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		open()
		if err := <-stayed; err != nil {
			t.Errorf("who stayed got %v", err)
		}
		b.wants("stayed", "a")
		await(t, "what was under way is carried out", func() bool { return b.c.Get(t.Context(), at("left-2")).Val() == "a" })
		if got := b.commit(write("left", "a", "b")); !got.Done {
			t.Errorf("after a pipeline whose caller had left: %+v", got)
		}
	})
}

// A lost reply is an error where the client does not repeat by itself, and "moved" where it does:
// never "done" or "not done".
func TestALostReplyIsToldAsSuch(t *testing.T) {
	t.Parallel()
	for name, retries := range map[string]int{"returned at once": -1, "repeated by the client": 5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t)
			proxy := redistest.NewProxy(t, s.Addr())
			c := redis.NewClient(&redis.Options{Addr: proxy.Addr(), MaxRetries: retries})
			defer c.Close()
			b := newFixture(t, c)
			b.commit(write("r", "", "a"))
			dropped := proxy.DropReply("evalsha")
			commit := write("r", "a", "b")
			commit.Write("RPUSH", at("list"), "1")
			results, errs := b.Commit(t.Context(), owner, commit)
			<-dropped
			if retries < 0 && errs[0] == nil || retries > 0 && (errs[0] != nil || !results[0].Changed) || results[0].Done {
				t.Errorf("%+v, %v", results[0], errs[0])
			}
			b.wants("r", "b")
			if got := b.commit(commit); !got.Changed {
				t.Errorf("repeated: %+v", got)
			}
			b.wantsEach(1)
		})
	}
}

func TestAReplyThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	for _, reply := range []any{
		nil, int64(1), []any{}, []any{nil}, []any{"perhaps"}, []any{[]any{}}, []any{[]any{int64(1)}}, []any{[]any{1.5, "x"}}, []any{int64(0), int64(0)},
	} {
		g := group{ops: []*op{{}}, cmd: redis.NewCmdResult(reply, nil)}
		if got, err := g.result(0); err == nil {
			t.Errorf("%v is %+v", reply, got)
		}
	}
}

// replicated are flights that want one replica, with what an intent gets without any.
func replicated(t *testing.T, c redis.UniversalClient) *fixture {
	t.Helper()
	return &fixture{NewBatcher(NewDB(c, false), 1, 50*time.Millisecond), t, c}
}

func TestAnIntentThatTooFewReplicasHaveIsWrittenAndAnError(t *testing.T) {
	for name, options := range map[string][]redistest.Option{"server": nil, "cluster": {redistest.Cluster()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, options...)
			var c redis.UniversalClient = s.Client()
			if name == "cluster" {
				c = redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}})
				defer c.Close()
			}
			b := replicated(t, c)
			intent, moved, report := write("r", "", "a"), write("s", "other", "a"), write("u", "", "a")
			intent.Intent, moved.Intent = true, true
			results, errs := b.Commit(t.Context(), owner, intent, moved, report)
			if !errors.Is(errs[0], ErrReplicas) || !results[0].Done {
				t.Errorf("an intent: %+v, %v", results[0], errs[0])
			}
			if errs[1] != nil || !results[1].Changed {
				t.Errorf("an intent that was not written: %+v, %v", results[1], errs[1])
			}
			if errs[2] != nil || !results[2].Done {
				t.Errorf("what is no intent: %+v, %v", results[2], errs[2])
			}
			if err := b.AwaitReplicas(t.Context(), owner); !errors.Is(err, ErrReplicas) {
				t.Errorf("touched: %v", err)
			}
		})
	}
}

func TestAReplicaAcknowledgesAnIntent(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t)
	replica := redistest.Start(t, redistest.ReplicaOf(primary))
	b := replicated(t, primary.Client())
	b.replicaTimeout = 10 * time.Second
	n := 0
	await(t, "the replica takes part", func() bool {
		n++
		c := write(fmt.Sprintf("r-%d", n), "", "a")
		c.Intent = true
		results, errs := b.Commit(t.Context(), owner, c)
		return results[0].Done && errs[0] == nil
	})
	if got, err := replica.Client().Get(t.Context(), at(fmt.Sprintf("r-%d", n))).Result(); err != nil || got != "a" {
		t.Errorf("the replica has %q, %v", got, err)
	}
	b.must(b.AwaitReplicas(t.Context(), owner))
}

// WAIT answers for the last write of its connection: where the touch was refused, that is an older
// one, and says nothing.
func TestATouchThatIsRefusedAcknowledgesNothing(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t)
	redistest.Start(t, redistest.ReplicaOf(primary))
	b := replicated(t, primary.Client())
	await(t, "the replica takes part", func() bool { return b.AwaitReplicas(t.Context(), owner) == nil })
	b.must(b.c.ConfigSet(t.Context(), "maxmemory", "1").Err())
	if err := b.AwaitReplicas(t.Context(), owner); !IsFull(err) {
		t.Errorf("a full Redis acknowledged: %v", err)
	}
}

func TestWithoutReplicasATouchIsNothing(t *testing.T) {
	t.Parallel()
	if err := NewBatcher(nil, 0, 0).AwaitReplicas(t.Context(), owner); err != nil {
		t.Error(err)
	}
}

func TestReadsAreAnsweredEachForItself(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		b := newFixture(t, client())
		b.set("r", "a")
		b.must(b.c.RPush(t.Context(), at("list"), "1").Err())
		var there, absent, wrong *redis.StringCmd
		b.must(b.Read(t.Context(), owner, func(pipe redis.Pipeliner) {
			wrong, absent, there = pipe.Get(t.Context(), at("list")), pipe.Get(t.Context(), at("s")), pipe.Get(t.Context(), at("r"))
		}))
		if there.Val() != "a" || !errors.Is(absent.Err(), redis.Nil) || !redis.HasErrorPrefix(wrong.Err(), "WRONGTYPE") {
			t.Errorf("%v, %v, %v", there, absent, wrong)
		}
	})
}

// TestTextsOfAllCallersAreReadFirst, with one command, and each caller gets its own.
func TestTextsOfAllCallersAreReadFirst(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		var names []string
		b := newFixture(t, client(pipelineHook(func(next redis.ProcessPipelineHook, ctx context.Context, cmds []redis.Cmder) error {
			for _, c := range cmds {
				if c.Name() != "client" { // a connection introduces itself
					names = append(names, c.Name())
				}
			}
			return next(ctx, cmds)
		})))
		b.set("r", "a")
		b.set("s", "b")
		b.must(b.c.RPush(t.Context(), at("list"), "1").Err())
		var score *redis.FloatCmd
		ops := []op{
			{keys: []string{at("r"), at("none")}, timed: true, enqueue: func(pipe redis.Pipeliner) { score = pipe.ZScore(t.Context(), at("z"), "m") }},
			{enqueue: func(pipe redis.Pipeliner) { pipe.Get(t.Context(), at("x")) }},
			{keys: []string{at("list"), at("s"), at("r")}},
		}
		b.must(b.do(t.Context(), owner, ops))
		if want := []any{"a", nil}; !slices.Equal(ops[0].values, want) || ops[0].now == 0 || !errors.Is(score.Err(), redis.Nil) {
			t.Errorf("%v, want %v; %d, %v", ops[0].values, want, ops[0].now, score)
		}
		if want := []any{nil, "b", "a"}; !slices.Equal(ops[2].values, want) || ops[1].values != nil {
			t.Errorf("%v, want %v; %v", ops[2].values, want, ops[1].values)
		}
		if want := []string{"mget", "zscore", "get", "time"}; !slices.Equal(names, want) {
			t.Errorf("read with %q, want %q", names, want)
		}
	})
}

// errorReply is a Redis reply that is an error.
type errorReply string

func (r errorReply) Error() string { return string(r) }
func (errorReply) RedisError()     {}

// topologyReads counts how often a client reads which node of the cluster holds what.
type topologyReads struct {
	pipelineHook
	reads *atomic.Int32
}

func (s topologyReads) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "cluster" {
			s.reads.Add(1)
		}
		return next(ctx, cmd)
	}
}

// A client reads a cluster's topology by itself only every so often: until then every decision
// would go to a node that is the wrong one.
func TestAfterAFailoverTheNewNodeIsLookedFor(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Cluster())
	for _, reply := range []error{errorReply("MOVED 1 127.0.0.1:1"), errorReply("READONLY You can't write against a read only replica."), io.EOF} {
		var reads atomic.Int32
		var failed atomic.Bool
		c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}})
		defer c.Close()
		c.OnNewNode(func(node *redis.Client) {
			node.AddHook(topologyReads{func(next redis.ProcessPipelineHook, ctx context.Context, cmds []redis.Cmder) error {
				if evals(cmds) == 0 || failed.Swap(true) {
					return next(ctx, cmds)
				}
				cmds[0].SetErr(reply)
				return reply
			}, &reads})
		})
		b := newFixture(t, c)
		if _, err := b.Now(t.Context(), owner); err != nil {
			t.Fatal(err)
		}
		before := reads.Load()
		if results, errs := b.Commit(t.Context(), owner, write("r", "", "a")); !errors.Is(errs[0], reply) || results[0].Done {
			t.Errorf("%v: %+v, %v", reply, results[0], errs[0])
		}
		await(t, fmt.Sprintf("after %v the topology is read", reply), func() bool { return reads.Load() > before })
	}
}

// The replica that became primary has the records, and need not know the script.
func TestAfterAFailoverBySentinelsTheNewPrimaryIsWrittenTo(t *testing.T) {
	t.Parallel()
	first := redistest.Start(t)
	second := redistest.Start(t, redistest.ReplicaOf(first))
	var primary atomic.Pointer[string]
	primary.Store(new(first.Addr()))
	sentinel := miniredis.RunT(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(sentinel.Server().Register("SENTINEL", func(c *server.Peer, _ string, args []string) {
		if args[0] != "get-master-addr-by-name" {
			c.WriteLen(0)
			return
		}
		host, port, _ := net.SplitHostPort(*primary.Load())
		c.WriteStrings([]string{host, port})
	}))
	c := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{sentinel.Addr()}, MaxRetries: -1})
	defer c.Close()
	b := newFixture(t, c)
	b.commit(write("r", "", "a"))
	await(t, "the replica has it", func() bool { return second.Client().Get(t.Context(), at("r")).Val() == "a" })
	must(second.Client().ReplicaOf(t.Context(), "no", "one").Err())
	must(second.Client().ScriptFlush(t.Context()).Err())
	primary.Store(new(second.Addr()))
	first.Kill()
	await(t, "the new primary takes a decision", func() bool {
		results, errs := b.Commit(t.Context(), owner, write("r", "a", "ab"))
		return errs[0] == nil && results[0].Done
	})
	if got := second.Client().Get(t.Context(), at("r")).Val(); got != "ab" {
		t.Errorf("it has %q", got)
	}
}

func TestAStoreThatIsGoneAnswersNobody(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1, DialerRetries: 1})
	defer c.Close()
	b := newFixture(t, c)
	b.commit(write("r", "", "a"))
	s.Kill()
	if results, errs := b.Commit(t.Context(), owner, write("r", "a", "b")); errs[0] == nil || results[0] != (Result{}) {
		t.Errorf("%+v, %v", results[0], errs[0])
	}
	if now, err := b.Now(t.Context(), owner); err == nil {
		t.Errorf("its time is %s", now)
	}
	s.Restart()
	if got := b.commit(write("r", "", "b")); !got.Done {
		t.Errorf("once it is back, empty: %+v", got)
	}
}
