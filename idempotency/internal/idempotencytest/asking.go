package idempotencytest

import (
	"time"

	"github.com/remesa/remesa/idempotency"
)

func askRows() []row {
	return []row{
		{does: "a question carries the payment, its version and the store's time", run: func(e *env) {
			p := e.reach(pending)
			q := p.ask()
			if !q.Ask || q.Version != p.show().Version || q.ProviderID != "X" || q.Amount != "12500" || q.Currency != "CLP" ||
				q.Type != "payout" || string(q.Payload) != string(p.reg.Payload) || q.AskedAt.IsZero() {
				e.t.Fatalf("got %+v", q)
			}
		}},
		{does: "there is nothing to ask while queued, sending, blocked or never left", run: func(e *env) {
			for _, s := range []idempotency.State{idempotency.Queued, sending, idempotency.Blocked, ready} {
				if q := e.reach(s).ask(); q.Ask {
					e.t.Errorf("%s is asked about", s)
				}
			}
		}},
		{does: "in_doubt, pending, held, and ready with an open attempt are asked about", policy: resend, run: func(e *env) {
			for _, p := range []*payment{e.reach(inDoubt), e.reach(pending), e.reach(held), e.readyAgain()} {
				if q := p.ask(); !q.Ask {
					e.t.Errorf("%s is not asked about", q.State)
				}
			}
		}},
		{does: "asking recovers an attempt whose lease lapsed", run: func(e *env) {
			p := e.queued().send("a")
			p.Advance(lease)
			if q := p.ask(); !q.Ask || q.State != inDoubt {
				e.t.Fatalf("got %+v", q)
			}
		}},
		{does: "questions count the answers that decided nothing", run: func(e *env) {
			p := e.reach(pending)
			for i := range 3 {
				if q := p.ask(); q.Polls != i {
					e.t.Fatalf("%d polls after %d answers", q.Polls, i)
				}
				p.answer(accepted("X"))
			}
		}},
	}
}

