package idempotencytest

import (
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// The outcome of the attempt that owns the payment.
func finishRows() []row {
	return []row{
		{does: "succeeded is final, with the provider's id, and no longer due", run: func(e *suite) {
			p := e.queued().send("a")
			e.wantApplied(p.finish("a", paid("X")), true)
			p.want(idempotency.Succeeded).wantID("X").wantLeft(true).wantNoDue()
		}},
		{does: "pending is polled as the caller says", run: func(e *suite) {
			p := e.queued().send("a")
			p.finish("a", accepted("X"))
			p.want(idempotency.Pending).wantID("X").wantLeft(true).wantDue(poll)
		}},
		{does: "a well-formed refusal is failed, with its raw code, text and kind", run: func(e *suite) {
			p := e.reach(idempotency.Failed).wantCode("E-051").wantLeft(false).wantNoDue()
			if r := p.show(); r.Message != "insufficient funds" || r.Decline != "soft" {
				e.t.Fatalf("got %+v", r)
			}
		}},
		{does: "in doubt is queried at once", run: func(e *suite) {
			e.reach(idempotency.InDoubt).wantCode("timeout").wantLeft(true).wantDue(0)
		}},
		{does: "in doubt at a provider that cannot be queried is held at once", run: func(e *suite) {
			p := e.unqueryable().send("a")
			p.finish("a", inDoubtOutcome())
			p.want(idempotency.Held).wantLeft(true).wantNoDue()
		}},
		{does: "a lapsed attempt at a provider that cannot be queried is held at once", run: func(e *suite) {
			e.unqueryable().send("a").lapseLease().want(idempotency.Held).wantNoDue()
		}},
		{does: "pending at a provider that cannot be queried is held at the poll deadline", run: func(e *suite) {
			p := e.unqueryable().send("a")
			p.finish("a", accepted("X"))
			p.want(idempotency.Pending).wantDue(e.policy.PollDeadline)
			p.Advance(e.policy.PollDeadline - time.Millisecond)
			p.due()
			p.want(idempotency.Pending).Advance(time.Millisecond)
			p.due()
			p.want(idempotency.Held).wantCode("poll_deadline").wantNoDue()
		}},
		{does: "pending that cannot be queried is not forgotten when its due time was moved forward", run: func(e *suite) {
			p := e.unqueryable().send("a")
			p.finish("a", accepted("X"))
			e.must(e.Ledger.Defer(e.ctx(), p.key, 0))
			p.due()
			p.want(idempotency.Pending).wantDue(e.policy.PollDeadline)
		}},
		{does: "the owner may finish after its lease before the lapse is recorded", run: func(e *suite) {
			p := e.queued().send("a")
			p.Advance(10 * lease)
			p.finish("a", paid("X"))
			p.want(idempotency.Succeeded)
		}},
		{does: "a finish whose reply was lost may be repeated", run: func(e *suite) {
			for _, o := range []providers.Outcome{paid("X"), accepted("X"), declined()} {
				p := e.queued().send("a")
				first := p.finish("a", o)
				before := p.show()
				again := p.finish("a", o)
				e.wantApplied(again, false)
				if again.State != first.State || p.show().Version != before.Version {
					e.t.Fatalf("first %+v, again %+v", first, again)
				}
			}
		}},
		{does: "a recorded fate is final: another outcome of the same attempt changes nothing", run: func(e *suite) {
			p := e.queued().send("a")
			p.finish("a", declined())
			e.wantApplied(p.finish("a", paid("X")), false)
			e.wantApplied(p.release("a"), false)
			p.want(idempotency.Failed).wantAnomaly("")
		}},
		{does: "in doubt reported twice moves only the attempt's end", run: func(e *suite) {
			p := e.reach(idempotency.InDoubt)
			before := p.show()
			p.Advance(time.Second)
			p.finish("a", inDoubtOutcome())
			if after := p.show(); after.State != before.State || len(after.History) != len(before.History) {
				e.t.Fatalf("was %+v, is %+v", before, after)
			}
		}},
		{does: "a refusal while another attempt is open is queried, never failed", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("b", declined())
			p.want(idempotency.InDoubt).wantLeft(true).wantDue(0)
		}},
		{does: "a refusal after an attempt that was not executed is failed", run: func(e *suite) {
			p := e.reach(idempotency.Ready).send("b")
			p.finish("b", declined())
			p.want(idempotency.Failed)
		}},
		{does: "in doubt at the second attempt keeps both open", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("b", inDoubtOutcome())
			p.want(idempotency.InDoubt)
			p.finish("b", declined())
			p.wantLeft(true)
		}},
		{does: "a released second attempt leaves the first one open", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.release("b")
			p.want(idempotency.Ready).wantLeft(true)
		}},
		{does: "an action URL and provider references stay until the payment is final, the URL no longer", run: func(e *suite) {
			p := e.queued().send("a")
			o := accepted("X")
			o.ActionURL, o.ActionWithin, o.ProviderRefs = "https://pay.example/1", day, map[string]string{"session": "s"}
			p.finish("a", o)
			if r := p.show(); r.ActionURL != o.ActionURL {
				e.t.Fatalf("action url %q", r.ActionURL)
			}
			if q := p.query(); q.ProviderRefs["session"] != "s" {
				e.t.Fatalf("provider references %v", q.ProviderRefs)
			}
			p.statusResult(paid("X"))
			if r := p.show(); r.ActionURL != "" {
				e.t.Fatalf("kept %q", r.ActionURL)
			}
		}},
	}
}

// unqueryable registers a payment whose provider cannot be queried.
func (e *suite) unqueryable() *payment {
	e.t.Helper()
	p := e.queued()
	p.unqueryable = true
	return p
}
