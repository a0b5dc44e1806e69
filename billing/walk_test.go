package billing

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/remesa/remesa/schedule"
)

// walk is one subscription in a world where anything may happen next: sweepers decide on old
// knowledge, stall and die between any two of their steps, charges end in every way and contradict
// themselves later, and persons step in. It keeps the promise, whatever comes.
type walk struct {
	t      *rapid.T
	now    time.Time
	terms  Terms
	r      Record
	due    time.Time // zero: it is never due
	guard  string
	ledger map[string]*walkCharge
	// updates has when the ledger reported a change of a charge: what is reported while an older
	// one is handled stays.
	updates map[string]int
	reports int
	// sweepers are in the middle of their work.
	sweepers []*sweeperAtWork
	closed   []ClosedPeriod
	trace    []string
}

// walkCharge is what the ledger has of a charge, and what really happened.
type walkCharge struct {
	Charge
	name string
	paid bool // the provider took the money
}

// sweeperAtWork is a sweeper that has decided, and then perhaps written.
type sweeperAtWork struct {
	decision Decision
	written  bool
	reported map[string]int
}

func newWalk(t *rapid.T) *walk {
	w := &walk{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), ledger: map[string]*walkCharge{}, updates: map[string]int{}}
	w.terms = Terms{
		Calendar: schedule.Calendar{
			Every: rapid.SampledFrom([]schedule.Unit{schedule.Day, schedule.Week, schedule.Month}).Draw(t, "every"), Start: date(2025, 12, 20), At: schedule.TimeOfDay{Hour: 9}, Zone: time.UTC,
		},
		Backfill: rapid.Bool().Draw(t, "backfill"),
		CatchUp:  time.Duration(rapid.IntRange(1, 40).Draw(t, "catch-up days")) * aDay,
		Dunning:  []time.Duration{time.Hour, 30 * time.Hour}[:rapid.IntRange(0, 2).Draw(t, "dunnings")],
	}
	if rapid.IntRange(0, 3).Draw(t, "has an end") == 0 {
		w.terms.End = date(2026, 2, 10)
	}
	w.r = newRecord("sub-1", w.terms, w.now)
	w.due = time.UnixMilli(max(w.r.NextDue, w.r.Added))
	return w
}

func (w *walk) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s\nafter:\n  %s", fmt.Sprintf(format, args...), strings.Join(w.trace, "\n  "))
}

func (w *walk) log(format string, args ...any) {
	w.trace = append(w.trace, w.now.Format(stampForm)+" "+fmt.Sprintf(format, args...))
}

func name(period, attempt int) string { return fmt.Sprintf("%d.%d", period, attempt) }

// decide reads the record and the ledger, as they are now.
func (w *walk) decide(reported map[string]int) *sweeperAtWork {
	var charges, others []Charge
	unclean := false
	for n := range reported {
		if c := w.ledger[n]; w.r.Open == nil || !strings.HasPrefix(n, fmt.Sprint(w.r.Open.Period)+".") {
			others = append(others, c.Charge)
		}
	}
	if o := w.r.Open; o != nil {
		for attempt := range o.Attempt + 1 {
			c := Charge{}
			if held := w.ledger[name(o.Period, attempt)]; held != nil {
				c = held.Charge
			}
			charges = append(charges, c)
			unclean = unclean || !c.unpaid()
		}
	}
	h := &sweeperAtWork{decision: w.r.Decide(Facts{Now: w.now, Terms: w.terms, OpenTerms: w.terms, Charges: charges, Others: others}), reported: reported}
	if p := h.decision; p.Claimed && p.Record.Open.Attempt > 0 && unclean {
		w.fail("%s is claimed beside a charge that may have been paid", name(p.Record.Open.Period, p.Record.Open.Attempt))
	}
	return h
}

