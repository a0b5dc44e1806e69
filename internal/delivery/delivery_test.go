package delivery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/internal/receiver"
	"github.com/remesa/remesa/internal/redistest"
)

// TestEventsArriveInOrderForEachPayment at a system that fails each event at first, from several
// workers.
func TestEventsArriveInOrderForEachPayment(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]redistest.Option{"one server": nil, "a cluster": {redistest.Cluster()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, settings...)
			rdb := redis.UniversalClient(s.Client())
			if settings != nil {
				rdb = redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}})
				t.Cleanup(func() { _ = rdb.Close() })
			}
			var mu sync.Mutex
			tried := map[string]bool{}
			billing := newSystem(t, func(id string) int {
				mu.Lock()
				defer mu.Unlock()
				if !tried[id] && strings.HasSuffix(id, "2") {
					tried[id] = true
					return http.StatusInternalServerError
				}
				return http.StatusOK
			})
			const payments, versions = 6, 4
			to := at("billing", billing.URL)
			start(t, options(rdb, to))
			start(t, options(rdb, to))
			for v := range int64(versions) {
				for p := range payments {
					put(t, rdb, event(fmt.Sprintf("tef.%d", p), v+1))
				}
			}
			billing.await(t, payments*versions)
			billing.inOrder(t, payments, versions)
			eventually.True(t, patience, "nothing is left", func() bool { open, _, lag := backlog(t, rdb, "billing"); return open == 0 && lag == 0 })
			got := billing.body("virtualpos/tef.1:0:3")
			for field, want := range map[string]string{
				"key": "virtualpos/tef.1", "provider": virtualpos, "account": "default", "reference": "tef.1", "type": "payout", "state": "succeeded", "amount": "12500",
				"currency": "CLP", "event": "state", "event_id": "virtualpos/tef.1:0:3", "at": "2026-05-17T06:40:00.123Z",
			} {
				if got[field] != want {
					t.Errorf("%s: %v, want %s", field, got[field], want)
				}
			}
			if fmt.Sprint(got["metadata"]) != "map[order:7]" || got["stream_id"] == nil {
				t.Errorf("%v", got)
			}
		})
	}
}

// TestAReceiverThatWasDownGetsEverything, in order, and fills no Redis meanwhile.
func TestAReceiverThatWasDownGetsEverything(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	address := nobody(t)
	billing, seen := &system{}, &counts{}
	o := options(rdb, at("billing", "http://"+address))
	o.Most, o.Count = 10, seen.count
	start(t, o)
	const payments, versions = 60, 3
	for v := range int64(versions) {
		for p := range payments {
			put(t, rdb, event(fmt.Sprintf("tef-%d", p), v+1))
		}
	}
	eventually.True(t, patience, "it was tried in vain", func() bool { return seen.of("billing unreachable") > 20 })
	open, _, lag := backlog(t, rdb, "billing")
	if open > 10 || lag <= 0 {
		t.Errorf("%d deliveries are open, with a lag of %s", open, lag)
	}
	billing.listenAt(t, address)
	billing.await(t, payments*versions)
	billing.inOrder(t, payments, versions)
}

// TestASlowReceiverDelaysNoOther: it answers nothing while another one gets all.
func TestASlowReceiverDelaysNoOther(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	release := make(chan struct{})
	slow := newSystem(t, func(string) int { <-release; return http.StatusOK })
	quick := newSystem(t, nil)
	start(t, options(rdb, at("slow", slow.URL), at("quick", quick.URL)))
	const payments = 200
	for p := range payments {
		put(t, rdb, event(fmt.Sprintf("tef-%d", p), 1))
	}
	quick.await(t, payments)
	if n := len(slow.ids()); n != 0 {
		t.Errorf("the slow one took %d", n)
	}
	close(release)
	slow.await(t, payments)
	slow.inOrder(t, payments, 1)
}

