package idempotencytest

import (
	"maps"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// parkRows: a parked payment is out of the due index, counted, and unparked in the order of
// registration.
func parkRows() []row {
	return []row{
		{does: "what is parked is not woken until it is unparked, whatever the time", run: func(e *suite) {
			for _, s := range []idempotency.State{idempotency.Queued, ready} {
				p := e.reach(s).park("halted").wantNoDue().wantParkReason("halted")
				e.Advance(30 * day)
				e.wantNoWakeUp()
				e.wantUnparked("halted", 10, 1)
				wantWoken(p, false)
				_, err := p.want(s).wantParkReason("").cancel()
				e.must(err)
			}
		}},
		{does: "however often it was parked, one that is unparked is woken again soon", run: func(e *suite) {
			p := e.queued()
			for range 8 {
				p.park("halted")
				e.wantUnparked("halted", 10, 1)
				wantWoken(p, false)
			}
			p.wantDue(10 * time.Second)
		}},
		{does: "a query may be parked too, and is due when it is unparked", run: func(e *suite) {
			for _, s := range []idempotency.State{inDoubt, pending, held} {
				p := e.reach(s).park("circuit:default").wantParkReason("circuit:default")
				e.Advance(time.Hour)
				e.wantNoWakeUp()
				e.wantUnparked("circuit:default", 10, 1)
				wantWoken(p, true)
				p.want(s).statusResult(paid("X"))
			}
		}},
		{does: "a parked payment still expires at its deadline", run: func(e *suite) {
			p := e.later(0, time.Minute)
			p.park("halted").wantDue(time.Minute)
			p.Advance(time.Minute)
			p.due()
			p.want(failed).wantCode("expired")
			e.wantUnparked("halted", 10, 1)
			p.due()
			p.want(failed).wantNoDue()
		}},
		{does: "a parked payment in doubt or pending is still held at the poll deadline", run: func(e *suite) {
			for _, s := range []idempotency.State{inDoubt, pending} {
				p := e.reach(s).park("circuit:default").wantDue(e.policy.PollDeadline)
				p.Advance(e.policy.PollDeadline)
				wantWoken(p, true)
				p.want(held).wantCode("poll_deadline").statusResult(paid("X"))
			}
		}},
		{does: "what is not yet due for sending is not parked: not_before and a wait after a release are kept", run: func(e *suite) {
			e.later(time.Hour, 0).park("halted").wantDue(time.Hour).wantParkReason("")
			p := e.queued().send("a")
			_, err := e.Ledger.Release(e.ctx(), p.key, p.id("a"), "throttled", time.Minute)
			e.must(err)
			p.park("halted").wantDue(time.Minute).wantParkReason("")
			e.wantWaiting(nil)
		}},
		{does: "what is sending, final or blocked is not parked", run: func(e *suite) {
			for _, s := range []idempotency.State{sending, succeeded, failed, idempotency.Reversed, idempotency.Blocked} {
				p := e.reach(s)
				due := p.show().NextDue
				if got := p.park("halted").want(s).show(); !got.NextDue.Equal(due) {
					e.t.Fatalf("%s was due %s, is due %s", s, due, got.NextDue)
				}
			}
			e.wantWaiting(nil)
		}},
		{does: "the parked are counted by reason", run: func(e *suite) {
			for _, reason := range []string{"halted", "halted", "account:sold", "key", "halted"} {
				e.queued().park(reason)
			}
			e.wantWaiting(map[string]int64{"halted": 3, "account:sold": 1, "key": 1})
			e.wantUnparked("halted", 2, 2)
			e.wantWaiting(map[string]int64{"halted": 1, "account:sold": 1, "key": 1})
			e.wantUnparked("key", 2, 1)
			e.wantUnparked("nothing", 2, 0)
			e.wantWaiting(map[string]int64{"halted": 1, "account:sold": 1})
		}},
		{does: "they are unparked in the order of their registration, however often they were parked", run: func(e *suite) {
			var all []*payment
			for range 4 {
				all = append(all, e.queued())
				e.Advance(time.Second)
			}
			for _, i := range []int{2, 0, 3, 1, 0} {
				all[i].park("rate")
			}
			for i := 0; i < 4; i += 2 {
				e.wantUnparked("rate", 2, 2)
				w := e.due()
				if len(w) != 2 || w[0].Key != all[i].key || w[1].Key != all[i+1].key {
					e.t.Fatalf("woken %v", w)
				}
			}
		}},
		{does: "bulk payments are unparked by themselves, whoever was registered first", run: bulkParked},
		{does: "a limit of 0 unparks none", run: func(e *suite) {
			e.queued().park("rate")
			e.wantUnparked("rate", 0, 0)
			e.wantUnparked("rate", -1, 0)
			e.wantWaiting(map[string]int64{"rate": 1})
		}},
		{does: "whatever moves a parked payment on is allowed, and unparking it later does no harm", run: movedOnWhileParked},
		{does: "Begin says for which reason a payment cannot move", run: func(e *suite) {
			p := e.queued()
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, idempotency.DefaultAccount, actor()))
			e.wantReason(p.begin("a"), "halted:default")
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, "", actor()))
			e.wantReason(p.begin("b"), "halted")
			e.must(e.Ledger.Unhalt(e.ctx(), e.Provider, "", actor()))
			e.must(e.Ledger.Unhalt(e.ctx(), e.Provider, idempotency.DefaultAccount, actor()))
			r := p.request("c")
			r.OnlyType = "charge"
			b, err := e.Ledger.Begin(e.ctx(), p.key, r)
			e.must(err)
			e.wantReason(b, "account:default:payout")
			e.wantReason(e.later(time.Hour, 0).begin("a"), "")
		}},
	}
}

