package idempotencytest

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
)

func resolveRows() []row {
	return []row{
		{does: "in_doubt, pending and held can be resolved as succeeded or failed", run: func(e *suite) {
			for _, s := range []idempotency.State{inDoubt, pending, held} {
				for _, as := range []idempotency.State{succeeded, failed} {
					p := e.reach(s)
					_, err := p.resolve(string(as), "")
					e.must(err)
					p.want(as)
				}
			}
		}},
		{does: "every other state cannot be resolved", run: func(e *suite) {
			for _, s := range idempotency.States() {
				if s == inDoubt || s == pending || s == held {
					continue
				}
				for _, as := range []string{"succeeded", "failed", "not-received"} {
					p := e.reach(s)
					_, err := p.resolve(as, "")
					e.refused(err)
					p.want(s)
				}
			}
		}},
		{does: "a resolution keeps id, kind of decline, name and note", run: func(e *suite) {
			p := e.reach(held)
			_, err := e.Ledger.Resolve(e.ctx(), p.key, p.show().Version,
				idempotency.Resolution{Actor: actor(), As: "failed", ProviderID: "X", Decline: "hard"})
			e.must(err)
			r := p.wantID("X").show()
			last := r.History[len(r.History)-1]
			if r.Decline != "hard" || !strings.Contains(last.Note, "ana") || !strings.Contains(last.Note, "checked with the bank") {
				e.t.Fatalf("got %+v", r)
			}
		}},
		{does: "an intervention needs a name and a note, and a known word", run: func(e *suite) {
			p := e.reach(held)
			v := p.show().Version
			for _, r := range []idempotency.Resolution{
				{Actor: idempotency.Actor{By: "ana"}, As: "failed"}, {Actor: idempotency.Actor{Note: "n"}, As: "failed"},
				{Actor: actor(), As: "lost"}, {Actor: idempotency.Actor{By: "ana", Note: strings.Repeat("n", 600)}, As: "failed"},
			} {
				_, err := e.Ledger.Resolve(e.ctx(), p.key, v, r)
				e.refused(err)
			}
			p.want(held)
		}},
		{does: "an intervention on a version that has changed is refused", run: versionIsChecked},
		{does: "not received: only held, and no earlier than settle time after the last attempt's end", run: func(e *suite) {
			for _, s := range []idempotency.State{inDoubt, pending} {
				p := e.reach(s)
				p.Advance(time.Hour)
				_, err := p.resolve("not-received", "")
				e.refused(err)
			}
			p := e.reach(held)
			p.Advance(e.policy.SettleTime - time.Millisecond)
			_, err := p.resolve("not-received", "")
			e.refused(err)
			p.Advance(time.Millisecond)
			_, err = p.resolve("not-received", "")
			e.must(err)
			p.want(failed).wantCode("not_received").wantLeft(true)
		}},
		{does: "accepting a late success makes failed into succeeded, with its id", run: func(e *suite) {
			p := failedOpen(e)
			p.finish("a", paid("X"))
			_, err := p.clearAnomaly(false)
			e.must(err)
			p.want(succeeded).wantAnomaly("").wantID("X").wantNoDue()
		}},
		{does: "reversing makes succeeded into reversed", run: func(e *suite) {
			p := succeededFromIt(e)
			p.finish("a", declined())
			_, err := p.clearAnomaly(true)
			e.must(err)
			p.want(idempotency.Reversed).wantAnomaly("").wantNoDue()
		}},
		{does: "accepting leaves a succeeded payment as it is, reversing a failed one", run: func(e *suite) {
			p, q := succeededFromIt(e), failedOpen(e)
			p.finish("a", declined())
			_, err := p.clearAnomaly(false)
			e.must(err)
			p.want(succeeded).wantAnomaly("")
			q.finish("a", paid("X"))
			_, err = q.clearAnomaly(true)
			e.must(err)
			q.want(failed).wantAnomaly("")
		}},
		{does: "an anomaly of an open payment can be cleared, not reversed", run: func(e *suite) {
			p := pendingFromIt(e)
			p.finish("a", declined())
			_, err := p.clearAnomaly(true)
			e.refused(err)
			_, err = p.clearAnomaly(false)
			e.must(err)
			p.want(pending).wantAnomaly("")
		}},
		{does: "there is no anomaly to clear where there is none", run: func(e *suite) {
			_, err := e.reach(succeeded).clearAnomaly(false)
			e.refused(err)
		}},
	}
}

