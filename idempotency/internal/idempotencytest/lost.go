package idempotencytest

import (
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// report is the end of an attempt that came to the money step.
func (p *payment) report(attempt string, o providers.Outcome) idempotency.Transition {
	p.t.Helper()
	s, err := p.Ledger.Finish(p.ctx(), p.key, idempotency.AttemptResult{Attempt: p.id(attempt), Outcome: o, MoneyStepReached: true, QueryAfter: poll})
	p.must(err)
	return s
}

// Results of attempts and payments that the store has lost are never dropped.
func lostRows() []row {
	return []row{
		{does: "a success of an unrecorded attempt makes what waits succeed", run: func(e *suite) {
			for _, s := range []idempotency.State{idempotency.Queued, idempotency.Blocked, ready, inDoubt, held} {
				p := e.reach(s)
				e.wantApplied(p.report("lost", paid("X")), true)
				p.want(succeeded).wantID("X").wantAnomaly("")
			}
		}},
		{does: "a doubt of an unrecorded attempt is queried before anything is sent", run: func(e *suite) {
			for _, s := range []idempotency.State{idempotency.Queued, idempotency.Blocked, ready} {
				p := e.reach(s)
				p.unqueryable = false
				p.report("lost", inDoubtOutcome())
				if s == ready {
					p.want(inDoubt).wantDecision(p.begin("b"), idempotency.QueryFirst)
					continue
				}
				p.want(held).wantLeft(true).wantDecision(p.begin("b"), idempotency.Done)
			}
		}},
		{does: "a doubt of an unrecorded attempt is queried where its worker knows that the provider can be", run: func(e *suite) {
			p := e.queued()
			_, err := e.Ledger.Finish(e.ctx(), p.key, idempotency.AttemptResult{
				Attempt: "lost", Outcome: inDoubtOutcome(), MoneyStepReached: true, Queryable: true,
			})
			e.must(err)
			p.want(inDoubt).wantLeft(true)
		}},
		{does: "a pending of an unrecorded attempt is pending", run: func(e *suite) {
			p := e.reach(ready)
			p.report("lost", accepted("X"))
			p.want(pending).wantID("X").wantLeft(true)
		}},
		{does: "a refusal of an unrecorded attempt fails what waits", run: func(e *suite) {
			p := e.queued()
			p.report("lost", declined())
			p.want(failed).wantLeft(false)
		}},
		{does: "a second success of an unrecorded attempt is an anomaly", run: func(e *suite) {
			for _, id := range []string{"Y", ""} {
				p := e.reach(succeeded)
				p.report("lost", paid(id))
				p.want(succeeded).wantID("X").wantAnomaly("second_success")
			}
		}},
		{does: "while another attempt sends, a lost one is queried when that ends", run: func(e *suite) {
			p := e.queued().send("a")
			p.report("lost", inDoubtOutcome())
			p.want(sending).release("a")
			p.want(inDoubt).wantLeft(true)
			q := e.queued().send("a")
			q.report("lost", inDoubtOutcome())
			q.want(sending).finish("a", declined())
			q.want(inDoubt).wantLeft(true)
		}},
		{does: "a doubt of an unrecorded attempt has a final payment watched", run: func(e *suite) {
			for _, s := range []idempotency.State{failed, succeeded} {
				p := e.reach(s)
				p.report("lost", inDoubtOutcome())
				p.want(s).wantLeft(true).wantDue(0).wantAnomaly("")
				p.statusResult(paid("Y"))
				if p.show().Anomaly == "" {
					e.t.Errorf("%s: a second execution is no anomaly", s)
				}
			}
		}},
		{does: "a pending of an unrecorded attempt has a succeeded payment watched", run: func(e *suite) {
			p := e.reach(succeeded)
			p.report("lost", accepted("Y"))
			p.want(succeeded).wantLeft(true).wantDue(0).wantAnomaly("")
			p.statusResult(paid("Y"))
			p.want(succeeded).wantAnomaly("second_success")
		}},
		{does: "a doubt of an unrecorded attempt is an anomaly where the provider cannot be queried", run: func(e *suite) {
			for _, o := range []providers.Outcome{paid("X"), declined()} {
				p := e.queued()
				p.unqueryable = true
				p.send("a").finish("a", o)
				p.report("lost", inDoubtOutcome())
				p.wantLeft(true).wantNoDue().wantAnomaly("late_doubt")
			}
		}},
		{does: "reports of a lost attempt may be repeated", run: func(e *suite) {
			p := e.queued()
			p.report("lost", paid("X"))
			before := p.show()
			e.wantApplied(p.report("lost", paid("X")), false)
			if p.show().Version != before.Version {
				e.t.Fatal("recorded twice")
			}
		}},
		{does: "an attempt that never came to the money step leaves no trace", run: func(e *suite) {
			p := e.queued()
			e.wantApplied(p.finish("lost", inDoubtOutcome()), false)
			p.want(idempotency.Queued).wantLeft(false).send("a")
		}},
		{does: "a report that the money step was reached opens the attempt, with or without a checkpoint", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			p.report("a", inDoubtOutcome())
			p.want(inDoubt).wantLeft(true)
			q := e.queued()
			q.idle("a")
			q.lapseLease().want(ready).report("a", inDoubtOutcome())
			q.wantLeft(true).wantDecision(q.begin("b"), idempotency.QueryFirst)
		}},
		{does: "a record that is gone is recorded again, in doubt, with the attempt that is still known", run: func(e *suite) {
			p := e.unrecordedAttempt(true)
			p.want(inDoubt).wantLeft(true).wantDecision(p.begin("b"), idempotency.QueryFirst)
			p.report("a", paid("X"))
			p.want(succeeded).wantID("X")
		}},
		{does: "a record that is gone is held where the provider cannot be queried", run: func(e *suite) {
			p := e.unrecordedAttempt(false)
			p.want(held).wantLeft(true).report("a", paid("X"))
			p.want(succeeded)
		}},
		{does: "a record that is recorded again claims its exclusive object again", exclusive: true, run: func(e *suite) {
			p := e.unrecordedAttempt(true, forInstruction)
			other := e.registration("other")
			forInstruction(&other)
			if got := e.register(other)[0]; got.Result != idempotency.Conflict || got.Existing != p.key.ID() {
				e.t.Fatalf("another payment of the same object: got %+v", got)
			}
		}},
		{does: "a record is recorded again although another payment has claimed its object meanwhile", exclusive: true, run: func(e *suite) {
			e.queued(forInstruction)
			e.unrecordedAttempt(true, forInstruction).want(inDoubt).wantLeft(true)
		}},
		{does: "recording again leaves a record alone that is there", run: func(e *suite) {
			p := e.reach(succeeded)
			before := p.show()
			e.must(e.Ledger.Restore(e.ctx(), p.reg, idempotency.RestoredAttempt{Attempt: p.id("x"), Queryable: true}))
			if after := p.show(); after.Version != before.Version {
				e.t.Fatalf("was %+v, is %+v", before, after)
			}
		}},
	}
}

