package billing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

var (
	soft = providers.Outcome{Class: providers.Refused, Code: "51", Decline: providers.Soft}
	paid = providers.Outcome{Class: providers.Succeeded, ProviderID: "X"}
)

// A process may die at any named step, any number of times: the next one finishes what it left,
// with the same charges.
func TestDeathAtEachStep(t *testing.T) {
	for _, step := range billing.SweepPoints() {
		if step == billing.SweepCancel {
			continue // see below
		}
		t.Run(string(step), func(t *testing.T) {
			o := newSweepFixture(t)
			for nth := 1; nth <= 4; nth++ {
				id := fmt.Sprintf("%s-%d", strings.TrimPrefix(string(step), "sweep_"), nth)
				o.at("2026-01-01 00:00:00")
				o.add(line(t, id, nil))
				o.at("2026-04-01 00:00:00") // three periods are behind
				o.sent = map[string]int{}
				second := tasks.TxnID(id, 2, 0)
				o.answer = func(r idempotency.Record) providers.Outcome {
					if r.Key.Reference == second {
						return soft
					}
					return providers.Outcome{Class: providers.Succeeded, ProviderID: "id-" + r.Key.Reference}
				}
				first, alive, deaths := o.sweeper(diesAt(step, nth)), true, 0
				other := o.sweeper()
				for range 40 {
					if alive {
						if alive = o.dying(first); !alive {
							deaths++
						}
					} else {
						o.sweep(other)
					}
					o.work()
					o.wait(31 * time.Second)
				}
				if deaths != 1 {
					t.Fatalf("it died %d times", deaths)
				}
				o.state(id, "active")
				o.wantPeriods(id, "1.0 succeeded", "2.1 succeeded", "3.0 succeeded")
				o.wantEvents(id, "dunning_scheduled")
				o.sentOnce(id+" 1.0", id+" 2.0", id+" 2.1", id+" 3.0")
			}
		})
	}
}

func TestDeathBeforeACancellation(t *testing.T) {
	o := newSweepFixture(t)
	o.add(line(t, "sub-1", nil))
	o.at("2026-01-31 14:00:00")
	o.sweep(o.sweeper())
	o.byHand("sub-1", o.cancel)
	if o.dying(o.sweeper(diesAt(billing.SweepCancel, 1))) {
		t.Fatal("it did not die")
	}
	if c := o.charge("sub-1", 1, 0); c.State != idempotency.Queued {
		t.Fatalf("the charge is %s", c.State)
	}
	o.wait(10 * time.Second)
	o.sweep(o.sweeper())
	o.sweep(o.sweeper())
	o.work()
	o.sentOnce()
	o.state("sub-1", "ended cancelled")
	o.wantPeriods("sub-1", "1.0 cancelled")
	o.wantEvents("sub-1", "cancelled", "period_cancelled")
}

// Two workers sweep at the same time, and a third was stopped in the middle of each of its sweeps.
func TestSweepersAtTheSameTime(t *testing.T) {
	const subscriptions, months = 200, 3
	o := newSweepFixture(t)
	var all []tasks.Subscription
	var want []string
	for n := range subscriptions {
		id := fmt.Sprintf("sub-%03d", n)
		all = append(all, line(t, id, nil))
		for m := range months {
			want = append(want, fmt.Sprintf("%s %d.0", id, m+1))
		}
	}
	o.add(all...)
	o.at("2026-04-01 00:00:00")
	for n := range 12 {
		var wg sync.WaitGroup
		for range 2 {
			s := o.sweeper()
			wg.Go(func() {
				if _, err := s.Sweep(t.Context(), provider); err != nil {
					t.Error(err)
				}
			})
		}
		step := billing.SweepPoints()[n%4]
		wg.Go(func() { o.dying(o.sweeper(diesAt(step, 1))) })
		wg.Wait()
		o.work()
		o.wait(31 * time.Second)
	}
	o.sentOnce(want...)
	for _, s := range all {
		o.wantPeriods(s.ID(), "1.0 succeeded", "2.0 succeeded", "3.0 succeeded")
	}
	if n := countRecords(o); n != subscriptions*months {
		t.Errorf("%d charges are on record", n)
	}
}

func countRecords(o *sweepFixture) (n int) {
	o.t.Helper()
	o.must(o.ledger.List(o.t.Context(), idempotency.Filter{Provider: provider, State: idempotency.Succeeded}, func(idempotency.Record) bool {
		n++
		return true
	}))
	return n
}

