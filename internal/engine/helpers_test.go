package engine

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/tasks"
)

// testTimeout bounds every wait for something that must happen.
const testTimeout = 60 * time.Second

// canaries are in every payment of this suite, and in what its providers throw about; none may be
// in a log line.
var canaries = []string{"77889900112", "12345678-5", "12.345.678-5", "Canaria Soto", "canaria@example.cl", "tok-canary-1", "secret-canary-2"}

// suiteLog is what all engines of this suite logged, at the lowest level.
var suiteLog logBuffer

func TestMain(m *testing.M) {
	flag.Parse()
	if p := flag.Lookup("test.parallel"); p.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = p.Value.Set(strconv.Itoa(parallelTests * runtime.GOMAXPROCS(0)))
	}
	redis.SetLogger(&suiteLog)
	plain := make(chan int, 1)
	if os.Getenv(plainPath) == "" {
		go func() { plain <- runOnThePlainPath() }()
	} else {
		plain <- 0
	}
	code := m.Run()
	code = max(code, <-plain)
	if leaked := suiteLog.assertNoCanary(); len(leaked) > 0 {
		fmt.Printf("--- FAIL: the log carries %q\n", leaked)
		code = 1
	}
	os.Exit(code)
}

// parallelTests is how many tests run at a time for each processor, on each of the two paths: they
// wait more than they compute.
const parallelTests = 4

// plainPath in the environment has the suite's engines ask for work instead of waiting for notices.
const plainPath = "REMESA_TEST_PLAIN_PATH"

// runOnThePlainPath runs the same tests once more, in a process of their own, at the same time:
// most of them wait. It prints what that process printed, once it has ended.
func runOnThePlainPath() int {
	again := exec.Command(os.Args[0], os.Args[1:]...) // #nosec G204 -- the test's own binary
	again.Env = append(os.Environ(), plainPath+"=1")
	out, err := again.CombinedOutput()
	_, _ = os.Stdout.Write(out)
	if err != nil {
		fmt.Println("--- FAIL: on the plain path:", err)
		return 1
	}
	return 0
}

func TestALogLineWithACanaryIsNoticed(t *testing.T) {
	var j logBuffer
	log := zerolog.New(&j)
	log.Info().Str("account", canaries[0]).Msg("careless")
	if got := j.assertNoCanary(); !slices.Equal(got, canaries[:1]) {
		t.Errorf("leaks() = %q", got)
	}
}

// logBuffer is a log that tests read.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *logBuffer) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// Printf takes the log lines of go-redis.
func (j *logBuffer) Printf(_ context.Context, format string, v ...any) {
	_, _ = fmt.Fprintf(j, format+"\n", v...)
}

func (j *logBuffer) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// lines are those that contain the text.
func (j *logBuffer) lines(with string) []string {
	var out []string
	for line := range strings.Lines(j.String()) {
		if strings.Contains(line, with) {
			out = append(out, line)
		}
	}
	return out
}

func (j *logBuffer) assertNoCanary() []string {
	text := j.String()
	return slices.DeleteFunc(slices.Clone(canaries), func(c string) bool { return !strings.Contains(text, c) })
}

// scriptedReplies is how a provider behaves towards one payment. Without pay it succeeds; status
// queries get the results in turn, the last for ever.
type scriptedReplies struct {
	pay     func(ctx context.Context, a providers.Attempt) (providers.Outcome, error)
	results []func(q providers.StatusQuery) (providers.Outcome, error)
}

// fakeProvider is a provider that counts its calls, by reference.
type fakeProvider struct {
	mu          sync.Mutex
	scripts     map[string]scriptedReplies
	sendCounts  map[string]int
	queryCounts map[string]int
	// otherwise is the behaviour towards payments without a script.
	otherwise scriptedReplies
}

func newFakeProvider() *fakeProvider {
	return &fakeProvider{scripts: map[string]scriptedReplies{}, sendCounts: map[string]int{}, queryCounts: map[string]int{}}
}

func (b *fakeProvider) behave(reference string, s scriptedReplies) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.scripts[reference] = s
}

func (b *fakeProvider) script(reference string) scriptedReplies {
	if s, ok := b.scripts[reference]; ok {
		return s
	}
	return b.otherwise
}