// TestTheCursorMovesOnlyWhenTheTasksAreThere: whoever dies before leaves it, and what is not on its
// way yet is read again.
func TestTheCursorMovesOnlyWhenTheTasksAreThere(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	billing := newSystem(t, nil)
	o := options(rdb, at("billing", billing.URL))
	s := newService(t, o)
	l := s.lines[0]
	if err := l.list(t.Context()); err != nil {
		t.Fatal(err)
	}
	cursor := func() string { return rdb.HGet(t.Context(), key("billing", "cursors"), virtualpos).Val() }
	before := cursor()
	put(t, rdb, event("tef-1", 1), event("tef-1", 2), event("tef-2", 1))

	broken := redis.NewClient(&redis.Options{Addr: nobody(t), MaxRetries: -1})
	defer broken.Close()
	queue := l.queue
	s.queue = asynq.NewClientFromRedisClient(broken)
	if _, err := l.feedAll(t.Context()); err == nil || cursor() != before {
		t.Errorf("without a queue: %v, and the cursor went from %s to %s", err, before, cursor())
	}
	s.queue = queue
	s.OnFaultPoint = func(string) { panic("killed") }
	func() {
		defer func() { _ = recover() }()
		_, _ = l.feedAll(t.Context())
	}()
	if cursor() != before {
		t.Errorf("killed when the tasks were there: the cursor went from %s to %s", before, cursor())
	}
	if err := rdb.Del(t.Context(), key("billing", "open"), key("billing", "since")).Err(); err != nil { // as if it had died one step earlier
		t.Fatal(err)
	}
	o.Sweep = 100 * time.Millisecond // a task that ends while its delivery is opened again leaves none behind
	start(t, o)
	billing.await(t, 3)
	eventually.True(t, patience, "the cursor stands behind them", func() bool { return cursor() != before })
}

