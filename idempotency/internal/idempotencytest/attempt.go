package idempotencytest

import (
	"errors"
	"strconv"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// Checkpoint, Release, Defer, Block and Reject.
func attemptRows() []row {
	refs := map[string]string{"order": "o-1"}
	return []row{
		{does: "a checkpoint records provider references, which later attempts and status queries get", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			e.must(p.checkpoint("a", refs, false))
			p.release("a")
			if b := p.begin("b"); b.ProviderRefs["order"] != "o-1" {
				e.t.Fatalf("provider references %v", b.ProviderRefs)
			}
			p.finish("b", inDoubtOutcome())
			if q := p.query(); q.ProviderRefs["order"] != "o-1" {
				e.t.Fatalf("provider references %v", q.ProviderRefs)
			}
		}},
		{does: "provider references of two checkpoints are kept together", run: func(e *suite) {
			p := e.queued().send("a")
			e.must(p.checkpoint("a", refs, false))
			e.must(p.checkpoint("a", map[string]string{"token": "t"}, true))
			p.finish("a", inDoubtOutcome())
			if q := p.query(); len(q.ProviderRefs) != 2 {
				e.t.Fatalf("provider references %v", q.ProviderRefs)
			}
		}},
		{does: "a checkpoint of another attempt is refused", run: func(e *suite) {
			p := e.queued().send("a")
			wantNotOwner(e, p.checkpoint("b", refs, true))
		}},
		{does: "a checkpoint after the lease is refused, also before the lapse is recorded", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			p.Advance(lease)
			wantNotOwner(e, p.checkpoint("a", refs, true))
		}},
		{does: "a checkpoint of an attempt that no longer owns the payment is refused", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			p.lapseLease().send("b")
			wantNotOwner(e, p.checkpoint("a", refs, true))
			p.release("b")
			wantNotOwner(e, p.checkpoint("b", refs, true))
		}},
		{does: "an idle attempt has not left until a checkpoint says that the money step is next", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			p.wantLeft(false)
			e.must(p.checkpoint("a", refs, false))
			p.wantLeft(false)
			e.must(p.checkpoint("a", nil, true))
			p.wantLeft(true)
		}},
		{does: "an idle attempt that lapsed is ready again", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			p.lapseLease().want(idempotency.Ready).wantLeft(false).send("b")
		}},
		{does: "an attempt that was opened by a checkpoint and lapsed is in doubt", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			e.must(p.checkpoint("a", nil, true))
			p.lapseLease().want(idempotency.InDoubt)
		}},
		{does: "anything ambiguous of an idle attempt makes it ready", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			p.finish("a", inDoubtOutcome())
			p.want(idempotency.Ready).wantLeft(false)
		}},
		{does: "a released attempt leaves the payment ready and unsent", run: func(e *suite) {
			p := e.queued().send("a")
			e.wantApplied(p.release("a"), true)
			p.want(idempotency.Ready).wantLeft(false).wantDue(0)
		}},
		{does: "a release whose reply was lost may be repeated and sends nothing twice", run: func(e *suite) {
			p := e.queued().send("a")
			p.release("a")
			p.send("b").finish("b", inDoubtOutcome())
			e.wantApplied(p.release("a"), false)
			p.want(idempotency.InDoubt).wantLeft(true).wantDecision(p.begin("c"), idempotency.QueryFirst)
		}},
		{does: "a repeated release does not free what another attempt sends", run: func(e *suite) {
			p := e.queued().send("a")
			p.release("a")
			p.send("b")
			e.wantApplied(p.release("a"), false)
			p.want(idempotency.Sending).wantDecision(p.begin("c"), idempotency.Wait)
		}},
		{does: "an outcome of a released attempt changes nothing", run: func(e *suite) {
			p := e.queued().send("a")
			p.release("a")
			e.wantApplied(p.finish("a", paid("X")), false)
			p.want(idempotency.Ready)
		}},
		{does: "a checkpoint is refused if another attempt has succeeded meanwhile", policy: resend, run: func(e *suite) {
			p := e.resent()
			p.Advance(e.policy.SettleTime)
			p.finish("a", paid("X"))
			if err := p.checkpoint("b", nil, true); !errors.Is(err, idempotency.ErrNotOwner) {
				e.t.Fatalf("got %v", err)
			}
			p.release("b")
			p.want(idempotency.Succeeded).wantID("X")
		}},
		{does: "an attempt released before its Begin arrived never begins", run: func(e *suite) {
			p := e.queued()
			s, err := e.Ledger.Release(e.ctx(), p.key, p.id("a"), "", 0)
			e.must(err)
			if s.Applied {
				e.t.Fatal("applied")
			}
			p.wantDecision(p.begin("a"), idempotency.Done)
			p.want(idempotency.Queued).wantLeft(false)
			p.wantDecision(p.begin("b"), idempotency.Send)
		}},
		{does: "many attempts released before their Begin do not push out the one that is sending", run: func(e *suite) {
			p := e.queued()
			p.idle("owner")
			for i := range 40 {
				_, err := e.Ledger.Release(e.ctx(), p.key, p.id("early"+strconv.Itoa(i)), "", 0)
				e.must(err)
			}
			p.finish("owner", paid("X"))
			p.want(idempotency.Succeeded).wantID("X")
		}},
		{does: "an attempt whose lease lapsed before Begin replied is already begun, and releases itself", run: func(e *suite) {
			p := e.queued().send("a").lapseLease()
			b := p.begin("a")
			p.wantDecision(b, idempotency.QueryFirst)
			if !b.AlreadyBegun {
				e.t.Fatal("the attempt is not already begun")
			}
			p.release("a")
			p.want(idempotency.Ready).wantLeft(false)
			if p.begin("c").AlreadyBegun {
				e.t.Fatal("another's attempt is called its own")
			}
		}},
		{does: "no attempt ends as not found", run: func(e *suite) {
			p := e.queued().send("a")
			for _, o := range []providers.Outcome{absent(), {}} {
				if _, err := e.Ledger.Finish(e.ctx(), p.key, idempotency.AttemptResult{Attempt: p.id("a"), Outcome: o, QueryAfter: poll}); err == nil {
					e.t.Fatalf("an attempt ended as %q", o.Class)
				}
			}
			p.want(idempotency.Sending)
		}},
		{does: "defer moves only the due time, by 30 s at most", run: func(e *suite) {
			p := e.queued()
			before := p.show()
			e.must(e.Ledger.Defer(e.ctx(), p.key, time.Hour))
			p.wantDue(30 * time.Second)
			if after := p.show(); after.Version != before.Version || len(after.History) != len(before.History) {
				e.t.Fatalf("was %+v, is %+v", before, after)
			}
		}},
		{does: "defer brings nothing forward that has a not_before, and leaves alone what is sending or final", run: func(e *suite) {
			p := e.later(time.Hour, 0)
			e.must(e.Ledger.Defer(e.ctx(), p.key, time.Second))
			p.wantDue(time.Hour)
			q := e.queued().send("a")
			e.must(e.Ledger.Defer(e.ctx(), q.key, time.Second))
			q.wantDue(lease).finish("a", paid("X"))
			e.must(e.Ledger.Defer(e.ctx(), q.key, time.Second))
			q.wantNoDue()
		}},
		{does: "block stops only what is queued", run: func(e *suite) {
			p := e.queued()
			s, err := e.Ledger.Block(e.ctx(), p.key, "limit", "daily limit")
			e.must(err)
			e.wantApplied(s, true)
			p.want(idempotency.Blocked).wantCode("limit").wantNoDue()
			for _, s := range []idempotency.State{idempotency.Sending, idempotency.Ready, idempotency.InDoubt, idempotency.Succeeded} {
				q := e.reach(s)
				got, err := e.Ledger.Block(e.ctx(), q.key, "limit", "")
				e.must(err)
				e.wantApplied(got, false)
				q.want(s)
			}
		}},
		{does: "a payload that cannot be used fails what never left", run: func(e *suite) {
			for _, s := range []idempotency.State{idempotency.Queued, idempotency.Ready} {
				p := e.reach(s)
				_, err := e.Ledger.Reject(e.ctx(), p.key, idempotency.Rejection{Code: "payload", Message: "cannot be opened"})
				e.must(err)
				p.want(idempotency.Failed).wantCode("payload")
			}
		}},
		{does: "a payload that cannot be used holds what may have left", policy: resend, run: func(e *suite) {
			e.prove()
			p, q := e.reach(idempotency.InDoubt), e.queued().send("a").lapseLease().notFound().want(idempotency.Ready)
			for _, x := range []*payment{p, q} {
				_, err := e.Ledger.Reject(e.ctx(), x.key, idempotency.Rejection{Code: "payload", Message: "cannot be opened"})
				e.must(err)
				x.want(idempotency.Held).wantCode("payload").wantLeft(true)
			}
		}},
	}
}

func wantNotOwner(e *suite, err error) {
	e.t.Helper()
	if !errors.Is(err, idempotency.ErrNotOwner) {
		e.t.Fatalf("got %v, want ErrNotOwner", err)
	}
}