func (b *fakeProvider) sends(reference string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sendCounts[reference]
}

func (b *fakeProvider) queryCount(reference string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queryCounts[reference]
}

func (b *fakeProvider) allSends() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, pays := range b.sendCounts {
		n += pays
	}
	return n
}

func (b *fakeProvider) send(ctx context.Context, reference string, a providers.Attempt) (providers.Outcome, error) {
	b.mu.Lock()
	b.sendCounts[reference]++
	s := b.script(reference)
	b.mu.Unlock()
	if s.pay == nil {
		return providers.Outcome{Class: providers.Succeeded, ProviderID: "id-" + reference}, nil
	}
	return s.pay(ctx, a)
}

func (b *fakeProvider) Status(_ context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	b.mu.Lock()
	n := b.queryCounts[q.Reference]
	b.queryCounts[q.Reference]++
	s := b.script(q.Reference)
	b.mu.Unlock()
	if len(s.results) == 0 {
		return providers.Outcome{}, errors.New("no answer")
	}
	return s.results[min(n, len(s.results)-1)](q)
}

// fakePayer cannot be queried.
type fakePayer struct{ provider *fakeProvider }

func (p fakePayer) Pay(ctx context.Context, o providers.Payout, a providers.Attempt) (providers.Outcome, error) {
	return p.provider.send(ctx, o.Reference, a)
}

// queryablePayer can.
type queryablePayer struct {
	fakePayer
	*fakeProvider
}

// fakeCharger charges cards, and can be queried.
type fakeCharger struct{ *fakeProvider }

func (c fakeCharger) Charge(ctx context.Context, o providers.Charge, a providers.Attempt) (providers.Outcome, error) {
	return c.send(ctx, o.Reference, a)
}

func outcome(class providers.Class) func(context.Context, providers.Attempt) (providers.Outcome, error) {
	return func(context.Context, providers.Attempt) (providers.Outcome, error) {
		return providers.Outcome{Class: class, ProviderID: "id-1", Code: "code-" + string(class)}, nil
	}
}

func fails(err error) func(context.Context, providers.Attempt) (providers.Outcome, error) {
	return func(context.Context, providers.Attempt) (providers.Outcome, error) { return providers.Outcome{}, err }
}

// sendGate is a send that waits in the provider's hands until the test releases it.
type sendGate struct {
	entered, leave chan struct{}
	once           sync.Once
}

func newGate() *sendGate { return &sendGate{entered: make(chan struct{}), leave: make(chan struct{})} }

func (g *sendGate) hold(then func(context.Context, providers.Attempt) (providers.Outcome, error),
) func(context.Context, providers.Attempt) (providers.Outcome, error) {
	return func(ctx context.Context, a providers.Attempt) (providers.Outcome, error) {
		g.once.Do(func() { close(g.entered) })
		<-g.leave
		if err := ctx.Err(); err != nil {
			return providers.Outcome{Class: providers.InDoubt, Code: "cancelled"}, nil
		}
		return then(ctx, a)
	}
}

func statusResult(class providers.Class) func(providers.StatusQuery) (providers.Outcome, error) {
	return func(providers.StatusQuery) (providers.Outcome, error) {
		return providers.Outcome{Class: class, ProviderID: "id-1", Code: "code-" + string(class)}, nil
	}
}

func echoes(class providers.Class, e providers.Echo) func(providers.StatusQuery) (providers.Outcome, error) {
	return func(providers.StatusQuery) (providers.Outcome, error) {
		return providers.Outcome{Class: class, ProviderID: "id-1", Echo: e}, nil
	}
}

type statusResults = []func(providers.StatusQuery) (providers.Outcome, error)

// fixture is a real redis-server, a real ledger and a provider; engines are started on it.
type fixture struct {
	t        *testing.T
	server   *redistest.Server
	rdb      *redis.Client
	ledger   *idempotency.Ledger
	client   *tasks.Client
	provider *fakeProvider
	log      *logBuffer
}

// policy has every time as short as a test wants it.
func policy() idempotency.Policy {
	p := idempotency.DefaultPolicy()
	p.SettleTime, p.NotFoundInterval = 50*time.Millisecond, 20*time.Millisecond
	return p
}