// A claim registers its charge with period, subscription and amount, and wakes a worker.
func TestAClaimedPeriodIsRegisteredAndWokenUp(t *testing.T) {
	o := newSweepFixture(t)
	o.add(line(t, "sub-1", nil))
	o.at("2026-01-31 13:59:59")
	o.sweep(o.sweeper())
	if o.charge("sub-1", 1, 0) != nil {
		t.Fatal("charged too early")
	}
	o.at("2026-01-31 14:00:00")
	o.sweep(o.sweeper())
	c := o.charge("sub-1", 1, 0)
	if c == nil || c.State != idempotency.Queued || c.Subscription != "sub-1" || c.Period != "1" || c.Amount != "32900" || c.Currency != "COP" {
		t.Fatalf("%+v", c)
	}
	infos, err := asynq.NewInspectorFromRedisClient(o.rdb).Queues()
	if err != nil || len(infos) == 0 {
		t.Errorf("nobody was woken up: %v %v", infos, err)
	}
}

func TestCancelBetweenClaimAndRegistration(t *testing.T) {
	o := newSweepFixture(t)
	o.add(line(t, "sub-1", nil))
	o.at("2026-01-31 14:00:00")
	o.sweep(o.sweeper(once(billing.SweepClaimed, func() { o.byHand("sub-1", o.cancel) })))
	if o.charge("sub-1", 1, 0) != nil {
		t.Fatal("registered though its subscription was cancelled")
	}
	o.sweep(o.sweeper())
	o.state("sub-1", "ended cancelled")
	o.wantPeriods("sub-1", "1.0 cancelled")
	o.wantEvents("sub-1", "cancelled", "period_cancelled")
}

// A sweeper that slept between claim and registration, and wakes up when its period is over and
// done with, registers nothing.
func TestALateRegistrationIsRefused(t *testing.T) {
	o := newSweepFixture(t)
	o.add(line(t, "sub-1", map[string]any{"dunning": []string{}}))
	o.at("2026-01-31 14:00:00")
	late := o.sweeper(once(billing.SweepClaimed, func() {
		o.byHand("sub-1", o.cancel)
		o.sweep(o.sweeper())
		o.state("sub-1", "ended cancelled")
	}))
	o.sweep(late)
	if o.charge("sub-1", 1, 0) != nil {
		t.Fatal("registered after its period was closed as cancelled")
	}
}

func TestCancelOfAQueuedCharge(t *testing.T) {
	o := newSweepFixture(t)
	o.add(line(t, "sub-1", nil))
	o.at("2026-01-31 14:00:00")
	o.sweep(o.sweeper())
	o.byHand("sub-1", o.cancel)
	o.sweep(o.sweeper())
	if c := o.charge("sub-1", 1, 0); c.State != idempotency.Failed || c.Code != "cancelled" {
		t.Fatalf("%s %s", c.State, c.Code)
	}
	o.sweep(o.sweeper())
	o.wantPeriods("sub-1", "1.0 cancelled")
}

func TestCancelOfAChargeThatIsBeingSent(t *testing.T) {
	o := newSweepFixture(t)
	o.add(line(t, "sub-1", nil))
	o.at("2026-01-31 14:00:00")
	o.sweep(o.sweeper())
	reference := tasks.TxnID("sub-1", 1, 0)
	b, err := o.ledger.Begin(t.Context(), key(reference), idempotency.BeginParams{Attempt: "a", Lease: time.Minute, Queryable: true})
	o.must(err)
	if b.Decision != idempotency.Send {
		t.Fatal(b.Decision)
	}
	o.byHand("sub-1", o.cancel)
	o.sweep(o.sweeper())
	_, err = o.ledger.Finish(t.Context(), key(reference), idempotency.AttemptResult{Attempt: "a", Outcome: paid, QueryAfter: time.Second})
	o.must(err)
	o.sweep(o.sweeper())
	o.state("sub-1", "ended cancelled")
	o.wantPeriods("sub-1", "1.0 succeeded")
}

