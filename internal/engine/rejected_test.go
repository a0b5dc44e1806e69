package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/outcomes"
	"github.com/remesa/remesa/seal"
	"github.com/remesa/remesa/tasks"
)

// rejectionCounter counts what a worker reported as rejected.
type rejectionCounter struct {
	noMetrics
	mu   sync.Mutex
	seen []string
}

func (c *rejectionCounter) TaskRejected(provider, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, provider+" "+reason)
}

func (c *rejectionCounter) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.seen, ", ")
}

// rejections are the outcome events of rejected tasks.
func (r *fixture) rejections(ring *seal.Ring) []outcomes.Event {
	r.t.Helper()
	entries, err := r.rdb.XRange(r.t.Context(), idempotency.OutcomesKey("virtualpos"), "-", "+").Result()
	if err != nil {
		r.t.Fatal(err)
	}
	var all []outcomes.Event
	for _, m := range entries {
		e, err := outcomes.Decode("virtualpos", m, ring)
		if err != nil || e.DecryptErr != nil {
			r.t.Fatalf("%v: %v, %v", m, err, e.DecryptErr)
		}
		if e.Kind == "rejected" {
			all = append(all, e)
		}
	}
	return all
}

// awaitRejection waits for the one task that was rejected.
func (r *fixture) awaitRejection(ring *seal.Ring) outcomes.Event {
	r.t.Helper()
	r.until("a rejected task is told", func() bool { return len(r.rejections(ring)) > 0 })
	r.idle()
	all := r.rejections(ring)
	if len(all) != 1 {
		r.t.Fatalf("%d events: %v", len(all), all)
	}
	return all[0]
}

// wantRejected holds that event, list, counter and log tell the same.
func (r *fixture) wantRejected(ring *seal.Ring, id string, k idempotency.Key, reason, message string, seen *rejectionCounter) {
	r.t.Helper()
	e := r.awaitRejection(ring)
	if e.Code != reason || !strings.HasPrefix(e.Message, message) || e.Reference != k.Reference || e.State != "" || e.Version != 1 ||
		!strings.HasPrefix(e.Key, "rejected:") {
		r.t.Errorf("event %+v", e)
	}
	list, err := idempotency.NewRedis(r.rdb, sealedLedger(ring)).RejectedTasks(r.t.Context(), "virtualpos")
	if err != nil || len(list) != 1 || list[0].TaskID != id || list[0].Key != k || string(list[0].Reason) != reason || list[0].Message != e.Message ||
		list[0].EventKey() != e.Key {
		r.t.Errorf("list %+v, %v", list, err)
	}
	r.until("it is counted", func() bool { return seen.String() == "virtualpos "+reason })
	lines := r.log.lines("TASK REJECTED")
	if len(lines) != 1 || !strings.Contains(lines[0], id) || !strings.Contains(lines[0], `"queue":"virtualpos`) ||
		k.Reference != "" && !strings.Contains(lines[0], `"reference":"`+k.Reference+`"`) {
		r.t.Errorf("log %q", lines)
	}
	text := fmt.Sprint(e.Fields, list)
	for _, c := range append(canaries, "41111111") {
		if strings.Contains(text, c) {
			r.t.Errorf("it repeats %q: %s", c, text)
		}
	}
}

func TestWhatIsRejectedIsTold(t *testing.T) {
	half := strings.Replace(string(payload(key("p"), "12500")), `"12500"`, `"12500.5"`, 1)
	none := idempotency.Key{}
	for _, row := range []struct {
		name, kind, queue, payload string
		key                        idempotency.Key
		reason, message            string
	}{
		{"half a peso", "payout", "virtualpos", half, key("p"), "invalid", "amount: "},
		{"an unknown field", "payout", "virtualpos-bulk", `{"type":"payout","provider":"virtualpos","merchant_id":"p","account_number":"77889900112"}`,
			key("p"), "invalid", "account_number: "},
		{"a card number", "payout", "virtualpos", `{"type":"payout","provider":"virtualpos","merchant_id":"p","description":"4111111111111111"}`,
			key("p"), "invalid", "description: "},
		{"a card number as its reference", "payout", "virtualpos", `{"type":"payout","provider":"virtualpos","merchant_id":"4111111111111111"}`,
			none, "invalid", "merchant_id: "},
		{"no reference", "payout", "virtualpos", `{"type":"payout","provider":"virtualpos"}`, none, "invalid", ""},
		{"another provider's name", "payout", "virtualpos", `{"type":"payout","provider":"77889900112","merchant_id":"p"}`, none, "invalid", "provider: "},
		{"no JSON", "payout", "virtualpos", "\xff\x00", none, "unreadable", "line: "},
		{"nothing", "payout", "virtualpos", "", none, "unreadable", "line: "},
		{"a wake-up of nothing", tasks.TypeWakeUp, "virtualpos", `{"key":"../77889900112"}`, none, "unreadable", ""},
		{"a wake-up that is no JSON", tasks.TypeWakeUp, "virtualpos-ask", "77889900112", none, "unreadable", "wake-up: "},
		{"a question about nobody", "status", "virtualpos", `{"type":"status","provider":"virtualpos","reference":"nobody"}`, key("nobody"), "invalid", "reference: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newFixture(t)
			seen := &rejectionCounter{}
			info := r.enqueue(asynq.NewTask(row.kind, []byte(row.payload)), asynq.Queue(row.queue))
			r.run(func(o *Options) { o.Metrics = seen })
			r.wantRejected(nil, info.ID, row.key, row.reason, row.message, seen)
			if r.provider.allSends() != 0 {
				t.Error("something was sent")
			}
		})
	}
}