func versionIsChecked(e *suite) {
	ctx := e.ctx()
	steps := map[string]func(p *payment, v int64) error{
		"resolve": func(p *payment, v int64) error {
			_, err := e.Ledger.Resolve(ctx, p.key, v, idempotency.Resolution{Actor: actor(), As: "failed"})
			return err
		},
		"anomaly": func(p *payment, v int64) error {
			_, err := e.Ledger.ClearAnomaly(ctx, p.key, v, false, actor())
			return err
		},
		"retry": func(p *payment, v int64) error {
			_, err := e.Ledger.Retry(ctx, p.key, v, false, actor())
			return err
		},
		"difference": func(p *payment, v int64) error {
			_, err := e.Ledger.RecordDifference(ctx, p.key, v, difference("a", "amount_differs row 7"))
			return err
		},
		"release": func(p *payment, v int64) error {
			_, err := e.Ledger.Unblock(ctx, p.key, v, actor())
			return err
		},
		"cancel": func(p *payment, v int64) error {
			_, err := e.Ledger.Cancel(ctx, p.key, v, actor())
			return err
		},
	}
	for name, step := range steps {
		p := e.reach(inDoubt)
		if err := step(p, p.show().Version-1); !errors.Is(err, idempotency.ErrVersionChanged) {
			e.t.Errorf("%s: got %v, want ErrMoved", name, err)
		}
		p.want(inDoubt)
	}
}

