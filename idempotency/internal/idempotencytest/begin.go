package idempotencytest

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
)

func beginRows() []row {
	return []row{
		{does: "an unknown payment cannot begin", run: func(e *suite) {
			_, err := e.Ledger.Begin(e.ctx(), e.registration("none").Key, idempotency.BeginParams{Attempt: "a", Lease: lease})
			if !errors.Is(err, idempotency.ErrUnknown) {
				e.t.Fatalf("got %v", err)
			}
		}},
		{does: "a queued payment is sent, and its attempt may have left from then on", run: func(e *suite) {
			e.queued().send("a").want(idempotency.Sending).wantLeft(true).wantDue(lease)
		}},
		{does: "a payment of a type that the account cannot send waits, the other type is sent", run: func(e *suite) {
			p := e.queued()
			begin := func(only string) idempotency.BeginResult {
				b, err := e.Ledger.Begin(e.ctx(), p.key, idempotency.BeginParams{Attempt: "a", Lease: lease, OnlyType: only})
				if err != nil {
					e.t.Fatal(err)
				}
				return b
			}
			p.wantDecision(begin("charge"), idempotency.Wait)
			p.want(idempotency.Queued).wantLeft(false).wantDue(30 * time.Second)
			p.wantDecision(begin("payout"), idempotency.Send)
		}},
		{does: "the lease ends when the store's clock says so", run: func(e *suite) {
			if b := e.queued().begin("a"); b.LeaseEnd.Sub(b.Now) != lease {
				e.t.Fatalf("lease ends %s after now", b.LeaseEnd.Sub(b.Now))
			}
		}},
		{does: "the same attempt again, while it owns the payment, gets the same decision", run: func(e *suite) {
			p := e.queued()
			first := p.begin("a")
			p.Advance(time.Second)
			again := p.begin("a")
			same := again.Decision == first.Decision && again.Number == first.Number && again.LeaseEnd.Equal(first.LeaseEnd)
			if !same || string(again.Payload) != string(first.Payload) {
				e.t.Fatalf("first %+v, again %+v", first, again)
			}
		}},
		{does: "another attempt waits until the lease end", run: func(e *suite) {
			p := e.queued()
			first := p.begin("a")
			other := p.begin("b")
			p.wantDecision(other, idempotency.Wait)
			if !other.WaitUntil.Equal(first.LeaseEnd) {
				e.t.Fatalf("waits until %s, lease ends %s", other.WaitUntil, first.LeaseEnd)
			}
		}},
		{does: "of 32 that begin at once one sends", run: oneOfManySends},
		{does: "an attempt whose lease lapsed is recovered and queried, never sent again", run: func(e *suite) {
			p := e.queued().send("a")
			p.Advance(lease)
			p.wantDecision(p.begin("b"), idempotency.QueryFirst)
			p.want(idempotency.InDoubt).wantCode("lease_lapsed").wantLeft(true).wantDue(0)
		}},
		{does: "a millisecond before the lease ends nothing has lapsed", run: func(e *suite) {
			p := e.queued().send("a")
			p.Advance(lease - time.Millisecond)
			p.wantDecision(p.begin("b"), idempotency.Wait)
			p.want(idempotency.Sending)
		}},
		{does: "an attempt whose own lease lapsed is to query first", run: func(e *suite) {
			p := e.queued().send("a")
			p.Advance(lease)
			p.wantDecision(p.begin("a"), idempotency.QueryFirst)
		}},
		{does: "in_doubt, pending and held are queried", run: func(e *suite) {
			for _, s := range []idempotency.State{idempotency.InDoubt, idempotency.Pending, idempotency.Held} {
				e.wantDecision(e.reach(s).begin("z"), idempotency.QueryFirst)
			}
		}},
		{does: "succeeded, failed, reversed and blocked are done", run: func(e *suite) {
			for _, s := range []idempotency.State{idempotency.Succeeded, idempotency.Failed, idempotency.Reversed, idempotency.Blocked} {
				e.wantDecision(e.reach(s).begin("z"), idempotency.Done)
			}
		}},
		{does: "an attempt that was released is done, never sent again", run: func(e *suite) {
			p := e.queued().send("a")
			p.release("a")
			p.wantDecision(p.begin("a"), idempotency.Done)
			p.want(idempotency.Ready)
		}},
		{does: "an attempt that was released is done even while another one is sending", run: func(e *suite) {
			p := e.queued().send("a")
			p.release("a")
			p.send("b").wantDecision(p.begin("a"), idempotency.Done)
			p.wantDecision(p.begin("c"), idempotency.Wait)
		}},
		{does: "an idle attempt that lapsed is not opened twice", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			p.Advance(lease)
			p.wantDecision(p.idle("a"), idempotency.Done)
			p.want(idempotency.Ready).send("b")
		}},
		{does: "not_before is respected", run: func(e *suite) {
			p := e.later(time.Hour, 0)
			p.wantDecision(p.begin("a"), idempotency.Wait)
			p.want(idempotency.Queued).wantDue(time.Hour).Advance(time.Hour)
			p.send("b")
		}},
		{does: "a released attempt's delay is respected", run: func(e *suite) {
			p := e.queued().send("a")
			_, err := e.Ledger.Release(e.ctx(), p.key, p.id("a"), "429", time.Minute)
			e.must(err)
			b := p.wantDue(time.Minute).begin("b")
			p.wantDecision(b, idempotency.Wait)
			if b.WaitUntil.Sub(b.Now) != time.Minute {
				e.t.Fatalf("waits %s", b.WaitUntil.Sub(b.Now))
			}
			p.Advance(time.Minute)
			p.send("c")
		}},
		{does: "after its deadline an unsent payment fails as expired", run: func(e *suite) {
			p := e.later(0, time.Hour)
			p.Advance(time.Hour)
			p.wantDecision(p.begin("a"), idempotency.Done)
			p.want(idempotency.Failed).wantCode("expired").wantNoDue()
		}},
		{does: "the deadline expires a payment of a halted provider too", run: func(e *suite) {
			p := e.later(0, time.Hour)
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, "", actor()))
			p.Advance(time.Hour)
			p.begin("a")
			p.want(idempotency.Failed).wantCode("expired")
		}},
		{does: "after its deadline a released payment fails as expired", run: func(e *suite) {
			p := e.later(0, time.Hour).send("a")
			p.release("a")
			p.Advance(time.Hour)
			p.begin("b")
			p.want(idempotency.Failed).wantCode("expired")
		}},
		{does: "with an open attempt no expiry makes it failed", policy: resend, run: func(e *suite) {
			e.prove()
			p := e.later(0, time.Hour).send("a").lapseLease().notFound().want(idempotency.Ready)
			p.Advance(time.Hour)
			p.wantDecision(p.begin("b"), idempotency.Done)
			p.want(idempotency.Held).wantCode("expired").wantLeft(true)
		}},
		{does: "a halt of the provider makes only sending wait", run: func(e *suite) {
			p, q := e.queued(), e.reach(idempotency.InDoubt)
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, "", actor()))
			p.wantDecision(p.begin("a"), idempotency.Wait)
			p.want(idempotency.Queued).wantDue(30 * time.Second)
			q.wantDecision(q.begin("z"), idempotency.QueryFirst)
			q.statusResult(paid("X"))
			q.want(idempotency.Succeeded)
			e.must(e.Ledger.Unhalt(e.ctx(), e.Provider, "", actor()))
			p.send("a")
		}},
		{does: "a halt does not stop the recovery of a lapsed attempt", run: func(e *suite) {
			p := e.queued().send("a")
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, "", actor()))
			p.Advance(lease)
			p.wantDecision(p.begin("b"), idempotency.QueryFirst)
		}},
		{does: "a halt of one account leaves the others alone", run: func(e *suite) {
			p := e.queued()
			q := e.queued(func(r *idempotency.Registration) { r.Key.Account = "second" })
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, "second", actor()))
			p.send("a").wantDecision(q.begin("a"), idempotency.Wait)
		}},
	}
}

// later registers a payment with a not_before and a deadline from now; 0 for none.
func (e *suite) later(notBefore, deadline time.Duration) *payment {
	e.t.Helper()
	now := e.queued().now()
	return e.queued(func(r *idempotency.Registration) {
		if notBefore > 0 {
			r.NotBefore = now.Add(notBefore)
		}
		if deadline > 0 {
			r.Deadline = now.Add(deadline)
		}
	})
}

func oneOfManySends(e *suite) {
	const n = 32
	p := e.queued()
	verdicts := make([]idempotency.Decision, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			var b idempotency.BeginResult
			b, errs[i] = e.Ledger.Begin(e.ctx(), p.key, idempotency.BeginParams{Attempt: idempotency.NewAttempt(), Lease: lease, Queryable: true})
			verdicts[i] = b.Decision
		})
	}
	wg.Wait()
	e.must(errors.Join(errs...))
	slices.Sort(verdicts)
	want := append([]idempotency.Decision{idempotency.Send}, slices.Repeat([]idempotency.Decision{idempotency.Wait}, n-1)...)
	if !slices.Equal(verdicts, want) {
		e.t.Fatalf("verdicts %v", verdicts)
	}
}