func TestAConflictIsTold(t *testing.T) {
	for name, row := range map[string]struct{ from, to, message string }{
		"amount":      {"12500", "99999", "amount: "},
		"beneficiary": {"012", "037", "reference: it is taken"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			r.submit(key("p"))
			seen := &rejectionCounter{}
			r.run(func(o *Options) { o.Metrics = seen })
			r.awaitState(key("p"), idempotency.Succeeded)
			other := strings.Replace(string(payload(key("p"), "12500")), `"`+row.from+`"`, `"`+row.to+`"`, 1)
			info := r.enqueue(asynq.NewTask("payout", []byte(other)), asynq.Queue("virtualpos"))
			r.wantRejected(nil, info.ID, key("p"), "conflict", row.message, seen)
		})
	}
}

func TestWhatIsNotSealedOrNotItsOwnIsTold(t *testing.T) {
	ring := sealtest.Ring(t, "a")
	sealed := func(t *testing.T) *asynq.Task {
		t.Helper()
		task, err := tasks.Decode(payload(key("p"), "12500"))
		if err != nil {
			t.Fatal(err)
		}
		made, err := tasks.SealTask(ring, task)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	for name, row := range map[string]struct {
		task   func(t *testing.T) *asynq.Task
		key    idempotency.Key
		reason string
	}{
		"unsealed": {func(*testing.T) *asynq.Task { return asynq.NewTask("payout", payload(key("p"), "12500")) }, key("p"), "unsealed"},
		"undecryptable": {func(t *testing.T) *asynq.Task {
			return asynq.NewTask("payout", []byte(strings.Replace(string(sealed(t).Payload()), "virtualpos/p", "virtualpos/q", 1)))
		}, key("q"), "undecryptable"},
		"invalid": {func(t *testing.T) *asynq.Task {
			text := ring.SealText(`{"type":"payout","provider":"virtualpos","merchant_id":"p"}`, "task", "payout", "virtualpos/p")
			return asynq.NewTask("payout", fmt.Appendf(nil, `{"key":"virtualpos/p","sealed":%q}`, text))
		}, key("p"), "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newFixtureOn(t, redistest.Start(t), sealedLedger(ring))
			seen := &rejectionCounter{}
			info := r.enqueue(row.task(t), asynq.Queue("virtualpos"))
			r.run(r.with(ring), func(o *Options) { o.Metrics = seen })
			r.wantRejected(ring, info.ID, row.key, row.reason, "", seen)
			entries, err := r.rdb.XRevRange(t.Context(), idempotency.OutcomesKey("virtualpos"), "+", "-").Result()
			if message, _ := entries[0].Values["message"].(string); err != nil || !seal.Sealed([]byte(message)) {
				t.Errorf("the message is not sealed: %v", entries[0])
			}
		})
	}
}

// deafLedger tells a rejection and then loses the reply, once: as a crash between the event and the
// end of the task.
type deafLedger struct {
	*idempotency.Ledger
	once sync.Once
}

func (d *deafLedger) RejectTask(ctx context.Context, t idempotency.RejectedTask) (told bool, err error) {
	told, err = d.Ledger.RejectTask(ctx, t)
	d.once.Do(func() { err = errors.Join(err, errors.New("the reply is lost")) })
	return told, err
}

func TestATaskThatIsHandedOutAgainIsToldOnce(t *testing.T) {
	r := newFixture(t)
	r.run(func(o *Options) { o.Ledger = &deafLedger{Ledger: r.ledger} })
	info := r.enqueue(asynq.NewTask("payout", []byte("{}")), asynq.Queue("virtualpos"), asynq.MaxRetry(0))
	// asynq waits for some seconds: it need not here.
	r.until("it waits to be handed out again", func() bool { return r.inspector().RunTask("virtualpos", info.ID) == nil })
	r.until("it is archived", func() bool {
		got, err := r.inspector().GetTaskInfo("virtualpos", info.ID)
		return err == nil && got.State == asynq.TaskStateArchived
	})
	r.awaitRejection(nil)
	if lines := r.log.lines("TASK REJECTED"); len(lines) != 1 || !strings.Contains(lines[0], `"told_before":true`) {
		t.Errorf("log %q", lines)
	}
	r.enqueue(asynq.NewTask("payout", []byte("{}")), asynq.Queue("virtualpos"))
	r.until("another task is told by itself", func() bool { return len(r.rejections(nil)) == 2 })
}

func TestATaskIDThatMayHoldAnythingIsNotShown(t *testing.T) {
	for _, id := range []string{"4111111111111111", "Canaria Soto", "", strings.Repeat("a", 129)} {
		if got := shownTaskID(id); !strings.HasPrefix(got, "[hidden-") {
			t.Errorf("%q is shown as %q", id, got)
		}
	}
	if got := shownTaskID("tef-0001:1"); got != "tef-0001:1" {
		t.Errorf("got %q", got)
	}
}
