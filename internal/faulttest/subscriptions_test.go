package faulttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/sandbox"
	simulators "github.com/remesa/remesa/providers/sandbox/all"
	"github.com/remesa/remesa/tasks"
)

// subscriptionsFixture is subscriptions that fell due while no worker ran.
type subscriptionsFixture struct {
	*providerFixture
	store *billing.Store
	terms map[string]tasks.Subscription
	now   time.Time
	// lost is how many charges an operator resolved as not executed.
	lost int
}

// subscribe adds monthly subscriptions on the 31st, in several time zones, as of five months ago.
func (b *providerFixture) subscribe(n int, more map[string]any) *subscriptionsFixture {
	b.t.Helper()
	c := &subscriptionsFixture{providerFixture: b, store: billing.NewStore(b.rdb, billing.StoreOptions{}), terms: map[string]tasks.Subscription{}, now: time.Now()}
	zones := []string{"America/Bogota", "America/Mexico_City", "America/Santiago", "America/Sao_Paulo"}
	for i := range n {
		charge := pagandoCheckCharge(i + 1)
		fields := map[string]any{
			"id": fmt.Sprintf("%s%03d", b.prefix, i), "provider": b.provider, "amount": charge.Amount, "currency": charge.Currency,
			"start": c.start(i).Format(time.DateOnly), "catch_up": "400d", "customer": charge.Customer, "card": map[string]any{"token": charge.Card.Token.Reveal()},
			"agreement": charge.Agreement, "schedule": map[string]any{"every": "month", "at": "00:00", "timezone": zones[i%len(zones)]},
		}
		for name, value := range more {
			fields[name] = value
		}
		c.add(fields, c.start(i).AddDate(0, 0, -2))
	}
	return c
}

// start is the 31st of a month four or five months ago, and for some the 30th before it.
func (c *subscriptionsFixture) start(i int) time.Time {
	at := time.Date(c.now.Year(), c.now.Month()-5, 31, 0, 0, 0, 0, time.UTC)
	if at.Day() != 31 {
		at = time.Date(c.now.Year(), c.now.Month()-4, 31, 0, 0, 0, 0, time.UTC)
	}
	return at.AddDate(0, 0, -(i % 2))
}

func (c *subscriptionsFixture) add(fields map[string]any, added time.Time) {
	c.t.Helper()
	line, err := json.Marshal(fields)
	if err != nil {
		c.t.Fatal(err)
	}
	s, err := tasks.DecodeSubscription(line)
	if err != nil {
		c.t.Fatal(err)
	}
	got, err := c.store.Add(c.t.Context(), billing.NewAddition(s, nil, added))
	if err != nil || !got[0].New {
		c.t.Fatalf("add %s: %+v %v", s.ID(), got, err)
	}
	c.terms[s.ID()] = s
}

// due lists the periods that fell due by now.
func (c *subscriptionsFixture) due(s tasks.Subscription) []billing.ClosedPeriod {
	var all []billing.ClosedPeriod
	for n := 1; ; n++ {
		due := s.Calendar().Due(n)
		if due.After(c.now) {
			return all
		}
		all = append(all, billing.ClosedPeriod{Number: n, Due: due.UnixMilli(), State: "succeeded"})
	}
}

// decide is the operator who resolves what no machine can find out, by the provider's own book.
func (c *subscriptionsFixture) decide() error {
	var failed error
	err := c.ledger.List(context.Background(), idempotency.Filter{Provider: c.provider, State: idempotency.Held}, func(r idempotency.Record) bool {
		resolution := idempotency.Resolution{Actor: operator(), As: "failed", Decline: providers.Soft}
		if c.sim.ExecutionCount(r.Key.Reference) > 0 {
			resolution.As, resolution.Decline = "succeeded", ""
		}
		if _, err := c.ledger.Resolve(context.Background(), r.Key, r.Version, resolution); err != nil && !errors.Is(err, idempotency.ErrVersionChanged) {
			failed = err
		}
		return failed == nil
	})
	return errors.Join(err, failed)
}

// caughtUp reports which subscription still waits for something.
func (c *subscriptionsFixture) caughtUp() error {
	if err := c.decide(); err != nil {
		return err
	}
	var waiting error
	err := c.store.List(context.Background(), c.provider, func(r billing.Record) bool {
		if r.State != billing.Active || r.Open != nil || r.NextDue < c.now.UnixMilli() {
			waiting = fmt.Errorf("%s is %s %s, next %d, open %+v", r.ID, r.State, r.Reason, r.Next, r.Open)
			if r.Open != nil {
				k := c.key(tasks.TxnID(r.ID, r.Open.Period, r.Open.Attempt))
				p, err := c.ledger.Show(context.Background(), k)
				waiting = errors.Join(fmt.Errorf("%w: %s", waiting, describe(p)), err)
			}
		}
		return waiting == nil
	})
	if err != nil {
		return err
	}
	return waiting
}

// assertEachOnce compares what is on record, and what the provider executed, with the calendar.
func (c *subscriptionsFixture) assertEachOnce() {
	c.t.Helper()
	expected := 0
	for id, s := range c.terms {
		want := c.due(s)
		expected += len(want)
		got, err := c.store.Periods(c.t.Context(), c.provider, id)
		for i := range min(len(got), len(want)) {
			if !c.paidOnce(id, got[i]) {
				want[i].State = "failed"
				expected--
			}
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			c.t.Errorf("%s: closed\n%+v, want\n%+v (%v)", id, got, want, err)
		}
		for _, p := range want {
			due := time.UnixMilli(p.Due).In(s.Calendar().Zone)
			if date := s.Calendar().Date(p.Number).String(); due.Format(time.DateOnly) != date {
				c.t.Errorf("%s period %d fell due on %s, want %s", id, p.Number, due, date)
			}
		}
	}
	if paid := len(c.sim.Executions()); paid != expected {
		c.t.Errorf("%d charges were paid, want %d", paid, expected)
	}
}