func newFixture(t *testing.T, options ...redistest.Option) *fixture {
	t.Helper()
	t.Parallel()
	server := redistest.Start(t, options...)
	return newFixtureOn(t, server, idempotency.Options{Default: policy(), FirstWake: 20 * time.Millisecond})
}

func newFixtureOn(t *testing.T, server *redistest.Server, o idempotency.Options) *fixture {
	r := &fixture{t: t, server: server, rdb: server.Client(), provider: newFakeProvider(), log: &logBuffer{}}
	r.ledger = idempotency.NewRedis(r.rdb, o)
	r.client = tasks.NewClient(r.ledger, r.rdb, tasks.ClientOptions{TaskTimeout: 30 * time.Second})
	return r
}

// newClockFixture has a ledger whose clock the test moves.
func newClockFixture(t *testing.T) *fixture {
	t.Helper()
	t.Parallel()
	r := newFixtureOn(t, redistest.Start(t), idempotency.Options{Default: policy(), FirstWake: 20 * time.Millisecond, TestClock: true})
	r.advance(time.Duration(clockBegin.UnixNano()))
	return r
}

// clockBegin is where the clock of a newClockFixture begins.
var clockBegin = time.Unix(1_800_000_000, 0)

// lag sets the store's clock an hour behind the machine's, by which asynq dates wake-ups: none of
// them is older than what the store has on record.
func (r *fixture) lag() {
	r.t.Helper()
	r.advance(time.Since(clockBegin.Add(time.Hour)))
}

func (r *fixture) advance(d time.Duration) {
	r.t.Helper()
	for _, p := range catalog.Names() {
		if err := r.rdb.IncrBy(r.t.Context(), "remesa:{"+p+"}:clock", d.Milliseconds()).Err(); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *fixture) options() Options {
	registry := providers.Registry{}
	registry.Add(providers.Account{Provider: "virtualpos", Name: "default", Client: queryablePayer{fakePayer{r.provider}, r.provider}})
	registry.Add(providers.Account{Provider: "virtualpos", Name: "mute", Client: fakePayer{r.provider}})
	return Options{
		Ledger: r.ledger, Registry: registry, Redis: r.rdb,
		Log:            zerolog.New(io.MultiWriter(r.log, &suiteLog)).Level(zerolog.DebugLevel),
		RequestTimeout: 2 * time.Second, AttemptDeadline: 25 * time.Second, Lease: 28 * time.Second, TaskTimeout: 30 * time.Second,
		ShutdownTimeout: 32 * time.Second,
		Concurrency:     func(string) int { return 8 },
		FastPath:        os.Getenv(plainPath) == "",
		RetryBase:       5 * time.Millisecond, RetryMax: 20 * time.Millisecond,
		PollFirst: 5 * time.Millisecond, PollMax: 20 * time.Millisecond,
		JanitorInterval: 25 * time.Millisecond, CircuitCooldown: 50 * time.Millisecond,
	}
}

func (r *fixture) engine(change ...func(*Options)) *Engine {
	r.t.Helper()
	o := r.options()
	for _, c := range change {
		c(&o)
	}
	e, err := New(o)
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

// run serves until stop is called, or the test ends; a drain must end, and without an error where
// Redis answers.
func (r *fixture) run(change ...func(*Options)) (stop func()) {
	r.t.Helper()
	e := r.engine(change...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil && !(errors.Is(err, ErrNotStopped) && r.rdb.Ping(context.Background()).Err() != nil) {
				r.t.Errorf("Run: %v", err)
			}
		case <-time.After(testTimeout):
			r.t.Errorf("Run does not end")
		}
	})
	r.t.Cleanup(stop)
	return stop
}

func key(reference string) idempotency.Key {
	return idempotency.Key{Provider: "virtualpos", Account: "default", Reference: reference}
}

func mute(reference string) idempotency.Key {
	return idempotency.Key{Provider: "virtualpos", Account: "mute", Reference: reference}
}

