package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/tasks"
)

// subscriptions are the recurring charges of a world: at most one, daily for two days.
type subscriptions struct {
	*billing.Memory
	of *tasks.Subscription
}

const subscriptionLine = `{"id":"sub-1","provider":"pagoseguro","amount":"32900","currency":"COP","description":"Canal","start":"2000-01-01",
"schedule":{"every":"day","at":"00:03","timezone":"UTC"},"end":"2000-01-02","dunning":["10m","30m"],
"customer":{"name":"Ana Ruiz","email":"ana@example.com","document_type":1,"document":"100000000","phone":"3100000000",
"address":"Calle 10","city":"Bogotá","first_names":"Ana","last_names":"Ruiz"},
"card":{"token":"` + cardToken + `","brand":"MasterCard","expiry_month":12,"expiry_year":99,"installments":1}}`

func (w *world) newSubscriptions() error {
	w.subscriptions.Memory = billing.NewMemory(w.store.memory)
	if !w.plan.subscription {
		return nil
	}
	s, err := tasks.DecodeSubscription([]byte(subscriptionLine))
	if err != nil {
		return err
	}
	w.subscriptions.of = &s
	return w.subscriptions.Add(billing.NewAddition(s, nil, w.store.memory.Now()))
}

// newSweeper makes a worker's sweeper.
func (w *world) newSweeper(p *process) *billing.Sweeper {
	return billing.NewSweeper(billing.SweeperConfig{
		Store: &processSubscriptions{w.subscriptions.Memory, &processStore{world: w, process: p}}, Ledger: p.ledger, Intake: &intake{w, p},
		Log:          zerolog.Nop(),
		OnFaultPoint: func(point billing.SweepPoint, _ string) { w.stop(p, pathPoint, nil, string(point)) },
	})
}

// sweepDue reports whether a sweep finds something to do.
func (w *world) sweepDue() bool {
	if w.subscriptions.of == nil || time.Since(w.swept) < time.Second {
		return false
	}
	due := w.subscriptions.NextDue(pagoseguro.Name)
	updates := len(w.store.memory.ChargeUpdates(pagoseguro.Name)) > 0 && time.Since(w.swept) >= parkedInterval
	return updates || !due.IsZero() && !due.After(w.store.memory.Now())
}

// nextSweep is when a sweep finds something to do; zero if never.
func (w *world) nextSweep() time.Time {
	if w.subscriptions.of == nil {
		return time.Time{}
	}
	if len(w.store.memory.ChargeUpdates(pagoseguro.Name)) > 0 {
		return w.swept.Add(parkedInterval)
	}
	due := w.subscriptions.NextDue(pagoseguro.Name)
	if due.IsZero() {
		return due
	}
	at := time.Now().Add(due.Sub(w.store.memory.Now()))
	if soonest := w.swept.Add(time.Second); at.Before(soonest) {
		return soonest
	}
	return at
}

// judgeSubscription requires that each period was paid at most once, and that none was left out.
func (w *world) judgeSubscription() {
	s := w.subscriptions.of
	if s == nil {
		return
	}
	key := idempotency.Key{Provider: s.Provider(), Account: s.Account(), Reference: s.ID()}
	stored, err := w.subscriptions.Load(context.Background(), s.Provider(), s.ID())
	if err != nil || len(stored) != 1 {
		w.violate(&key, "the subscription is gone")
		return
	}
	for period := range 2 {
		paid := 0
		for attempt := range len(s.Dunning()) + 1 {
			paid += w.sandbox.Find(s.Provider()).ExecutionCount(tasks.TxnID(s.ID(), period+1, attempt))
		}
		if paid > 1 {
			w.violate(&key, fmt.Sprintf("period %d was paid %d times", period+1, paid))
		}
	}
	if stored[0].Record.State == billing.Active {
		w.violate(&key, "the subscription has not come to its end")
	}
}

// charging reports whether the subscription has periods to come.
func (w *world) charging() bool {
	if w.subscriptions.of == nil {
		return false
	}
	stored, err := w.subscriptions.Load(context.Background(), w.subscriptions.of.Provider(), w.subscriptions.of.ID())
	return err == nil && len(stored) == 1 && stored[0].Record.State == billing.Active
}

// processSubscriptions are the subscriptions as a process reaches them.
type processSubscriptions struct {
	*billing.Memory
	store *processStore
}

func (s *processSubscriptions) Due(ctx context.Context, provider string, limit int) (now time.Time, ids []string, err error) {
	err = s.store.ask(ctx, nil, "which subscriptions are due", func() (err error) {
		now, ids, err = s.Memory.Due(ctx, provider, limit)
		return err
	})
	return now, ids, err
}

func (s *processSubscriptions) ChargeUpdates(ctx context.Context, provider string, limit int) (now time.Time, us []billing.ChargeUpdate, err error) {
	err = s.store.ask(ctx, nil, "which charges changed", func() (err error) {
		now, us, err = s.Memory.ChargeUpdates(ctx, provider, limit)
		return err
	})
	return now, us, err
}

func (s *processSubscriptions) Acknowledge(ctx context.Context, provider string, us ...billing.ChargeUpdate) error {
	return s.store.ask(ctx, nil, "acknowledges changes of charges", func() error { return s.Memory.Acknowledge(ctx, provider, us...) })
}

func (s *processSubscriptions) Load(ctx context.Context, provider string, ids ...string) (out []billing.Stored, err error) {
	err = s.store.ask(ctx, nil, "reads subscriptions", func() (err error) {
		out, err = s.Memory.Load(ctx, provider, ids...)
		return err
	})
	return out, err
}

func (s *processSubscriptions) Commit(ctx context.Context, us ...billing.Update) (errs []error, err error) {
	err = s.store.ask(ctx, nil, "writes subscriptions", func() (err error) {
		errs, err = s.Memory.Commit(ctx, us...)
		return err
	})
	return errs, err
}

// intake registers the charges of periods, as tasks.Client does.
type intake struct {
	world   *world
	process *process
}

func (i *intake) CheckMemory(context.Context) error { return nil }

func (i *intake) SubmitPeriods(ctx context.Context, ps ...tasks.Period) ([]tasks.Receipt, error) {
	rs := make([]idempotency.Registration, len(ps))
	for n, p := range ps {
		rs[n] = p.Task.Registration(nil)
		rs[n].Subscription, rs[n].Period, rs[n].ChargeGuard = p.Subscription, strconv.Itoa(p.Number), p.ChargeGuard
		i.world.period(p.Task)
	}
	registered, err := i.process.ledger.Register(ctx, rs...)
	if err != nil {
		return nil, err
	}
	receipts := make([]tasks.Receipt, len(ps))
	for n, r := range registered {
		receipts[n] = tasks.Receipt{Key: rs[n].Key, Result: tasks.Enqueued, State: r.State}
		if r.Result == idempotency.Conflict {
			receipts[n].Result = tasks.Conflict
			continue
		}
		i.world.registeredPeriod(ps[n].Task, r)
	}
	return receipts, nil
}

// period returns the charge of a period, whether or not it is registered yet.
func (w *world) period(t tasks.Task) *payment {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.payments {
		if p.key == t.Key() {
			return p
		}
	}
	p := &payment{key: t.Key(), task: t, ofPeriod: true}
	w.payments = append(w.payments, p)
	return p
}

func (w *world) registeredPeriod(t tasks.Task, r idempotency.Registered) {
	p := w.period(t)
	w.mu.Lock()
	defer w.mu.Unlock()
	p.registered = true
	w.queue = append(w.queue, idempotency.WakeUp{Key: t.Key(), Generation: r.Generation})
}
