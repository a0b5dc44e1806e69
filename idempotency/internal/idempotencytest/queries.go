package idempotencytest

import (
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

func queryRows() []row {
	return []row{
		{does: "a status query carries the payment, its version and the store's time", run: func(e *suite) {
			p := e.reach(pending)
			q := p.query()
			if !q.Needed || q.Version != p.show().Version || q.ProviderID != "X" || q.Amount != "12500" || q.Currency != "CLP" ||
				q.Type != "payout" || string(q.Payload) != string(p.reg.Payload) || q.QueriedAt.IsZero() {
				e.t.Fatalf("got %+v", q)
			}
		}},
		{does: "there is nothing to query while queued, sending, blocked or never left", run: func(e *suite) {
			for _, s := range []idempotency.State{idempotency.Queued, sending, idempotency.Blocked, ready} {
				if q := e.reach(s).query(); q.Needed {
					e.t.Errorf("%s is queried", s)
				}
			}
		}},
		{does: "in_doubt, pending, held, and ready with an open attempt are queried", policy: resend, run: func(e *suite) {
			for _, p := range []*payment{e.reach(inDoubt), e.reach(pending), e.reach(held), e.readyAgain()} {
				if q := p.query(); !q.Needed {
					e.t.Errorf("%s is not queried", q.State)
				}
			}
		}},
		{does: "a query recovers an attempt whose lease lapsed", run: func(e *suite) {
			p := e.queued().send("a")
			p.Advance(lease)
			if q := p.query(); !q.Needed || q.State != inDoubt {
				e.t.Fatalf("got %+v", q)
			}
		}},
		{does: "queries count the results that decided nothing", run: func(e *suite) {
			p := e.reach(pending)
			for i := range 3 {
				if q := p.query(); q.Polls != i {
					e.t.Fatalf("%d polls after %d results", q.Polls, i)
				}
				p.statusResult(accepted("X"))
			}
		}},
	}
}

func statusRows() []row {
	return []row{
		{does: "found succeeded is recorded at once", run: func(e *suite) {
			for _, s := range []idempotency.State{inDoubt, pending, held} {
				p := e.reach(s)
				e.wantApplied(p.statusResult(paid("X")), true)
				p.want(succeeded).wantID("X").wantLeft(true).wantAnomaly("")
			}
		}},
		{does: "found pending is recorded at once", run: func(e *suite) {
			p := e.reach(inDoubt)
			p.statusResult(accepted("X"))
			p.want(pending).wantID("X").wantDue(poll)
		}},
		{does: "found while ready with an open attempt is recorded at once", policy: resend, run: func(e *suite) {
			p, q := e.readyAgain(), e.readyAgain()
			p.statusResult(paid("X"))
			p.want(succeeded)
			q.statusResult(accepted("X"))
			q.want(pending)
		}},
		{does: "found under another id than the provider named before is an anomaly", run: func(e *suite) {
			p := e.reach(pending)
			p.statusResult(paid("Y"))
			p.want(succeeded).wantAnomaly("second_success").wantID("Y")
		}},
		{does: "a mismatch is held", run: func(e *suite) {
			for _, s := range []idempotency.State{inDoubt, pending} {
				p := e.reach(s)
				p.statusResult(otherPayment())
				p.want(held).wantCode("mismatch").wantDue(day)
			}
		}},
		{does: "in held a pending result records only the id, once", run: func(e *suite) {
			p := e.reach(held)
			p.statusResult(accepted("X"))
			p.want(held).wantID("X").wantDue(day)
			before := p.show()
			p.statusResult(accepted("X"))
			if after := p.show(); len(after.History) != len(before.History) {
				e.t.Fatalf("history %v", after.History)
			}
		}},
		{does: "what the provider said stands in the history, and equal answers are one entry", run: func(e *suite) {
			p := e.queued().send("a")
			said := func(q idempotency.Question, status int, class providers.Class) idempotency.Answer {
				return idempotency.Answer{Question: q, HTTPStatus: status, Class: string(class), Took: 78 * time.Millisecond}
			}
			_, err := e.Ledger.Finish(e.ctx(), p.key, idempotency.AttemptResult{
				Attempt: p.id("a"), Outcome: inDoubtOutcome(), QueryAfter: poll, Answer: said(idempotency.AskToPay, 502, providers.InDoubt),
			})
			e.must(err)
			for range 3 {
				p.Advance(time.Second)
				q := p.query()
				_, err := e.Ledger.RecordStatus(e.ctx(), p.key, idempotency.StatusResult{
					Version: q.Version, QueriedAt: q.QueriedAt, Outcome: absent(), QueryAfter: poll, Answer: said(idempotency.AskStatus, 404, providers.NotFound),
				})
				e.must(err)
			}
			h := p.want(inDoubt).show().History
			last := h[len(h)-1]
			if len(h) != 4 || h[2].Answer != said(idempotency.AskToPay, 502, providers.InDoubt) ||
				last.Answer != said(idempotency.AskStatus, 404, providers.NotFound) || last.Count != 3 || !last.Last.Equal(last.At.Add(2*time.Second)) {
				e.t.Fatalf("history %+v", h)
			}
		}},
		{does: "what the provider said of an attempt that was not executed stands in the history", run: func(e *suite) {
			p := e.queued().send("a")
			throttled := idempotency.Answer{Question: idempotency.AskToPay, HTTPStatus: 429, Class: "not_sent"}
			_, err := e.Ledger.Release(e.ctx(), p.key, p.id("a"), "throttled", time.Minute, throttled)
			e.must(err)
			if h := p.want(ready).show().History; h[2].Answer != throttled || h[2].Note != "throttled" {
				e.t.Fatalf("history %+v", h)
			}
		}},
		{does: "a result for an older version changes nothing", run: func(e *suite) {
			p := e.reach(inDoubt)
			q := p.query()
			p.statusResult(accepted("X"))
			e.wantApplied(p.statusResultTo(q, otherPayment()), false)
			p.want(pending)
		}},
		{does: "a refusal for an older version does not count", run: func(e *suite) {
			p := e.reach(inDoubt)
			p.statusResult(declined())
			p.Advance(e.policy.SettleTime)
			q := p.query()
			p.statusResult(accepted("X"))
			e.wantApplied(p.statusResultTo(q, declined()), false)
			p.want(pending)
		}},
		{does: "an unreadable result changes nothing and is queried again after the backoff", run: func(e *suite) {
			p := e.reach(inDoubt)
			p.statusResult(inDoubtOutcome())
			p.want(inDoubt).wantDue(poll)
		}},
		{does: "a refusal read once is not believed", run: func(e *suite) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.SettleTime)
			p.statusResult(declined())
			p.want(inDoubt)
		}},
		{does: "a refusal read twice, settle time apart, is failed", run: func(e *suite) {
			for _, s := range []idempotency.State{inDoubt, pending} {
				p := e.reach(s)
				p.Advance(e.policy.SettleTime)
				p.statusResult(declined())
				p.Advance(e.policy.SettleTime - time.Millisecond)
				p.statusResult(declined())
				p.want(s).Advance(time.Millisecond)
				p.statusResult(declined())
				p.want(failed).wantCode("E-051").wantLeft(false)
			}
		}},
		{does: "the second reading of a refusal is queried no earlier than settle time after the attempt's end", run: func(e *suite) {
			p := e.reach(inDoubt)
			p.statusResult(declined())
			p.Advance(e.policy.SettleTime - time.Millisecond)
			p.statusResult(declined())
			p.want(inDoubt).Advance(time.Millisecond)
			p.statusResult(declined())
			p.want(failed)
		}},
		{does: "an attempt that reports its refusal late ends then, and the second reading waits for that", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("b", accepted("Y"))
			p.statusResult(declinedAs("Y"))
			p.Advance(time.Minute)
			p.finish("a", declined())
			p.Advance(e.policy.SettleTime - time.Millisecond)
			p.statusResult(declinedAs("Y"))
			p.want(pending).Advance(time.Millisecond)
			p.statusResult(declinedAs("Y"))
			p.want(failed)
		}},
		{does: "a lapsed attempt's end is its lease end", run: func(e *suite) {
			p := e.queued().send("a")
			p.Advance(lease + time.Hour)
			p.query()
			p.statusResult(declined())
			p.Advance(e.policy.SettleTime)
			p.statusResult(declined())
			p.want(failed)
		}},
		{does: "not found or pending between two refusals begins the reading anew", run: func(e *suite) {
			for _, between := range []string{"not found", "pending"} {
				p := e.reach(pending)
				p.Advance(e.policy.SettleTime)
				p.statusResult(declined())
				p.Advance(e.policy.SettleTime)
				if between == "pending" {
					p.statusResult(accepted("X"))
				} else {
					p.statusResult(absent())
				}
				p.statusResult(declined())
				p.want(pending)
			}
		}},
		{does: "a refusal is queried again when it can be believed, if that is sooner than the backoff", run: func(e *suite) {
			p := e.reach(inDoubt)
			q := p.query()
			_, err := e.Ledger.RecordStatus(e.ctx(), p.key, idempotency.StatusResult{Version: q.Version, QueriedAt: q.QueriedAt, Outcome: declined(), QueryAfter: time.Hour})
			e.must(err)
			p.wantDue(e.policy.SettleTime)
		}},
		{does: "a refusal with two open attempts is held", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("b", inDoubtOutcome())
			refusedTwice(p)
			p.want(held).wantCode("refusal_unclear").wantLeft(true)
		}},
		{does: "a refusal of the second attempt's id is held while the first one is open", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("b", accepted("Y"))
			p.Advance(e.policy.SettleTime)
			p.statusResult(declinedAs("Y"))
			p.Advance(e.policy.SettleTime)
			p.statusResult(declinedAs("Y"))
			p.want(held).wantCode("refusal_unclear").wantLeft(true)
		}},
		{does: "a refusal after an earlier attempt was refused may be about that one and is held", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("b", declined())
			refusedTwice(p.want(inDoubt))
			p.want(held).wantCode("refusal_unclear")
		}},
		{does: "a refusal that names this attempt's id is failed although an earlier attempt was refused", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("a", declined())
			p.finish("b", accepted("Y"))
			p.Advance(e.policy.SettleTime)
			p.statusResult(declinedAs("Y"))
			p.Advance(e.policy.SettleTime)
			p.statusResult(declinedAs("Y"))
			p.want(failed)
		}},
		{does: "what is undecided at the poll deadline is held and then polled daily", run: func(e *suite) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.PollDeadline)
			p.statusResult(inDoubtOutcome())
			p.want(held).wantCode("poll_deadline").wantDue(day)
		}},
		{does: "what is pending at the poll deadline is held", run: func(e *suite) {
			p := e.reach(pending)
			p.Advance(e.policy.PollDeadline)
			p.statusResult(accepted("X"))
			p.want(held).wantCode("poll_deadline")
		}},
		{does: "the poll deadline holds without any result", run: func(e *suite) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.PollDeadline)
			p.due()
			p.want(held).wantCode("poll_deadline")
		}},
		{does: "a poll is never put off beyond the poll deadline", run: func(e *suite) {
			p := e.reach(pending)
			p.Advance(e.policy.PollDeadline - time.Second)
			p.statusResult(accepted("X"))
			p.wantDue(time.Second)
		}},
		{does: "in held nothing but a success or a refusal read twice moves a payment", run: func(e *suite) {
			p := e.reach(held)
			p.Advance(e.policy.SettleTime)
			for range 5 {
				p.statusResult(absent())
				p.statusResult(inDoubtOutcome())
				p.statusResult(otherPayment())
				p.Advance(day)
			}
			p.want(held)
		}},
	}
}