// unrecordedAttempt is a payment that the store has lost, whose worker still holds attempt "a".
func (e *suite) unrecordedAttempt(askable bool, changes ...func(*idempotency.Registration)) *payment {
	e.t.Helper()
	p := &payment{suite: e, key: e.registration("ghost").Key, reg: e.registration("ghost")}
	for _, c := range changes {
		c(&p.reg)
	}
	b := e.queued().begin("clock")
	e.must(e.Ledger.Restore(e.ctx(), p.reg, idempotency.RestoredAttempt{Attempt: p.id("a"), LeaseEnd: b.Now.Add(lease), Queryable: askable}))
	return p
}

func forInstruction(r *idempotency.Registration) { r.Object = "instruction:1" }

// Two attempts that both succeeded are two executions; whether anything may have left is one rule.
func doubleRows() []row {
	rows := []row{
		{does: "a success without an id is an anomaly where the one on record may be another attempt's", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("b", inDoubtOutcome())
			_, err := p.resolve("succeeded", "X")
			e.must(err)
			p.finish("a", paid(""))
			p.want(succeeded).wantID("X").wantAnomaly("second_success")
		}},
		{does: "a success without an id is the one on record where there was one attempt", run: func(e *suite) {
			p := e.queued().send("a")
			p.finish("a", inDoubtOutcome())
			_, err := p.resolve("succeeded", "X")
			e.must(err)
			p.finish("a", paid(""))
			p.want(succeeded).wantID("X").wantAnomaly("")
		}},
	}
	for _, ids := range [][2]string{{"X", "Y"}, {"X", ""}, {"", "X"}, {"", ""}} {
		rows = append(rows, row{
			does:   "two attempts that succeed as '" + ids[0] + "' and '" + ids[1] + "' are an anomaly, and no id is lost",
			policy: resend, run: func(e *suite) {
				p := e.resent()
				p.finish("b", paid(ids[0]))
				p.finish("a", paid(ids[1]))
				r := p.want(succeeded).wantAnomaly("second_success").show()
				known := ids[0]
				if known == "" {
					known = ids[1]
				}
				if r.ProviderID != known && ids[0] != "" {
					e.t.Fatalf("provider id %q, want %q", r.ProviderID, known)
				}
				q := e.resent()
				q.finish("a", paid(ids[0]))
				q.finish("b", paid(ids[1]))
				if r := q.want(succeeded).wantAnomaly("second_success").show(); known != "" && r.ProviderID == "" {
					e.t.Fatalf("the id %q is lost", known)
				}
			},
		})
	}
	return append(rows, []row{
		{does: "the same id for both is one payment", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("a", paid("X"))
			p.finish("b", paid("X"))
			p.want(succeeded).wantAnomaly("").wantID("X")
		}},
		{does: "what the provider has may have left, also when an operator calls it failed", run: func(e *suite) {
			p := e.reach(pending).wantLeft(true)
			_, err := p.resolve("failed", "")
			e.must(err)
			p.want(failed).wantLeft(true).wantDue(day)
			_, err = p.retry(false)
			e.refused(err)
		}},
		{does: "an operator who knows closes the attempts, and the payment can go on", run: func(e *suite) {
			for _, s := range []idempotency.State{inDoubt, pending, held} {
				p := e.reach(s)
				e.must(p.resolveClosed())
				p.want(failed).wantLeft(false).wantNoDue()
				_, err := p.retry(false)
				e.must(err)
				p.want(ready).send("b")
			}
		}},
		{does: "the attempts of a failed payment can be closed later", run: func(e *suite) {
			p := failedOpen(e)
			e.must(p.resolveClosed())
			if r := p.want(failed).wantLeft(false).show(); r.Decline != "soft" {
				e.t.Fatalf("decline %q", r.Decline)
			}
			e.refused(p.resolveClosed())
		}},
		{does: "a success of an attempt that an operator closed is an anomaly", run: func(e *suite) {
			p := e.reach(held)
			e.must(p.resolveClosed())
			p.finish("a", paid("X"))
			p.want(failed).wantAnomaly("late_success")
		}},
	}...)
}