func answerRows() []row {
	return []row{
		{does: "found succeeded is adopted at once", run: func(e *env) {
			for _, s := range []idempotency.State{inDoubt, pending, held} {
				p := e.reach(s)
				e.wantApplied(p.answer(paid("X")), true)
				p.want(succeeded).wantID("X").wantLeft(true).wantAnomaly("")
			}
		}},
		{does: "found pending is adopted at once", run: func(e *env) {
			p := e.reach(inDoubt)
			p.answer(accepted("X"))
			p.want(pending).wantID("X").wantDue(poll)
		}},
		{does: "found while ready with an open attempt is adopted at once", policy: resend, run: func(e *env) {
			p, q := e.readyAgain(), e.readyAgain()
			p.answer(paid("X"))
			p.want(succeeded)
			q.answer(accepted("X"))
			q.want(pending)
		}},
		{does: "found under another id than the provider named before is an anomaly", run: func(e *env) {
			p := e.reach(pending)
			p.answer(paid("Y"))
			p.want(succeeded).wantAnomaly("second_success").wantID("Y")
		}},
		{does: "an answer about something else is held", run: func(e *env) {
			for _, s := range []idempotency.State{inDoubt, pending} {
				p := e.reach(s)
				p.answer(otherPayment())
				p.want(held).wantCode("mismatch").wantDue(day)
			}
		}},
		{does: "in held a pending answer is only noted, once", run: func(e *env) {
			p := e.reach(held)
			p.answer(accepted("X"))
			p.want(held).wantID("X").wantDue(day)
			before := p.show()
			p.answer(accepted("X"))
			if after := p.show(); len(after.History) != len(before.History) {
				e.t.Fatalf("history %v", after.History)
			}
		}},
		{does: "an answer to an older version changes nothing", run: func(e *env) {
			p := e.reach(inDoubt)
			q := p.ask()
			p.answer(accepted("X"))
			e.wantApplied(p.answerTo(q, otherPayment()), false)
			p.want(pending)
		}},
		{does: "a refusal of an older version is not read", run: func(e *env) {
			p := e.reach(inDoubt)
			p.answer(declined())
			p.Advance(e.policy.Settle)
			q := p.ask()
			p.answer(accepted("X"))
			e.wantApplied(p.answerTo(q, declined()), false)
			p.want(pending)
		}},
		{does: "no readable answer changes nothing and is asked again after the backoff", run: func(e *env) {
			p := e.reach(inDoubt)
			p.answer(unclear())
			p.want(inDoubt).wantDue(poll)
		}},
		{does: "a refusal read once is not believed", run: func(e *env) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.Settle)
			p.answer(declined())
			p.want(inDoubt)
		}},
		{does: "a refusal read twice, settle time apart, is failed", run: func(e *env) {
			for _, s := range []idempotency.State{inDoubt, pending} {
				p := e.reach(s)
				p.Advance(e.policy.Settle)
				p.answer(declined())
				p.Advance(e.policy.Settle - time.Millisecond)
				p.answer(declined())
				p.want(s).Advance(time.Millisecond)
				p.answer(declined())
				p.want(failed).wantCode("E-051").wantLeft(false)
			}
		}},
		{does: "the second reading of a refusal is asked no earlier than settle time after the attempt's end", run: func(e *env) {
			p := e.reach(inDoubt)
			p.answer(declined())
			p.Advance(e.policy.Settle - time.Millisecond)
			p.answer(declined())
			p.want(inDoubt).Advance(time.Millisecond)
			p.answer(declined())
			p.want(failed)
		}},
		{does: "an attempt that reports its refusal late ends then, and the second reading waits for that", policy: resend, run: func(e *env) {
			p := e.resent()
			p.finish("b", accepted("Y"))
			p.answer(declinedAs("Y"))
			p.Advance(time.Minute)
			p.finish("a", declined())
			p.Advance(e.policy.Settle - time.Millisecond)
			p.answer(declinedAs("Y"))
			p.want(pending).Advance(time.Millisecond)
			p.answer(declinedAs("Y"))
			p.want(failed)
		}},
		{does: "a lapsed attempt's end is its lease end", run: func(e *env) {
			p := e.queued().send("a")
			p.Advance(lease + time.Hour)
			p.ask()
			p.answer(declined())
			p.Advance(e.policy.Settle)
			p.answer(declined())
			p.want(failed)
		}},
		{does: "not found or pending between two refusals begins the reading anew", run: func(e *env) {
			for _, between := range []string{"not found", "pending"} {
				p := e.reach(pending)
				p.Advance(e.policy.Settle)
				p.answer(declined())
				p.Advance(e.policy.Settle)
				if between == "pending" {
					p.answer(accepted("X"))
				} else {
					p.answer(absent())
				}
				p.answer(declined())
				p.want(pending)
			}
		}},
		{does: "a refusal is asked again when it can be believed, if that is sooner than the backoff", run: func(e *env) {
			p := e.reach(inDoubt)
			q := p.ask()
			_, err := e.Ledger.Answer(e.ctx(), p.key, idempotency.Answered{Version: q.Version, AskedAt: q.AskedAt, Outcome: declined(), Next: time.Hour})
			e.must(err)
			p.wantDue(e.policy.Settle)
		}},
		{does: "a refusal with two open attempts is held", policy: resend, run: func(e *env) {
			p := e.resent()
			p.finish("b", unclear())
			readRefusalTwice(p)
			p.want(held).wantCode("refusal_unclear").wantLeft(true)
		}},
		{does: "a refusal of the second attempt's id is held while the first one is open", policy: resend, run: func(e *env) {
			p := e.resent()
			p.finish("b", accepted("Y"))
			p.Advance(e.policy.Settle)
			p.answer(declinedAs("Y"))
			p.Advance(e.policy.Settle)
			p.answer(declinedAs("Y"))
			p.want(held).wantCode("refusal_unclear").wantLeft(true)
		}},
		{does: "a refusal after an earlier attempt was refused may be about that one and is held", policy: resend, run: func(e *env) {
			p := e.resent()
			p.finish("b", declined())
			readRefusalTwice(p.want(inDoubt))
			p.want(held).wantCode("refusal_unclear")
		}},
		{does: "a refusal that names this attempt's id is failed although an earlier attempt was refused", policy: resend, run: func(e *env) {
			p := e.resent()
			p.finish("a", declined())
			p.finish("b", accepted("Y"))
			p.Advance(e.policy.Settle)
			p.answer(declinedAs("Y"))
			p.Advance(e.policy.Settle)
			p.answer(declinedAs("Y"))
			p.want(failed)
		}},
		{does: "what is unanswered at the poll deadline is held and then polled daily", run: func(e *env) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.PollDeadline)
			p.answer(unclear())
			p.want(held).wantCode("poll_deadline").wantDue(day)
		}},
		{does: "what is pending at the poll deadline is held", run: func(e *env) {
			p := e.reach(pending)
			p.Advance(e.policy.PollDeadline)
			p.answer(accepted("X"))
			p.want(held).wantCode("poll_deadline")
		}},
		{does: "the poll deadline is noticed without any answer", run: func(e *env) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.PollDeadline)
			p.due()
			p.want(held).wantCode("poll_deadline")
		}},
		{does: "a poll is never put off beyond the poll deadline", run: func(e *env) {
			p := e.reach(pending)
			p.Advance(e.policy.PollDeadline - time.Second)
			p.answer(accepted("X"))
			p.wantDue(time.Second)
		}},
		{does: "in held nothing but a success or a refusal read twice moves a payment", run: func(e *env) {
			p := e.reach(held)
			p.Advance(e.policy.Settle)
			for range 5 {
				p.answer(absent())
				p.answer(unclear())
				p.answer(otherPayment())
				p.Advance(day)
			}
			p.want(held)
		}},
	}
}

func readRefusalTwice(p *payment) {
	p.t.Helper()
	p.Advance(p.policy.Settle)
	p.answer(declined())
	p.Advance(p.policy.Settle)
	p.answer(declined())
}

