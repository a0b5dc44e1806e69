package idempotencytest

import (
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// What is still looked at after settlement.
func watchRows() []row {
	return []row{
		{does: "failed with an open attempt is asked about daily for 7 days, then no more", run: func(e *env) {
			watchedForAWeek(e, failedOpen(e), absent())
		}},
		{does: "succeeded after a resend is asked about daily for 7 days, then no more", policy: resend, run: func(e *env) {
			watchedForAWeek(e, succeededFromOther(e), paid("X"))
		}},
		{does: "a settled payment that is watched answers ask, then done", run: func(e *env) {
			p := failedOpen(e)
			p.wantVerdict(p.begin("z"), idempotency.AskFirst)
			p.Advance(7 * day)
			p.wantVerdict(p.begin("z"), idempotency.Done)
		}},
		{does: "nobody watches what cannot be asked about", run: func(e *env) {
			p := e.unaskable().send("a").lapse()
			_, err := p.resolve("failed", "")
			e.must(err)
			p.wantNoDue()
		}},
		{does: "nobody watches what has no open attempt", policy: resend, run: func(e *env) {
			e.reach(failed).wantNoDue()
			e.prove()
			e.reach(succeeded).wantNoDue()
			p := e.resent()
			p.release("a")
			p.finish("b", paid("X"))
			p.wantNoDue()
		}},
		{does: "payload and handles stay as long as it is watched, the action URL goes", run: func(e *env) {
			p := e.queued()
			p.idle("a")
			e.must(p.note("a", map[string]string{"order": "o"}, true))
			p.lapse()
			_, err := p.resolve("failed", "")
			e.must(err)
			if q := p.ask(); q.Payload == nil || q.Handles["order"] != "o" {
				e.t.Fatalf("got %+v", q)
			}
			p.Advance(7 * day)
			p.due()
			if q := p.ask(); len(q.Handles) != 0 {
				e.t.Fatalf("handles %v", q.Handles)
			}
		}},
		{does: "a success that the watch finds on a failed payment is an anomaly", run: func(e *env) {
			p := failedOpen(e)
			p.answer(paid("X"))
			p.want(failed).wantAnomaly("late_success")
		}},
		{does: "pending that the watch finds on a failed payment is an anomaly", run: func(e *env) {
			p := failedOpen(e)
			p.answer(accepted("X"))
			p.want(failed).wantAnomaly("late_pending")
		}},
		{does: "another id that the watch finds on a succeeded payment is an anomaly", policy: resend, run: func(e *env) {
			p := succeededFromOther(e)
			p.answer(paid("X"))
			p.wantAnomaly("").answer(paid("Y"))
			p.want(succeeded).wantAnomaly("second_success").wantID("X")
		}},
		{does: "a refusal of, or another payment in place of, a succeeded one is an anomaly", run: func(e *env) {
			p, q := e.reach(succeeded), e.reach(succeeded)
			p.answer(declined())
			p.want(succeeded).wantAnomaly("refused_after_succeeded")
			q.answer(otherPayment())
			q.want(succeeded).wantAnomaly("mismatch")
		}},
		{does: "not found, refused or unreadable tells the watch nothing on a failed payment", run: func(e *env) {
			p := failedOpen(e)
			p.answer(absent())
			p.answer(declined())
			p.answer(unclear())
			p.want(failed).wantAnomaly("").wantDue(day)
		}},
		{does: "under resend an account's first success is looked up once, as proof", policy: resend, run: func(e *env) {
			p := e.reach(succeeded).wantDue(0)
			if w := p.due(); len(w) != 1 || !w[0].Ask {
				e.t.Fatalf("woken as %v", w)
			}
			p.answer(paid("X"))
			p.wantNoDue().wantAnomaly("")
			e.reach(succeeded).wantNoDue()
			e.reach(inDoubt).notFound().want(ready)
		}},
		{does: "a first success that is not found proves nothing", policy: resend, run: func(e *env) {
			p := e.reach(succeeded)
			p.answer(absent())
			p.want(succeeded).wantNoDue()
			e.reach(inDoubt).notFound().want(held).wantCode("lookup_unproven")
		}},
		{does: "under hold no success is looked up", run: func(e *env) { e.reach(succeeded).wantNoDue() }},
		{does: "details of a succeeded payment are gone, a failed one can still be tried again", run: func(e *env) {
			if q := e.reach(succeeded).ask(); q.Payload != nil {
				e.t.Fatalf("payload %q", q.Payload)
			}
			if q := e.reach(failed).ask(); q.Payload == nil {
				e.t.Fatal("the payload of a failed payment is gone")
			}
		}},
	}
}

func watchedForAWeek(e *env, p *payment, o providers.Outcome) {
	e.t.Helper()
	for range 6 {
		p.wantDue(day).Advance(day)
		w := e.due()
		if len(w) != 1 || w[0].Key != p.key || !w[0].Ask {
			e.t.Fatalf("woken as %+v", w)
		}
		p.answer(o)
	}
	p.Advance(day)
	if w := e.due(); len(w) != 0 {
		e.t.Fatalf("still woken as %+v", w)
	}
	p.wantNoDue().Advance(time.Hour)
	p.answer(paid("late"))
}
