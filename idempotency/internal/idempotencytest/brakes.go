package idempotencytest

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// one is the amount of the payments here, in hundredths.
const one = 12_500_00

// brakeRows are about payments of one partition: each counts by itself, and the settings refuse
// limits that count beside several.
func brakeRows() []row {
	rows := slices.Concat(windowRows(), refundRows(), doubtRows(), lookalikeRows(), []row{
		{does: "an amount above the limit is blocked, the limit itself is sent", run: func(e *suite) {
			l := idempotency.Limits{Amount: one}
			e.queued().sendWithin("a", l)
			p := e.queued(func(r *idempotency.Registration) { r.Amount = "12500.01" })
			p.wantBlocked(l, idempotency.AmountBrake).letThrough(l)
		}},
		{does: "an amount that cannot be read is above every limit", run: func(e *suite) {
			for _, amount := range []string{"", "x", "-1", "1.234", "123456789012345678901234567890"} {
				e.queued(func(r *idempotency.Registration) { r.Amount = amount }).wantBlocked(idempotency.Limits{Amount: 1 << 50}, idempotency.AmountBrake)
			}
		}},
		{does: "what a brake blocked says why, is not due, and is cancelled or released", run: func(e *suite) {
			l := idempotency.Limits{Hour: idempotency.Window{Sum: one}}
			e.queued().sendWithin("a", l)
			p, q := e.queued(), e.queued()
			for _, x := range []*payment{p, q} {
				x.wantBlocked(l, idempotency.HourBrake).wantNoDue().wantLeft(false)
				if r := x.show(); !strings.Contains(r.Message, "12500 CLP") {
					e.t.Errorf("the message is %q", r.Message)
				}
				x.wantDecision(x.beginWithin("b", l), idempotency.Done)
			}
			_, err := p.cancel()
			e.must(err)
			p.want(failed)
			q.letThrough(l)
		}},
		{does: "a released payment is stopped by another brake", run: func(e *suite) {
			l := idempotency.Limits{Amount: one - 1, Day: idempotency.Window{Count: 1}}
			e.queued(func(r *idempotency.Registration) { r.Amount = "1" }).sendWithin("a", l)
			p := e.queued().wantBlocked(l, idempotency.AmountBrake)
			_, err := p.unblock()
			e.must(err)
			p.wantBlocked(l, idempotency.DayBrake).letThrough(l)
		}},
		{does: "a payment that may have left is not blocked: it waits", policy: resend, run: func(e *suite) {
			p := e.readyAgain()
			l := idempotency.Limits{Amount: 1, Hour: idempotency.Window{Count: 1}}
			q := e.queued(func(r *idempotency.Registration) { r.Amount = "0.01" })
			q.sendWithin("a", l)
			p.wantDecision(p.beginWithin("b", l), idempotency.Wait)
			p.want(ready).wantDue(30 * time.Second)
			p.Advance(2 * time.Hour)
			p.sendWithin("c", l)
		}},
		{does: "a ready payment that never left is blocked", run: func(e *suite) {
			p := e.reach(ready)
			l := idempotency.Limits{Amount: 1}
			p.wantBlocked(l, idempotency.AmountBrake).letThrough(l)
		}},
		{does: "many begin at once: the limits hold", run: limitsHold},
	})
	for i := range rows {
		rows[i].together = true
	}
	return rows
}