// notFoundRows: absence is not proof.
func notFoundRows() []row {
	several := func(p *idempotency.Policy) { p.Confirmations = 3 }
	twice := func(p *idempotency.Policy) { p.Resend, p.MaxResends = true, 2 }
	return []row{
		{does: "not found counts no earlier than settle time after the attempt's end", run: func(e *env) {
			p := e.reach(inDoubt)
			for range 10 {
				p.answer(absent())
				p.Advance(e.policy.NotFoundInterval)
			}
			p.want(inDoubt)
		}},
		{does: "what was asked before the settle time does not count when it is answered after it", run: func(e *env) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.Settle - time.Millisecond)
			q := p.ask()
			p.Advance(e.policy.Settle)
			p.answerTo(q, absent())
			p.answer(absent())
			p.want(inDoubt)
		}},
		{does: "after the settle time it is held once confirmed, under hold", run: func(e *env) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.Settle)
			p.answer(absent())
			p.want(inDoubt).Advance(e.policy.NotFoundInterval)
			p.answer(absent())
			p.want(held).wantCode("not_found").wantLeft(true).wantDue(day)
		}},
		{does: "not founds closer than the interval count once", run: func(e *env) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.Settle)
			p.answer(absent())
			p.Advance(e.policy.NotFoundInterval - time.Millisecond)
			p.answer(absent())
			p.answer(absent())
			p.want(inDoubt)
		}},
		{does: "as many confirmations are needed as the policy says", policy: several, run: func(e *env) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.Settle)
			for range 2 {
				p.answer(absent())
				p.Advance(e.policy.NotFoundInterval)
			}
			p.want(inDoubt).answer(absent())
			p.want(held)
		}},
		{does: "a refusal between two not founds begins the count anew", run: func(e *env) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.Settle)
			p.answer(absent())
			p.Advance(e.policy.NotFoundInterval)
			p.answer(declined())
			p.answer(absent())
			p.want(inDoubt)
		}},
		{does: "the due time is the next instant at which a not found counts", run: func(e *env) {
			p := e.reach(inDoubt)
			q := p.ask()
			_, err := e.Ledger.Answer(e.ctx(), p.key, idempotency.Answered{Version: q.Version, AskedAt: q.AskedAt, Outcome: absent(), Next: time.Hour})
			e.must(err)
			p.wantDue(e.policy.Settle).Advance(e.policy.Settle)
			q = p.ask()
			_, err = e.Ledger.Answer(e.ctx(), p.key, idempotency.Answered{Version: q.Version, AskedAt: q.AskedAt, Outcome: absent(), Next: time.Hour})
			e.must(err)
			p.wantDue(e.policy.NotFoundInterval)
		}},
		{does: "under resend without a proof that the lookup works it is held", policy: resend, run: func(e *env) {
			e.reach(inDoubt).notFound().want(held).wantCode("lookup_unproven")
		}},
		{does: "under resend with that proof it is ready, the attempt still open", policy: resend, run: func(e *env) {
			e.prove()
			p := e.reach(inDoubt).notFound().want(ready).wantLeft(true).wantDue(0)
			p.send("b")
		}},
		{does: "any found answer is proof, a refusal too, also one that came too late", policy: resend, run: func(e *env) {
			p := e.reach(inDoubt)
			q := p.ask()
			p.answer(otherPayment())
			p.answerTo(q, declined())
			e.reach(inDoubt).notFound().want(ready)
		}},
		{does: "the proof of one account is none for another", policy: resend, run: func(e *env) {
			e.prove()
			p := e.queued(func(r *idempotency.Registration) { r.Key.Account = "second" }).send("a")
			p.finish("a", unclear())
			p.notFound().want(held).wantCode("lookup_unproven")
		}},
		{does: "it is sent again at most as often as the policy says", policy: resend, run: func(e *env) {
			p := e.resent()
			p.finish("b", unclear())
			p.notFound().want(held).wantCode("not_found")
		}},
		{does: "two resends where the policy allows two", policy: twice, run: func(e *env) {
			p := e.resent()
			p.finish("b", unclear())
			p.notFound().want(ready).send("c").finish("c", unclear())
			p.notFound().want(held)
		}},
		{does: "a released resend is not another resend", policy: resend, run: func(e *env) {
			p := e.resent()
			p.release("b")
			p.send("c").finish("c", unclear())
			p.notFound().want(held)
		}},
		{does: "the count begins anew with each attempt, from that attempt's end", policy: twice, run: func(e *env) {
			p := e.resent()
			p.finish("b", unclear())
			p.answer(absent())
			p.Advance(e.policy.NotFoundInterval)
			p.answer(absent())
			p.want(inDoubt).Advance(e.policy.Settle)
			p.answer(absent())
			p.want(inDoubt).Advance(e.policy.NotFoundInterval)
			p.answer(absent())
			p.want(ready)
		}},
		{does: "a refusal that was read before another attempt began is not the first reading of that one's", run: func(e *env) {
			p := e.queued().send("a").lapse()
			p.answer(declined())
			p.release("a")
			p.send("b").finish("b", unclear())
			p.Advance(e.policy.Settle)
			p.answer(declined())
			p.want(inDoubt)
		}},
		{does: "what the provider was once found to have is never sent again", policy: resend, run: func(e *env) {
			e.prove()
			p := e.reach(pending)
			p.notFound().want(held).wantCode("not_found")
		}},
	}
}
