package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/engine"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// fixture is a real redis-server with a real ledger, the pages on it, and a provider; a real engine
// is started on demand.
type fixture struct {
	t      *testing.T
	rdb    *redis.Client
	ledger *idempotency.Ledger
	bank   *fakeProvider
	pages  http.Handler
}

func newRig(t *testing.T) *fixture {
	t.Helper()
	return newRigThatSettles(t, 50*time.Millisecond)
}

// newRigThatSettles has this settle time.
func newRigThatSettles(t *testing.T, settle time.Duration) *fixture {
	t.Helper()
	t.Parallel()
	policy := idempotency.DefaultPolicy()
	policy.SettleTime, policy.NotFoundInterval = settle, 20*time.Millisecond
	r := &fixture{t: t, rdb: redistest.Start(t).Client(), bank: &fakeProvider{entered: make(chan struct{}, 100)}}
	r.ledger = idempotency.NewRedis(r.rdb, idempotency.Options{Default: policy, FirstWake: 300 * time.Millisecond})
	o := options(t)
	o.Ledger, o.Redis, o.Now = r.ledger, r.rdb, time.Now
	r.pages = New(o)
	return r
}

// fakeProvider counts the payments that it is sent.
type fakeProvider struct {
	mu      sync.Mutex
	pays    map[string]int
	entered chan struct{}
	// gate, if any, keeps each payment in the provider's hands until it is closed.
	gate chan struct{}
}

func (b *fakeProvider) Pay(ctx context.Context, p providers.Payout, _ providers.Attempt) (providers.Outcome, error) {
	b.mu.Lock()
	if b.pays == nil {
		b.pays = map[string]int{}
	}
	b.pays[p.Reference]++
	b.mu.Unlock()
	b.entered <- struct{}{}
	if b.gate != nil {
		<-b.gate
	}
	if ctx.Err() != nil {
		return providers.Outcome{Class: providers.InDoubt, Code: "cancelled"}, nil
	}
	return providers.Outcome{Class: providers.Succeeded, ProviderID: "id-" + p.Reference}, nil
}

func (b *fakeProvider) Status(_ context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pays[q.Reference] == 0 {
		return providers.Outcome{}, errors.New("no answer")
	}
	return providers.Outcome{Class: providers.Succeeded, ProviderID: "id-" + q.Reference}, nil
}

func (b *fakeProvider) paid(reference string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pays[reference]
}

// work runs an engine until the test ends.
func (r *fixture) work() {
	r.t.Helper()
	registry := providers.Registry{}
	registry.Add(providers.Account{Provider: "virtualpos", Name: "default", Client: r.bank})
	e, err := engine.New(engine.Options{
		Ledger: r.ledger, Registry: registry, Redis: r.rdb, Log: zerolog.Nop(),
		RequestTimeout: 2 * time.Second, AttemptDeadline: 25 * time.Second, Lease: 28 * time.Second, TaskTimeout: 30 * time.Second,
		ShutdownTimeout: 32 * time.Second, Concurrency: func(string) int { return 8 },
		RetryBase: 5 * time.Millisecond, RetryMax: 20 * time.Millisecond, PollFirst: 5 * time.Millisecond, PollMax: 20 * time.Millisecond,
		JanitorInterval: 10 * time.Millisecond, CircuitCooldown: 50 * time.Millisecond,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Error(err)
		}
	})
}

