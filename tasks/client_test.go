package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// fixture is a billing system with a real ledger and queue.
type fixture struct {
	t      *testing.T
	rdb    *redis.Client
	ledger *idempotency.Ledger
}

func newFixture(t *testing.T, options ...redistest.Option) fixture {
	t.Helper()
	t.Parallel()
	rdb := redistest.Start(t, options...).Client()
	return fixture{t, rdb, idempotency.NewRedis(rdb, idempotency.Options{})}
}

func (o fixture) client(opts tasks.ClientOptions) *tasks.Client {
	return tasks.NewClient(o.ledger, o.rdb, opts)
}

func (o fixture) submit(c *tasks.Client, ts ...tasks.Task) []tasks.Receipt {
	o.t.Helper()
	rs, err := c.Submit(o.t.Context(), ts...)
	if err != nil {
		o.t.Fatal(err)
	}
	return rs
}

// woken lists the pending wake-ups of a queue, as their keys.
func (o fixture) woken(queue string) []string {
	o.t.Helper()
	infos, err := asynq.NewInspectorFromRedisClient(o.rdb).ListPendingTasks(queue, asynq.PageSize(1000))
	if errors.Is(err, asynq.ErrQueueNotFound) {
		return nil
	}
	if err != nil {
		o.t.Fatal(err)
	}
	var keys []string
	for _, i := range infos {
		ks, err := tasks.WakeUpKeys(i.Payload)
		if err != nil || i.Type != tasks.TypeWakeUp || i.MaxRetry != tasks.Redeliveries || strings.Contains(i.ID, "/") {
			o.t.Errorf("task %s of type %s, %d redeliveries: %v", i.ID, i.Type, i.MaxRetry, err)
		}
		for _, k := range ks {
			keys = append(keys, k.String())
		}
	}
	return keys
}