// A claim whose process died is registered by another, with what was agreed on when it was claimed.
func TestAChangeAfterTheClaimIsForTheNextPeriod(t *testing.T) {
	o := newSweepFixture(t)
	o.add(line(t, "sub-1", nil))
	o.at("2026-01-31 14:00:00")
	if o.dying(o.sweeper(diesAt(billing.SweepClaimed, 1))) {
		t.Fatal("it did not die")
	}
	dearer := line(t, "sub-1", map[string]any{"amount": "40000"})
	o.byHand("sub-1", o.change("40000"), dearer.Payload()...)
	o.answer = func(idempotency.Record) providers.Outcome { return soft }
	for range 3 {
		o.sweep(o.sweeper())
		o.work()
		o.wait(31 * time.Second)
	}
	for attempt := range 2 {
		if c := o.charge("sub-1", 1, attempt); c == nil || c.Amount != "32900" {
			t.Fatalf("charge %d of the open period: %+v", attempt, c)
		}
	}
	o.sweep(o.sweeper())
	o.state("sub-1", "paused dunning_exhausted")
	o.byHand("sub-1", o.resume)
	o.at("2026-02-28 14:00:00")
	o.sweep(o.sweeper())
	if c := o.charge("sub-1", 2, 0); c == nil || c.Amount != "40000" {
		t.Fatalf("the next period: %+v", c)
	}
}

func TestTheLimitOfASweep(t *testing.T) {
	const subscriptions, limit = 20, 5
	o := newSweepFixture(t)
	for n := range subscriptions {
		o.add(line(t, fmt.Sprintf("sub-%02d", n), nil))
	}
	o.at("2026-04-01 00:00:00") // three periods each
	s := o.sweeper(func(o *billing.SweeperConfig) { o.Limit = limit })
	total := 0
	for range subscriptions*3/limit + 2 {
		o.sweep(s)
		n := o.work()
		if n > limit {
			t.Fatalf("%d charges were begun by one sweep", n)
		}
		total += n
		o.wait(time.Second)
	}
	if total != 3*subscriptions {
		t.Errorf("%d charges of %d were made", total, 3*subscriptions)
	}
}

func TestWithoutALimitEverythingBeginsAtOnce(t *testing.T) {
	const subscriptions = 450 // more than two batches
	o := newSweepFixture(t)
	for n := range subscriptions {
		o.add(line(t, fmt.Sprintf("sub-%03d", n), nil))
	}
	o.at("2026-01-31 14:00:00")
	o.sweep(o.sweeper())
	if n := o.work(); n != subscriptions {
		t.Errorf("%d charges", n)
	}
	o.sweep(o.sweeper()) // updates, in batches
	for n := range subscriptions {
		o.wantPeriods(fmt.Sprintf("sub-%03d", n), "1.0 succeeded")
	}
}

func TestNothingIsClaimedWhileRedisIsNearlyFull(t *testing.T) {
	o := newSweepFixture(t, redistest.MaxMemory("200mb"))
	o.client = tasks.NewClient(o.ledger, o.rdb, tasks.ClientOptions{MemoryStop: 0.0001})
	o.add(line(t, "sub-1", nil))
	o.at("2026-01-31 14:00:00")
	if _, err := o.sweeper().Sweep(t.Context(), provider); !errors.Is(err, tasks.ErrMemory) {
		t.Fatalf("%v", err)
	}
	o.state("sub-1", "active")
	o.client = tasks.NewClient(o.ledger, o.rdb, tasks.ClientOptions{})
	o.sweep(o.sweeper())
	o.state("sub-1", "active, open 1.0")
}

// contradict lets the provider report a success of a charge that it had declined.
func (o *sweepFixture) contradict(reference string) {
	o.t.Helper()
	q, err := o.ledger.StartQuery(o.t.Context(), key(reference))
	o.must(err)
	s, err := o.ledger.RecordStatus(o.t.Context(), key(reference), idempotency.StatusResult{Version: q.Version, QueriedAt: q.QueriedAt, Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: "late"}, QueryAfter: time.Second})
	o.must(err)
	if s.Anomaly == "" {
		o.t.Fatalf("%s has no anomaly: %+v", reference, s)
	}
}

// declined has the first charge of period 1 declined softly and the dunning announced.
func (o *sweepFixture) declined(id string) {
	o.t.Helper()
	o.add(line(o.t, id, nil))
	o.at("2026-01-31 14:00:00")
	o.answer = func(idempotency.Record) providers.Outcome { return soft }
	o.sweep(o.sweeper())
	o.work()
	o.answer = nil
	o.sweep(o.sweeper())
	o.state(id, "active, open 1.0")
}