func windowRows() []row {
	return []row{
		{does: "the sums and counts of an hour and of a day hold, each account and currency by itself", run: func(e *suite) {
			for brake, l := range map[idempotency.Brake][]idempotency.Limits{
				idempotency.HourBrake: {{Hour: idempotency.Window{Sum: 2*one + 1}}, {Hour: idempotency.Window{Count: 2}}},
				idempotency.DayBrake:  {{Day: idempotency.Window{Sum: 2*one + 1}}, {Day: idempotency.Window{Count: 2}}},
			} {
				for n, l := range l {
					of := func(account, currency string) *payment {
						return e.queued(func(r *idempotency.Registration) {
							r.Key.Account, r.Currency = account+strings.ReplaceAll(string(brake), "_", "-")+string(rune('a'+n)), currency
						})
					}
					of("x-", "CLP").sendWithin("a", l)
					of("x-", "CLP").sendWithin("a", l)
					of("x-", "CLP").wantBlocked(l, brake)
					of("y-", "CLP").sendWithin("a", l)
					of("x-", "MXN").sendWithin("a", l)
				}
			}
		}},
		{does: "no hour exceeds its limit, and its room comes back", run: func(e *suite) {
			e.windowSlides(idempotency.Limits{Hour: idempotency.Window{Count: 2}}, 7*time.Minute, time.Hour, 5*time.Minute)
		}},
		{does: "no day exceeds its limit, and its room comes back", run: func(e *suite) {
			e.windowSlides(idempotency.Limits{Day: idempotency.Window{Sum: 2 * one}}, 2*time.Hour+50*time.Minute, day, time.Hour)
		}},
		{does: "a clock that goes back opens no room", run: func(e *suite) {
			l := idempotency.Limits{Hour: idempotency.Window{Count: 1}}
			e.queued().sendWithin("a", l)
			e.Advance(-3 * time.Hour)
			e.queued().wantBlocked(l, idempotency.HourBrake)
			e.Advance(3 * time.Hour)
		}},
		{does: "what was released counts", run: func(e *suite) {
			l := idempotency.Limits{Hour: idempotency.Window{Count: 1}}
			e.queued().sendWithin("a", l)
			e.queued().wantBlocked(l, idempotency.HourBrake).letThrough(l)
			l.Hour.Count = 2
			e.queued().wantBlocked(l, idempotency.HourBrake)
			l.Hour.Count = 3
			e.queued().sendWithin("a", l)
		}},
	}
}

// windowSlides begins a payment at every step of some windows, and cancels what is blocked.
func (e *suite) windowSlides(l idempotency.Limits, step, window, slack time.Duration) {
	e.t.Helper()
	const most = 2
	var begun []time.Time
	for range 30 {
		p := e.queued()
		now := p.now()
		b := p.beginWithin("a", l)
		if room := len(begun) < most || now.Sub(begun[len(begun)-most]) > window+slack+5*time.Second; room != (b.Decision == idempotency.Send) {
			full := len(begun) >= most && now.Sub(begun[len(begun)-most]) < window
			if room || full {
				e.t.Fatalf("at %s: %s, begun %v", now, b.Decision, begun)
			}
		}
		if b.Decision == idempotency.Send {
			begun = append(begun, now)
		} else {
			_, err := p.cancel()
			e.must(err)
		}
		e.Advance(step)
	}
	if len(begun) < 2*most {
		e.t.Fatalf("only %d have begun", len(begun))
	}
}

