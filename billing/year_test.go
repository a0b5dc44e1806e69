package billing_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/schedule"
	"github.com/remesa/remesa/tasks"
)

// memoryFixture is a store, a ledger and a queue in memory, with the rules of the real ones: a
// decision is written only on the record that it was made of, what is handed out is handed out
// again half a minute later, and a charge is registered only while its guard names it. Its charges
// settle by themselves.
type memoryFixture struct {
	mu      sync.Mutex
	subs    map[string]*memorySubscription
	updates map[string]time.Time
	charges map[string]*idempotency.Record
	// attempts to register each charge, and how long a charge takes.
	asked map[string]int
	takes time.Duration
	wrong []string
}

type memorySubscription struct {
	record  billing.Record
	content []byte
	due     time.Time // zero: never
	guard   string
	closed  []billing.ClosedPeriod
	codes   map[string]int
}

func newMemoryFixture() *memoryFixture {
	return &memoryFixture{
		subs: map[string]*memorySubscription{}, updates: map[string]time.Time{}, charges: map[string]*idempotency.Record{}, asked: map[string]int{},
		takes: time.Minute,
	}
}

func (w *memoryFixture) add(s tasks.Subscription) {
	r := billing.NewAddition(s, nil, time.Now()).Record
	w.subs[s.ID()] = &memorySubscription{record: r, content: s.Payload(), due: time.UnixMilli(r.NextDue), codes: map[string]int{}}
}

func take[K comparable](all map[K]time.Time, limit int) []K {
	now := time.Now()
	var out []K
	for k, at := range all {
		if !at.IsZero() && !at.After(now) && len(out) < limit {
			out = append(out, k)
		}
	}
	return out
}

func (w *memoryFixture) AnyWork(context.Context, string) (bool, error) { return true, nil }

func (w *memoryFixture) Due(_ context.Context, _ string, limit int) (time.Time, []string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for id, c := range w.subs {
		if len(ids) < limit && !c.due.IsZero() && !c.due.After(time.Now()) {
			ids, c.due = append(ids, id), time.Now().Add(30*time.Second)
		}
	}
	return time.Now(), ids, nil
}

func (w *memoryFixture) ChargeUpdates(_ context.Context, _ string, limit int) (time.Time, []billing.ChargeUpdate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []billing.ChargeUpdate
	for _, member := range take(w.updates, limit) {
		id, charge, _ := strings.Cut(member, "|")
		out = append(out, billing.ChargeUpdate{Subscription: id, Charge: charge})
		w.updates[member] = time.Now().Add(30 * time.Second)
	}
	return time.Now(), out, nil
}

// Acknowledge drops the updates: this fixture reports a change once.
func (w *memoryFixture) Acknowledge(_ context.Context, _ string, updates ...billing.ChargeUpdate) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range updates {
		delete(w.updates, n.Subscription+"|"+n.Charge)
	}
	return nil
}

func (w *memoryFixture) Load(_ context.Context, _ string, ids ...string) (out []billing.Stored, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		c := w.subs[id]
		out = append(out, billing.Stored{Record: c.record, Content: c.content, OpenContent: c.content})
	}
	return out, nil
}

func (w *memoryFixture) Commit(_ context.Context, changes ...billing.Update) ([]error, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]error, len(changes))
	for i, c := range changes {
		out[i] = w.commit(c)
	}
	return out, nil
}

func (w *memoryFixture) commit(c billing.Update) error {
	p := c.Decision
	held := w.subs[p.Record.ID]
	if held.record.Version != p.Record.Version {
		return billing.ErrVersionChanged
	}
	held.record, held.due = p.Record, p.Due
	held.record.Version++
	if o := held.record.Open; o == nil || o.Stop {
		held.guard = ""
	}
	if p.Claimed {
		held.guard = c.Charge
	}
	held.closed = append(held.closed, p.Closed...)
	for _, e := range p.Events {
		held.codes[e.Code]++
	}
	return nil
}

func (w *memoryFixture) Now(context.Context, string) (time.Time, error) { return time.Now(), nil }

func (w *memoryFixture) CheckMemory(context.Context) error { return nil }

func (w *memoryFixture) SubmitPeriods(_ context.Context, ps ...tasks.Period) ([]tasks.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]tasks.Receipt, len(ps))
	for i, p := range ps {
		out[i] = tasks.Receipt{Key: p.Task.Key(), Result: w.register(p)}
	}
	return out, nil
}

func (w *memoryFixture) register(p tasks.Period) tasks.SubmitResult {
	id := p.Task.Key().ID()
	w.asked[id]++
	switch {
	case w.charges[id] != nil:
		return tasks.Duplicate
	case w.subs[p.Subscription].guard != id:
		return tasks.Conflict
	}
	if want := tasks.TxnID(p.Subscription, p.Number, 0); want != id {
		w.wrong = append(w.wrong, fmt.Sprintf("%s %d was charged as %s", p.Subscription, p.Number, id))
	}
	w.charges[id] = &idempotency.Record{
		Key: p.Task.Key(), State: idempotency.Sending, Subscription: p.Subscription, Period: fmt.Sprint(p.Number), Created: time.Now(),
	}
	time.AfterFunc(w.takes, func() { w.end(id) })
	return tasks.Enqueued
}