func TestNoDunningBesideAChargeThatMayHaveBeenPaid(t *testing.T) {
	const id = "sub-1"
	for sentence, contradiction := range map[string]func(o *sweepFixture){
		"before the claim": func(o *sweepFixture) {
			o.contradict(tasks.TxnID(id, 1, 0))
			o.wait(time.Minute)
			o.sweep(o.sweeper())
		},
		"before the claim, while nobody listens to updates": func(o *sweepFixture) {
			o.contradict(tasks.TxnID(id, 1, 0))
			o.must(o.rdb.Del(o.t.Context(), idempotency.ChargeUpdatesKey(provider)).Err())
			o.wait(time.Minute)
			o.sweep(o.sweeper())
		},
		"between claim and registration": func(o *sweepFixture) {
			o.wait(time.Minute)
			if o.dying(o.sweeper(diesAt(billing.SweepClaimed, 1))) {
				o.t.Fatal("it did not die")
			}
			o.contradict(tasks.TxnID(id, 1, 0))
			o.sweep(o.sweeper())
			o.sweep(o.sweeper())
		},
		"when the new charge is queued": func(o *sweepFixture) {
			o.wait(time.Minute)
			o.sweep(o.sweeper())
			o.contradict(tasks.TxnID(id, 1, 0))
			o.sweep(o.sweeper())
			o.sweep(o.sweeper())
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			o := newSweepFixture(t)
			o.declined(id)
			contradiction(o)
			o.work()
			o.wait(time.Hour)
			o.sweep(o.sweeper())
			o.work()
			o.sentOnce(id + " 1.0")
			o.state(id, "paused anomaly")
			if p := o.periods(id); len(p) != 1 || !strings.HasSuffix(p[0], "failed") {
				t.Errorf("the period: %v", p)
			}
			if e := o.events(id); !slices.Contains(e, billing.Anomaly) || !slices.Contains(e, billing.PeriodUnclear) {
				t.Errorf("the events: %v", e)
			}
		})
	}
}

// An anomaly of an older period reaches a subscription even when it changes at the very moment.
func TestUpdatesThatCameTooLateForADecisionComeAgain(t *testing.T) {
	o := newSweepFixture(t)
	o.add(line(t, "sub-1", nil))
	o.at("2026-01-31 14:00:00")
	o.sweep(o.sweeper())
	o.work()
	o.sweep(o.sweeper())
	o.wantPeriods("sub-1", "1.0 succeeded")
	o.contradict(tasks.TxnID("sub-1", 1, 0))
	o.sweep(o.sweeper(once(billing.SweepCommit, func() { o.byHand("sub-1", o.change("40000")) })))
	o.state("sub-1", "active")
	o.wait(31 * time.Second)
	o.sweep(o.sweeper())
	o.state("sub-1", "paused anomaly")
	o.byHand("sub-1", o.resume)
	o.wait(31 * time.Second)
	o.sweep(o.sweeper())
	o.state("sub-1", "active") // heard once, and not again
}

// Two of them hold the same updates; the slower one's decision is made of a record that is no more.
func TestAStaleDecisionIsNotCarriedOut(t *testing.T) {
	o := newSweepFixture(t)
	o.declined("sub-1")
	o.wait(time.Minute)
	stale := o.sweeper(once(billing.SweepCommit, func() { // it has decided to charge again
		o.contradict(tasks.TxnID("sub-1", 1, 0))
		o.sweep(o.sweeper())
		o.state("sub-1", "paused anomaly")
	}))
	o.sweep(stale)
	o.state("sub-1", "paused anomaly")
	if o.charge("sub-1", 1, 1) != nil || o.work() != 0 {
		t.Error("charged again beside a charge that was paid")
	}
}

func TestAForeignPaymentUnderTheReference(t *testing.T) {
	o := newSweepFixture(t)
	o.add(line(t, "sub-1", nil), line(t, "sub-2", nil))
	_, err := o.ledger.Register(t.Context(), idempotency.Registration{
		Key: key(tasks.TxnID("sub-1", 1, 0)), Type: "charge", Fingerprint: "v1:other", Amount: "1", Currency: "COP", Payload: []byte("{}"),
	})
	o.must(err)
	o.at("2026-01-31 14:00:00")
	o.sweep(o.sweeper())
	o.wait(31 * time.Second)
	o.sweep(o.sweeper())
	o.state("sub-1", "paused conflict")
	o.wantPeriods("sub-1", "1.0 failed")
	o.state("sub-2", "active, open 1.0")
}