func refundRows() []row {
	l := idempotency.Limits{Hour: idempotency.Window{Sum: one}, Day: idempotency.Window{Count: 1}}
	return []row{
		{does: "an attempt that was not executed gives its room back", run: func(e *suite) {
			p := e.queued().sendWithin("a", l)
			p.release("a")
			p.sendWithin("b", l)
			p.release("b")
			p.release("b")
			e.queued().sendWithin("a", l)
			p.wantBlocked(l, idempotency.HourBrake)
		}},
		{does: "an attempt that came to no money step gives its room back", run: func(e *suite) {
			p := e.queued()
			r := p.request("a")
			r.Limits, r.SafeFirstStep = l, true
			b, err := e.Ledger.Begin(e.ctx(), p.key, r)
			e.must(err)
			p.wantDecision(b, idempotency.Send)
			p.finish("a", inDoubtOutcome())
			p.want(ready)
			e.queued().sendWithin("a", l)
		}},
		{does: "a refused attempt, one in doubt, and one released after its lease keep their room", run: func(e *suite) {
			for n, end := range []func(p *payment){
				func(p *payment) { p.finish("a", declined()) },
				func(p *payment) { p.finish("a", inDoubtOutcome()) },
				func(p *payment) { p.lapseLease() },
				func(p *payment) { p.Advance(lease); p.release("a") },
				func(p *payment) { p.lapseLease().release("a") },
			} {
				account := func(r *idempotency.Registration) { r.Key.Account = "case-" + string(rune('a'+n)) }
				end(e.queued(account).sendWithin("a", l))
				e.queued(account).wantBlocked(l, idempotency.HourBrake)
			}
		}},
		{does: "a limit that is no more set takes nothing back from others", run: func(e *suite) {
			p := e.queued().send("a")
			p.release("a")
			e.queued().sendWithin("a", l)
			e.queued().wantBlocked(l, idempotency.HourBrake)
		}},
		{does: "a later attempt gives back nothing of an earlier one", run: func(e *suite) {
			p := e.queued()
			r := p.request("a")
			r.Limits, r.SafeFirstStep = l, true
			b, err := e.Ledger.Begin(e.ctx(), p.key, r)
			e.must(err)
			p.wantDecision(b, idempotency.Send)
			p.lapseLease().send("b").release("b")
			e.queued().wantBlocked(l, idempotency.HourBrake)
		}},
		{does: "a repeated Begin counts once", run: func(e *suite) {
			two := idempotency.Limits{Hour: idempotency.Window{Count: 2}}
			p := e.queued().sendWithin("a", two)
			p.sendWithin("a", two)
			e.queued().sendWithin("a", two)
			e.queued().wantBlocked(two, idempotency.HourBrake)
		}},
	}
}

func doubtRows() []row {
	l := idempotency.Limits{Doubt: 2 * one}
	return []row{
		{does: "the sum in doubt holds, and what was held counts until a person resolves it", run: func(e *suite) {
			e.reach(idempotency.InDoubt) // counted although no limit was set
			p := e.reach(held)
			q := e.queued().wantBlocked(l, idempotency.DoubtBrake)
			if r := q.show(); !strings.Contains(r.Message, "25000 CLP are in doubt") {
				e.t.Errorf("the message is %q", r.Message)
			}
			_, err := p.resolve("succeeded", "X")
			e.must(err)
			e.queued().sendWithin("a", l)
		}},
		{does: "what is being sent may come to be in doubt: the next payment waits and is not blocked", run: func(e *suite) {
			p, q := e.queued().sendWithin("a", l).checkpointed("a"), e.queued().sendWithin("a", l)
			r := e.queued()
			r.wantDecision(r.beginWithin("a", l), idempotency.Wait)
			r.want(idempotency.Queued).wantDue(5 * time.Second)
			p.finish("a", inDoubtOutcome())
			r.wantDecision(r.beginWithin("a", l), idempotency.Wait)
			q.finish("a", paid("Q"))
			r.sendWithin("a", l)
			p.statusResult(paid("P"))
			r.finish("a", inDoubtOutcome())
			e.queued().sendWithin("a", l)
		}},
		{does: "whatever a payment went through, it leaves the sum as it came", run: func(e *suite) {
			whole := idempotency.Limits{Doubt: one}
			for _, s := range idempotency.States() {
				p := e.reach(s)
				if s == idempotency.InDoubt || s == held {
					e.queued().wantBlocked(whole, idempotency.DoubtBrake)
					_, err := p.resolve("failed", "")
					e.must(err)
				}
				x := e.queued().sendWithin("a", whole)
				x.release("a")
				x.sendWithin("b", whole).checkpointed("b").lapseLease().want(idempotency.InDoubt)
				e.queued().wantBlocked(whole, idempotency.DoubtBrake)
				x.statusResult(paid("X"))
			}
		}},
		{does: "a payment that was released is counted and lets nothing else through", run: func(e *suite) {
			whole := idempotency.Limits{Doubt: one}
			e.reach(idempotency.InDoubt)
			p := e.queued().wantBlocked(whole, idempotency.DoubtBrake)
			p.letThrough(whole)
			three := idempotency.Limits{Doubt: 2 * one}
			q := e.queued()
			q.wantDecision(q.beginWithin("a", three), idempotency.Wait)
		}},
	}
}

