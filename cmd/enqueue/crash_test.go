package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/redistest"
)

// gate passes bytes between a client and Redis until the client's contain the text; from then on nothing passes until it is opened.
type gate struct {
	text   []byte
	listen net.Listener
	redis  string
	once   sync.Once
	shut   chan struct{}
	opened chan struct{}
	open   func()
}

func newGate(t *testing.T, redis, text string) *gate {
	t.Helper()
	g := &gate{
		text: []byte(text), listen: must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0")), redis: redis,
		shut: make(chan struct{}), opened: make(chan struct{}),
	}
	g.open = sync.OnceFunc(func() { close(g.opened) })
	t.Cleanup(func() {
		g.listen.Close()
		g.open()
	})
	go g.serve()
	return g
}

func (g *gate) serve() {
	for {
		client, err := g.listen.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", g.redis)
		if err != nil {
			client.Close()
			continue
		}
		go func() { _, _ = io.Copy(client, server); client.Close() }()
		go func() { g.pass(client, server); server.Close() }()
	}
}

func (g *gate) pass(client, server net.Conn) {
	piece := make([]byte, 64<<10)
	for {
		n, err := client.Read(piece)
		if err != nil {
			return
		}
		if bytes.Contains(piece[:n], g.text) {
			g.once.Do(func() { close(g.shut) })
		}
		select {
		case <-g.shut:
			<-g.opened
		default:
		}
		if _, err := server.Write(piece[:n]); err != nil {
			return
		}
	}
}

func (g *gate) await(t *testing.T) {
	t.Helper()
	select {
	case <-g.shut:
	case <-time.After(patience):
		t.Fatal("the text never came")
	}
}

func TestASignalLetsTheBatchEndThatHasBegun(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	g := newGate(t, s.Addr(), "asynq:")
	p := start(t, binary, environment(redisAt("redis://"+g.listen.Addr().String()+"/0")), "submit")
	_, _ = io.WriteString(p.in, payout("a")+"\n")
	g.await(t)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	g.open()
	if got := results(t, p.line(t)); got[0].Result != "enqueued" {
		t.Errorf("%+v", got)
	}
	rest, _ := io.ReadAll(p.out)
	_ = p.cmd.Wait()
	if code := p.cmd.ProcessState.ExitCode(); code != exitFailed || len(rest) > 0 {
		t.Errorf("exit code %d, more lines %q", code, rest)
	}
	wantText(t, "stderr", p.err.String(), "stopped by a signal", "1 enqueued")
}

func TestKilledBetweenRegisteringAndWakingLosesNothing(t *testing.T) {
	t.Parallel()
	const n = 100
	var file []string
	for i := range n {
		file = append(file, payout(fmt.Sprintf("k-%d", i)))
	}
	s := redistest.Start(t, redistest.Appendonly("always"))
	g := newGate(t, s.Addr(), "asynq:") // every wake-up names a key of asynq's, no registration does
	p := start(t, binary, environment(redisAt("redis://"+g.listen.Addr().String()+"/0")), "submit")
	go func() { _, _ = io.WriteString(p.in, strings.Join(file, "\n")+"\n") }()
	g.await(t)
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()

	ledger := ledgerOf(s)
	counts, err := ledger.Counts(t.Context(), "virtualpos")
	registered := counts["queued"]
	if err != nil || registered == 0 {
		t.Fatalf("%d were registered, %v: the test did not kill where it means to", registered, err)
	}
	if keys := s.Client().Keys(t.Context(), "asynq:*").Val(); len(keys) > 0 {
		t.Fatalf("a wake-up got through: %v", keys)
	}
	woken := map[string]bool{}
	eventually(t, "every registered payment is woken by the due index", func() bool {
		wakes, err := ledger.Due(t.Context(), "virtualpos", n, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range wakes {
			woken[w.Key.Reference] = true
		}
		return int64(len(woken)) == registered
	})

	got := enqueue(t, environment(redisAt(s.URL())), lines(file...), "submit")
	wantCode(t, "the same file again", got, 0)
	wantText(t, "the same file again", got.err, fmt.Sprintf("%d duplicate", registered))
	if waiting := s.Client().LLen(t.Context(), "asynq:{virtualpos}:pending").Val(); waiting < n {
		t.Errorf("%d wake-ups after the same file was submitted again, want at least %d", waiting, n)
	}
}
