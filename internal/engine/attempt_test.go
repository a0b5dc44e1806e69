package engine

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
	"github.com/remesa/remesa/tasks"
)

// fakeLedger is a ledger without Redis, for tests whose subject is time: it fails as the test says,
// and records the calls.
type fakeLedger struct {
	Ledger
	mu    sync.Mutex
	calls []string
	fail  func(ctx context.Context, step string, n int) error
	begun idempotency.BeginResult
}

func (*fakeLedger) Partitions(provider string) []idempotency.Partition {
	return []idempotency.Partition{{Provider: provider}}
}

func (*fakeLedger) PartitionOf(k idempotency.Key) idempotency.Partition {
	return idempotency.Partition{Provider: k.Provider}
}

func (b *fakeLedger) take(ctx context.Context, step, detail string) error {
	b.mu.Lock()
	n := len(slices.DeleteFunc(slices.Clone(b.calls), func(c string) bool { return !strings.HasPrefix(c, step) }))
	b.calls = append(b.calls, step+detail)
	b.mu.Unlock()
	if b.fail == nil {
		return nil
	}
	return b.fail(ctx, step, n)
}

// distinct are the calls without immediate repetitions.
func (b *fakeLedger) distinct() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(slices.Compact(slices.Clone(b.calls)), ", ")
}

func (b *fakeLedger) Begin(ctx context.Context, k idempotency.Key, _ idempotency.BeginParams) (idempotency.BeginResult, error) {
	begun := b.begun
	begun.Decision, begun.Number = idempotency.Send, max(begun.Number, 1)
	if begun.Payload == nil {
		begun.Payload = payload(k, "12500")
	}
	if task, err := tasks.Decode(begun.Payload); err == nil {
		begun.Registered = task.Registration(nil)
	}
	return begun, b.take(ctx, "begin", "")
}

func (b *fakeLedger) Finish(ctx context.Context, _ idempotency.Key, r idempotency.AttemptResult) (idempotency.Transition, error) {
	return idempotency.Transition{Applied: true}, b.take(ctx, "finish", " "+string(r.Outcome.Class))
}

func (b *fakeLedger) Restore(ctx context.Context, _ idempotency.Registration, _ idempotency.RestoredAttempt) error {
	return b.take(ctx, "restore", "")
}

func (b *fakeLedger) Release(ctx context.Context, _ idempotency.Key, _, why string, _ time.Duration, _ ...idempotency.Answer) (idempotency.Transition, error) {
	return idempotency.Transition{Applied: true}, b.take(ctx, "release", " "+why)
}

func (b *fakeLedger) Reject(ctx context.Context, _ idempotency.Key, why idempotency.Rejection) (idempotency.Transition, error) {
	return idempotency.Transition{Applied: true}, b.take(ctx, "reject", " "+why.Code)
}

func (b *fakeLedger) Defer(ctx context.Context, _ idempotency.Key, after time.Duration) error {
	return b.take(ctx, "defer", " "+after.String())
}

func (b *fakeLedger) Park(ctx context.Context, _ idempotency.Key, reason string) error {
	return b.take(ctx, "park", " "+reason)
}

func (b *fakeLedger) StartQuery(ctx context.Context, k idempotency.Key) (idempotency.StatusQuery, error) {
	q := idempotency.StatusQuery{Needed: true, State: idempotency.InDoubt, Amount: "12500", Currency: "CLP", Payload: payload(k, "12500")}
	return q, b.take(ctx, "ask", "")
}

func (b *fakeLedger) RecordStatus(ctx context.Context, _ idempotency.Key, a idempotency.StatusResult) (idempotency.Transition, error) {
	return idempotency.Transition{State: idempotency.InDoubt, Applied: true}, b.take(ctx, "answer", " "+string(a.Outcome.Class))
}