func payload(k idempotency.Key, amount string) []byte {
	if k.Provider == "pagandocheck" {
		return fmt.Appendf(nil, `{"type":"charge","provider":"pagandocheck","account":%q,"txnid":%q,"amount":%q,"currency":"MXN",`+
			`"description":"Plan","customer":{"id":"5d1c0b1e-0000"},"card":{"token":"tok-canary-1"},"agreement":"CONTRATO-1"}`,
			k.Account, k.Reference, amount+".00")
	}
	return fmt.Appendf(nil, `{"type":"payout","provider":"virtualpos","account":%q,"merchant_id":%q,"amount":%q,"currency":"CLP",`+
		`"description":"Devolución","recipient":{"document":"12.345.678-5","name":"Canaria Soto","email":"canaria@example.cl"},`+
		`"bank":{"code":"012","account_number":"77889900112"}}`, k.Account, k.Reference, amount)
}

func (r *fixture) task(k idempotency.Key) tasks.Task {
	r.t.Helper()
	t, err := tasks.Decode(payload(k, "12500"))
	if err != nil {
		r.t.Fatal(err)
	}
	return t
}

// submit registers and wakes, as a billing system does.
func (r *fixture) submit(ks ...idempotency.Key) {
	r.t.Helper()
	ts := make([]tasks.Task, len(ks))
	for i, k := range ks {
		ts[i] = r.task(k)
	}
	if _, err := r.client.Submit(r.t.Context(), ts...); err != nil {
		r.t.Fatal(err)
	}
}

// register only registers, as a billing system does that dies before it wakes anybody.
func (r *fixture) register(ks ...idempotency.Key) {
	r.t.Helper()
	for some := range slices.Chunk(ks, 500) {
		all := make([]idempotency.Registration, len(some))
		for i, k := range some {
			all[i] = r.task(k).Registration(nil)
		}
		if _, err := r.ledger.Register(r.t.Context(), all...); err != nil {
			r.t.Fatal(err)
		}
	}
}

// enqueue hands asynq a task, as a plain client does.
func (r *fixture) enqueue(t *asynq.Task, opts ...asynq.Option) *asynq.TaskInfo {
	r.t.Helper()
	info, err := asynq.NewClientFromRedisClient(r.rdb).EnqueueContext(r.t.Context(), t, opts...)
	if err != nil {
		r.t.Fatal(err)
	}
	return info
}

func (r *fixture) inspector() *asynq.Inspector { return asynq.NewInspectorFromRedisClient(r.rdb) }

func (r *fixture) show(k idempotency.Key) idempotency.Record {
	r.t.Helper()
	rec, err := r.ledger.Show(r.t.Context(), k)
	if err != nil {
		r.t.Fatalf("show %s: %v", k, err)
	}
	return rec
}

// awaitState waits until the payment is in the state.
func (r *fixture) awaitState(k idempotency.Key, s idempotency.State) idempotency.Record {
	r.t.Helper()
	var rec idempotency.Record
	var err error
	r.until(fmt.Sprintf("%s is %s", k, s), func() bool {
		rec, err = r.ledger.Show(r.t.Context(), k)
		return err == nil && rec.State == s
	}, func() string {
		return fmt.Sprintf("it is %s, code %q, history %v, %v", rec.State, rec.Code, rec.History, err)
	})
	return rec
}

// until polls; a test that waits in vain says for what.
func (r *fixture) until(what string, done func() bool, otherwise ...func() string) {
	r.t.Helper()
	const longestPause = 20 * time.Millisecond // many tests poll at a time
	pause := time.Millisecond
	for deadline := time.Now().Add(testTimeout); !done(); pause = min(2*pause, longestPause) {
		if time.Now().After(deadline) {
			for _, text := range otherwise {
				what += "; " + text()
			}
			r.t.Fatalf("waited %s in vain for: %s\n%s", testTimeout, what, r.log)
		}
		<-time.After(pause)
	}
}

func (r *fixture) idle() {
	r.t.Helper()
	r.until("asynq has nothing left to do", func() bool {
		for _, q := range tasks.Queues("virtualpos") {
			info, err := r.inspector().GetQueueInfo(q)
			if err == nil && info.Pending+info.Active+info.Retry+info.Scheduled > 0 {
				return false
			}
		}
		return true
	})
}

func wait(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(testTimeout):
		t.Fatalf("waited %s in vain for: %s", testTimeout, what)
	}
}