// A worker without the key leaves a subscription to one that has it; content that nobody can read
// pauses it.
func TestContentThatCannotBeOpened(t *testing.T) {
	o := newSweepFixture(t)
	with := func(keys string) *billing.Store {
		return billing.NewStore(o.rdb, billing.StoreOptions{TestClock: true, Seal: sealtest.RingOf(t, keys)})
	}
	o.store = with(oldKey)
	o.add(line(t, "sub-1", nil), line(t, "sub-2", nil))
	o.at("2026-01-31 14:00:00")
	o.must(o.rdb.Set(t.Context(), "remesa:{"+provider+"}:sc:sub-2", o.rdb.Get(t.Context(), "remesa:{"+provider+"}:sc:sub-1").Val(), 0).Err())
	o.store = with(newKey)
	if _, err := o.sweeper().Sweep(t.Context(), provider); err != nil {
		t.Fatal(err)
	}
	if err := o.sweeper().SweepOne(t.Context(), provider, "sub-1"); !errors.Is(err, billing.ErrDeferred) {
		t.Errorf("taken up without the key: %v", err)
	}
	o.store = with(oldKey)
	o.state("sub-1", "active")
	o.state("sub-2", "active")
	o.wait(31 * time.Second)
	o.store = with(newKey + "," + oldKey)
	o.sweep(o.sweeper())
	o.state("sub-1", "active, open 1.0")
	o.state("sub-2", "paused unreadable")
	o.work()
	o.sentOnce("sub-1 1.0")
}

func TestADamagedSubscriptionKeepsNoOtherFromItsCharge(t *testing.T) {
	o := newSweepFixture(t)
	o.add(line(t, "sub-1", nil), line(t, "sub-2", nil))
	o.must(o.rdb.Set(t.Context(), "remesa:{"+provider+"}:s:sub-1", "{", 0).Err())
	o.at("2026-01-31 14:00:00")
	o.sweep(o.sweeper())
	o.work()
	o.sweep(o.sweeper())
	o.wantPeriods("sub-2", "1.0 succeeded")
	o.sentOnce("sub-2 1.0")
}

// SweepOne is what a command does after a step by hand, so that its answer is there at once.
func TestSweepOneNow(t *testing.T) {
	o := newSweepFixture(t)
	o.add(line(t, "sub-1", nil), line(t, "sub-2", nil))
	o.at("2026-01-31 14:00:00")
	o.must(o.sweeper().SweepOne(t.Context(), provider, "sub-1"))
	o.state("sub-1", "active, open 1.0")
	o.state("sub-2", "active")
	o.must(o.sweeper().SweepOne(t.Context(), provider, "sub-9"))
}

// A worker that is told to stop finishes the batch that it has begun: nobody else would take it up
// for half a minute.
func TestABatchThatHasBegunIsFinished(t *testing.T) {
	o := newSweepFixture(t)
	o.add(line(t, "sub-1", nil))
	o.at("2026-01-31 14:00:00")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.sweeper(once(billing.SweepCommit, stop)).Run(ctx)
	}()
	<-done
	if c := o.charge("sub-1", 1, 0); c == nil || c.State != idempotency.Queued {
		t.Fatalf("claimed, and its charge is %+v", c)
	}
}

// A charge that nobody could ask about begins its dunning once a person who knows closes its
// attempts; a plain "failed" may yet be paid, and its period is unclear.
func TestAPersonWhoKnowsLetsDunningGoOn(t *testing.T) {
	const id = "sub-1"
	for _, closes := range []bool{false, true} {
		t.Run(fmt.Sprintf("attempts closed %t", closes), func(t *testing.T) {
			o := newSweepFixture(t)
			o.add(line(t, id, nil))
			o.at("2026-01-31 14:00:00")
			o.sweep(o.sweeper())
			o.send(tasks.TxnID(id, 1, 0), providers.Outcome{Class: providers.InDoubt, Code: "timeout"})
			r, err := o.ledger.Show(t.Context(), key(tasks.TxnID(id, 1, 0)))
			o.must(err)
			_, err = o.ledger.Resolve(t.Context(), r.Key, r.Version, idempotency.Resolution{
				Actor: idempotency.Actor{By: "ana", Note: "statement in hand"}, As: "failed", Decline: providers.Soft, AcceptDoubleRisk: closes,
			})
			o.must(err)
			o.sweep(o.sweeper())
			want := billing.PeriodUnclear
			if closes {
				want = billing.DunningScheduled
			}
			if e := o.events(id); !slices.Contains(e, want) {
				t.Errorf("the events: %v, want %s", e, want)
			}
		})
	}
}
