package engine

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/seal"
	"github.com/remesa/remesa/tasks"
)

// newSealedFixture is a fixture whose ledger has these payload keys.
func newSealedFixture(t *testing.T, ring *seal.Ring) *fixture {
	t.Helper()
	t.Parallel()
	return newFixtureOn(t, redistest.Start(t), sealedLedger(ring))
}

func sealedLedger(ring *seal.Ring) idempotency.Options {
	return idempotency.Options{Default: policy(), FirstWake: 20 * time.Millisecond, Seal: ring}
}

// with makes a worker of other keys.
func (r *fixture) with(ring *seal.Ring) func(*Options) {
	return func(o *Options) { o.Ledger, o.Seal = idempotency.NewRedis(r.rdb, sealedLedger(ring)), ring }
}

// decryptErrorCounter keeps what a worker reported of payloads that it could not open.
type decryptErrorCounter struct {
	noMetrics
	mu   sync.Mutex
	seen map[string]int
}

func (c *decryptErrorCounter) DecryptError(provider, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	c.seen[provider+" "+reason]++
}

func (c *decryptErrorCounter) count(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[what]
}

func TestASealedPaymentIsSentLikeAnyOther(t *testing.T) {
	ring := sealtest.Ring(t, "a")
	r := newSealedFixture(t, ring)
	r.run(r.with(ring))
	r.provider.behave("b", scriptedReplies{pay: outcome(providers.InDoubt), results: statusResults{statusResult(providers.Succeeded)}})
	r.submit(key("a"), key("b"))
	r.awaitState(key("a"), idempotency.Succeeded)
	r.awaitState(key("b"), idempotency.Succeeded)
	if r.provider.sends("a") != 1 || r.provider.sends("b") != 1 {
		t.Errorf("sent %d and %d times", r.provider.sends("a"), r.provider.sends("b"))
	}
}

// TestAWorkerWithoutTheKeyCostsNoPaymentItsLife: every payment waits until a worker with the key
// comes.
func TestAWorkerWithoutTheKeyCostsNoPaymentItsLife(t *testing.T) {
	ring := sealtest.Ring(t, "a")
	for does, wrong := range map[string]*seal.Ring{"none": nil, "another": sealtest.Ring(t, "b"), "other bytes": sealtest.Ring(t, "a")} {
		t.Run(does, func(t *testing.T) {
			r := newSealedFixture(t, ring)
			seen := &decryptErrorCounter{}
			stop := r.run(r.with(wrong), func(o *Options) { o.Metrics = seen })
			r.submit(key("a"), key("b"), key("c"))
			r.until("each is parked", func() bool { return r.parked("key:"+ring.Prefixes()[0]) == 3 })
			stop()
			if n := seen.count("virtualpos key"); n < 3 {
				t.Errorf("counted %d times", n)
			}
			for _, reference := range []string{"a", "b", "c"} {
				got := r.show(key(reference))
				if got.State != idempotency.Queued || got.Attempts != 0 || got.ParkReason != "key:"+ring.Prefixes()[0] {
					t.Errorf("%s is %s after %d attempts, is parked for %q", reference, got.State, got.Attempts, got.ParkReason)
				}
			}
			if lines := r.log.lines("PAYLOAD NOT OPENED"); len(lines) != 1 || !strings.Contains(lines[0], "REMESA_PAYLOAD_KEYS") {
				t.Errorf("logged %d times: %q", len(lines), lines)
			}
			r.run(r.with(ring))
			for _, reference := range []string{"a", "b", "c"} {
				r.awaitState(key(reference), idempotency.Succeeded)
			}
		})
	}
}

