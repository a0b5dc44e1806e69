package idempotencytest

import "github.com/remesa/remesa/idempotency"

// reach makes a payment in this state, with attempt "a" where it has one. held and in_doubt have an
// open attempt.
func (e *suite) reach(s idempotency.State) *payment {
	e.t.Helper()
	p := e.queued()
	switch s {
	case idempotency.Queued:
	case idempotency.Blocked:
		_, err := e.Ledger.Block(e.ctx(), p.key, "limit", "daily limit")
		e.must(err)
	case idempotency.Sending:
		p.send("a")
	case idempotency.Ready:
		p.send("a").release("a")
	case idempotency.InDoubt:
		p.send("a").finish("a", inDoubtOutcome())
	case idempotency.Pending:
		p.send("a").finish("a", accepted("X"))
	case idempotency.Held:
		p.send("a").finish("a", inDoubtOutcome())
		p.statusResult(otherPayment())
	case idempotency.Succeeded:
		p.send("a").finish("a", paid("X"))
	case idempotency.Failed:
		p.send("a").finish("a", declined())
	case idempotency.Reversed:
		p.send("a").lapseLease().statusResult(paid("X"))
		p.finish("a", declined())
		_, err := p.clearAnomaly(true)
		e.must(err)
	}
	return p.want(s)
}

// resent makes a payment whose attempt "a" is open and no longer owns it, sent again as attempt
// "b". It needs the policy resend.
func (e *suite) resent() *payment {
	e.t.Helper()
	return e.readyAgain().send("b")
}

// readyAgain is ready to be sent again while attempt "a" is open.
func (e *suite) readyAgain() *payment {
	e.t.Helper()
	e.prove()
	return e.queued().send("a").lapseLease().notFound().want(idempotency.Ready).wantLeft(true)
}
