package idempotencytest

import (
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// Final payments that are watched.
func watchRows() []row {
	return []row{
		{does: "failed with an open attempt is queried daily for 7 days, then no more", run: func(e *suite) {
			watchedForAWeek(e, failedOpen(e), absent())
		}},
		{does: "succeeded after a resend is queried daily for 7 days, then no more", policy: resend, run: func(e *suite) {
			watchedForAWeek(e, succeededFromOther(e), paid("X"))
		}},
		{does: "a final payment that is watched is to be queried, then done", run: func(e *suite) {
			p := failedOpen(e)
			p.wantDecision(p.begin("z"), idempotency.QueryFirst)
			p.Advance(7 * day)
			p.wantDecision(p.begin("z"), idempotency.Done)
		}},
		{does: "what cannot be queried is not watched", run: func(e *suite) {
			p := e.unqueryable().send("a").lapseLease()
			_, err := p.resolve("failed", "")
			e.must(err)
			p.wantNoDue()
		}},
		{does: "what has no open attempt is not watched", policy: resend, run: func(e *suite) {
			e.reach(failed).wantNoDue()
			e.prove()
			e.reach(succeeded).wantNoDue()
			p := e.resent()
			p.release("a")
			p.finish("b", paid("X"))
			p.wantNoDue()
		}},
		{does: "payload and provider references stay as long as it is watched, the action URL goes", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			e.must(p.checkpoint("a", map[string]string{"order": "o"}, true))
			p.lapseLease()
			_, err := p.resolve("failed", "")
			e.must(err)
			if q := p.query(); q.Payload == nil || q.ProviderRefs["order"] != "o" {
				e.t.Fatalf("got %+v", q)
			}
			p.Advance(7 * day)
			p.due()
			if q := p.query(); len(q.ProviderRefs) != 0 {
				e.t.Fatalf("provider references %v", q.ProviderRefs)
			}
		}},
		{does: "a success that the watch finds on a failed payment is an anomaly", run: func(e *suite) {
			p := failedOpen(e)
			p.statusResult(paid("X"))
			p.want(failed).wantAnomaly("late_success")
		}},
		{does: "pending that the watch finds on a failed payment is an anomaly", run: func(e *suite) {
			p := failedOpen(e)
			p.statusResult(accepted("X"))
			p.want(failed).wantAnomaly("late_pending")
		}},
		{does: "another id that the watch finds on a succeeded payment is an anomaly", policy: resend, run: func(e *suite) {
			p := succeededFromOther(e)
			p.statusResult(paid("X"))
			p.wantAnomaly("").statusResult(paid("Y"))
			p.want(succeeded).wantAnomaly("second_success").wantID("X")
		}},
		{does: "a refusal of, or another payment in place of, a succeeded one is an anomaly", run: func(e *suite) {
			p, q := e.reach(succeeded), e.reach(succeeded)
			p.statusResult(declined())
			p.want(succeeded).wantAnomaly("refused_after_succeeded")
			q.statusResult(otherPayment())
			q.want(succeeded).wantAnomaly("mismatch")
		}},
		{does: "not found, refused or unreadable tells the watch nothing on a failed payment", run: func(e *suite) {
			p := failedOpen(e)
			p.statusResult(absent())
			p.statusResult(declined())
			p.statusResult(inDoubtOutcome())
			p.want(failed).wantAnomaly("").wantDue(day)
		}},
		{does: "under resend an account's first success is queried once, as query proof", policy: resend, run: func(e *suite) {
			p := e.reach(succeeded).wantDue(0)
			if w := p.due(); len(w) != 1 || !w[0].Query {
				e.t.Fatalf("woken as %v", w)
			}
			p.statusResult(paid("X"))
			p.wantNoDue().wantAnomaly("")
			e.reach(succeeded).wantNoDue()
			e.reach(inDoubt).notFound().want(ready)
		}},
		{does: "a first success that is not found proves nothing", policy: resend, run: func(e *suite) {
			p := e.reach(succeeded)
			p.statusResult(absent())
			p.want(succeeded).wantNoDue()
			e.reach(inDoubt).notFound().want(held).wantCode("lookup_unproven")
		}},
		{does: "under hold no success is queried as proof", run: func(e *suite) { e.reach(succeeded).wantNoDue() }},
		{does: "the payload of a succeeded payment is gone, a failed one can still be retried", run: func(e *suite) {
			if q := e.reach(succeeded).query(); q.Payload != nil {
				e.t.Fatalf("payload %q", q.Payload)
			}
			if q := e.reach(failed).query(); q.Payload == nil {
				e.t.Fatal("the payload of a failed payment is gone")
			}
		}},
	}
}

func watchedForAWeek(e *suite, p *payment, o providers.Outcome) {
	e.t.Helper()
	for range 6 {
		p.wantDue(day).Advance(day)
		w := e.due()
		if len(w) != 1 || w[0].Key != p.key || !w[0].Query {
			e.t.Fatalf("woken as %+v", w)
		}
		p.statusResult(o)
	}
	p.Advance(day)
	if w := e.due(); len(w) != 0 {
		e.t.Fatalf("still woken as %+v", w)
	}
	p.wantNoDue().Advance(time.Hour)
	p.statusResult(paid("late"))
}