func payout(t *testing.T, reference, amount string) tasks.Task {
	t.Helper()
	task, err := tasks.Payout{
		Provider: "virtualpos", MerchantID: reference, Amount: amount, Currency: "CLP", Description: "Devolución",
		Recipient: providers.Recipient{Document: "12345678-5", Name: "Ana Soto", Email: "ana@example.cl"},
		Bank:      providers.Bank{Code: "012", AccountNumber: "12345678"},
	}.Task()
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func status(t *testing.T, reference string) tasks.Task {
	t.Helper()
	task, err := tasks.Status{Provider: "virtualpos", Reference: reference}.Task()
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func payment(reference string) idempotency.Key {
	return idempotency.Key{Provider: "virtualpos", Account: "default", Reference: reference}
}

func TestSubmitRegistersThenWakes(t *testing.T) {
	o := newFixture(t)
	c := o.client(tasks.ClientOptions{})
	rs := append(o.submit(c, payout(t, "a", "100")), o.submit(c, payout(t, "b", "200"))...)
	for i, reference := range []string{"a", "b"} {
		if rs[i].Result != tasks.Enqueued || rs[i].Key != payment(reference) || rs[i].TaskID != "virtualpos:"+reference+":1" {
			t.Errorf("%+v", rs[i])
		}
		if rec, err := o.ledger.Show(t.Context(), payment(reference)); err != nil || rec.State != idempotency.Queued {
			t.Errorf("%s: %s, %v", reference, rec.State, err)
		}
	}
	if keys := o.woken("virtualpos"); len(keys) != 2 {
		t.Errorf("woken: %v", keys)
	}
	for _, s := range o.rdb.HGetAll(t.Context(), "asynq:{virtualpos}:t:virtualpos:a:1").Val() {
		if strings.Contains(s, "12345678") || strings.Contains(s, "Ana") {
			t.Error("the wake-up carries the payment's data")
		}
	}
}

// TestSubmitWakesManyAtOnce: a task carries up to WakeBatch payments of one provider, its id stands
// in their receipts, and the same payments submitted again need no other.
func TestSubmitWakesManyAtOnce(t *testing.T) {
	o := newFixture(t)
	const n = tasks.WakeBatch + 8
	var ts []tasks.Task
	for i := range n {
		ts = append(ts, payout(t, fmt.Sprintf("p%d", i), "100"))
	}
	first := o.submit(o.client(tasks.ClientOptions{}), ts...)
	for range 2 {
		if keys := o.woken("virtualpos"); len(keys) != n {
			t.Errorf("%d woken: %v", len(keys), keys)
		}
		carriers := map[string]int{}
		for _, r := range first {
			carriers[r.TaskID]++
		}
		if len(carriers) != 2 || carriers[first[0].TaskID] != tasks.WakeBatch || carriers[first[n-1].TaskID] != n-tasks.WakeBatch {
			t.Errorf("%v", carriers)
		}
		for id := range carriers {
			if exists := o.rdb.Exists(t.Context(), "asynq:{virtualpos}:t:"+id).Val(); exists != 1 {
				t.Errorf("there is no task %s", id)
			}
		}
		first = o.submit(o.client(tasks.ClientOptions{}), ts...)
	}
}

func TestSubmitAgain(t *testing.T) {
	o := newFixture(t)
	c := o.client(tasks.ClientOptions{})
	o.submit(c, payout(t, "p", "100"))
	settle := func(reference string) {
		id := idempotency.NewAttempt()
		if _, err := o.ledger.Begin(t.Context(), payment(reference), idempotency.BeginParams{Attempt: id, Lease: time.Minute}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.ledger.Finish(t.Context(), payment(reference), idempotency.AttemptResult{Attempt: id, Outcome: providers.Outcome{Class: providers.Succeeded}, QueryAfter: 0}); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		name  string
		do    func()
		task  tasks.Task
		want  tasks.SubmitResult
		state idempotency.State
		says  string
		woken int
	}{
		{"the same is a duplicate, woken once", func() {}, payout(t, "p", "100"), tasks.Duplicate, idempotency.Queued, "", 1},
		{"another amount is a conflict", func() {}, payout(t, "p", "101"), tasks.Conflict, idempotency.Queued, "amount", 1},
		{"a queued one whose wake-up was lost is woken again", o.drop,
			payout(t, "p", "100"), tasks.Duplicate, idempotency.Queued, "", 1},
		{"a settled one is not woken", func() { o.drop(); settle("p") }, payout(t, "p", "100"), tasks.Duplicate, idempotency.Succeeded, "", 0},
		{"a conflict with a settled one changes nothing", func() {}, payout(t, "p", "1"), tasks.Conflict, idempotency.Succeeded, "amount", 0},
	} {
		row.do()
		r := o.submit(c, row.task)[0]
		if r.Result != row.want || r.State != row.state || !strings.Contains(r.Problem, row.says) {
			t.Errorf("%s: %+v", row.name, r)
		}
		if keys := o.woken("virtualpos"); len(keys) != row.woken {
			t.Errorf("%s: woken %v", row.name, keys)
		}
	}
	if rec, _ := o.ledger.Show(t.Context(), payment("p")); rec.Amount != "100" {
		t.Errorf("the amount is %s now", rec.Amount)
	}
}

// drop deletes asynq's tasks.
func (o fixture) drop() {
	o.t.Helper()
	names, err := o.rdb.Keys(o.t.Context(), "asynq:{*").Result()
	if err != nil {
		o.t.Fatal(err)
	}
	if len(names) > 0 {
		o.rdb.Del(o.t.Context(), names...)
	}
}

func TestAFingerprintOfAnotherKindIsComparedInItsKind(t *testing.T) {
	for _, row := range []struct {
		name          string
		first, second []byte
		amount        string
		want          tasks.SubmitResult
	}{
		{"a key was added, the same payment", nil, []byte("k"), "100", tasks.Duplicate},
		{"a key was added, another payment", nil, []byte("k"), "101", tasks.Conflict},
		{"the key is missing here", []byte("k"), nil, "100", tasks.Conflict},
		{"the key differs", []byte("k"), []byte("j"), "100", tasks.Conflict},
		{"the key is the same", []byte("k"), []byte("k"), "100", tasks.Duplicate},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := newFixture(t)
			o.submit(o.client(tasks.ClientOptions{FingerprintKey: row.first}), payout(t, "p", "100"))
			if r := o.submit(o.client(tasks.ClientOptions{FingerprintKey: row.second}), payout(t, "p", row.amount))[0]; r.Result != row.want {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestADeadlineInThePastIsRefused: the payment would be registered only to expire.
func TestADeadlineInThePastIsRefused(t *testing.T) {
	o := newFixture(t)
	c := o.client(tasks.ClientOptions{})
	within := func(reference string, d time.Duration) tasks.Task {
		task, err := tasks.Payout{
			Common:   tasks.Common{Deadline: time.Now().Add(d).UTC()},
			Provider: "virtualpos", MerchantID: reference, Amount: "1000", Currency: "CLP", Description: "Devolución",
			Recipient: providers.Recipient{Document: "12345678-5", Name: "Ana Soto", Email: "ana@example.cl"},
			Bank:      providers.Bank{Code: "012", AccountNumber: "12345678"},
		}.Task()
		if err != nil {
			t.Fatal(err)
		}
		return task
	}
	rs := o.submit(c, payout(t, "a", "1000"), within("late", -time.Minute), within("soon", time.Hour), status(t, "late"))
	for i, want := range []tasks.SubmitResult{tasks.Enqueued, tasks.Invalid, tasks.Enqueued, tasks.Invalid} {
		if rs[i].Result != want || (want == tasks.Invalid) != (rs[i].Problem != "") {
			t.Errorf("%d: %+v, want %s", i, rs[i], want)
		}
	}
	if !strings.HasPrefix(rs[1].Problem, "deadline: ") || rs[1].Key != payment("late") {
		t.Errorf("%+v", rs[1])
	}
	if _, err := o.ledger.Show(t.Context(), payment("late")); !errors.Is(err, idempotency.ErrUnknown) {
		t.Errorf("a payment that is too late has a record: %v", err)
	}
	late := within("known", -time.Minute)
	if _, err := o.ledger.Register(t.Context(), late.Registration(nil)); err != nil {
		t.Fatal(err)
	}
	if r := o.submit(c, late)[0]; r.Result != tasks.Duplicate {
		t.Errorf("sent again after its deadline: %+v", r)
	}
}

func TestStatusTasks(t *testing.T) {
	o := newFixture(t)
	c := o.client(tasks.ClientOptions{})
	rs := o.submit(c, status(t, "p"), payout(t, "p", "100"), status(t, "p"), status(t, "nobody"), payout(t, "q", "1"))
	for i, want := range []tasks.SubmitResult{tasks.Enqueued, tasks.Enqueued, tasks.Enqueued, tasks.Invalid, tasks.Enqueued} {
		if rs[i].Result != want {
			t.Errorf("task %d: %+v, want %s", i, rs[i], want)
		}
	}
	if rs[0].TaskID == rs[2].TaskID || !strings.HasPrefix(rs[3].Problem, "reference:") {
		t.Errorf("%+v", rs)
	}
	if asks := o.woken("virtualpos-ask"); len(asks) != 2 {
		t.Errorf("queried %v", asks)
	}
	if _, err := o.ledger.Show(t.Context(), payment("nobody")); !errors.Is(err, idempotency.ErrUnknown) {
		t.Errorf("a question made a record: %v", err)
	}
}

func TestManyProducersOfTheSamePayments(t *testing.T) {
	o := newFixture(t)
	var ts []tasks.Task
	for n := range 100 {
		ts = append(ts, payout(t, fmt.Sprintf("p%d", n), "100"))
	}
	var mu sync.Mutex
	enqueued := 0
	var producers sync.WaitGroup
	for range 3 {
		producers.Go(func() {
			rs, err := o.client(tasks.ClientOptions{}).Submit(t.Context(), ts...)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, r := range rs {
				if r.Result == tasks.Enqueued {
					enqueued++
				}
			}
		})
	}
	producers.Wait()
	if keys := o.woken("virtualpos"); enqueued != 100 || len(keys) != 100 {
		t.Errorf("%d enqueued, %d woken", enqueued, len(keys))
	}
}

func TestALostReplyOfAnEnqueueIsNoError(t *testing.T) {
	for _, needle := range []string{`asynq:{virtualpos}:t:`, `asynq:{virtualpos-ask}:t:`} {
		t.Run(needle, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			proxy := redistest.NewProxy(t, server.Addr())
			rdb := redistest.Client(proxy.Addr())
			t.Cleanup(func() { rdb.Close() })
			direct := server.Client()
			c := tasks.NewClient(idempotency.NewRedis(direct, idempotency.Options{}), rdb, tasks.ClientOptions{})
			lost := proxy.DropReply(needle)
			rs, err := c.Submit(t.Context(), payout(t, "p", "100"), status(t, "p"))
			if err != nil {
				t.Fatal(err)
			}
			<-lost
			if rs[0].Result != tasks.Enqueued || rs[1].Result != tasks.Enqueued {
				t.Errorf("%+v", rs)
			}
		})
	}
}

// TestASubmissionThatBreaksOffIsRepeated: registered, not woken; the same submission again is a
// duplicate and wakes.
func TestASubmissionThatBreaksOffIsRepeated(t *testing.T) {
	o := newFixture(t)
	broken := redis.NewClient(&redis.Options{Addr: o.rdb.Options().Addr, MaxRetries: -1})
	t.Cleanup(func() { broken.Close() })
	broken.AddHook(noEnqueue{})
	if _, err := tasks.NewClient(o.ledger, broken, tasks.ClientOptions{}).Submit(t.Context(), payout(t, "p", "100")); err == nil {
		t.Fatal("no error")
	}
	r := o.submit(o.client(tasks.ClientOptions{}), payout(t, "p", "100"))[0]
	if r.Result != tasks.Duplicate || r.State != idempotency.Queued || len(o.woken("virtualpos")) != 1 {
		t.Errorf("%+v, woken %v", r, o.woken("virtualpos"))
	}
}

// noEnqueue fails every script.
type noEnqueue struct{}

func (noEnqueue) DialHook(next redis.DialHook) redis.DialHook { return next }

func (noEnqueue) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (noEnqueue) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if strings.HasPrefix(cmd.Name(), "eval") {
			err := errors.New("connection lost")
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}

func TestARedisThatIsNearlyFullTakesNothingIn(t *testing.T) {
	for _, row := range []struct {
		name    string
		memory  string
		stop    float64
		refused bool
	}{
		{"no limit of memory", "0", 0, false},
		{"room enough", "1gb", 0, false},
		{"above the default share", "1100kb", 0, true},
		{"above a share of one's own", "100mb", 0.001, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := newFixture(t, redistest.MaxMemory(row.memory))
			_, err := o.client(tasks.ClientOptions{MemoryStop: row.stop}).Submit(t.Context(), payout(t, "p", "100"))
			if errors.Is(err, tasks.ErrMemory) != row.refused || err != nil && !row.refused {
				t.Fatal(err)
			}
			if _, err := o.ledger.Show(t.Context(), payment("p")); errors.Is(err, idempotency.ErrUnknown) != row.refused {
				t.Errorf("show: %v", err)
			}
		})
	}
}

func TestARedisThatDoesNotTellItsMemoryIsNotJudged(t *testing.T) {
	o := newFixture(t)
	if err := o.rdb.Do(t.Context(), "ACL", "SETUSER", "default", "-info").Err(); err != nil {
		t.Fatal(err)
	}
	o.submit(o.client(tasks.ClientOptions{}), payout(t, "p", "100"))
}

func TestARedisThatDoesNotAnswerIsAnError(t *testing.T) {
	o := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.client(tasks.ClientOptions{}).Submit(ctx, payout(t, "p", "100")); err == nil {
		t.Error("no error")
	}
}