// wakeNow does not wait for the half minute after which they are due by themselves.
func (r *fixture) wakeNow(references ...string) {
	r.t.Helper()
	for _, reference := range references {
		if err := r.ledger.Defer(r.t.Context(), key(reference), 0); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *fixture) overwrite(k idempotency.Key, payload string) {
	r.t.Helper()
	if err := r.rdb.Set(r.t.Context(), "remesa:{virtualpos}:d:"+k.ID(), payload, 0).Err(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *fixture) stored(k idempotency.Key) string {
	r.t.Helper()
	text, err := r.rdb.Get(r.t.Context(), "remesa:{virtualpos}:d:"+k.ID()).Result()
	if err != nil {
		r.t.Fatal(err)
	}
	return text
}

func TestAPayloadWrittenByHandIsNeverSent(t *testing.T) {
	ring := sealtest.Ring(t, "a")
	r := newSealedFixture(t, ring)
	r.register(key("mine"))
	r.overwrite(key("mine"), string(payload(key("mine"), "99999")))
	seen := &decryptErrorCounter{}
	r.run(r.with(ring), func(o *Options) { o.Metrics = seen })
	r.until("it was tried", func() bool { return seen.count("virtualpos unsealed") > 0 })
	if got := r.show(key("mine")); got.State != idempotency.Queued || r.provider.allSends() != 0 {
		t.Errorf("it is %s, sent %d times", got.State, r.provider.allSends())
	}
}

func TestAPayloadOfAnotherPaymentEndsThisOne(t *testing.T) {
	ring := sealtest.Ring(t, "a")
	r := newSealedFixture(t, ring)
	r.register(key("mine"), key("other"))
	r.overwrite(key("mine"), r.stored(key("other")))
	r.run(r.with(ring))
	got := r.awaitState(key("mine"), idempotency.Failed)
	if got.Code != codeUnreadable || got.MayHaveLeft {
		t.Errorf("code %q, may have left %t", got.Code, got.MayHaveLeft)
	}
	r.awaitState(key("other"), idempotency.Succeeded)
	if r.provider.sends("mine") != 0 || r.provider.sends("other") != 1 {
		t.Errorf("sent %d and %d times", r.provider.sends("mine"), r.provider.sends("other"))
	}
	if lines := r.log.lines("CHANGED OR MOVED"); len(lines) != 1 {
		t.Errorf("logged %d times", len(lines))
	}
}

// TestAStatusQueryWithAnotherPaymentsPayloadIsNotSent: what may have left is held then, in whatever
// state it was.
func TestAStatusQueryWithAnotherPaymentsPayloadIsNotSent(t *testing.T) {
	ring := sealtest.Ring(t, "a")
	for _, class := range []providers.Class{providers.InDoubt, providers.Pending} {
		t.Run(string(class), func(t *testing.T) {
			r := newSealedFixture(t, ring)
			r.provider.behave("mine", scriptedReplies{pay: outcome(class), results: statusResults{statusResult(providers.InDoubt)}})
			stop := r.run(r.with(ring))
			r.submit(key("mine"), key("other"))
			r.until("it was queried", func() bool { return r.provider.queryCount("mine") > 0 })
			stop()
			queries := r.provider.queryCount("mine")
			r.provider.behave("mine", scriptedReplies{results: statusResults{statusResult(providers.Succeeded)}})
			r.register(key("third"))
			r.overwrite(key("mine"), r.stored(key("third")))
			r.run(r.with(ring))
			r.wakeNow("mine")
			if got := r.awaitState(key("mine"), idempotency.Held); got.Code != codeUnreadable {
				t.Errorf("code %q", got.Code)
			}
			if r.provider.queryCount("mine") != queries {
				t.Error("the provider was queried all the same")
			}
		})
	}
}

func TestAQuestionWaitsForItsKey(t *testing.T) {
	ring := sealtest.Ring(t, "a")
	r := newSealedFixture(t, ring)
	r.provider.behave("mine", scriptedReplies{pay: outcome(providers.InDoubt), results: statusResults{statusResult(providers.InDoubt)}})
	stop := r.run(r.with(ring))
	r.submit(key("mine"))
	r.until("it was queried", func() bool { return r.provider.queryCount("mine") > 0 })
	stop()
	r.provider.behave("mine", scriptedReplies{results: statusResults{statusResult(providers.Succeeded)}})
	seen := &decryptErrorCounter{}
	stop = r.run(r.with(nil), func(o *Options) { o.Metrics = seen })
	r.wakeNow("mine")
	r.until("it was tried", func() bool { return seen.count("virtualpos key") > 0 })
	stop()
	if got := r.show(key("mine")); got.State != idempotency.InDoubt {
		t.Errorf("it is %s", got.State)
	}
	r.run(r.with(ring))
	r.awaitState(key("mine"), idempotency.Succeeded)
}

func TestWithKeysAnUnsealedTaskIsRefused(t *testing.T) {
	ring := sealtest.Ring(t, "a")
	r := newSealedFixture(t, ring)
	r.run(r.with(ring))
	info := r.enqueue(asynq.NewTask("payout", payload(key("open"), "12500")), asynq.Queue("virtualpos"))
	sealed, err := tasks.SealTask(ring, r.task(key("sealed")))
	if err != nil {
		t.Fatal(err)
	}
	r.enqueue(sealed)
	r.awaitState(key("sealed"), idempotency.Succeeded)
	r.until("the open one is archived", func() bool {
		got, err := r.inspector().GetTaskInfo("virtualpos", info.ID)
		return err == nil && got.State == asynq.TaskStateArchived
	})
	if _, err := r.ledger.Show(t.Context(), key("open")); !errors.Is(err, idempotency.ErrUnknown) {
		t.Errorf("it was registered: %v", err)
	}
	if lines := r.log.lines("not sealed"); len(lines) != 1 || !strings.Contains(lines[0], "SealTask") {
		t.Errorf("the log says %q", lines)
	}
	if r.provider.sends("open") != 0 {
		t.Error("it was sent")
	}
}

func TestATaskWaitsForAWorkerWithItsKey(t *testing.T) {
	ring := sealtest.Ring(t, "a")
	r := newSealedFixture(t, ring)
	seen := &decryptErrorCounter{}
	stop := r.run(r.with(nil), func(o *Options) { o.Metrics = seen })
	sealed, err := tasks.SealTask(ring, r.task(key("mine")))
	if err != nil {
		t.Fatal(err)
	}
	r.enqueue(sealed)
	r.until("it was tried", func() bool { return seen.count("virtualpos key") > 0 })
	stop()
	r.run(r.with(ring))
	r.awaitState(key("mine"), idempotency.Succeeded)
}

func TestTheSameIsSaidOnceAMinute(t *testing.T) {
	t.Parallel()
	var s logLimiter
	now := time.Unix(1_800_000_000, 0)
	for _, row := range []struct {
		after time.Duration
		what  string
		want  bool
	}{{0, "a", true}, {time.Second, "a", false}, {time.Second, "b", true}, {time.Minute, "a", true}} {
		if got := s.allow(row.what, now.Add(row.after)); got != row.want {
			t.Errorf("%s after %s: %t", row.what, row.after, got)
		}
	}
}

// ledgerWithoutDecryptErr lets every payment be sent although its key is missing, which no ledger
// of ours does.
type ledgerWithoutDecryptErr struct{ *idempotency.Ledger }

func (l ledgerWithoutDecryptErr) Begin(ctx context.Context, k idempotency.Key, r idempotency.BeginParams) (idempotency.BeginResult, error) {
	b, err := l.Ledger.Begin(ctx, k, r)
	if b.Decision == idempotency.Send {
		b.Payload, b.DecryptErr = nil, seal.ErrUnknownKey
	}
	return b, err
}

func TestAMissingKeyFailsNothingWhateverTheLedgerSays(t *testing.T) {
	ring := sealtest.Ring(t, "a")
	r := newSealedFixture(t, ring)
	r.register(key("mine"))
	r.run(r.with(ring), func(o *Options) { o.Ledger = ledgerWithoutDecryptErr{r.ledger} })
	got := r.awaitState(key("mine"), idempotency.Ready)
	if got.MayHaveLeft || got.NextDue.IsZero() || r.provider.allSends() != 0 {
		t.Errorf("may have left %t, due %s, sent %d times", got.MayHaveLeft, got.NextDue, r.provider.allSends())
	}
}