// write commits a decision as the store does.
func (w *walk) write(p Decision, who string) bool {
	if p.Record.Version != w.r.Version {
		w.log("%s: moved", who)
		return false
	}
	before := w.r.Open
	w.log("%s: %s", who, strings.Join(describe(p), "; "))
	w.r, w.due = p.Record, p.Due
	w.r.Version++
	if w.r.Open == nil || w.r.Open.Stop {
		w.guard = ""
	}
	if p.Claimed {
		w.guard = name(w.r.Open.Period, w.r.Open.Attempt)
		if w.ledger[w.guard] != nil {
			w.fail("%s is claimed a second time", w.guard)
		}
	}
	w.closed = append(w.closed, p.Closed...)
	if before != nil && len(p.Closed) > 0 && p.Closed[0].Number != before.Period {
		w.fail("period %d was open, and %d is closed", before.Period, p.Closed[0].Number)
	}
	return true
}

func (w *walk) register(h *sweeperAtWork) {
	if !h.written || !h.decision.Register {
		return
	}
	n := name(h.decision.Record.Open.Period, h.decision.Record.Open.Attempt)
	if w.ledger[n] != nil || w.guard != n {
		w.log("register %s: duplicate or another charge is guarded", n)
		return
	}
	if o := w.r.Open; o == nil || name(o.Period, o.Attempt) != n || o.Stop {
		w.fail("%s is registered while %+v is open", n, o)
	}
	for other, c := range w.ledger {
		if !c.Final {
			w.fail("%s is registered while %s is under way", n, other)
		}
	}
	w.log("register %s", n)
	w.ledger[n] = &walkCharge{Charge: Charge{Known: true, State: "queued"}, name: n}
}