func (p *payment) resolveClosed() error {
	_, err := p.Ledger.Resolve(p.ctx(), p.key, p.show().Version, idempotency.Resolution{
		Actor: actor(), As: "failed", Decline: "soft", AcceptDoubleRisk: true,
	})
	return err
}

func duplicate() providers.Outcome {
	return providers.Outcome{Class: providers.Duplicate, Code: "duplicate_reference"}
}

// Whether what the provider has under our reference is ours.
func foreignRows() []row {
	recordOurs := func(p *payment, o providers.Outcome) {
		q := p.query()
		_, err := p.Ledger.RecordStatus(p.ctx(), p.key, idempotency.StatusResult{
			Version: q.Version, QueriedAt: q.QueriedAt, Outcome: o, Ours: true, QueryAfter: poll,
		})
		p.must(err)
	}
	return []row{
		{does: "a duplicate at the first attempt is queried, and what is found is not taken for ours", run: func(e *suite) {
			for _, o := range []providers.Outcome{paid("X"), accepted("X"), declined()} {
				p := e.queued().send("a")
				p.finish("a", duplicate())
				p.want(inDoubt).wantLeft(true).statusResult(o)
				p.want(held).wantCode("reference_taken").wantID("")
				p.statusResult(o)
				p.want(held)
			}
		}},
		{does: "what repeats everything that the payment means is ours", run: func(e *suite) {
			p := e.queued().send("a")
			p.finish("a", duplicate())
			recordOurs(p, paid("X"))
			p.want(succeeded).wantID("X")
			q := e.queued().send("a")
			q.finish("a", duplicate())
			q.statusResult(paid("X"))
			recordOurs(q.want(held), paid("X"))
			q.want(succeeded)
		}},
		{does: "a duplicate after an attempt that may have left is found as ours", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.finish("b", duplicate())
			p.want(inDoubt).statusResult(paid("X"))
			p.want(succeeded).wantID("X")
		}},
		{does: "an outdated success of another's payment is not taken for ours", run: func(e *suite) {
			p := e.queued().send("a")
			p.finish("a", duplicate())
			q := p.query()
			p.statusResult(otherPayment())
			e.wantApplied(p.statusResultTo(q, paid("X")), false)
			p.want(held)
		}},
		{does: "what an attempt found before it sent anything is not taken for ours later", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			p.finish("a", providers.Outcome{Class: providers.Mismatch, Code: "reference_taken"})
			p.want(held).wantLeft(false).statusResult(paid("X"))
			p.want(held).wantID("")
			recordOurs(p, paid("X"))
			p.want(succeeded)
		}},
		{does: "what a provider called a duplicate is never sent again, found or not", policy: resend, run: func(e *suite) {
			e.prove()
			p := e.queued().send("a")
			p.finish("a", duplicate())
			p.notFound().want(held).wantCode("not_found")
		}},
		{does: "a duplicate that is not found is held as any", run: func(e *suite) {
			p := e.queued().send("a")
			p.finish("a", duplicate())
			p.notFound().want(held).wantCode("not_found")
		}},
	}
}