func bulkParked(e *suite) {
	file, urgent := e.queued(asBulk).park("rate"), e.queued().park("rate")
	e.wantWaiting(map[string]int64{"rate": 2})
	e.wantUnparked("rate", 10, 1)
	wantWoken(urgent, false)
	file.wantParkReason("rate")
	if n := e.unpark(idempotency.ParkedGroup{Reason: "rate", Bulk: true}, 10); n != 1 {
		e.t.Fatalf("%d were unparked", n)
	}
	wantWoken(file, false)
}

func asBulk(r *idempotency.Registration) { r.Bulk = true }

func movedOnWhileParked(e *suite) {
	for _, step := range []struct {
		from, to idempotency.State
		do       func(p *payment) error
	}{
		{idempotency.Queued, failed, func(p *payment) error { _, err := p.cancel(); return err }},
		{idempotency.Queued, sending, func(p *payment) error { p.send("b"); return nil }},
		{idempotency.Queued, succeeded, func(p *payment) error { p.send("b").finish("b", paid("X")); return nil }},
		{idempotency.Queued, idempotency.Blocked, func(p *payment) error {
			_, err := p.Ledger.Block(p.ctx(), p.key, "limit", "daily limit")
			return err
		}},
		{ready, failed, func(p *payment) error { _, err := p.cancel(); return err }},
		{inDoubt, succeeded, func(p *payment) error { _, err := p.resolve("succeeded", "X"); return err }},
		{pending, succeeded, func(p *payment) error { p.statusResult(paid("X")); return nil }},
		{held, failed, func(p *payment) error { _, err := p.resolve("failed", ""); return err }},
	} {
		p := e.reach(step.from).park("halted")
		e.must(step.do(p))
		p.want(step.to).wantParkReason("")
		e.wantUnparked("halted", 10, 1)
		for _, w := range e.due() {
			if w.Key == p.key && !w.Query {
				e.t.Fatalf("%s, parked, then %s, is woken to be sent", step.from, step.to)
			}
		}
		p.want(step.to)
	}
	e.wantWaiting(nil)
}

func (e *suite) wantReason(b idempotency.BeginResult, reason string) {
	e.t.Helper()
	e.wantDecision(b, idempotency.Wait)
	if b.ParkReason != reason {
		e.t.Fatalf("parked for %q, want %q", b.ParkReason, reason)
	}
}

func (p *payment) park(reason string) *payment {
	p.t.Helper()
	p.must(p.Ledger.Park(p.ctx(), p.key, reason))
	return p
}

func (p *payment) wantParkReason(reason string) *payment {
	p.t.Helper()
	return p.wantPart("park reason", p.show().ParkReason, reason)
}

func (e *suite) wantUnparked(reason string, limit, want int) {
	e.t.Helper()
	if n := e.unpark(idempotency.ParkedGroup{Reason: reason}, limit); n != want {
		e.t.Fatalf("%d were unparked, want %d", n, want)
	}
}

func (e *suite) wantNoWakeUp() {
	e.t.Helper()
	if w := e.due(); len(w) != 0 {
		e.t.Fatalf("woken: %v", w)
	}
}

func (e *suite) wantWaiting(want map[string]int64) {
	e.t.Helper()
	got, err := e.Ledger.ParkedCounts(e.ctx(), e.Provider)
	e.must(err)
	if !maps.Equal(got, want) {
		e.t.Fatalf("parked: %v, want %v", got, want)
	}
}