func (w *walk) pick(what string, good func(*walkCharge) bool) *walkCharge {
	var names []string
	for n, c := range w.ledger {
		if good(c) {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		w.t.Skip("no charge to " + what)
	}
	slices.Sort(names)
	return w.ledger[rapid.SampledFrom(names).Draw(w.t, what)]
}

func (w *walk) anySweeper() *sweeperAtWork {
	if len(w.sweepers) == 0 {
		w.t.Skip("nobody is at work")
	}
	return w.sweepers[rapid.IntRange(0, len(w.sweepers)-1).Draw(w.t, "sweeper")]
}

func (w *walk) end(c *walkCharge, state, code, decline string) {
	c.Final, c.State, c.Code, c.Decline, c.FinalAt = true, state, code, decline, w.now
	w.report(c)
	w.log("charge %s: %s %s %s, may have left %t", c.name, state, code, decline, c.MayHaveLeft)
}

func (w *walk) actions() map[string]func(*rapid.T) {
	person := func(step func() (Decision, error)) func(*rapid.T) {
		return func(t *rapid.T) {
			if rapid.IntRange(0, 4).Draw(t, "busy") > 0 {
				t.Skip("persons are slow")
			}
			p, err := step()
			if err != nil {
				t.Skip(err.Error())
			}
			w.write(p, "person")
		}
	}
	return map[string]func(*rapid.T){
		"": func(*rapid.T) { w.check() },
		"time": func(t *rapid.T) {
			w.now = w.now.Add(time.Duration(rapid.SampledFrom([]int{1, 30, 3600, 90000, 700000}).Draw(t, "seconds")) * time.Second)
		},
		"due": func(t *rapid.T) {
			if w.due.IsZero() || w.due.After(w.now) {
				t.Skip("not due")
			}
			w.due = w.now.Add(claimRecheck)
			w.sweepers = append(w.sweepers, w.decide(nil))
		},
		"updates": func(t *rapid.T) {
			if len(w.updates) == 0 {
				t.Skip("no updates")
			}
			w.sweepers = append(w.sweepers, w.decide(maps.Clone(w.updates)))
		},
		"write":     func(*rapid.T) { w.carryOut(w.anySweeper()) },
		"write too": func(*rapid.T) { w.carryOut(w.anySweeper()) },
		"register":  func(*rapid.T) { w.register(w.anySweeper()) },
		"die": func(*rapid.T) {
			h := w.anySweeper()
			w.sweepers = slices.DeleteFunc(w.sweepers, func(o *sweeperAtWork) bool { return o == h })
		},
		"send": func(*rapid.T) {
			c := w.pick("send", func(c *walkCharge) bool { return c.State == "queued" })
			c.State = "sending"
			w.log("charge %s: sending", c.name)
		},
		"settle": func(t *rapid.T) {
			c := w.pick("settle", func(c *walkCharge) bool { return c.State == "sending" })
			w.settle(c, rapid.SampledFrom([]string{"paid", "soft", "soft", "soft", "hard", "", "held", "lost"}).Draw(t, "end"))
		},
		"resolve": func(t *rapid.T) {
			c := w.pick("resolve", func(c *walkCharge) bool { return c.State == "held" })
			c.MayHaveLeft = true
			if c.paid {
				w.end(c, succeeded, "resolved", "")
			} else {
				w.end(c, failed, "resolved", rapid.SampledFrom([]string{"soft", "hard", ""}).Draw(t, "decline"))
			}
		},
		"contradict": func(t *rapid.T) {
			c := w.pick("contradict", func(c *walkCharge) bool { return c.Final && c.State == failed && c.Code == "" && !c.Anomaly })
			if rapid.IntRange(0, 5).Draw(t, "honest") > 0 {
				t.Skip("the provider said the truth")
			}
			c.paid, c.Anomaly = true, true
			w.report(c)
			w.log("charge %s: paid after all", c.name)
		},
		"clear": func(t *rapid.T) {
			c := w.pick("clear", func(c *walkCharge) bool { return c.Anomaly })
			c.Anomaly = false
			w.end(c, succeeded, "", "")
		},
		"cancel in the ledger": func(t *rapid.T) {
			h := w.anySweeper()
			if !h.written || !h.decision.Cancel {
				t.Skip("nothing to cancel")
			}
			c := w.ledger[name(h.decision.Record.Open.Period, h.decision.Record.Open.Attempt)]
			if c.State != "queued" {
				t.Skip("it has begun")
			}
			w.end(c, failed, chargeCancelled, "")
		},
		"pause": person(func() (Decision, error) {
			p, err := w.r.Pause(w.now, ana)
			return p, err
		}),
		"resume": func(*rapid.T) {
			if p, err := w.r.Resume(w.now, ana); err == nil {
				w.write(p, "person")
			}
		},
		"cancel": func(t *rapid.T) {
			if rapid.IntRange(0, 15).Draw(t, "stays") > 0 {
				t.Skip("the customer stays")
			}
			if p, err := w.r.Cancel(w.now, ana); err == nil {
				w.write(p, "person")
			}
		},
		"change": person(func() (Decision, error) { return w.r.Change(w.now, "2", ana) }),
	}
}

// settle ends a charge that is being sent.
func (w *walk) settle(c *walkCharge, how string) {
	switch how {
	case "paid":
		c.paid = true
		w.end(c, succeeded, "", "")
	case "held", "lost":
		c.State, c.paid = "held", how == "held" // the provider has it or not; nobody knows
		w.log("charge %s: held", c.name)
	default:
		w.end(c, failed, "", how)
	}
}

func (w *walk) report(c *walkCharge) {
	w.reports++
	w.updates[c.name] = w.reports
}

func (w *walk) carryOut(h *sweeperAtWork) {
	if h.written {
		return
	}
	if h.written = w.write(h.decision, "sweeper"); !h.written {
		w.sweepers = slices.DeleteFunc(w.sweepers, func(o *sweeperAtWork) bool { return o == h })
		return
	}
	for n, at := range h.reported {
		if w.updates[n] == at {
			delete(w.updates, n)
		}
	}
}

// check holds what is true at every moment.
func (w *walk) check() {
	first := 1
	if !w.terms.Backfill {
		first = w.terms.Calendar.First(time.UnixMilli(w.r.Added))
	}
	for i, p := range w.closed {
		if p.Number != first+i || p.Due != w.terms.Calendar.Due(p.Number).UnixMilli() {
			w.fail("period %d is closed after %d others from %d on, due %d", p.Number, i, first, p.Due)
		}
	}
	next := first + len(w.closed)
	if o := w.r.Open; o != nil {
		if o.Period != next || o.Due > w.now.UnixMilli() {
			w.fail("period %d is open where %d comes", o.Period, next)
		}
		next++
	}
	if w.r.Next != next {
		w.fail("period %d is next, and not %d", w.r.Next, next)
	}
	if n := w.closed; len(n) > 0 && n[len(n)-1].Due > w.now.UnixMilli() {
		w.fail("period %d is closed before it is due", n[len(n)-1].Number)
	}
	if w.due.IsZero() && w.r.State == Active {
		w.fail("it is never due at an active subscription")
	}
	for _, p := range w.closed {
		w.checkPeriod(p)
	}
}

// checkPeriod compares a closed period with what is known of its charges.
func (w *walk) checkPeriod(p ClosedPeriod) {
	var charges []*walkCharge
	for attempt := range 4 {
		if c := w.ledger[name(p.Number, attempt)]; c != nil {
			charges = append(charges, c)
		}
	}
	for _, c := range charges {
		if !c.Final {
			w.fail("period %d is closed while its charge %s is %s", p.Number, c.name, c.State)
		}
	}
	passed := p.State == PeriodStateSkipped || p.State == PeriodStateMissed
	if passed && len(charges) > 0 {
		w.fail("period %d is %s and has charges", p.Number, p.State)
	}
	if p.State == succeeded && (len(charges) <= p.Attempt || charges[p.Attempt].State != succeeded) {
		w.fail("period %d is said to be paid by attempt %d", p.Number, p.Attempt)
	}
	if p.State == PeriodStateMissed && p.Due >= w.now.Add(-w.terms.CatchUp).UnixMilli() {
		w.fail("period %d is missed and not older than catch_up", p.Number)
	}
}

// finish lets one sweeper go on that neither stalls nor dies, with a provider that answers, until
// nothing is due any more.
func (w *walk) finish() {
	w.sweepers = nil
	w.handleUpdates()
	for _, c := range w.ledger {
		if c.Anomaly {
			c.Anomaly = false
			w.end(c, succeeded, "", "")
		}
	}
	if w.r.State == Paused {
		p, err := w.r.Resume(w.now, ana)
		if err != nil {
			w.fail("%s", err)
		}
		w.write(p, "person")
	}
	until := w.now.Add(5 * aDay)
	for decisions := 0; ; decisions++ {
		if decisions > 2000 {
			w.fail("it does not come to rest")
		}
		if w.due.IsZero() && len(w.updates) == 0 || len(w.updates) == 0 && w.due.After(until) {
			break
		}
		if len(w.updates) == 0 && w.due.After(w.now) {
			w.now = w.due
		}
		h := w.decide(maps.Clone(w.updates))
		w.carryOut(h)
		w.register(h)
		for _, c := range w.ledger {
			if !c.Final {
				c.paid = true
				w.end(c, succeeded, "", "")
			}
		}
		w.check()
	}
	w.rest(until)
}

// handleUpdates lets a sweeper handle the updates: an anomaly among them has paused the
// subscription by then.
func (w *walk) handleUpdates() {
	anomaly := false
	for n := range w.updates {
		anomaly = anomaly || w.ledger[n].Anomaly
	}
	w.carryOut(w.decide(maps.Clone(w.updates)))
	if anomaly && w.r.State == Active || len(w.updates) > 0 {
		w.fail("there is an anomaly and nobody paused it")
	}
}

// rest: every period up to now is charged, skipped, missed or open, unless the subscription has
// stopped.
func (w *walk) rest(until time.Time) {
	if w.r.Open != nil {
		w.fail("period %d is open and it is never due", w.r.Open.Period)
	}
	if due, ok := w.terms.due(w.r.Next); w.r.State == Active && (!ok || !due.After(until)) {
		w.fail("period %d was due at %s and is forgotten", w.r.Next, due)
	}
	if w.r.State == Paused && w.r.Reason == ByOperator {
		w.fail("nobody paused it")
	}
}

// Whatever the order of things: no charge beside one that may have been paid, no two under way, no
// period twice, none forgotten.
func TestWalks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWalk(t)
		t.Repeat(w.actions())
		w.finish()
	})
}
