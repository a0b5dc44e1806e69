package idempotencytest

import (
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

const grace = 2 * time.Hour

// session brings a payment to pending with an address at which a payer must act.
func session(p *payment) *payment {
	p.send("a")
	o := accepted("X")
	o.ActionURL, o.ActionWithin, o.ActionGrace = "https://pay.example/1", day, grace
	p.finish("a", o)
	return p.want(pending)
}

// Payments that a payer completes at an address of the provider.
func sessionRows() []row {
	return []row{
		{does: "a payer has until the payment's own deadline, then the address is withdrawn", run: func(e *suite) {
			p := session(e.later(0, time.Hour))
			p.Advance(time.Hour - time.Second)
			p.statusResult(accepted("X"))
			p.wantDue(time.Second)
			p.Advance(time.Second)
			p.due()
			if r := p.want(pending).show(); r.ActionURL != "" {
				e.t.Fatalf("still %q", r.ActionURL)
			}
		}},
		{does: "a payer has 24 hours where the payment has no deadline", run: func(e *suite) {
			p := session(e.queued())
			p.Advance(day - time.Second)
			p.statusResult(accepted("X"))
			if r := p.show(); r.ActionURL == "" {
				e.t.Fatal("taken back too early")
			}
			p.Advance(time.Second)
			p.statusResult(accepted("X"))
			if r := p.want(pending).show(); r.ActionURL != "" {
				e.t.Fatalf("still %q", r.ActionURL)
			}
		}},
		{does: "the poll deadline does not end a payer's time", run: func(e *suite) {
			p := session(e.later(0, 30*day))
			p.Advance(e.policy.PollDeadline + day)
			p.statusResult(accepted("X"))
			p.want(pending)
		}},
		{does: "after the grace it is queried once more: nobody paid, expired_unpaid, watched hourly, then daily, for 7 days", run: func(e *suite) {
			p := session(e.later(0, time.Hour))
			p.Advance(time.Hour + grace - time.Second)
			p.statusResult(accepted("X"))
			p.want(pending)
			p.Advance(time.Second)
			p.due()
			p.want(pending).statusResult(accepted("X"))
			p.want(failed).wantCode("expired_unpaid").wantDue(time.Hour)
			p.Advance(day)
			p.statusResult(accepted("X"))
			p.want(failed).wantAnomaly("").wantDue(day)
			p.Advance(6 * day)
			p.due()
			p.wantNoDue()
		}},
		{does: "a query before the end of the grace does not expire it", run: func(e *suite) {
			p := session(e.later(0, time.Hour))
			p.Advance(time.Hour + grace - time.Second)
			q := p.query()
			p.Advance(time.Minute)
			p.statusResultTo(q, accepted("X"))
			p.want(pending)
		}},
		{does: "paid within the grace is succeeded", run: func(e *suite) {
			p := session(e.later(0, time.Hour))
			p.Advance(time.Hour + grace)
			p.statusResult(paid("X"))
			p.want(succeeded).wantAnomaly("").wantDue(time.Hour)
		}},
		{does: "undecided for a day after the grace is held", run: func(e *suite) {
			p := session(e.later(0, time.Hour))
			p.Advance(time.Hour + grace)
			p.statusResult(inDoubtOutcome())
			p.want(pending)
			p.Advance(day)
			p.statusResult(inDoubtOutcome())
			p.want(held).wantCode("poll_deadline")
		}},
		{does: "paid after it expired is an anomaly", run: func(e *suite) {
			p := session(e.later(0, time.Hour))
			p.Advance(time.Hour + grace)
			p.statusResult(accepted("X"))
			p.Advance(time.Hour)
			p.statusResult(paid("X"))
			p.want(failed).wantAnomaly("late_success")
		}},
		{does: "a second success for one order is an anomaly, at once or later", run: func(e *suite) {
			twice := paid("X")
			twice.SecondID = "Y"
			p := session(e.queued())
			p.statusResult(twice)
			p.want(succeeded).wantID("X").wantAnomaly("second_success")
			p = session(e.queued())
			p.statusResult(paid("X"))
			p.want(succeeded).wantAnomaly("").statusResult(twice)
			p.want(succeeded).wantAnomaly("second_success")
		}},
		{does: "a second success that an operator cleared is not raised again; a third is", run: func(e *suite) {
			twice := paid("X")
			twice.SecondID = "Y"
			p := session(e.queued())
			p.statusResult(twice)
			_, err := p.clearAnomaly(false)
			e.must(err)
			p.wantAnomaly("").statusResult(twice)
			p.wantAnomaly("")
			twice.SecondID = "Z"
			p.statusResult(twice)
			p.wantAnomaly("second_success")
		}},
		{does: "an attempt that found something else before it sent anything is held, and nothing of it is open", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			p.finish("a", providers.Outcome{Class: providers.Mismatch, Code: "already_registered"})
			p.want(idempotency.Held).wantCode("already_registered").wantLeft(false)
		}},
		{does: "an attempt that may have sent and finds something else is held and stays open", run: func(e *suite) {
			p := e.queued().send("a")
			p.finish("a", providers.Outcome{Class: providers.Mismatch, Code: "rows"})
			p.want(idempotency.Held).wantCode("rows").wantLeft(true)
		}},
	}
}