func (w *memoryFixture) end(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.charges[id]
	c.State, c.Updated = idempotency.Succeeded, time.Now()
	w.updates[c.Subscription+"|"+id] = time.Now()
}

func (w *memoryFixture) Show(_ context.Context, k idempotency.Key) (idempotency.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.charges[k.ID()]; c != nil {
		return *c, nil
	}
	return idempotency.Record{}, idempotency.ErrUnknown
}

func (w *memoryFixture) Cancel(context.Context, idempotency.Key, int64, idempotency.Actor) (idempotency.Transition, error) {
	return idempotency.Transition{}, errors.New("nobody cancels here")
}

// sweepers run until ctx is done. They fall out of step with one another by a prime number of
// seconds.
func (w *memoryFixture) sweepers(ctx context.Context, vary ...func(*billing.SweeperConfig)) *sync.WaitGroup {
	var wg sync.WaitGroup
	for _, interval := range []time.Duration{20 * time.Minute, 20*time.Minute + 7*time.Second} {
		o := billing.SweeperConfig{Store: w, Ledger: w, Intake: w, Providers: []string{provider}, Interval: interval, Log: zerolog.Nop()}
		for _, v := range vary {
			v(&o)
		}
		wg.Go(func() { billing.NewSweeper(o).Run(ctx) })
	}
	return &wg
}

// manySubscriptions have a calendar of each zone and unit, at the ends of the day, where clocks
// change, and one each at another time.
func manySubscriptions(t *testing.T, catchUp string, zones ...string) []tasks.Subscription {
	t.Helper()
	var out []tasks.Subscription
	add := func(zone, every, at string) {
		id := strings.NewReplacer("America/", "", ":", "", "_", "-").Replace(zone + "-" + every + "-" + at)
		out = append(out, line(t, id, map[string]any{
			"start": "2026-01-31", "schedule": map[string]any{"every": every, "at": at, "timezone": zone}, "catch_up": catchUp,
		}))
	}
	for _, zone := range zones {
		for _, every := range []string{"day", "week", "month"} {
			add(zone, every, "00:00")
			add(zone, every, "23:30")
		}
		add(zone, "week", "00:30")
		add(zone, "month", "09:00")
	}
	return out
}

// year is until when the virtual time runs.
var (
	january = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	year    = time.Date(2027, 2, 1, 12, 0, 0, 0, time.UTC)
)

// wantDates are the dates on which a subscription is charged, by a way of counting that is not the
// calendar's own.
func wantDates(s tasks.Subscription, until time.Time) (out []string) {
	c := s.Calendar()
	start := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for n := 0; ; n++ {
		day := start.AddDate(0, 0, n)
		switch c.Every {
		case schedule.Week:
			day = start.AddDate(0, 0, 7*n)
		case schedule.Month:
			day = time.Date(2026, time.Month(2+n), 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, -1) // the last of each month
		}
		// Two days are more than any zone is off, and no charge begins later than that.
		if day.After(until.AddDate(0, 0, -2)) {
			return out
		}
		out = append(out, day.Format(time.DateOnly))
	}
}

// Two schedulers and one year with every change of clocks: no period twice, none missing, each on
// its local date.
func TestTwoSchedulersForAYear(t *testing.T) {
	t.Parallel()
	all := append(manySubscriptions(t, "35d", "America/Santiago", "America/Bogota", "America/Mexico_City", "America/Sao_Paulo", "America/Asuncion"),
		line(t, "half-past-midnight", map[string]any{
			"start": "2026-01-31", "schedule": map[string]any{"every": "day", "at": "00:30", "timezone": "America/Santiago"},
		}))
	synctest.Test(t, func(t *testing.T) {
		w := newMemoryFixture()
		time.Sleep(time.Until(january)) // the bubble's clock begins in 2000
		for _, s := range all {
			w.add(s)
		}
		ctx, stop := context.WithCancel(t.Context())
		running := w.sweepers(ctx)
		time.Sleep(time.Until(year))
		stop()
		running.Wait()
		for _, s := range all {
			w.check(t, s, wantDates(s, year), nil)
		}
	})
}

