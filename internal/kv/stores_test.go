package kv

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/redistest"
)

const owner = "etpay"

// onEach runs a test against one server, against a cluster, where a script must name all its keys
// in one slot, and against the demo's embedded store, which knows no flags. The hooks see what the
// client sends.
func onEach(t *testing.T, test func(t *testing.T, client func(hooks ...redis.Hook) redis.UniversalClient)) {
	t.Helper()
	t.Parallel()
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		test(t, clientsOf(t, redistest.Start(t).Addr()))
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		test(t, clientsOf(t, miniredis.RunT(t).Addr()))
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		addr := redistest.Start(t, redistest.Cluster()).Addr()
		test(t, func(hooks ...redis.Hook) redis.UniversalClient {
			c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}})
			t.Cleanup(func() { _ = c.Close() })
			c.OnNewNode(func(node *redis.Client) {
				for _, h := range hooks {
					node.AddHook(h)
				}
			})
			return c
		})
	})
}

func clientsOf(t *testing.T, addr string) func(hooks ...redis.Hook) redis.UniversalClient {
	return func(hooks ...redis.Hook) redis.UniversalClient {
		c := redistest.Client(addr)
		t.Cleanup(func() { _ = c.Close() })
		for _, h := range hooks {
			c.AddHook(h)
		}
		return c
	}
}

// fixture is a database with flights, as the ledger has them.
type fixture struct {
	*Batcher
	t *testing.T
	c redis.UniversalClient
}

func newFixture(t *testing.T, c redis.UniversalClient) *fixture {
	t.Helper()
	return &fixture{NewBatcher(NewDB(c, false), 0, 0), t, c}
}

func (b *fixture) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *fixture) commit(c *Commit) Result {
	b.t.Helper()
	results, errs := b.Commit(b.t.Context(), owner, c)
	b.must(errs[0])
	return results[0]
}

// wants holds a text against what is stored under a key of the owner.
func (b *fixture) wants(key, want string) {
	b.t.Helper()
	got, err := b.c.Get(b.t.Context(), at(key)).Result()
	if !errors.Is(err, redis.Nil) {
		b.must(err)
	}
	if got != want {
		b.t.Errorf("%s is %q, want %q", key, got, want)
	}
}

func (b *fixture) set(key, text string) {
	b.t.Helper()
	b.must(b.c.Set(b.t.Context(), at(key), text, 0).Err())
}

func at(key string) string { return Prefix(owner) + key }

// write is a decision that turns the record under a key from one text into another.
func write(key, from, to string) *Commit {
	c := NewCommit(owner, at(key), from, 0)
	c.Write("SET", at(key), to)
	return c
}

// pipelineHook is a hook for pipelines; whatever else is sent passes.
type pipelineHook func(next redis.ProcessPipelineHook, ctx context.Context, cmds []redis.Cmder) error

func (pipelineHook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (pipelineHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (p pipelineHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { return p(next, ctx, cmds) }
}

// evals counts the decisions in the scripts among commands.
func evals(cmds []redis.Cmder) (n int) {
	for _, c := range cmds {
		if c.Name() == "evalsha" {
			args := c.Args()
			n += len(args) - 3 - args[2].(int) - headWidth
		}
	}
	return n
}

// pipelineGate counts the pipelines that carry commits, and holds them back while it is shut.
type pipelineGate struct {
	mu    sync.Mutex
	sizes []int
	shut  chan struct{}
}

func (g *pipelineGate) hook() redis.Hook {
	return pipelineHook(func(next redis.ProcessPipelineHook, ctx context.Context, cmds []redis.Cmder) error {
		if evals(cmds) == 0 {
			return next(ctx, cmds)
		}
		g.mu.Lock()
		g.sizes = append(g.sizes, evals(cmds))
		shut := g.shut
		g.mu.Unlock()
		if shut != nil {
			<-shut
		}
		return next(ctx, cmds)
	})
}

// close shuts the gate, and counts anew; the returned function opens it.
func (g *pipelineGate) close() (open func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	shut := make(chan struct{})
	g.sizes, g.shut = nil, shut
	return func() { close(shut) }
}

func (g *pipelineGate) sent() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]int(nil), g.sizes...)
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come about: " + what)
		}
	}
}

// waiting is how many operations wait for a pipeline.
func (b *fixture) waiting() int {
	l := b.queue(owner)
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ops)
}

func TestAStoreIsSpokenToInItsOwnDialect(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		db := NewDB(client(), false)
		now := db.Timed("return {tostring(clock()), KEYS[1], ARGV[1]}", AllowWhenFull)
		for range 2 { // it is sent whole the first time, and by its name the second
			reply, err := db.Run(t.Context(), now, db.Keys(owner, at("x")), "y").StringSlice()
			if err != nil || len(reply) != 3 || reply[0] == "0" || reply[1] != at("x") || reply[2] != "y" {
				t.Fatalf("%q, %v", reply, err)
			}
		}
		want := flaggedDialect
		if strings.HasSuffix(t.Name(), "embedded") {
			want = plainDialect
		}
		if got := db.dialect.Load(); got != want {
			t.Errorf("dialect %d, want %d", got, want)
		}
	})
}

// A store that did not reply at first has not shown which form of scripts it understands.
func TestADialectIsAskedForUntilTheStoreAnswers(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	s.Kill()
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1, DialerRetries: 1})
	defer c.Close()
	b := newFixture(t, c)
	if results, errs := b.Commit(t.Context(), owner, write("r", "", "a")); errs[0] == nil {
		t.Fatalf("without a store: %+v", results[0])
	}
	s.Restart()
	if got := b.commit(write("r", "", "a")); !got.Done || b.db.dialect.Load() != flaggedDialect {
		t.Errorf("%+v", got)
	}
}

func TestTheClockOfTestsIsTheirs(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		c := client()
		b := &fixture{NewBatcher(NewDB(c, true), 0, 0), t, c}
		if now, err := b.Now(t.Context(), owner); err == nil {
			t.Errorf("without a time it is %s", now)
		}
		b.set("clock", "1700000000000")
		now, err := b.Now(t.Context(), owner)
		if err != nil || now.UnixMilli() != 1700000000000 {
			t.Errorf("%s, %v", now, err)
		}
		own, err := newFixture(t, c).Now(t.Context(), owner)
		if err != nil || own.UnixMilli() < 1700000000001 {
			t.Errorf("Redis' own is %s, %v", own, err)
		}
	})
}