func retryRows() []row {
	return []row{
		{does: "a declined payment can be tried again, with a new attempt and its payload", run: func(e *suite) {
			p := e.reach(failed)
			_, err := p.retry(false)
			e.must(err)
			b := p.want(ready).wantDue(0).wantCode("").begin("b")
			p.wantDecision(b, idempotency.Send)
			if string(b.Payload) != string(p.reg.Payload) || b.Number != 2 {
				e.t.Fatalf("begun as number %d with %q", b.Number, b.Payload)
			}
			p.finish("b", paid("X"))
			p.want(succeeded)
		}},
		{does: "an expired or cancelled payment can be tried again, without its old deadline", run: func(e *suite) {
			p := e.later(0, time.Hour)
			p.Advance(time.Hour)
			p.begin("a")
			_, err := p.want(failed).retry(false)
			e.must(err)
			p.send("b")
			q := e.queued()
			_, err = q.cancel()
			e.must(err)
			_, err = q.retry(false)
			e.must(err)
			q.send("b")
		}},
		{does: "a ready payment is due at once, whatever it waits for", run: func(e *suite) {
			p := e.queued().send("a")
			_, err := e.Ledger.Release(e.ctx(), p.key, p.id("a"), "throttled", day)
			e.must(err)
			p.want(ready).wantDue(day)
			p.wantDecision(p.begin("early"), idempotency.Wait)
			s, err := p.park("throttled:default").retry(false)
			e.must(err)
			e.wantApplied(s, true)
			p.want(ready).wantDue(0).send("b").finish("b", paid("X"))
			p.want(succeeded)
		}},
		{does: "a ready payment that may have left before goes no further by it than it would by itself", policy: resend, run: func(e *suite) {
			p := e.readyAgain()
			_, err := p.retry(true)
			e.must(err)
			p.want(ready).wantLeft(true).send("b").finish("b", declined())
			p.want(inDoubt)
		}},
		{does: "only a failed or a ready payment can be tried again", run: func(e *suite) {
			for _, s := range idempotency.States() {
				if s == failed || s == ready {
					continue
				}
				p := e.reach(s)
				_, err := p.retry(true)
				e.refused(err)
				p.want(s)
			}
		}},
		{does: "with an open attempt it cannot be tried again, whatever risk is accepted", run: func(e *suite) {
			p := failedOpen(e)
			for _, risk := range []bool{false, true} {
				_, err := p.retry(risk)
				e.refused(err)
			}
			p.want(failed)
		}},
		{does: "after not received only at the accepted risk", run: func(e *suite) {
			p := failedNotReceived(e)
			p.retryAtRisk()
		}},
		{does: "after not received of what the provider was found to have only at the accepted risk", run: func(e *suite) {
			p := e.reach(pending)
			p.statusResult(otherPayment())
			p.Advance(e.policy.SettleTime)
			_, err := p.resolve("not-received", "")
			e.must(err)
			p.retryAtRisk()
			p.want(inDoubt)
		}},
		{does: "after not received the provider is queried first, and not found then makes it ready", run: func(e *suite) {
			p := failedNotReceived(e)
			_, err := p.retry(true)
			e.must(err)
			p.want(inDoubt).wantDue(0).wantDecision(p.begin("b"), idempotency.QueryFirst)
			p.statusResult(absent())
			p.want(ready).send("b")
		}},
		{does: "after not received a payment that is then found is not sent again", run: func(e *suite) {
			p := failedNotReceived(e)
			_, err := p.retry(true)
			e.must(err)
			p.statusResult(paid("X"))
			p.want(succeeded)
		}},
		{does: "a risk that was accepted is used up by any result that finds it", run: func(e *suite) {
			p := failedNotReceived(e)
			_, err := p.retry(true)
			e.must(err)
			p.statusResult(accepted("X"))
			p.want(pending).statusResult(absent())
			p.want(pending).notFound().want(held)
		}},
		{does: "a risk is accepted for one attempt", run: func(e *suite) {
			p := failedNotReceived(e)
			_, err := p.retry(true)
			e.must(err)
			p.statusResult(absent())
			p.send("b").finish("b", inDoubtOutcome())
			p.notFound().want(held)
		}},
		{does: "after not received at a provider that cannot be queried it is ready at once", run: func(e *suite) {
			p := e.unqueryable().send("a").lapseLease().want(held)
			p.Advance(e.policy.SettleTime)
			_, err := p.resolve("not-received", "")
			e.must(err)
			p.retryAtRisk()
			p.want(ready).wantLeft(true).send("b")
		}},
		{does: "a charge of a subscription is not retried", run: func(e *suite) {
			p := e.queued(func(r *idempotency.Registration) { r.Subscription, r.Period = "sub-1", "2026-08" }).send("a")
			p.finish("a", declined())
			_, err := p.retry(false)
			e.refused(err)
		}},
		{does: "an anomaly is cleared before a payment is tried again", run: func(e *suite) {
			p := failedNotReceived(e)
			p.finish("a", accepted("X"))
			_, err := p.wantAnomaly("late_pending").retry(true)
			e.refused(err)
		}},
		{does: "a resend is counted anew after a retry", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.release("a")
			p.finish("b", declined())
			_, err := p.want(failed).retry(false)
			e.must(err)
			p.send("c").finish("c", inDoubtOutcome())
			p.notFound().want(ready)
		}},
	}
}