func lookalikeRows() []row {
	l := idempotency.Limits{Lookalike: time.Hour}
	return []row{
		{does: "a payment that looks like one begun before is blocked", run: func(e *suite) {
			p := e.queued().sendWithin("a", l)
			q := e.queued().wantBlocked(l, idempotency.LookalikeBrake)
			if r := q.show(); !strings.Contains(r.Message, p.key.String()) {
				e.t.Errorf("the message is %q", r.Message)
			}
			e.queued(func(r *idempotency.Registration) { r.Fingerprint = "v1:other" }).sendWithin("a", l)
			e.queued(func(r *idempotency.Registration) { r.Key.Account = "second" }).sendWithin("a", l)
			q.letThrough(l)
		}},
		{does: "a payment does not look like itself", run: func(e *suite) {
			p := e.queued().sendWithin("a", l)
			p.release("a")
			p.sendWithin("b", l)
			p.release("b")
			e.queued().wantBlocked(l, idempotency.LookalikeBrake)
		}},
	}
}

// limitsHold: of many that begin at once exactly as many are sent as there is room for.
func limitsHold(e *suite) {
	const n, most = 40, 10
	l := idempotency.Limits{
		Hour: idempotency.Window{Sum: most * one}, Day: idempotency.Window{Count: most + 5}, Doubt: (most + 2) * one,
	}
	payments := make([]*payment, n)
	for i := range payments {
		payments[i] = e.queued()
	}
	sent := make([]bool, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := worker; i < n; i += 4 {
				r := payments[i].request("a")
				r.Limits = l
				b, err := e.Ledger.Begin(e.ctx(), payments[i].key, r)
				sent[i], errs[i] = b.Decision == idempotency.Send, err
			}
		})
	}
	wg.Wait()
	e.must(errors.Join(errs...))
	begun := 0
	for i, p := range payments {
		if sent[i] {
			begun++
		} else {
			p.want(idempotency.Blocked).wantCode(string(idempotency.HourBrake))
		}
	}
	if begun != most {
		e.t.Fatalf("%d were sent, want %d", begun, most)
	}
}

func (p *payment) beginWithin(attempt string, l idempotency.Limits) idempotency.BeginResult {
	p.t.Helper()
	r := p.request(attempt)
	r.Limits = l
	b, err := p.Ledger.Begin(p.ctx(), p.key, r)
	p.must(err)
	return b
}

func (p *payment) sendWithin(attempt string, l idempotency.Limits) *payment {
	p.t.Helper()
	b := p.beginWithin(attempt, l)
	if b.Decision != idempotency.Send || b.Blocked != "" {
		p.t.Fatalf("%s: %s, blocked by %q: %q; want it sent", p.key, b.Decision, b.Blocked, p.show().Message)
	}
	return p
}

// wantBlocked begins an attempt that the brake must stop.
func (p *payment) wantBlocked(l idempotency.Limits, brake idempotency.Brake) *payment {
	p.t.Helper()
	b := p.beginWithin("stopped", l)
	if b.Decision != idempotency.Done || b.Blocked != brake || !b.Transition.StateChanged || b.Transition.State != idempotency.Blocked {
		p.t.Fatalf("%s: %s, blocked by %q (%+v); want %s", p.key, b.Decision, b.Blocked, b.Transition, brake)
	}
	return p.want(idempotency.Blocked).wantCode(string(brake))
}

// letThrough releases a blocked payment, and wants it sent within the same limits.
func (p *payment) letThrough(l idempotency.Limits) *payment {
	p.t.Helper()
	_, err := p.unblock()
	p.must(err)
	return p.want(idempotency.Queued).wantDue(0).sendWithin("released", l)
}

func (p *payment) checkpointed(attempt string) *payment {
	p.t.Helper()
	p.must(p.checkpoint(attempt, map[string]string{"order": "1"}, true))
	return p
}
