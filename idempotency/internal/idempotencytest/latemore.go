package idempotencytest

import (
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// lateSuccessRow: attempt "a" reports success as X while "b" sends; then "b" ends.
func lateSuccessRow(how, anomaly, id string, end func(*payment)) row {
	return row{does: "a recorded late success makes it succeeded when the owner " + how, policy: resend, run: func(e *suite) {
		p := e.resent()
		p.finish("a", paid("X"))
		end(p)
		p.want(succeeded).wantAnomaly(anomaly).wantID(id)
	}}
}

func finishB(o providers.Outcome) func(*payment) { return func(p *payment) { p.finish("b", o) } }

// queryRow: attempt "a" reports pending while "b" sends; then "b" ends.
func queryRow(how string, want idempotency.State, end func(*payment)) row {
	return row{does: "after a late pending the payment is " + string(want) + " when the owner " + how, policy: resend, run: func(e *suite) {
		p := e.resent()
		p.finish("a", accepted("X"))
		end(p)
		p.want(want)
	}}
}

func lateMoreRows() []row {
	lapse := func(p *payment) { p.lapseLease() }
	release := func(p *payment) { p.release("b") }
	rows := []row{
		lateSuccessRow("succeeds under the same id", "", "X", finishB(paid("X"))),
		lateSuccessRow("succeeds under another id", "second_success", "Y", finishB(paid("Y"))),
		lateSuccessRow("is pending under another id", "second_success", "X", finishB(accepted("Y"))),
		lateSuccessRow("is in doubt with another id", "second_success", "X",
			finishB(providers.Outcome{Class: providers.InDoubt, ProviderID: "Y"})),
		lateSuccessRow("is in doubt", "", "X", finishB(inDoubtOutcome())),
		lateSuccessRow("is refused", "", "X", finishB(declined())),
		lateSuccessRow("is released", "", "X", release),
		lateSuccessRow("lapses", "", "X", lapse),
		queryRow("is refused", inDoubt, finishB(declined())),
		queryRow("is released", inDoubt, release),
		queryRow("is in doubt", inDoubt, finishB(inDoubtOutcome())),
		queryRow("is pending", pending, finishB(accepted("Y"))),
		queryRow("succeeds", succeeded, finishB(paid("Y"))),
		queryRow("lapses", inDoubt, lapse),
	}
	return append(rows, []row{
		{does: "a late success is not lost: the payment stays sending until the owner ends", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("a", paid("X"))
			p.want(sending).wantDecision(p.begin("c"), idempotency.Wait)
		}},
		{does: "an attempt that reports not sent while another sends leaves a later refusal final", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.release("a")
			p.finish("b", declined())
			p.want(failed)
		}},
		{does: "an attempt that reports a refusal while another sends leaves a later refusal final", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("a", declined())
			p.finish("b", declined())
			p.want(failed)
		}},
		{does: "a late pending while an idle attempt sends is queried when that lapses", policy: resend, run: func(e *suite) {
			p := e.readyAgain()
			p.wantDecision(p.idle("b"), idempotency.Send)
			p.finish("a", accepted("X"))
			p.lapseLease().want(inDoubt)
		}},
		{does: "a late not sent makes nothing ready while another attempt is open", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("b", inDoubtOutcome())
			p.release("a")
			p.want(inDoubt).wantLeft(true)
		}},
		{does: "a late refusal makes nothing failed while another attempt is open", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("b", inDoubtOutcome())
			p.finish("a", declined())
			p.want(inDoubt).wantLeft(true)
			p.finish("b", declined())
			p.want(failed).wantLeft(false)
		}},
		{does: "a late refusal in ready stops a resend", policy: resend, run: func(e *suite) {
			p := e.readyAgain()
			p.finish("a", declined())
			p.want(failed).wantDecision(p.begin("b"), idempotency.Done)
		}},
		{does: "a late not sent does not make ready what the provider was found to have", run: func(e *suite) {
			p := e.queued().send("a").lapseLease()
			p.statusResult(accepted("X"))
			p.statusResult(otherPayment())
			p.want(held).release("a")
			p.want(held).wantAnomaly("not_sent_but_known").wantDecision(p.begin("b"), idempotency.QueryFirst)
		}},
		{does: "a late refusal does not fail what the provider was found to have", run: func(e *suite) {
			p := e.queued().send("a").lapseLease()
			p.statusResult(accepted("X"))
			p.statusResult(otherPayment())
			p.finish("a", declined())
			p.want(held).wantAnomaly("refused_after_pending")
		}},
		{does: "a late refusal of what is pending from it is queried at once", run: func(e *suite) {
			p := pendingFromIt(e)
			p.finish("a", declined())
			p.wantDue(0)
		}},
		{does: "a late in doubt moves the attempt's end and nothing else", policy: resend, run: lateDoubtMovesTheEnd},
		{does: "a late in doubt changes no final or sending payment", policy: resend, run: func(e *suite) {
			for _, p := range []*payment{sendingOther(e), succeededFromOther(e), failedOpen(e), heldLate(e), readyLate(e)} {
				before := p.show()
				p.finish("a", inDoubtOutcome())
				p.want(before.State).wantAnomaly("")
			}
		}},
		{does: "a success in an outdated status result is a late success", policy: resend, run: func(e *suite) {
			e.prove()
			p := e.queued().send("a").lapseLease()
			q := p.query()
			p.notFound().want(ready).send("b")
			p.statusResultTo(q, paid("X"))
			p.want(sending).finish("b", declined())
			p.want(succeeded).wantID("X")
		}},
		{does: "an outdated success makes what is still in doubt succeed", run: func(e *suite) {
			p := e.queued().send("a").lapseLease()
			q := p.query()
			p.statusResult(otherPayment())
			p.want(held).statusResultTo(q, paid("X"))
			p.want(succeeded).wantID("X")
		}},
		{does: "an outdated success is an anomaly on a failed payment", run: func(e *suite) {
			p := e.queued().send("a").lapseLease()
			q := p.query()
			_, err := p.resolve("failed", "")
			e.must(err)
			p.statusResultTo(q, paid("X"))
			p.want(failed).wantAnomaly("late_success")
		}},
		{does: "a success found twice is the same success", run: func(e *suite) {
			p := e.queued().send("a").lapseLease()
			q := p.query()
			p.statusResultTo(q, paid("X"))
			p.statusResultTo(q, paid("X"))
			p.statusResultTo(q, paid(""))
			p.want(succeeded).wantAnomaly("")
		}},
		{does: "an anomaly found again is one anomaly", run: func(e *suite) {
			p := failedOpen(e)
			p.finish("a", accepted("X"))
			before := p.show()
			p.finish("a", accepted("X"))
			if p.show().Version != before.Version {
				e.t.Fatal("the anomaly was recorded twice")
			}
		}},
		{does: "a late success of an attempt that never opened makes the payment succeed nevertheless", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			p.lapseLease().want(ready).finish("a", paid("X"))
			p.want(succeeded).wantID("X")
		}},
	}...)
}

// lateDoubtMovesTheEnd: a result counts only settle time after the end that was reported last, and
// the counts begin anew.
func lateDoubtMovesTheEnd(e *suite) {
	e.prove()
	p := e.queued().send("a").lapseLease()
	p.Advance(e.policy.SettleTime)
	p.statusResult(absent())
	p.Advance(e.policy.NotFoundInterval)
	p.finish("a", inDoubtOutcome())
	for range 5 {
		p.statusResult(absent())
		p.Advance(e.policy.NotFoundInterval)
	}
	p.want(inDoubt).Advance(e.policy.SettleTime - 5*e.policy.NotFoundInterval - time.Millisecond)
	p.statusResult(absent())
	p.Advance(time.Millisecond)
	p.statusResult(absent())
	p.want(inDoubt).Advance(e.policy.NotFoundInterval)
	p.statusResult(absent())
	p.want(ready)
}