func payoutOf(t *testing.T, reference string) tasks.Task {
	t.Helper()
	task, err := tasks.Decode([]byte(strings.Replace(fullPayload, "tef-0001", reference, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func (r *fixture) submit(references ...string) {
	r.t.Helper()
	client := tasks.NewClient(r.ledger, r.rdb, tasks.ClientOptions{TaskTimeout: 30 * time.Second})
	for _, reference := range references {
		if _, err := client.Submit(r.t.Context(), payoutOf(r.t, reference)); err != nil {
			r.t.Fatal(err)
		}
	}
}

// press does what a button of the dashboard does.
func (r *fixture) press(method, path string, body any) {
	r.t.Helper()
	text := ""
	if body != nil {
		b, _ := json.Marshal(body)
		text = string(b)
	}
	request := httptest.NewRequest(method, "/dashboard/api/queues/virtualpos"+path, strings.NewReader(text))
	request.Host = "localhost:8080"
	request.Header.Set("Origin", "http://localhost:8080")
	request.SetBasicAuth(testUser, testPassword)
	if w := ask(r.t, r.pages, request); w.Code >= 300 {
		r.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
}

func (r *fixture) until(what string, done func() bool) {
	r.t.Helper()
	eventually.True(r.t, time.Minute, what, done)
}

func (r *fixture) state(reference string) idempotency.State {
	rec, err := r.ledger.Show(r.t.Context(), idempotency.Key{Provider: "virtualpos", Account: "default", Reference: reference})
	if err != nil {
		r.t.Fatal(err)
	}
	return rec.State
}

func id(reference string) string { return "virtualpos:" + reference + ":1" }

func TestEveryButtonIsHarmlessToMoney(t *testing.T) {
	type ids = map[string][]string
	for _, row := range []struct {
		says string
		// before is pressed while no worker runs, running once one does, during while the provider
		// has the payments, after when all are final.
		before, running, during, after func(r *fixture)
	}{
		{says: "archived one by one, then run once all are paid",
			before: func(r *fixture) {
				r.press("POST", "/pending_tasks/"+id("p1")+":archive", nil)
				r.press("POST", "/pending_tasks/"+id("p2")+":archive", nil)
			},
			after: func(r *fixture) { r.press("POST", "/archived_tasks/"+id("p1")+":run", nil) }},
		{says: "all archived, then all run",
			before: func(r *fixture) { r.press("POST", "/pending_tasks:archive_all", nil) },
			after:  func(r *fixture) { r.press("POST", "/archived_tasks:run_all", nil) }},
		{says: "archived and run before any worker comes",
			before: func(r *fixture) {
				r.press("POST", "/pending_tasks:batch_archive", ids{"task_ids": {id("p1"), id("p2")}})
				r.press("POST", "/archived_tasks:batch_run", ids{"task_ids": {id("p1"), id("p2")}})
			}},
		{says: "deleted one by one",
			before: func(r *fixture) {
				r.press("DELETE", "/pending_tasks/"+id("p1"), nil)
				r.press("DELETE", "/pending_tasks/"+id("p2"), nil)
			}},
		{says: "all deleted, the queue with them",
			before: func(r *fixture) {
				r.press("DELETE", "/pending_tasks:delete_all", nil)
				r.press("DELETE", "", nil)
			}},
		{says: "archived, then deleted",
			before: func(r *fixture) {
				r.press("POST", "/pending_tasks:archive_all", nil)
				r.press("DELETE", "/archived_tasks:delete_all", nil)
			}},
		{says: "paused, then resumed",
			before:  func(r *fixture) { r.press("POST", ":pause", nil) },
			running: func(r *fixture) { r.press("POST", ":resume", nil) }},
		{says: "cancelled while the provider has them",
			during: func(r *fixture) {
				r.press("POST", "/active_tasks/"+id("p1")+":cancel", nil)
				r.press("POST", "/active_tasks:batch_cancel", ids{"task_ids": {id("p2")}})
				r.until("asynq gave up on them", func() bool { return r.retried("p1") && r.retried("p2") })
			},
			after: func(r *fixture) { r.press("POST", "/retry_tasks:run_all", nil) }},
		{says: "all cancelled while the provider has them, and the rest archived and deleted",
			during: func(r *fixture) {
				r.press("POST", "/active_tasks:cancel_all", nil)
				r.until("asynq gave up on them", func() bool { return r.retried("p1") && r.retried("p2") })
				r.press("POST", "/retry_tasks:archive_all", nil)
			},
			after: func(r *fixture) { r.press("DELETE", "/archived_tasks:delete_all", nil) }},
	} {
		t.Run(row.says, func(t *testing.T) {
			r := newRig(t)
			if row.during != nil {
				r.bank.gate = make(chan struct{})
			}
			r.submit("p1", "p2")
			if row.before != nil {
				row.before(r)
			}
			r.work()
			if row.running != nil {
				row.running(r)
			}
			if row.during != nil {
				<-r.bank.entered
				<-r.bank.entered
				row.during(r)
				close(r.bank.gate)
			}
			for _, p := range []string{"p1", "p2"} {
				r.until(p+" succeeded", func() bool { return r.state(p) == idempotency.Succeeded })
			}
			if row.after != nil {
				row.after(r)
			}
			r.until("asynq has nothing left to do", r.idle)
			for _, p := range []string{"p1", "p2"} {
				if n := r.bank.paid(p); n != 1 || r.state(p) != idempotency.Succeeded {
					t.Errorf("%s: paid %d times, and is %s", p, n, r.state(p))
				}
			}
		})
	}
}

func (r *fixture) inspector() *asynq.Inspector { return asynq.NewInspectorFromRedisClient(r.rdb) }

func (r *fixture) retried(reference string) bool {
	info, err := r.inspector().GetTaskInfo("virtualpos", id(reference))
	return err == nil && info.Retried > 0
}

func (r *fixture) idle() bool {
	for _, q := range []string{"virtualpos", "virtualpos-ask"} {
		if i, err := r.inspector().GetQueueInfo(q); err == nil && i.Pending+i.Active+i.Retry+i.Scheduled > 0 {
			return false
		}
	}
	return true
}

// A damaged task: its data is gone, its id is not.
func TestOneDamagedTaskDoesNotTakeTheQueuesDown(t *testing.T) {
	r := newRig(t)
	r.submit("p1", "p2", "p3")
	if err := r.rdb.Del(t.Context(), "asynq:{virtualpos}:t:"+id("p2")).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.inspector().GetQueueInfo("virtualpos"); err == nil {
		t.Fatal("asynq reads such a queue by now: the detour can go")
	}
	var all struct{ Queues []snapshot }
	answered(t, r, "/dashboard/api/queues", &all)
	if len(all.Queues) != 1 || !all.Queues[0].Damaged || all.Queues[0].Pending != 3 || all.Queues[0].Size != 3 || all.Queues[0].Paused {
		t.Errorf("%+v", all)
	}
	r.press("POST", ":pause", nil)
	var one struct {
		Current snapshot
		History []day
	}
	answered(t, r, "/dashboard/api/queues/virtualpos", &one)
	if !one.Current.Damaged || !one.Current.Paused || len(one.History) != 10 {
		t.Errorf("%+v", one)
	}
	w := ask(t, r.pages, get("/payments"))
	contains(t, w.Body.String(), "In the queue virtualpos a task has lost its data", "The queue virtualpos is paused")
	if w := ask(t, r.pages, get("/dashboard/api/queues/none")); w.Code != http.StatusNotFound {
		t.Errorf("an unknown queue: %d", w.Code)
	}
}

func TestDamagedTasksThatWerePutAsideAreSaid(t *testing.T) {
	r := newRig(t)
	r.submit("p1")
	if page := ask(t, r.pages, get("/payments")).Body.String(); strings.Contains(page, "amaged") {
		t.Errorf("without any: %s", visible(page))
	}
	for _, name := range []string{"a@1", "b@1"} {
		if err := r.rdb.ZAdd(t.Context(), "remesa:{virtualpos}:damaged", redis.Z{Member: name, Score: float64(time.Now().Unix())}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	contains(t, ask(t, r.pages, get("/payments")).Body.String(), "Damaged tasks of the queue virtualpos that were put aside: 2")
}

func answered(t *testing.T, r *fixture, path string, into any) {
	t.Helper()
	w := ask(t, r.pages, get(path))
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil || w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Fatalf("%s: %d %s %s %v", path, w.Code, w.Header().Get("Content-Type"), w.Body, err)
	}
}

// TestQueuesAreListedAsAsynqmonListsThem compares our two responses with those that they replace.
func TestQueuesAreListedAsAsynqmonListsThem(t *testing.T) {
	r := newRig(t)
	r.submit("p1")
	q := newQueues(Options{Redis: r.rdb})
	for _, path := range []string{"/dashboard/api/queues", "/dashboard/api/queues/virtualpos"} {
		var ours, theirs any
		answered(t, r, path, &ours)
		if err := json.Unmarshal(q.fetch(path).body.Bytes(), &theirs); err != nil {
			t.Fatal(err)
		}
		if a, b := shape(ours), shape(theirs); a != b {
			t.Errorf("%s:\n%s\n%s", path, a, b)
		}
	}
}

// shape is a JSON value without times, which pass.
func shape(v any) string {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range []string{"timestamp", "latency_msec", "display_latency"} {
			if v[name] != nil {
				v[name] = "there"
			}
		}
		for name, member := range v {
			v[name] = shape(member)
		}
	case []any:
		for i, item := range v {
			v[i] = shape(item)
		}
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func TestNoAnswerShowsWhatIsInAPayload(t *testing.T) {
	r := newRig(t)
	client := asynq.NewClientFromRedisClient(r.rdb)
	for i, opts := range [][]asynq.Option{{asynq.Queue("virtualpos")}, {asynq.Queue("virtualpos"), asynq.ProcessIn(time.Hour)},
		{asynq.Queue("virtualpos"), asynq.Group("g")}} {
		for _, task := range []*asynq.Task{asynq.NewTask("payout", []byte(fullPayload)), asynq.NewTask("mail", []byte("canary@example.cl"))} {
			if _, err := client.Enqueue(task, append(opts, asynq.TaskID(fmt.Sprintf("t%d-%s", i, task.Type())))...); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.press("POST", "/pending_tasks/t0-mail:archive", nil)
	for path, want := range map[string]string{
		"/queues/virtualpos/pending_tasks": "tef-0001", "/queues/virtualpos/scheduled_tasks": "tef-0001", "/queues/virtualpos/archived_tasks": masked,
		"/queues/virtualpos/retry_tasks": "", "/queues/virtualpos/active_tasks": "", "/queues/virtualpos/completed_tasks": "",
		"/queues/virtualpos/groups/g/aggregating_tasks": "tef-0001", "/queues/virtualpos/groups": "g", "/queues/virtualpos/tasks/t0-payout": "12500",
		"/queues/virtualpos/tasks/t0-mail": masked, "/servers": "", "/scheduler_entries": "", "/redis_info": "redis_version", "/queue_stats": "virtualpos",
	} {
		w := ask(t, r.pages, get("/dashboard/api"+path))
		body := w.Body.String()
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json; charset=utf-8" || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s lacks %q: %s", path, w.Code, w.Header().Get("Content-Type"), want, body)
		}
		for _, canary := range []string{"anary", "12345678-5", "77889900112"} {
			if strings.Contains(body, canary) {
				t.Errorf("%s shows %s", path, canary)
			}
		}
	}
}

// TestAResolutionReachesTheLedger goes through the pages with the real ledger behind them.
func TestAResolutionReachesTheLedger(t *testing.T) {
	r := newRig(t)
	r.submit("p1")
	k := idempotency.Key{Provider: "virtualpos", Account: "default", Reference: "p1"}
	attempt := idempotency.NewAttempt()
	if _, err := r.ledger.Begin(t.Context(), k, idempotency.BeginParams{Attempt: attempt, Lease: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ledger.Finish(t.Context(), k, idempotency.AttemptResult{Attempt: attempt, Outcome: providers.Outcome{Class: providers.InDoubt, Code: "timeout", Message: "<b>late</b>"}, QueryAfter: 0}); err != nil {
		t.Fatal(err)
	}
	html := ask(t, r.pages, get("/payments/show?key=virtualpos/p1")).Body.String()
	contains(t, html, "held", "Message &lt;b&gt;late&lt;/b&gt;")
	_, rest, _ := strings.Cut(html, `name="version" value="`)
	version, _, _ := strings.Cut(rest, `"`)
	form := fields("key", "virtualpos/p1", "version", version, "provider_id", "id-1")
	w := ask(t, r.pages, post("/payments/confirm", form.Encode()))
	sent := hidden(w.Body.String())
	w = ask(t, r.pages, post("/payments/apply", sent.Encode()))
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, visible(w.Body.String()))
	}
	contains(t, ask(t, r.pages, get(w.Header().Get("Location"))).Body.String(), "The payment was settled.", "Succeeded", "Provider&#39;s id id-1",
		"by ana (login ana, 192.0.2.1): seen in the bank")
	again := ask(t, r.pages, post("/payments/apply", sent.Encode()))
	if again.Code != http.StatusConflict {
		t.Errorf("the same form again: %d", again.Code)
	}
	refused := url.Values{"step": {"cancel"}, "key": {"virtualpos/p1"}, "by": {"ana"}, "note": {"x"}}
	rec, err := r.ledger.Show(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	refused.Set("version", fmt.Sprint(rec.Version))
	w = ask(t, r.pages, post("/payments/apply", refused.Encode()))
	contains(t, w.Body.String(), "Nothing was changed: too late to cancel; the payment is succeeded.")
}