// newTestEngine is an engine on a fake ledger, with its log.
func newTestEngine(t *testing.T, b *fakeLedger, client any, change ...func(*Options)) (*Engine, *logBuffer) {
	t.Helper()
	log := &logBuffer{}
	o := (&fixture{provider: newFakeProvider()}).options()
	o.Ledger, o.Redis = b, nil
	o.RequestTimeout, o.AttemptDeadline, o.Lease, o.TaskTimeout, o.ShutdownTimeout = 20*time.Second, 55*time.Second, time.Minute,
		75*time.Second, 80*time.Second
	o.CircuitCooldown = time.Minute
	o.Log = zerolog.New(io.MultiWriter(log, &suiteLog))
	o.Registry.Add(providers.Account{Provider: "virtualpos", Name: "default", Client: client})
	for _, c := range change {
		c(&o)
	}
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e, log
}

func newQueryablePayer(s scriptedReplies) queryablePayer {
	b := newFakeProvider()
	b.otherwise = s
	return queryablePayer{fakePayer{b}, b}
}

var errAway = errors.New("connection refused")

func TestTheDeadlineOfAnAttempt(t *testing.T) {
	t.Run("counts from before Begin, and no later cancellation shortens it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			cancelled, cancel := context.WithCancel(t.Context())
			b := &fakeLedger{fail: func(_ context.Context, step string, _ int) error {
				if step == "begin" {
					time.Sleep(7 * time.Second)
				}
				return nil
			}}
			e, _ := newTestEngine(t, b, newQueryablePayer(scriptedReplies{pay: func(ctx context.Context, _ providers.Attempt) (providers.Outcome, error) {
				cancel()
				deadline, _ := ctx.Deadline()
				if got := deadline.Sub(start); got != 55*time.Second {
					t.Errorf("the deadline is %s after the start", got)
				}
				if err := ctx.Err(); err != nil {
					t.Errorf("cancelled by asynq: %v", err)
				}
				<-ctx.Done()
				return providers.Outcome{Class: providers.InDoubt}, nil
			}}))
			e.send(cancelled, key("p"))
			if got := b.distinct(); got != "begin, finish in_doubt" {
				t.Error(got)
			}
			if took := time.Since(start); took != 55*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	})
	for _, row := range []struct {
		name string
		took time.Duration
		want string
	}{
		{"a Begin of 34 s leaves time for one request", 34 * time.Second, "begin, finish succeeded"},
		{"a Begin of 35 s does not: nothing is sent", 35 * time.Second, "begin, release no_time"},
		{"nor does one of a minute", time.Minute, "begin, release no_time"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &fakeLedger{fail: func(_ context.Context, step string, _ int) error {
					if step == "begin" {
						time.Sleep(row.took)
					}
					return nil
				}}
				e, _ := newTestEngine(t, b, newQueryablePayer(scriptedReplies{}))
				e.send(t.Context(), key("p"))
				if got := b.distinct(); got != row.want {
					t.Error(got)
				}
			})
		})
	}
	t.Run("a wall clock that jumped leaves no time either", func(t *testing.T) {
		now := time.Now()
		if by := now.Add(time.Second); pastDeadline(now, by) || !pastDeadline(by, by) || !pastDeadline(now.Add(2*time.Second).Round(0), by) {
			t.Error("late")
		}
	})
}

// TestNoByteLeavesAfterSendBy: the adapter's exchange compares with the instant that the engine
// gave it.
func TestNoByteLeavesAfterSendBy(t *testing.T) {
	for _, row := range []struct {
		name  string
		after time.Duration
		posts int32
		want  string
	}{
		{"right before", 35*time.Second - 1, 1, "begin, finish in_doubt"},
		{"at the instant", 35 * time.Second, 0, "begin, release no_time"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var posts atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posts.Add(1) }))
			t.Cleanup(server.Close)
			start, offset := time.Now(), time.Duration(0)
			b := &fakeLedger{}
			slow := slowPayer{httpPayer{newWire(t), server.URL}, func() { offset = row.after }}
			e, _ := newTestEngine(t, b, slow, func(o *Options) { o.Now = func() time.Time { return start.Add(offset) } })
			e.send(t.Context(), key("p"))
			if got := b.distinct(); got != row.want || posts.Load() != row.posts {
				t.Errorf("%s; %d requests arrived", got, posts.Load())
			}
		})
	}
}