// Status results that contradict a final payment, and the end of a payer's time.
func contradictionRows() []row {
	return []row{
		{does: "not found about a succeeded payment is an anomaly once it is confirmed", run: func(e *suite) {
			p := e.reach(succeeded)
			p.Advance(e.policy.SettleTime)
			p.statusResult(absent())
			p.want(succeeded).wantAnomaly("").wantDue(e.policy.NotFoundInterval).Advance(e.policy.NotFoundInterval)
			p.statusResult(absent())
			p.want(succeeded).wantAnomaly("not_found_after_succeeded")
		}},
		{does: "found again in between, a not found about a succeeded payment does not count", run: func(e *suite) {
			p := e.reach(succeeded)
			p.Advance(e.policy.SettleTime)
			p.statusResult(absent())
			p.Advance(e.policy.NotFoundInterval)
			p.statusResult(paid("X"))
			p.statusResult(absent())
			p.want(succeeded).wantAnomaly("")
		}},
		{does: "not found before the settle time says nothing of a succeeded payment", run: func(e *suite) {
			p := e.reach(succeeded)
			for range 4 {
				p.statusResult(absent())
				p.Advance(e.policy.NotFoundInterval)
			}
			p.want(succeeded).wantAnomaly("")
		}},
		{does: "only a result that found a session unpaid expires it; anything else holds it", run: func(e *suite) {
			for _, o := range []providers.Outcome{absent(), declined(), otherPayment()} {
				p := session(e.later(0, time.Hour))
				p.Advance(time.Hour + grace)
				p.statusResult(o)
				p.want(held).wantLeft(true)
			}
		}},
	}
}

// publishRows: what is published without the policy PublishAll.
func publishRows() []row {
	published := func(e *suite) []string {
		var states []string
		for _, x := range e.Outcomes(e.t) {
			states = append(states, x["state"])
		}
		return states
	}
	quiet := func(p *idempotency.Policy) { p.PublishAll = false }
	return []row{
		{does: "sending is not published, and ready only once while a payment is tried again and again", policy: quiet, run: func(e *suite) {
			p := e.queued()
			for _, attempt := range []string{"a", "b", "c"} {
				p.send(attempt).release(attempt)
			}
			p.send("d").finish("d", paid("X"))
			if got := published(e); len(got) != 3 || got[0] != "queued" || got[1] != "ready" || got[2] != "succeeded" {
				e.t.Fatalf("published %v", got)
			}
		}},
		{does: "ready after another state is published again", policy: quiet, run: func(e *suite) {
			p := e.queued().send("a")
			p.release("a")
			p.send("b").finish("b", declined())
			_, err := p.retry(false)
			e.must(err)
			if got := published(e); len(got) != 4 || got[3] != "ready" {
				e.t.Fatalf("published %v", got)
			}
		}},
		{does: "an empty field is left out", policy: quiet, run: func(e *suite) {
			e.queued()
			for name, value := range e.Outcomes(e.t)[0] {
				if value == "" {
					e.t.Errorf("%s is there and empty", name)
				}
			}
		}},
	}
}
