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
		{does: "an unknown payment cannot begin", run: func(e *env) {
			_, err := e.Ledger.Begin(e.ctx(), e.registration("none").Key, idempotency.BeginRequest{Attempt: "a", Lease: lease})
			if !errors.Is(err, idempotency.ErrUnknown) {
				e.t.Fatalf("got %v", err)
			}
		}},
		{does: "a queued payment is sent, and its attempt may have left from then on", run: func(e *env) {
			e.queued().send("a").want(idempotency.Sending).wantLeft(true).wantDue(lease)
		}},
		{does: "a type that the account does not make waits unbegun, the type that it makes is sent", run: func(e *env) {
			p := e.queued()
			begin := func(only string) idempotency.Begun {
				b, err := e.Ledger.Begin(e.ctx(), p.key, idempotency.BeginRequest{Attempt: "a", Lease: lease, Only: only})
				if err != nil {
					e.t.Fatal(err)
				}
				return b
			}
			p.wantVerdict(begin("charge"), idempotency.Wait)
			p.want(idempotency.Queued).wantLeft(false).wantDue(30 * time.Second)
			p.wantVerdict(begin("payout"), idempotency.Send)
		}},
		{does: "the lease ends when the store's clock says so", run: func(e *env) {
			if b := e.queued().begin("a"); b.LeaseEnd.Sub(b.Now) != lease {
				e.t.Fatalf("lease ends %s after now", b.LeaseEnd.Sub(b.Now))
			}
		}},
		{does: "the same attempt again, while it owns the payment, gets the same answer", run: func(e *env) {
			p := e.queued()
			first := p.begin("a")
			p.Advance(time.Second)
			again := p.begin("a")
			same := again.Verdict == first.Verdict && again.Number == first.Number && again.LeaseEnd.Equal(first.LeaseEnd)
			if !same || string(again.Payload) != string(first.Payload) {
				e.t.Fatalf("first %+v, again %+v", first, again)
			}
		}},
		{does: "another attempt waits until the lease end", run: func(e *env) {
			p := e.queued()
			first := p.begin("a")
			other := p.begin("b")
			p.wantVerdict(other, idempotency.Wait)
			if !other.Until.Equal(first.LeaseEnd) {
				e.t.Fatalf("waits until %s, lease ends %s", other.Until, first.LeaseEnd)
			}
		}},
		{does: "of 32 that begin at once one sends", run: oneOfManySends},
		{does: "an attempt whose lease lapsed is recovered and asked about, never sent again", run: func(e *env) {
			p := e.queued().send("a")
			p.Advance(lease)
			p.wantVerdict(p.begin("b"), idempotency.AskFirst)
			p.want(idempotency.InDoubt).wantCode("lease_lapsed").wantLeft(true).wantDue(0)
		}},
		{does: "a millisecond before the lease ends nothing has lapsed", run: func(e *env) {
			p := e.queued().send("a")
			p.Advance(lease - time.Millisecond)
			p.wantVerdict(p.begin("b"), idempotency.Wait)
			p.want(idempotency.Sending)
		}},
		{does: "an attempt whose own lease lapsed is told to ask", run: func(e *env) {
			p := e.queued().send("a")
			p.Advance(lease)
			p.wantVerdict(p.begin("a"), idempotency.AskFirst)
		}},
		{does: "in_doubt, pending and held are asked about", run: func(e *env) {
			for _, s := range []idempotency.State{idempotency.InDoubt, idempotency.Pending, idempotency.Held} {
				e.wantVerdict(e.reach(s).begin("z"), idempotency.AskFirst)
			}
		}},
		{does: "succeeded, failed, reversed and blocked are done", run: func(e *env) {
			for _, s := range []idempotency.State{idempotency.Succeeded, idempotency.Failed, idempotency.Reversed, idempotency.Blocked} {
				e.wantVerdict(e.reach(s).begin("z"), idempotency.Done)
			}
		}},
		{does: "an attempt that was released is done, never sent again", run: func(e *env) {
			p := e.queued().send("a")
			p.release("a")
			p.wantVerdict(p.begin("a"), idempotency.Done)
			p.want(idempotency.Ready)
		}},
		{does: "an attempt that was released is done even while another one is sending", run: func(e *env) {
			p := e.queued().send("a")
			p.release("a")
			p.send("b").wantVerdict(p.begin("a"), idempotency.Done)
			p.wantVerdict(p.begin("c"), idempotency.Wait)
		}},
		{does: "an idle attempt that lapsed is not opened twice", run: func(e *env) {
			p := e.queued()
			p.idle("a")
			p.Advance(lease)
			p.wantVerdict(p.idle("a"), idempotency.Done)
			p.want(idempotency.Ready).send("b")
		}},
		{does: "not_before is respected", run: func(e *env) {
			p := e.later(time.Hour, 0)
			p.wantVerdict(p.begin("a"), idempotency.Wait)
			p.want(idempotency.Queued).wantDue(time.Hour).Advance(time.Hour)
			p.send("b")
		}},
		{does: "a released attempt's delay is respected", run: func(e *env) {
			p := e.queued().send("a")
			_, err := e.Ledger.Release(e.ctx(), p.key, p.id("a"), "429", time.Minute)
			e.must(err)
			b := p.wantDue(time.Minute).begin("b")
			p.wantVerdict(b, idempotency.Wait)
			if b.Until.Sub(b.Now) != time.Minute {
				e.t.Fatalf("waits %s", b.Until.Sub(b.Now))
			}
			p.Advance(time.Minute)
			p.send("c")
		}},
		{does: "after its deadline an unsent payment fails as expired", run: func(e *env) {
			p := e.later(0, time.Hour)
			p.Advance(time.Hour)
			p.wantVerdict(p.begin("a"), idempotency.Done)
			p.want(idempotency.Failed).wantCode("expired").wantNoDue()
		}},
		{does: "the deadline expires a payment of a halted provider too", run: func(e *env) {
			p := e.later(0, time.Hour)
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, "", person()))
			p.Advance(time.Hour)
			p.begin("a")
			p.want(idempotency.Failed).wantCode("expired")
		}},
		{does: "after its deadline a released payment fails as expired", run: func(e *env) {
			p := e.later(0, time.Hour).send("a")
			p.release("a")
			p.Advance(time.Hour)
			p.begin("b")
			p.want(idempotency.Failed).wantCode("expired")
		}},
		{does: "with an open attempt no expiry makes it failed", policy: resend, run: func(e *env) {
			e.prove()
			p := e.later(0, time.Hour).send("a").lapse().notFound().want(idempotency.Ready)
			p.Advance(time.Hour)
			p.wantVerdict(p.begin("b"), idempotency.Done)
			p.want(idempotency.Held).wantCode("expired").wantLeft(true)
		}},
		{does: "a halt of the provider makes only sending wait", run: func(e *env) {
			p, q := e.queued(), e.reach(idempotency.InDoubt)
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, "", person()))
			p.wantVerdict(p.begin("a"), idempotency.Wait)
			p.want(idempotency.Queued).wantDue(30 * time.Second)
			q.wantVerdict(q.begin("z"), idempotency.AskFirst)
			q.answer(paid("X"))
			q.want(idempotency.Succeeded)
			e.must(e.Ledger.Unhalt(e.ctx(), e.Provider, "", person()))
			p.send("a")
		}},
		{does: "a halt does not stop the recovery of a lapsed attempt", run: func(e *env) {
			p := e.queued().send("a")
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, "", person()))
			p.Advance(lease)
			p.wantVerdict(p.begin("b"), idempotency.AskFirst)
		}},
		{does: "a halt of one account leaves the others alone", run: func(e *env) {
			p := e.queued()
			q := e.queued(func(r *idempotency.Registration) { r.Key.Account = "second" })
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, "second", person()))
			p.send("a").wantVerdict(q.begin("a"), idempotency.Wait)
		}},
	}
}

// later registers a payment with a not_before and a deadline from now; 0 for none.
func (e *env) later(notBefore, deadline time.Duration) *payment {
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

func oneOfManySends(e *env) {
	const n = 32
	p := e.queued()
	verdicts := make([]idempotency.Verdict, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			var b idempotency.Begun
			b, errs[i] = e.Ledger.Begin(e.ctx(), p.key, idempotency.BeginRequest{Attempt: idempotency.NewAttempt(), Lease: lease, Askable: true})
			verdicts[i] = b.Verdict
		})
	}
	wg.Wait()
	e.must(errors.Join(errs...))
	slices.Sort(verdicts)
	want := append([]idempotency.Verdict{idempotency.Send}, slices.Repeat([]idempotency.Verdict{idempotency.Wait}, n-1)...)
	if !slices.Equal(verdicts, want) {
		e.t.Fatalf("verdicts %v", verdicts)
	}
}
