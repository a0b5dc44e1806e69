package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/tasks"
)

// replyGate passes bytes between a client and Redis until the client's contain the text; from then
// on nothing passes until it is opened.
type replyGate struct {
	text   []byte
	listen net.Listener
	redis  string
	once   sync.Once
	shut   chan struct{}
	opened chan struct{}
	open   func()
}

func newGate(t *testing.T, redis, text string) *replyGate {
	t.Helper()
	g := &replyGate{
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

func (g *replyGate) serve() {
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

func (g *replyGate) pass(client, server net.Conn) {
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

func (g *replyGate) await(t *testing.T) {
	t.Helper()
	select {
	case <-g.shut:
	case <-time.After(testTimeout):
		t.Fatal("the text never came")
	}
}

func TestASignalLetsTheBatchEndThatHasBegun(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) { t.Parallel(); endInMidBatch(t, sig) })
	}
}

func endInMidBatch(t *testing.T, sig syscall.Signal) {
	s := redistest.Start(t)
	g := newGate(t, s.Addr(), "asynq:")
	p := start(t, binary(t), environment(redisAt("redis://"+g.listen.Addr().String()+"/0")), "submit")
	_, _ = io.WriteString(p.in, payout("a")+"\n")
	g.await(t)
	p.Signal(sig)
	g.open()
	if got := results(t, p.line(t)); got[0].Result != "enqueued" {
		t.Errorf("%+v", got)
	}
	rest, _ := io.ReadAll(p.out)
	if code := p.Exit(testTimeout); code != exitFailed || len(rest) > 0 {
		t.Errorf("exit code %d, more lines %q", code, rest)
	}
	wantText(t, "stderr", p.Output(), "stopped by a signal", "1 enqueued")
}

// TestAFileThatIsStillBeingWrittenIsNotTakenForWhole: it grows while its first lines are taken in.
func TestAFileThatIsStillBeingWrittenIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	g := newGate(t, s.Addr(), "asynq:")
	path := write(t, "tasks.jsonl", payout("a")+"\n")
	p := start(t, binary(t), environment(redisAt("redis://"+g.listen.Addr().String()+"/0")), "submit", path)
	g.await(t)
	f := must[*os.File](t)(os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0))
	defer f.Close()
	_ = must[int](t)(f.WriteString(payout("b") + "\n"))
	g.open()
	if got := results(t, p.line(t)); got[0].Result != "enqueued" {
		t.Errorf("%+v", got)
	}
	_, _ = io.ReadAll(p.out)
	if code := p.Exit(testTimeout); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	wantText(t, "stderr", p.Output(), "the file changed while it was read", "1 enqueued", "sending the same file again is safe")
}

func TestAFileThatWasCutIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	const row = "payout,virtualpos,%s,12500,CLP,12345678-5,Ana Soto,012,12345678\n"
	const head = "type,provider,merchant_id,amount,currency,recipient.document,recipient.name,bank.code,bank.account_number\n"
	for name, file := range map[string]string{
		"tasks.jsonl": payout("a") + "\n" + payout("b")[:80],
		"tasks.csv":   head + fmt.Sprintf(row, "a") + fmt.Sprintf(row, "b")[:30],
	} {
		s := redistest.Start(t)
		got := enqueue(t, environment(redisAt(s.URL())), nil, "submit", write(t, name, file))
		wantCode(t, name, got, exitFailed)
		wantText(t, name, got.err, "the file ends in the middle of this line", "1 enqueued", "sending the same file again is safe")
		if rs := results(t, got.out); len(rs) != 2 || rs[0].Result != "enqueued" || rs[1].Result != "invalid" {
			t.Errorf("%s: %+v", name, rs)
		}
		got = enqueue(t, environment(redisAt(s.URL())), nil, "submit", write(t, name, file), "--expect-count", "1")
		wantCode(t, name+", counted first", got, exitFailed)
	}
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
	p := start(t, binary(t), environment(redisAt("redis://"+g.listen.Addr().String()+"/0")), "submit")
	go func() { _, _ = io.WriteString(p.in, strings.Join(file, "\n")+"\n") }()
	g.await(t)
	p.Kill()

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
	eventually.True(t, testTimeout, "every registered payment is woken by the due index", func() bool {
		wakes, _, err := ledger.Due(t.Context(), idempotency.Partition{Provider: "virtualpos"}, n, idempotency.Lanes{QueryTimeout: time.Minute})
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
	if named := wokenIn(t, s, "virtualpos"); named < n {
		t.Errorf("wake-ups of %d payments after the same file was submitted again, want at least %d", named, n)
	}
}

// TestAFileWhoseSubmitWasKilledIsResumedBySubmittingItAgain: nothing is registered twice, nothing
// is missing, and what was reported as enqueued was.
func TestAFileWhoseSubmitWasKilledIsResumedBySubmittingItAgain(t *testing.T) {
	t.Parallel()
	const n = 3000
	var text strings.Builder
	for i := range n {
		text.WriteString(payout(fmt.Sprintf("f-%d", i)) + "\n")
	}
	path := write(t, "tasks.jsonl", text.String())
	s := redistest.Start(t, redistest.Appendonly("always"))
	reported := map[string]bool{}
	for kill := range 3 { // and each time a little later
		p := start(t, binary(t), environment(redisAt(s.URL())), "submit", path)
		for range 1 + 700*kill {
			reported[results(t, p.line(t))[0].Key] = true
		}
		p.Kill()
	}
	counts, err := ledgerOf(s).Counts(t.Context(), "virtualpos")
	if err != nil || counts["queued"] == 0 || counts["queued"] == n || int(counts["queued"]) < len(reported) {
		t.Fatalf("%d of %d registered, %d reported, %v: the test did not kill where it means to", counts["queued"], n, len(reported), err)
	}

	got := enqueue(t, environment(redisAt(s.URL())), nil, "submit", path)
	wantCode(t, "the same file again", got, 0)
	again := map[string]string{}
	for _, r := range results(t, got.out) {
		again[r.Key] = r.Result
	}
	for key := range reported {
		if again[key] != "duplicate" {
			t.Errorf("%s was reported, and is %q in the next pass", key, again[key])
		}
	}
	wantText(t, "the same file again", got.err, fmt.Sprintf("%d enqueued, %d duplicate", n-int(counts["queued"]), counts["queued"]))
	if counts, err = ledgerOf(s).Counts(t.Context(), "virtualpos"); err != nil || counts["queued"] != n {
		t.Errorf("%d registered at the end, want %d: %v", counts["queued"], n, err)
	}
	if woken := wokenIn(t, s, tasks.BulkQueue("virtualpos")); woken < n { // of a long file
		t.Errorf("wake-ups of %d payments, want at least %d", woken, n)
	}
}

// wokenIn counts the payments that a queue's wake-ups name.
func wokenIn(t *testing.T, s *redistest.Server, queue string) int {
	t.Helper()
	infos, err := asynq.NewInspectorFromRedisClient(s.Client()).ListPendingTasks(queue, asynq.PageSize(10_000))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, i := range infos {
		keys, err := tasks.WakeUpKeys(i.Payload)
		if err != nil {
			t.Fatal(err)
		}
		n += len(keys)
	}
	return n
}