func refusedTwice(p *payment) {
	p.t.Helper()
	p.Advance(p.policy.SettleTime)
	p.statusResult(declined())
	p.Advance(p.policy.SettleTime)
	p.statusResult(declined())
}

// notFoundRows: a "not found" proves nothing until it is confirmed.
func notFoundRows() []row {
	several := func(p *idempotency.Policy) { p.Confirmations = 3 }
	twice := func(p *idempotency.Policy) { p.Resend, p.MaxResends = true, 2 }
	return []row{
		{does: "not found counts no earlier than settle time after the attempt's end", run: func(e *suite) {
			p := e.reach(inDoubt)
			for range 10 {
				p.statusResult(absent())
				p.Advance(e.policy.NotFoundInterval)
			}
			p.want(inDoubt)
		}},
		{does: "what was queried before the settle time does not count when its result comes after it", run: func(e *suite) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.SettleTime - time.Millisecond)
			q := p.query()
			p.Advance(e.policy.SettleTime)
			p.statusResultTo(q, absent())
			p.statusResult(absent())
			p.want(inDoubt)
		}},
		{does: "after the settle time it is held once confirmed, under hold", run: func(e *suite) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.SettleTime)
			p.statusResult(absent())
			p.want(inDoubt).Advance(e.policy.NotFoundInterval)
			p.statusResult(absent())
			p.want(held).wantCode("not_found").wantLeft(true).wantDue(day)
		}},
		{does: "not founds closer than the interval count once", run: func(e *suite) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.SettleTime)
			p.statusResult(absent())
			p.Advance(e.policy.NotFoundInterval - time.Millisecond)
			p.statusResult(absent())
			p.statusResult(absent())
			p.want(inDoubt)
		}},
		{does: "as many confirmations are needed as the policy says", policy: several, run: func(e *suite) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.SettleTime)
			for range 2 {
				p.statusResult(absent())
				p.Advance(e.policy.NotFoundInterval)
			}
			p.want(inDoubt).statusResult(absent())
			p.want(held)
		}},
		{does: "a refusal between two not founds begins the count anew", run: func(e *suite) {
			p := e.reach(inDoubt)
			p.Advance(e.policy.SettleTime)
			p.statusResult(absent())
			p.Advance(e.policy.NotFoundInterval)
			p.statusResult(declined())
			p.statusResult(absent())
			p.want(inDoubt)
		}},
		{does: "the due time is the next instant at which a not found counts", run: func(e *suite) {
			p := e.reach(inDoubt)
			q := p.query()
			_, err := e.Ledger.RecordStatus(e.ctx(), p.key, idempotency.StatusResult{Version: q.Version, QueriedAt: q.QueriedAt, Outcome: absent(), QueryAfter: time.Hour})
			e.must(err)
			p.wantDue(e.policy.SettleTime).Advance(e.policy.SettleTime)
			q = p.query()
			_, err = e.Ledger.RecordStatus(e.ctx(), p.key, idempotency.StatusResult{Version: q.Version, QueriedAt: q.QueriedAt, Outcome: absent(), QueryAfter: time.Hour})
			e.must(err)
			p.wantDue(e.policy.NotFoundInterval)
		}},
		{does: "under resend without a query proof it is held", policy: resend, run: func(e *suite) {
			e.reach(inDoubt).notFound().want(held).wantCode("lookup_unproven")
		}},
		{does: "under resend with that proof it is ready, the attempt still open", policy: resend, run: func(e *suite) {
			e.prove()
			p := e.reach(inDoubt).notFound().want(ready).wantLeft(true).wantDue(0)
			p.send("b")
		}},
		{does: "any result that finds it is proof, a refusal too, also one that came too late", policy: resend, run: func(e *suite) {
			p := e.reach(inDoubt)
			q := p.query()
			p.statusResult(otherPayment())
			p.statusResultTo(q, declined())
			e.reach(inDoubt).notFound().want(ready)
		}},
		{does: "the proof of one account is none for another", policy: resend, run: func(e *suite) {
			e.prove()
			p := e.queued(func(r *idempotency.Registration) { r.Key.Account = "second" }).send("a")
			p.finish("a", inDoubtOutcome())
			p.notFound().want(held).wantCode("lookup_unproven")
		}},
		{does: "it is sent again at most as often as the policy says", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("b", inDoubtOutcome())
			p.notFound().want(held).wantCode("not_found")
		}},
		{does: "two resends where the policy allows two", policy: twice, run: func(e *suite) {
			p := e.resent()
			p.finish("b", inDoubtOutcome())
			p.notFound().want(ready).send("c").finish("c", inDoubtOutcome())
			p.notFound().want(held)
		}},
		{does: "a released resend is not another resend", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.release("b")
			p.send("c").finish("c", inDoubtOutcome())
			p.notFound().want(held)
		}},
		{does: "the count begins anew with each attempt, from that attempt's end", policy: twice, run: func(e *suite) {
			p := e.resent()
			p.finish("b", inDoubtOutcome())
			p.statusResult(absent())
			p.Advance(e.policy.NotFoundInterval)
			p.statusResult(absent())
			p.want(inDoubt).Advance(e.policy.SettleTime)
			p.statusResult(absent())
			p.want(inDoubt).Advance(e.policy.NotFoundInterval)
			p.statusResult(absent())
			p.want(ready)
		}},
		{does: "a refusal that was read before another attempt began is not the first reading of that one's", run: func(e *suite) {
			p := e.queued().send("a").lapseLease()
			p.statusResult(declined())
			p.release("a")
			p.send("b").finish("b", inDoubtOutcome())
			p.Advance(e.policy.SettleTime)
			p.statusResult(declined())
			p.want(inDoubt)
		}},
		{does: "what the provider was once found to have is never sent again", policy: resend, run: func(e *suite) {
			e.prove()
			p := e.reach(pending)
			p.notFound().want(held).wantCode("not_found")
		}},
	}
}