func interventionRows() []row {
	return []row{
		{does: "queued, ready and blocked can be cancelled", run: func(e *suite) {
			for _, s := range []idempotency.State{idempotency.Queued, ready, idempotency.Blocked} {
				p := e.reach(s)
				_, err := p.cancel()
				e.must(err)
				p.want(failed).wantCode("cancelled").wantNoDue().wantDecision(p.begin("z"), idempotency.Done)
			}
		}},
		{does: "what was begun or is final cannot be cancelled", run: func(e *suite) {
			for _, s := range idempotency.States() {
				if s == idempotency.Queued || s == ready || s == idempotency.Blocked {
					continue
				}
				p := e.reach(s)
				_, err := p.cancel()
				e.refused(err)
				p.want(s)
			}
		}},
		{does: "ready with an open attempt cannot be cancelled", policy: resend, run: func(e *suite) {
			p := e.readyAgain()
			_, err := p.cancel()
			e.refused(err)
			p.want(ready)
		}},
		{does: "cancel and begin at once: one of them", run: cancelRaces},
		{does: "only a blocked payment is released, and then it is queued and due", run: func(e *suite) {
			p := e.reach(idempotency.Blocked)
			_, err := p.unblock()
			e.must(err)
			p.want(idempotency.Queued).wantCode("").wantDue(0).send("a")
			for _, s := range idempotency.States() {
				if s == idempotency.Blocked {
					continue
				}
				q := e.reach(s)
				_, err := q.unblock()
				e.refused(err)
				q.want(s)
			}
		}},
		{does: "a released payment still respects its not_before", run: func(e *suite) {
			p := e.later(time.Hour, 0)
			_, err := e.Ledger.Block(e.ctx(), p.key, "limit", "")
			e.must(err)
			_, err = p.unblock()
			e.must(err)
			p.wantDue(time.Hour)
		}},
		{does: "halts are listed with who set them", run: func(e *suite) {
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, "", actor()))
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, "second", actor()))
			got, err := e.Ledger.Halts(e.ctx(), e.Provider)
			e.must(err)
			if len(got) != 2 || !strings.Contains(got["*"], "ana") || !strings.Contains(got["second"], "checked with the bank") {
				e.t.Fatalf("got %v", got)
			}
			e.must(e.Ledger.Unhalt(e.ctx(), e.Provider, "second", actor()))
			if got, _ = e.Ledger.Halts(e.ctx(), e.Provider); len(got) != 1 {
				e.t.Fatalf("got %v", got)
			}
			e.refused(e.Ledger.Halt(e.ctx(), e.Provider, "", idempotency.Actor{By: "ana"}))
		}},
		{does: "steps on an unknown payment say so", run: unknownSteps},
	}
}

func cancelRaces(e *suite) {
	for range 20 {
		p := e.queued()
		v := p.show().Version
		var begun idempotency.BeginResult
		var beginErr, cancelErr error
		var wg sync.WaitGroup
		wg.Go(func() { begun, beginErr = e.Ledger.Begin(e.ctx(), p.key, p.request("a")) })
		wg.Go(func() { _, cancelErr = e.Ledger.Cancel(e.ctx(), p.key, v, actor()) })
		wg.Wait()
		e.must(beginErr)
		sent, cancelled := begun.Decision == idempotency.Send, cancelErr == nil
		if sent == cancelled {
			e.t.Fatalf("sent %v, cancelled %v (%v)", sent, cancelled, cancelErr)
		}
	}
}

func unknownSteps(e *suite) {
	k, ctx := e.registration("none").Key, e.ctx()
	steps := map[string]func() error{
		"show":       func() error { _, err := e.Ledger.Show(ctx, k); return err },
		"checkpoint": func() error { _, err := e.Ledger.Checkpoint(ctx, k, "a", nil, false); return err },
		"release":    func() error { _, err := e.Ledger.Release(ctx, k, "a", "", 0); return err },
		"finish": func() error {
			_, err := e.Ledger.Finish(ctx, k, idempotency.AttemptResult{Attempt: "a", Outcome: paid("X"), QueryAfter: 0})
			return err
		},
		"defer":       func() error { return e.Ledger.Defer(ctx, k, 0) },
		"start query": func() error { _, err := e.Ledger.StartQuery(ctx, k); return err },
		"record status": func() error {
			_, err := e.Ledger.RecordStatus(ctx, k, idempotency.StatusResult{Version: 1, Outcome: paid("X")})
			return err
		},
		"block": func() error { _, err := e.Ledger.Block(ctx, k, "c", ""); return err },
		"difference": func() error {
			_, err := e.Ledger.RecordDifference(ctx, k, 1, difference("a", "amount_differs row 7"))
			return err
		},
		"reject": func() error {
			_, err := e.Ledger.Reject(ctx, k, idempotency.Rejection{Code: "c", Message: ""})
			return err
		},
		"cancel": func() error { _, err := e.Ledger.Cancel(ctx, k, 1, actor()); return err },
	}
	for name, step := range steps {
		if err := step(); !errors.Is(err, idempotency.ErrUnknown) {
			e.t.Errorf("%s: got %v, want ErrUnknown", name, err)
		}
	}
}