// TestOnlyTheOldestOpenEventOfAPaymentIsSent, whatever tasks there are: one may be there twice, or
// be run by hand.
func TestOnlyTheOldestOpenEventOfAPaymentIsSent(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	refusing := newSystem(t, func(id string) int {
		if strings.HasSuffix(id, ":1") {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	l := open(t, rdb, at("billing", refusing.URL), event("tef-1", 1), event("tef-1", 2), event("tef-10", 1), event("tef-1.2", 2))
	for _, e := range l.all(t) {
		err := l.handle(t.Context(), task(t, e, time.Now()))
		if refused := strings.HasSuffix(e.event(), ":1"); refused != (err != nil) {
			t.Errorf("%s: %v", e.event(), err)
		}
	}
	if got := strings.Join(refusing.ids(), " "); got != "virtualpos/tef-1.2:0:2" {
		t.Errorf("taken: %s", got)
	}
	if open, _, _ := backlog(t, rdb, "billing"); open != 3 {
		t.Errorf("%d are open", open)
	}
}

// open is a receiver's line whose events are open, with tasks that nobody takes.
func open(t testing.TB, rdb redis.UniversalClient, to receiver.Receiver, events ...kv.OutcomeEvent) *line {
	t.Helper()
	return openWith(t, options(rdb, to), events...)
}

func openWith(t testing.TB, o Options, events ...kv.OutcomeEvent) *line {
	t.Helper()
	l := newService(t, o).lines[0]
	if err := l.list(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, l.rdb, events...)
	if _, err := l.feedAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// all are the line's open deliveries.
func (l *line) all(t testing.TB) []entry {
	t.Helper()
	var all []entry
	for _, m := range l.rdb.ZRange(t.Context(), key(l.to.Name, "open"), 0, -1).Val() {
		e, ok := parseMember(m)
		if !ok {
			t.Fatal(m)
		}
		all = append(all, e)
	}
	return all
}

func task(t testing.TB, e entry, since time.Time) *asynq.Task {
	t.Helper()
	made, err := newTask(e, since)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// pending are the ids of the tasks that wait in the line's queue.
func (l *line) pending(t testing.TB) []string {
	t.Helper()
	tasks, err := l.store.inspector.ListPendingTasks(Queue(l.to.Name))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, i := range tasks {
		ids = append(ids, i.ID)
	}
	return ids
}

// TestADeliveryIsParkedAfterThreeDays, the payment's next one goes on, and a person has it sent
// again.
func TestADeliveryIsParkedAfterThreeDays(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	var mu sync.Mutex
	down := true
	billing := newSystem(t, func(id string) int {
		mu.Lock()
		defer mu.Unlock()
		if down && strings.HasSuffix(id, ":1") {
			return http.StatusBadGateway
		}
		return http.StatusOK
	})
	seen := &counts{}
	o := options(rdb, at("billing", billing.URL))
	o.Count = seen.count
	l := openWith(t, o, event("tef-1", 1), event("tef-1", 2))
	first := l.all(t)[0]
	begun := time.Now()
	l.Now = func() time.Time { return begun.Add(GiveUpAfter - time.Second) }
	if err := l.handle(t.Context(), task(t, first, begun)); err == nil || !strings.Contains(err.Error(), "HTTP 502") {
		t.Errorf("before its time: %v", err)
	}
	l.Now = func() time.Time { return begun.Add(GiveUpAfter) }
	if err := l.handle(t.Context(), task(t, first, begun)); err != nil {
		t.Errorf("in time: %v", err)
	}
	open, parked, _ := backlog(t, rdb, "billing")
	if open != 1 || parked != 1 || seen.of("billing parked") != 1 || seen.of("billing refused") != 2 {
		t.Errorf("%d open, %d parked, %v", open, parked, seen.all)
	}
	listed, err := l.store.Parked(t.Context(), "billing", 10)
	if err != nil || len(listed) != 1 || listed[0].EventID != "virtualpos/tef-1:0:1" || listed[0].Key != "virtualpos/tef-1" {
		t.Fatal(listed, err)
	}
	start(t, o)
	billing.await(t, 1)
	mu.Lock()
	down = false
	mu.Unlock()
	r, told := NewResender(rdb, true, virtualpos, etpay), 0
	if err := r.Parked(t.Context(), l.to, 10, By{"ana", "their server is back"}, func(Delivery) error { told++; return nil }); err != nil || told != 1 {
		t.Fatal(err, told)
	}
	billing.await(t, 2)
	steps, err := l.store.Steps(t.Context(), "billing", 10)
	if err != nil || len(steps) != 1 || steps[0].By != "ana" || steps[0].Note != "their server is back" || steps[0].Count != 1 {
		t.Error(steps, err)
	}
	if _, parked, _ := backlog(t, rdb, "billing"); parked != 0 {
		t.Errorf("%d are parked still", parked)
	}
}

// TestWhatWasSentAgainIsNotedWhoeverStopsReading: the events are on their way all the same.
func TestWhatWasSentAgainIsNotedWhoeverStopsReading(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	l := open(t, rdb, at("billing", "http://"+nobody(t)), event("tef-1", 1), event("tef-2", 1))
	for _, e := range l.all(t) {
		if err := l.store.park(t.Context(), "billing", e, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	r, closed := NewResender(rdb, true, virtualpos, etpay), errors.New("the pipe is closed")
	by, tell := By{"ana", "x"}, func(Delivery) error { return closed }
	if err := r.Parked(t.Context(), l.to, 10, by, tell); !errors.Is(err, closed) {
		t.Error(err)
	}
	if err := r.Events(t.Context(), l.to, "virtualpos/tef-1", by, tell); !errors.Is(err, closed) {
		t.Error(err)
	}
	steps, err := l.store.Steps(t.Context(), "billing", 10)
	if err != nil || len(steps) != 2 || steps[1].Count != 2 || steps[0].Count != 1 {
		t.Error(steps, err)
	}
}

// TestAReceiverThatTakesNothingParksSoMuchAndNoMore.
func TestAReceiverThatTakesNothingParksSoMuchAndNoMore(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	l := open(t, rdb, at("billing", "http://"+nobody(t)), event("tef-1", 1), event("tef-2", 1))
	l.store.mostParked = 1
	all := l.all(t)
	long := time.Now().Add(-GiveUpAfter)
	if err := l.handle(t.Context(), task(t, all[0], long)); err != nil {
		t.Error(err)
	}
	if err := l.handle(t.Context(), task(t, all[1], long)); err == nil {
		t.Error("parked beyond the bound")
	}
}

// TestResendingFindsEventsInTheStreams: one by its id, or all of a payment, for whoever takes them.
func TestResendingFindsEventsInTheStreams(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	billing := newSystem(t, nil)
	to := at("billing", billing.URL, func(r *receiver.Receiver) { r.Filter.States = []string{"succeeded"} })
	pending := event("tef-1", 1)
	pending.State = "pending"
	put(t, rdb, pending, event("tef-1", 2), event("tef-10", 1), event("tef-1", 3)) // before the receiver was known
	start(t, options(rdb, to))
	r := NewResender(rdb, true, virtualpos, etpay)
	send := func(what string) (told []string) {
		if err := r.Events(t.Context(), to, what, By{"ana", "x"}, func(d Delivery) error { told = append(told, d.EventID); return nil }); err != nil {
			t.Fatal(err)
		}
		return told
	}
	if got := strings.Join(send("virtualpos/tef-1"), " "); got != "virtualpos/tef-1:0:2 virtualpos/tef-1:0:3" {
		t.Errorf("of the payment: %s", got)
	}
	billing.await(t, 2)
	if got := strings.Join(send("virtualpos/tef-10:0:1"), " "); got != "virtualpos/tef-10:0:1" {
		t.Errorf("by its id: %s", got)
	}
	billing.await(t, 3)
	if got := send("virtualpos/tef-1:0:1"); got != nil {
		t.Errorf("what the receiver does not get: %v", got)
	}
}

// TestANewReceiverGetsWhatComes, and a stream that is new to a known one is read whole.
func TestANewReceiverGetsWhatComes(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	put(t, rdb, event("before", 1))
	billing := newSystem(t, nil)
	o := options(rdb, at("billing", billing.URL))
	o.Providers = []string{virtualpos}
	stop := start(t, o)
	put(t, rdb, event("after", 1))
	billing.await(t, 1)
	stop()
	other := event("x", 1)
	other.Key = etpay + "/x"
	put(t, rdb, other)
	o.Providers = append(o.Providers, etpay)
	start(t, o)
	billing.await(t, 2)
	if got := strings.Join(billing.ids(), " "); got != "virtualpos/after:0:1 etpay/x:0:1" {
		t.Error(got)
	}
}

// TestEveryPartitionIsRead, also of those that a provider gets while it is in use, and a payment's
// events that stand in two of them come in the order of their time.
func TestEveryPartitionIsRead(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	billing := newSystem(t, nil)
	o := options(rdb, at("billing", billing.URL))
	l := openWith(t, o, event("tef-1", 1))
	rdb.Set(t.Context(), kv.Prefix(virtualpos)+"partitions", "1>3", 0)
	moved := event("tef-1", 2)
	for _, e := range []kv.OutcomeEvent{moved, event("tef-2", 1)} {
		if err := rdb.XAdd(t.Context(), &redis.XAddArgs{Stream: kv.OutcomesKey(virtualpos + ":2"), Values: e.Fields()}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	l.listed = time.Time{}
	if err := l.list(t.Context()); err != nil || len(l.streams) != 4 {
		t.Fatal(l.streams, err)
	}
	start(t, o)
	billing.await(t, 3)
	if got := billing.body("virtualpos/tef-2:0:1")["provider"]; got != virtualpos {
		t.Errorf("provider: %v", got)
	}
	if ids := billing.ids(); slices.Index(ids, "virtualpos/tef-1:0:1") > slices.Index(ids, "virtualpos/tef-1:0:2") {
		t.Error(ids)
	}
}

// TestEventsThatWereTrimmedAreCounted, before they were read and before they were delivered.
func TestEventsThatWereTrimmedAreCounted(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	billing, seen := newSystem(t, nil), &counts{}
	o := options(rdb, at("billing", billing.URL))
	o.Count = seen.count
	l := openWith(t, o, event("tef-1", 1))
	put(t, rdb, event("tef-2", 1), event("tef-2", 2))
	rdb.XTrimMaxLen(t.Context(), kv.OutcomesKey(virtualpos), 0)
	put(t, rdb, event("tef-3", 1))
	if _, err := l.feedAll(t.Context()); err != nil || seen.of("billing missed") != 2 {
		t.Errorf("%v, %v", err, seen.all)
	}
	start(t, o)
	billing.await(t, 1)
	eventually.True(t, patience, "all are counted once", func() bool {
		open, _, _ := backlog(t, rdb, "billing")
		return open == 0 && seen.of("billing missed") == 3
	})
}

// TestAStoreThatForgotItsEndIsReadAgain: what is written since has smaller ids than the cursor.
func TestAStoreThatForgotItsEndIsReadAgain(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	billing := newSystem(t, nil)
	o := options(rdb, at("billing", billing.URL))
	l := newService(t, o).lines[0]
	if err := l.list(t.Context()); err != nil {
		t.Fatal(err)
	}
	later := fmt.Sprintf("%d-0 7", time.Now().Add(time.Hour).UnixMilli())
	rdb.HSet(t.Context(), key("billing", "cursors"), virtualpos, later)
	put(t, rdb, event("tef-1", 1))
	start(t, o)
	billing.await(t, 1)
}

// TestWhatLostItsTaskGetsAnother: somebody deleted or archived it in the dashboard.
func TestWhatLostItsTaskGetsAnother(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	l := open(t, rdb, at("billing", "http://"+nobody(t)), event("tef-1", 1), event("tef-1", 2), event("tef-2", 1))
	before := l.pending(t)
	if len(before) != 2 {
		t.Fatalf("tasks: %v", before)
	}
	if err := l.store.inspector.DeleteTask(Queue("billing"), before[0]); err != nil {
		t.Fatal(err)
	}
	if err := l.store.inspector.ArchiveTask(Queue("billing"), before[1]); err != nil {
		t.Fatal(err)
	}
	if err := l.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := l.pending(t); len(after) != 2 {
		t.Errorf("tasks: %v", after)
	}
}

// TestOneWorkerReadsForAReceiver until it is gone.
func TestOneWorkerReadsForAReceiver(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	o := options(rdb, at("billing", "http://"+nobody(t)))
	one, two := newService(t, o).lines[0], newService(t, o).lines[0]
	lead := func(l *line) bool {
		mine, err := l.lead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return mine
	}
	if !lead(one) || lead(two) || !lead(one) {
		t.Error("two read at the same time, or none does")
	}
	eventually.True(t, patience, "another one takes over", func() bool { return lead(two) })
	if lead(one) {
		t.Error("the late one reads, too")
	}
}

// TestALateFeederOpensNothing that another one has fed and delivered meanwhile.
func TestALateFeederOpensNothing(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	billing := newSystem(t, nil)
	l := open(t, rdb, at("billing", billing.URL))
	stale := rdb.HGet(t.Context(), key("billing", "cursors"), virtualpos).Val()
	put(t, rdb, event("tef-1", 1))
	if _, err := l.feedAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := l.all(t)[0]
	if err := l.handle(t.Context(), task(t, e, time.Now())); err != nil {
		t.Fatal(err)
	}
	if done, err := l.open(t.Context(), virtualpos, stale, []entry{e}); done || err != nil {
		t.Errorf("opened again: %t, %v", done, err)
	}
}

// TestTheNextAttemptComesLater each time, as the settings say, or as the receiver asks.
func TestTheNextAttemptComesLater(t *testing.T) {
	t.Parallel()
	o := options(client(t), at("billing", "http://"+nobody(t)))
	o.RetryBase, o.RetryMax, o.Random = time.Second, 10*time.Minute, func() float64 { return 1 }
	l := newService(t, o).lines[0]
	failed := &attemptError{result: Refused}
	for n, want := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 9: 512 * time.Second, 10: 10 * time.Minute, 31: 10 * time.Minute, 99: 10 * time.Minute} {
		if got := l.retryDelay(n, failed, nil); got != want {
			t.Errorf("after %d retries: %s, want %s", n, got, want)
		}
	}
	if got := l.retryDelay(0, &attemptError{after: time.Minute}, nil); got != time.Minute {
		t.Errorf("as asked: %s", got)
	}
	if got := l.retryDelay(9, asynq.ErrLeaseExpired, nil); got != time.Second {
		t.Errorf("after a worker's death: %s", got)
	}
}

// TestTheQueueHoldsNothingOfAnEvent but what names it.
func TestTheQueueHoldsNothingOfAnEvent(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	private := event("tef-1", 1)
	private.Message, private.ActionURL, private.ProviderID, private.Metadata = "CANARY", "https://CANARY.example", "CANARY", `{"a":"CANARY"}`
	l := open(t, rdb, at("billing", "http://"+nobody(t)+"/CANARY"), private)
	err := l.handle(t.Context(), task(t, l.all(t)[0], time.Now()))
	if err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Error(err)
	}
	ctx, seen := context.Background(), 0
	for keys := rdb.Scan(ctx, 0, "*webhooks-*", 1000).Iterator(); keys.Next(ctx); seen++ {
		text, err := rdb.Dump(ctx, keys.Val()).Result()
		if err != nil || strings.Contains(text, "CANARY") {
			t.Errorf("%s holds it (%v)", keys.Val(), err)
		}
	}
	if seen < 4 {
		t.Errorf("only %d keys were searched", seen)
	}
	got, err := ParseTask(task(t, l.all(t)[0], time.UnixMilli(5)).Payload())
	if err != nil || got.EventID != "virtualpos/tef-1:0:1" || got.Stream != virtualpos || got.Since != 5 {
		t.Error(got, err)
	}
}

// TestWhatIsUnderWayIsFinishedBeforeTheEnd of a worker that drains.
func TestWhatIsUnderWayIsFinishedBeforeTheEnd(t *testing.T) {
	t.Parallel()
	rdb := client(t)
	release := make(chan struct{})
	slow := newSystem(t, func(string) int { <-release; return http.StatusOK })
	stop := start(t, options(rdb, at("slow", slow.URL)))
	put(t, rdb, event("tef-1", 1), event("tef-1", 2))
	eventually.True(t, patience, "it is under way", func() bool {
		info, err := asynq.NewInspectorFromRedisClient(rdb).GetQueueInfo(Queue("slow"))
		return err == nil && info.Active == 1
	})
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	close(release)
	<-stopped
	if got := slow.ids(); len(got) == 0 || got[0] != "virtualpos/tef-1:0:1" {
		t.Errorf("what was under way is not finished: %v", got)
	}
}

// TestADamagedTaskIsDropped: what is open gets another one.
func TestADamagedTaskIsDropped(t *testing.T) {
	t.Parallel()
	l := open(t, client(t), at("billing", "http://"+nobody(t)))
	for _, payload := range []string{"", "{}", `{"stream":"virtualpos","id":"x","event_id":"virtualpos/a:0:1"}`, `{"stream":"virtualpos","id":"1-1","event_id":"a:1"}`} {
		if err := l.handle(t.Context(), asynq.NewTask(TaskType, []byte(payload))); err != nil {
			t.Errorf("%s: %v", payload, err)
		}
	}
}