// check compares what became of a subscription with the local dates on which it must have been
// charged, and those that must have been reported.
func (w *memoryFixture) check(t *testing.T, s tasks.Subscription, charged, missed []string) {
	t.Helper()
	c := w.subs[s.ID()]
	got := map[string][]string{}
	for i, p := range c.closed {
		if p.Number != i+1 {
			t.Fatalf("%s: period %d follows %d others", s.ID(), p.Number, i)
		}
		due := time.UnixMilli(p.Due).In(s.Calendar().Zone)
		got[p.State] = append(got[p.State], due.Format(time.DateOnly))
		checkCharge(t, s, p, w.charges[tasks.TxnID(s.ID(), p.Number, 0)], due)
	}
	n := min(len(got["succeeded"]), len(charged))
	if n < len(charged) || len(got["succeeded"]) > n+3 || !slices.Equal(got["succeeded"][:n], charged) {
		t.Errorf("%s was charged on\n%v, want\n%v", s.ID(), got["succeeded"], charged)
	}
	if !slices.Equal(got["missed"], missed) || c.codes[billing.PeriodMissed] != len(missed) {
		t.Errorf("%s: reported as missed %v (%d events), want %v", s.ID(), got["missed"], c.codes[billing.PeriodMissed], missed)
	}
	if len(got) > 1 && missed == nil || len(w.wrong) > 0 {
		t.Errorf("%s: %v %v", s.ID(), slices.Collect(maps.Keys(got)), w.wrong)
	}
}

// checkCharge wants a charge for each period that was charged, and none for the others; none begins
// before its local time.
func checkCharge(t *testing.T, s tasks.Subscription, p billing.ClosedPeriod, c *idempotency.Record, due time.Time) {
	t.Helper()
	if (c != nil) != (p.State == "succeeded") {
		t.Fatalf("%s: period %d is %s, its charge %v", s.ID(), p.Number, p.State, c)
	}
	if c != nil && c.Created.Before(due) {
		t.Errorf("%s: period %d is due at %s and was charged at %s", s.ID(), p.Number, due, c.Created)
	}
	// Only the hour that is skipped at midnight moves a charge to another time.
	if at := s.Calendar().At.String(); due.Format("15:04") != at && !(strings.HasPrefix(at, "00:") && due.Format("15:04") == "01:00") {
		t.Errorf("%s: period %d is due at %s", s.ID(), p.Number, due)
	}
}

// The schedulers stop for weeks, three times a year; what is older than catch_up when they return
// is reported.
func TestSchedulersThatStopForWeeks(t *testing.T) {
	t.Parallel()
	const catchUp = 35 * 24 * time.Hour
	all := manySubscriptions(t, "35d", "America/Santiago", "America/Mexico_City")
	var stops, returns []time.Time
	for _, d := range []struct {
		month time.Month
		days  int
	}{{3, 20}, {5, 40}, {8, 60}} {
		stop := time.Date(2026, d.month, 20, 4, 25, 0, 0, time.UTC) // nothing is due just then
		stops, returns = append(stops, stop), append(returns, stop.AddDate(0, 0, d.days))
	}
	synctest.Test(t, func(t *testing.T) {
		w := newMemoryFixture()
		time.Sleep(time.Until(january))
		for _, s := range all {
			w.add(s)
		}
		for i := range len(stops) + 1 {
			ctx, stop := context.WithCancel(t.Context())
			running := w.sweepers(ctx)
			if i == len(stops) {
				time.Sleep(time.Until(year))
			} else {
				time.Sleep(time.Until(stops[i]))
			}
			stop()
			running.Wait()
			if i < len(returns) {
				time.Sleep(time.Until(returns[i]))
			}
		}
		for _, s := range all {
			charged, missed := []string{}, []string{}
			for i, date := range wantDates(s, year) {
				due := s.Calendar().Due(i + 1)
				for j := range stops {
					if due.After(stops[j]) && due.Before(returns[j].Add(-catchUp)) {
						missed = append(missed, date)
						date = ""
						break
					}
				}
				if date != "" {
					charged = append(charged, date)
				}
			}
			w.check(t, s, charged, missed)
		}
	})
}

// A sweeper that dies at its steps again and again, beside another that is slow to do what it
// decided.
func TestSchedulersThatDieAndStall(t *testing.T) {
	t.Parallel()
	all := manySubscriptions(t, "366d", "America/Santiago", "America/Asuncion")
	synctest.Test(t, func(t *testing.T) {
		w := newMemoryFixture()
		time.Sleep(time.Until(january))
		for _, s := range all {
			w.add(s)
		}
		until := january.AddDate(0, 3, 20)
		steps := 0
		ctx, stop := context.WithCancel(t.Context())
		running := w.sweepers(ctx, func(o *billing.SweeperConfig) {
			o.OnFaultPoint = func(billing.SweepPoint, string) {
				w.mu.Lock()
				steps++
				n := steps
				w.mu.Unlock()
				if n%7 == 0 {
					time.Sleep(time.Duration(n%11) * 17 * time.Second)
				}
			}
		})
		for n := 0; time.Now().Before(until); n++ {
			s := billing.NewSweeper(billing.SweeperConfig{Store: w, Ledger: w, Intake: w, Log: zerolog.Nop()})
			diesAt(billing.SweepPoints()[n%4], 1+n%3)(&s.SweeperConfig)
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				_, _ = s.Sweep(ctx, provider)
			}()
			<-gone
			time.Sleep(97 * time.Minute)
		}
		time.Sleep(12 * time.Hour)
		stop()
		running.Wait()
		for _, s := range all {
			w.check(t, s, wantDates(s, until), nil)
		}
	})
}
