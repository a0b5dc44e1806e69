package billing_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/seal"
	"github.com/remesa/remesa/tasks"
)

var asked = billing.Actor{By: "ana", Note: "asked for by mail"}

func (o *sweepFixture) billing() *billing.Client {
	return billing.NewClient(billing.ClientConfig{Store: o.store, Ledger: o.ledger, Intake: o.client})
}

func TestAddAnswersEachSubscription(t *testing.T) {
	o := newSweepFixture(t)
	c := o.billing()
	first := line(t, "a", nil)
	other := line(t, "a", map[string]any{"description": "another"})
	got, err := c.Add(t.Context(), first, first, line(t, "a", map[string]any{"amount": "33000"}), other, line(t, "b", nil))
	o.must(err)
	want := []billing.Receipt{
		{ID: "a", Outcome: billing.Added},
		{ID: "a", Outcome: billing.Duplicate, State: billing.Active},
		{ID: "a", Outcome: billing.Conflicting, Problem: "amount: differs from the added subscription's"},
		{ID: "a", Outcome: billing.Conflicting, Problem: "fingerprint: " + other.Fingerprint(nil) + ", added as " + first.Fingerprint(nil)},
		{ID: "b", Outcome: billing.Added},
	}
	same(t, "receipts", got, want)
	if _, err := c.Pause(t.Context(), "a", asked); err != nil {
		t.Fatal(err)
	}
	got, err = c.Add(t.Context(), first)
	o.must(err)
	same(t, "added again after a pause", got, []billing.Receipt{{ID: "a", Outcome: billing.Duplicate, State: billing.Paused}})
	if got, err := c.Add(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("nothing to add: %v %v", got, err)
	}
}

func TestAFullRedisTakesNoNewSubscription(t *testing.T) {
	o := newSweepFixture(t, redistest.MaxMemory("1100kb"))
	if _, err := o.billing().Add(t.Context(), line(t, "a", nil)); !errors.Is(err, tasks.ErrMemory) {
		t.Errorf("%v", err)
	}
	if _, err := o.billing().Get(t.Context(), "a"); !errors.Is(err, billing.ErrUnknown) {
		t.Errorf("it was added: %v", err)
	}
}

func TestARequestTakesEffectAtOnce(t *testing.T) {
	o := newSweepFixture(t)
	c := o.billing()
	o.add(line(t, "s", nil))
	o.at("2026-01-31 14:00:00")
	o.sweep(o.sweeper())
	if r := o.charge("s", 1, 0); r == nil || r.State != idempotency.Queued {
		t.Fatalf("the charge: %+v", r)
	}
	applied, err := c.Cancel(t.Context(), "s", asked)
	o.must(err)
	if applied.Before.State != billing.Active || applied.After.State != billing.Ended || applied.Deferred != nil {
		t.Errorf("%+v", applied)
	}
	if r := o.charge("s", 1, 0); r.State != idempotency.Failed || r.Code != "cancelled" {
		t.Errorf("the charge is %s %s", r.State, r.Code)
	}
	o.wantPeriods("s", "1.0 cancelled")
	o.sentOnce()
}