// slowPayer lets time pass before it sends.
type slowPayer struct {
	httpPayer
	pass func()
}

func (p slowPayer) Pay(ctx context.Context, o providers.Payout, _ providers.Attempt) (providers.Outcome, error) {
	p.pass()
	_, err := p.wire.Do(ctx, wire.Request{Method: http.MethodPost, URL: p.url})
	var e *wire.Error
	if errors.As(err, &e) && !e.Sent {
		return providers.Outcome{}, &providers.NotSent{Reason: e.Reason}
	}
	return providers.Outcome{Class: providers.InDoubt}, nil
}

func TestABeginThatFails(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"without an answer is disowned: it may have taken the payment", errAway, "begin, release begin_reply_lost"},
		{"because nobody knows the payment leaves nothing behind", idempotency.ErrUnknown, "begin"},
		{"because Redis is full leaves nothing behind", idempotency.ErrFull, "begin"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &fakeLedger{fail: func(_ context.Context, step string, n int) error {
					switch {
					case step == "begin":
						return row.err
					case n < 50:
						return errAway
					default:
						return nil
					}
				}}
				provider := newQueryablePayer(scriptedReplies{})
				e, log := newTestEngine(t, b, provider)
				e.send(t.Context(), key("p"))
				if got := b.distinct(); got != row.want || provider.allSends() != 0 {
					t.Errorf("%s; sent %d times", got, provider.allSends())
				}
				if lines := log.lines("RESULT"); len(lines) > 0 {
					t.Error(lines)
				}
			})
		})
	}
}

func TestAResultIsWrittenHoweverLongItTakes(t *testing.T) {
	for _, row := range []struct {
		name string
		does scriptedReplies
		want string
	}{
		{"a success", scriptedReplies{}, "begin, finish succeeded"},
		{"a release", scriptedReplies{pay: fails(&providers.NotSent{Reason: "throttled"})}, "begin, release throttled"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asynqs, cancel := context.WithTimeout(t.Context(), 75*time.Second)
				defer cancel()
				start := time.Now()
				last, longest := start, time.Duration(0)
				b := &fakeLedger{fail: func(ctx context.Context, step string, _ int) error {
					if step == "begin" {
						return nil
					}
					if err := ctx.Err(); err != nil {
						t.Errorf("tried with a context that is over: %v", err)
					}
					longest, last = max(longest, time.Since(last)), time.Now()
					if time.Since(start) < 10*time.Minute {
						return errAway
					}
					return nil
				}}
				e, _ := newTestEngine(t, b, newQueryablePayer(row.does))
				e.send(asynqs, key("p"))
				if got := b.distinct(); got != row.want {
					t.Error(got)
				}
				if time.Since(start) < 10*time.Minute || longest > maxRetryDelay {
					t.Errorf("given up after %s, longest pause %s", time.Since(start), longest)
				}
			})
		})
	}
}

func TestAResultThatTheLedgerRefusesIsLoggedWhole(t *testing.T) {
	for _, err := range []error{idempotency.ErrUnknown, idempotency.ErrRefused, idempotency.ErrDamaged} {
		b := &fakeLedger{fail: func(_ context.Context, step string, _ int) error {
			if step == "finish" {
				return err
			}
			return nil
		}}
		e, log := newTestEngine(t, b, newQueryablePayer(scriptedReplies{pay: outcome(providers.Succeeded)}))
		e.send(t.Context(), key("p"))
		if lines := log.lines(`"provider_id":"id-1"`); len(lines) != 1 || !strings.Contains(lines[0], "RESULT REFUSED") {
			t.Errorf("%v: %q", err, log)
		}
	}
}

func TestAnAnswerIsTriedAFewTimesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeLedger{fail: func(_ context.Context, step string, _ int) error {
			if step == "answer" {
				return errAway
			}
			return nil
		}}
		e, _ := newTestEngine(t, b, newQueryablePayer(inDoubt()))
		e.query(t.Context(), key("p"))
		if n := strings.Count(strings.Join(b.calls, ","), "answer"); n != 3 {
			t.Errorf("tried %d times", n)
		}
	})
}

func TestAnAnswerIsWrittenAfterACancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := &fakeLedger{fail: func(ctx context.Context, step string, _ int) error {
		if step == "answer" {
			return ctx.Err()
		}
		return nil
	}}
	e, _ := newTestEngine(t, b, newQueryablePayer(scriptedReplies{results: statusResults{func(providers.StatusQuery) (providers.Outcome, error) {
		cancel()
		return providers.Outcome{Class: providers.Succeeded}, nil
	}}}))
	e.query(ctx, key("p"))
	if n := len(b.calls); n != 2 || b.distinct() != "ask, answer succeeded" {
		t.Errorf("%v", b.calls)
	}
}

// unpreparedClient is an account whose token cannot be had.
type unpreparedClient struct {
	queryablePayer
	prepare func() error
}

func (u unpreparedClient) Prepare(context.Context) error { return u.prepare() }

func TestWithoutATokenNothingIsBegun(t *testing.T) {
	for _, row := range []struct {
		name    string
		prepare func() error
		want    string
	}{
		{"a token is there", func() error { return nil }, "begin, finish succeeded"},
		{"refused credentials", func() error { return &providers.CredentialsError{Code: "401"} }, "defer 1m0s"},
		{"a login that says when to come back", func() error {
			return &providers.NotSent{Reason: "throttled", RetryAfter: 7 * time.Second}
		}, "defer 7s"},
		{"a panic", func() error { panic("secret-canary-2") }, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := &fakeLedger{}
			e, _ := newTestEngine(t, b, unpreparedClient{newQueryablePayer(scriptedReplies{}), row.prepare})
			e.send(t.Context(), key("p"))
			if got := b.distinct(); got != row.want {
				t.Error(got)
			}
		})
	}
}

// TestAPanicAnywhereKeepsNoProbe: a probe that never reported would keep the account's circuit open
// for ever.
func TestAPanicAnywhereKeepsNoProbe(t *testing.T) {
	send := func(e *Engine) { e.send(context.Background(), key("p")) }
	ask := func(e *Engine) { e.query(context.Background(), key("p")) }
	for step, lane := range map[FaultPoint]func(*Engine){
		PointBegin: send, PointBegun: send, PointFinish: send, PointFinished: send, PointQuery: ask, PointQuerySend: ask, PointStatusRecord: ask,
	} {
		t.Run(string(step), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := newTestEngine(t, &fakeLedger{}, newQueryablePayer(inDoubt()), func(o *Options) {
					o.OnFaultPoint = func(s FaultPoint, _ idempotency.Key) {
						if s == step {
							panic(step)
						}
					}
				})
				c := e.circuits["virtualpos/default"]
				pass(t, c)(&providers.CredentialsError{})
				time.Sleep(time.Minute + time.Second)
				recovered(func() { lane(e) })
				pass(t, c)(nil)
			})
		})
	}
}

func recovered(f func()) {
	defer func() { _ = recover() }()
	f()
}

func TestAPanicOfTheAdapterSaysNothingOfTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := newTestEngine(t, &fakeLedger{}, newQueryablePayer(scriptedReplies{
			pay:     func(context.Context, providers.Attempt) (providers.Outcome, error) { panic("secret-canary-2") },
			results: statusResults{func(providers.StatusQuery) (providers.Outcome, error) { panic("secret-canary-2") }},
		}))
		c := e.circuits["virtualpos/default"]
		pass(t, c)(&providers.CredentialsError{})
		time.Sleep(time.Minute + time.Second)
		e.send(t.Context(), key("p"))
		e.query(t.Context(), key("p"))
		if s := c.breaker.State().String(); s != "half-open" {
			t.Errorf("the circuit is %s", s)
		}
	})
}