// paidOnce wants one execution of a period's charge. It is false where there was none because its
// worker died with it: at this provider no machine can find out, so an operator decided, and no
// other charge is ever made beside it.
func (c *subscriptionsFixture) paidOnce(id string, p billing.ClosedPeriod) bool {
	c.t.Helper()
	reference := tasks.TxnID(id, p.Number, 0)
	r, err := c.ledger.Show(c.t.Context(), c.key(reference))
	moved := c.sim.ExecutionCount(reference)
	if moved == 0 && r.MayHaveLeft && r.Code == "resolved" && r.State == idempotency.Failed {
		c.lost++
		return false
	}
	if moved != 1 || p.Attempt != 0 || err != nil {
		c.t.Errorf("%s period %d was paid %d times, %+v: %v %s", id, p.Number, moved, p, err, describe(r))
	}
	return true
}

// TestSubscriptionsAreCaughtUpWhileWorkersDie: whenever a worker dies, each period is charged once,
// on its own date, under its own reference.
func TestSubscriptionsAreCaughtUpWhileWorkersDie(t *testing.T) {
	t.Parallel()
	server := startSimulators(t, simulators.Options{})
	w := newFixtureIn(t, defaultTiming(), redistest.Start(t, redistest.Appendonly("always")), server.process(t), server.settings(
		"REMESA_POLL_DEADLINE", "3s", "REMESA_SWEEP_INTERVAL", "200ms", "REMESA_TOKEN_KEY", tokenKey)...)
	b := w.addProvider(server, pagandocheck.Name)
	b.addFault(sandbox.Fault{Kind: "latency", Operation: sandbox.SendOperation, Delay: sandbox.Duration(20 * time.Millisecond)})
	c := b.subscribe(200, map[string]any{"dunning": []string{"200ms", "200ms", "200ms", "200ms", "200ms"}})
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for _, step := range []billing.SweepPoint{billing.SweepCommit, billing.SweepClaimed, billing.SweepCharged} {
		// Each has taken some of them, which no other worker gets for half a minute.
		c.startWorker(faulty, "REMESA_FAULT", string(step)+":kill:1", "REMESA_FAULT_FILE", c.faultFile(), "REMESA_SWEEP_LIMIT", "50").Exit(testTimeout)
	}
	c.work(3)
	for range either(12, 60) {
		pause(300 * time.Millisecond)
		i := random.IntN(len(c.workers))
		c.workers[i].Kill()
		c.workers[i] = c.startWorker(worker)
	}
	eventually.NoError(t, either[time.Duration](3, 10)*time.Minute, c.caughtUp)
	c.drain()
	c.assertEachOnce()
	t.Logf("%d charges were given up with their workers", c.lost)
	if c.lost > 100 {
		t.Errorf("%d charges were given up with their workers: more than can have been under way", c.lost)
	}
}

// TestACancelledSubscriptionIsNotChargedAnyMore: what was claimed and has not begun is cancelled
// with it, also where the worker died that had claimed it.
func TestACancelledSubscriptionIsNotChargedAnyMore(t *testing.T) {
	t.Parallel()
	server := startSimulators(t, simulators.Options{})
	w := newFixtureIn(t, fastTiming(), redistest.Start(t, redistest.Appendonly("always")), server.process(t), server.settings("REMESA_SWEEP_INTERVAL", "200ms")...)
	b := w.addProvider(server, pagandocheck.Name)
	c := b.subscribe(1, nil)
	dying := c.startWorker(faulty, "REMESA_FAULT", string(billing.SweepClaimed)+":kill:1", "REMESA_FAULT_FILE", c.faultFile())
	dying.Exit(testTimeout)
	for id := range c.terms {
		loaded, err := c.store.Load(t.Context(), c.provider, id)
		if err != nil || len(loaded) != 1 || loaded[0].Record.Open == nil {
			t.Fatalf("nothing was claimed: %+v %v", loaded, err)
		}
		decision, err := loaded[0].Record.Cancel(time.Now(), billing.Actor{By: "ana", Note: "left"})
		if err != nil {
			t.Fatal(err)
		}
		if answers, err := c.store.Commit(t.Context(), billing.Update{Decision: decision}); err != nil || answers[0] != nil {
			t.Fatal(answers, err)
		}
	}
	c.work(1)
	eventually.NoError(t, testTimeout, func() error {
		for id := range c.terms {
			periods, err := c.store.Periods(context.Background(), c.provider, id)
			if err != nil || len(periods) != 1 {
				return errors.Join(fmt.Errorf("closed %+v", periods), err)
			}
			if periods[0].State != billing.Cancelled {
				t.Fatalf("the period ended as %s", periods[0].State)
			}
		}
		return nil
	})
	c.drain()
	if n := len(c.sim.Executions()); n != 0 {
		t.Errorf("%d charges were paid", n)
	}
	if counts, err := c.counts(); err != nil || counts[idempotency.Queued] != 0 {
		t.Errorf("still queued: %v %v", counts, err)
	}
}