func TestARequestThatIsWrongChangesNothing(t *testing.T) {
	o := newSweepFixture(t)
	c := o.billing()
	o.add(line(t, "s", nil))
	before := o.text("s")
	amount := "50.001"
	for sentence, row := range map[string]struct {
		do   func() (billing.Applied, error)
		want func(error) bool
	}{
		"no such id":        {func() (billing.Applied, error) { return c.Pause(t.Context(), "nobody", asked) }, isUnknown},
		"an id of no form":  {func() (billing.Applied, error) { return c.Pause(t.Context(), "a/b", asked) }, isA[billing.RequestError]},
		"nobody":            {func() (billing.Applied, error) { return c.Pause(t.Context(), "s", billing.Actor{Note: "x"}) }, isA[billing.RequestError]},
		"for no reason":     {func() (billing.Applied, error) { return c.Pause(t.Context(), "s", billing.Actor{By: "x"}) }, isA[billing.RequestError]},
		"a name with a bar": {func() (billing.Applied, error) { return c.Pause(t.Context(), "s", billing.Actor{By: "a|b", Note: "x"}) }, isA[billing.RequestError]},
		"a name of two lines": {func() (billing.Applied, error) {
			return c.Pause(t.Context(), "s", billing.Actor{By: "a\nb", Note: "x"})
		}, isA[billing.RequestError]},
		"resume what goes on": {func() (billing.Applied, error) { return c.Resume(t.Context(), "s", asked) }, isA[billing.Refusal]},
		"a change of nothing": {func() (billing.Applied, error) { return c.Change(t.Context(), "s", tasks.Change{}, asked) }, isA[billing.RequestError]},
		"a wrong amount": {func() (billing.Applied, error) {
			return c.Change(t.Context(), "s", tasks.Change{Amount: &amount}, asked)
		}, isA[*tasks.FieldError]},
		"a wrong card": {func() (billing.Applied, error) {
			return c.Change(t.Context(), "s", tasks.Change{Card: []byte("[]")}, asked)
		}, isA[*tasks.FieldError]},
	} {
		if _, err := row.do(); !row.want(err) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
	if after := o.text("s"); after != before {
		t.Errorf("the record is now %s", after)
	}
}

func isUnknown(err error) bool { return errors.Is(err, billing.ErrUnknown) }

func isA[E error](err error) bool { return errors.As(err, new(E)) }

func (o *sweepFixture) text(id string) string {
	o.t.Helper()
	text, err := o.rdb.Get(o.t.Context(), "remesa:{"+provider+"}:s:"+id).Result()
	o.must(err)
	return text
}

func TestAContentWithoutItsKeyCannotBeChanged(t *testing.T) {
	o := newSweepFixture(t)
	o.store = billing.NewStore(o.rdb, billing.StoreOptions{TestClock: true, Seal: sealtest.RingOf(t, oldKey)})
	o.add(line(t, "s", nil))
	o.store = billing.NewStore(o.rdb, billing.StoreOptions{TestClock: true, Seal: sealtest.RingOf(t, newKey)})
	amount := "40000"
	_, err := o.billing().Change(t.Context(), "s", tasks.Change{Amount: &amount}, asked)
	if !errors.As(err, new(billing.ContentError)) || !errors.Is(err, seal.ErrUnknownKey) || !strings.HasPrefix(err.Error(), "s: its content: ") {
		t.Errorf("%v", err)
	}
	applied, err := o.billing().Pause(t.Context(), "s", asked)
	if err != nil || applied.After.State != billing.Paused || !errors.Is(applied.Deferred, billing.ErrDeferred) {
		t.Errorf("a pause, which needs no content: %+v %v", applied, err)
	}
}

func TestGetFollowsAPeriodAndListKeepsTheOrder(t *testing.T) {
	o := newSweepFixture(t)
	c := o.billing()
	o.add(line(t, "s", map[string]any{"dunning": []string{"1h", "2h"}}))
	o.wait(time.Second)
	o.add(line(t, "later", map[string]any{"start": "2026-12-01"}))
	o.at("2026-01-31 14:00:00")
	o.sweep(o.sweeper())
	o.answer = func(idempotency.Record) providers.Outcome { return soft }
	o.wantPeriod(c, "s", "1 due 2026-01-31T09:00:00-05:00 queued/0 [0 queued]")
	o.work()
	o.sweep(o.sweeper())
	o.wantPeriod(c, "s", "1 due 2026-01-31T09:00:00-05:00 failed/0 next 2026-01-31T10:00:00-05:00 [0 failed]")
	o.answer = nil
	o.wait(time.Hour)
	o.sweep(o.sweeper())
	o.work()
	o.sweep(o.sweeper())
	o.wantPeriod(c, "s", "1 due 2026-01-31T09:00:00-05:00 succeeded/1 [0 failed 1 succeeded]")
	var ids []string
	for s, err := range c.List(t.Context(), billing.Filter{}) {
		o.must(err)
		ids = append(ids, s.ID+" "+s.NextDue.Format(time.DateOnly))
	}
	same(t, "listed", ids, []string{"s 2026-02-28", "later 2026-12-01"})
	for s, err := range c.List(t.Context(), billing.Filter{State: billing.Paused, Provider: provider}) {
		t.Errorf("nothing is paused: %+v %v", s, err)
	}
}

func (o *sweepFixture) wantPeriod(c *billing.Client, id, want string) {
	o.t.Helper()
	details, err := c.Get(o.t.Context(), id)
	o.must(err)
	var out []string
	for _, p := range details.Periods {
		text := fmt.Sprintf("%d due %s %s/%d", p.Number, p.Due.Format(time.RFC3339), p.State, p.DunningAttempt)
		if !p.NextCharge.IsZero() {
			text += " next " + p.NextCharge.Format(time.RFC3339)
		}
		var charges []string
		for _, charge := range p.Charges {
			charges = append(charges, fmt.Sprint(charge.DunningAttempt, " ", charge.State))
		}
		out = append(out, text+" ["+strings.Join(charges, " ")+"]")
	}
	if got := strings.Join(out, ", "); got != want {
		o.t.Errorf("periods %s, want %s", got, want)
	}
}