func TestTheWaitBeforeTheNextAttempt(t *testing.T) {
	throttled := func(d time.Duration) error { return &providers.NotSent{Reason: "throttled", RetryAfter: d} }
	for _, row := range []struct {
		name   string
		number int
		random float64
		err    error
		want   time.Duration
	}{
		{"the first, no luck", 1, 0.5, errAway, 500 * time.Millisecond},
		{"the first, at the least", 1, 0, errAway, 0},
		{"the second", 2, 0.5, errAway, time.Second},
		{"the fifth", 5, 0.5, errAway, 8 * time.Second},
		{"the tenth", 10, 0.5, errAway, 256 * time.Second},
		{"the eleventh is bounded", 11, 0.5, errAway, 300 * time.Second},
		{"the hundred thousandth too", 100_000, 0.999, errAway, 599400 * time.Millisecond},
		{"throttled without a wish", 2, 0.5, throttled(0), time.Second},
		{"throttled with a wish", 2, 0.5, throttled(42 * time.Second), 42 * time.Second},
		{"throttled with a wish above the bound", 2, 0.5, throttled(time.Hour), time.Hour},
	} {
		e := &Engine{Options: Options{RetryBase: time.Second, RetryMax: 10 * time.Minute, Random: func() float64 { return row.random }}}
		if got := e.retryAfter(row.number, row.err); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

func TestTheWaitBeforeTheNextQuestion(t *testing.T) {
	for _, row := range []struct {
		polls       int
		least, most time.Duration
	}{
		{0, 2 * time.Second, 2 * time.Second},
		{1, 3 * time.Second, 5 * time.Second},
		{2, 6 * time.Second, 10 * time.Second},
		{8, 384 * time.Second, 640 * time.Second},
		{9, 675 * time.Second, 15 * time.Minute},
		{1_000_000, 675 * time.Second, 15 * time.Minute},
	} {
		for random, want := range map[float64]time.Duration{0: row.least, 1: row.most} {
			e := &Engine{Options: Options{PollFirst: 2 * time.Second, PollMax: 15 * time.Minute, Random: func() float64 { return random }}}
			if got := e.pollAfter(row.polls); got != want {
				t.Errorf("after %d answers, random %g: %s, want %s", row.polls, random, got, want)
			}
		}
	}
}

func TestNewRefusesTimeoutsInAnyOtherOrder(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"the documented order", func(*Options) {}, ""},
		{"a request as long as the attempt", func(o *Options) { o.RequestTimeout = o.AttemptDeadline }, "request timeout (55s) must be shorter"},
		{"an attempt as long as the lease", func(o *Options) { o.AttemptDeadline = o.Lease }, "attempt deadline (1m0s) must be shorter"},
		{"a lease as long as asynq's timeout", func(o *Options) { o.Lease = o.TaskTimeout }, "lease (1m15s) must be shorter"},
		{"asynq's timeout as long as the shutdown's", func(o *Options) { o.TaskTimeout = o.ShutdownTimeout }, "task timeout (1m20s) must be shorter"},
		{"no time for two requests", func(o *Options) { o.RequestTimeout = 28 * time.Second }, "time for two requests"},
		{"no request timeout", func(o *Options) { o.RequestTimeout = 0 }, "above zero"},
	} {
		o := Options{RequestTimeout: 20 * time.Second, AttemptDeadline: 55 * time.Second, Lease: time.Minute, TaskTimeout: 75 * time.Second,
			ShutdownTimeout: 80 * time.Second}
		row.change(&o)
		_, err := New(o)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}
