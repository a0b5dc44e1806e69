package idempotencytest

import (
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// startState is a row of the table of late results: a payment whose attempt "a" no longer owns it.
type startState struct {
	is    string
	setup func(e *suite) *payment
}

// cell is what becomes of it when attempt "a" reports late.
type cell struct {
	row     startState
	late    string
	outcome providers.Outcome // Class empty: not sent
	want    idempotency.State
	anomaly string
	left    bool
	applied bool
	id      string
}

func readyLate(e *suite) *payment { return e.readyAgain() }
func inDoubtLate(e *suite) *payment {
	return e.queued().send("a").lapseLease().want(idempotency.InDoubt)
}
func heldLate(e *suite) *payment {
	p := e.queued().send("a").lapseLease()
	p.statusResult(otherPayment())
	return p.want(idempotency.Held)
}

func pendingFromIt(e *suite) *payment {
	p := e.queued().send("a").lapseLease()
	p.statusResult(accepted("X"))
	return p.want(idempotency.Pending)
}

func pendingFromOther(e *suite) *payment {
	p := e.resent()
	p.finish("b", accepted("X"))
	return p.want(idempotency.Pending)
}

func sendingOther(e *suite) *payment { return e.resent().want(idempotency.Sending) }

func succeededFromIt(e *suite) *payment {
	p := e.queued().send("a").lapseLease()
	p.statusResult(paid("X"))
	return p.want(idempotency.Succeeded)
}

func succeededFromOther(e *suite) *payment {
	p := e.resent()
	p.finish("b", paid("X"))
	return p.want(idempotency.Succeeded)
}

func succeededByOperator(id string) func(*suite) *payment {
	return func(e *suite) *payment {
		p := e.queued().send("a").lapseLease()
		_, err := p.resolve("succeeded", id)
		e.must(err)
		return p.want(idempotency.Succeeded)
	}
}

func failedOpen(e *suite) *payment {
	p := e.queued().send("a").lapseLease()
	_, err := p.resolve("failed", "")
	e.must(err)
	return p.want(idempotency.Failed)
}

func failedByResults(e *suite) *payment {
	p := e.queued().send("a").lapseLease()
	p.statusResult(declined())
	p.Advance(e.policy.SettleTime)
	p.statusResult(declined())
	return p.want(idempotency.Failed)
}

func failedNotReceived(e *suite) *payment {
	p := heldLate(e)
	p.Advance(e.policy.SettleTime)
	_, err := p.resolve("not-received", "")
	e.must(err)
	return p.want(idempotency.Failed)
}

const (
	ready, inDoubt, pending, held = idempotency.Ready, idempotency.InDoubt, idempotency.Pending, idempotency.Held
	sending, succeeded, failed    = idempotency.Sending, idempotency.Succeeded, idempotency.Failed
)

func notSent() providers.Outcome { return providers.Outcome{} }

// cells is the table of late results, cell by cell.
func cells() []cell {
	r := startState{"ready", readyLate}
	d := startState{"in_doubt", inDoubtLate}
	h := startState{"held", heldLate}
	pi := startState{"pending from it", pendingFromIt}
	po := startState{"pending from another attempt", pendingFromOther}
	se := startState{"sending of another attempt", sendingOther}
	si := startState{"succeeded from it", succeededFromIt}
	so := startState{"succeeded from another attempt", succeededFromOther}
	sp := startState{"succeeded by an operator without an id", succeededByOperator("")}
	sx := startState{"succeeded by an operator with id X", succeededByOperator("X")}
	fo := startState{"failed by an operator while it is open", failedOpen}
	fa := startState{"failed by two status results", failedByResults}
	fn := startState{"failed as not received", failedNotReceived}
	return []cell{
		{r, "success", paid("X"), succeeded, "", true, true, "X"},
		{r, "pending", accepted("X"), pending, "", true, true, "X"},
		{r, "not sent", notSent(), ready, "", false, true, ""},
		{r, "refusal", declined(), failed, "", false, true, ""},

		{d, "success", paid("X"), succeeded, "", true, true, "X"},
		{d, "pending", accepted("X"), pending, "", true, true, "X"},
		{d, "not sent", notSent(), ready, "", false, true, ""},
		{d, "refusal", declined(), failed, "", false, true, ""},

		{h, "success", paid("X"), succeeded, "", true, true, "X"},
		{h, "pending, of which only the id is recorded", accepted("X"), held, "", true, true, "X"},
		{h, "not sent", notSent(), ready, "", false, true, ""},
		{h, "refusal", declined(), failed, "", false, true, ""},

		{pi, "success under the same id", paid("X"), succeeded, "", true, true, "X"},
		{pi, "success under another id", paid("Y"), succeeded, "second_success", true, true, "Y"},
		{pi, "success without an id", paid(""), succeeded, "", true, true, "X"},
		{pi, "pending", accepted("X"), pending, "", true, true, "X"},
		{pi, "not sent", notSent(), pending, "not_sent_but_known", true, true, "X"},
		{pi, "refusal", declined(), pending, "refused_after_pending", true, true, "X"},

		{po, "success", paid("X"), succeeded, "", true, true, "X"},
		{po, "success under another id", paid("Y"), succeeded, "second_success", true, true, "Y"},
		{po, "pending", accepted("Y"), pending, "", true, true, "X"},
		{po, "not sent", notSent(), pending, "", true, true, "X"},
		{po, "refusal", declined(), pending, "", true, true, "X"},

		{se, "success, kept until the owner ends", paid("X"), sending, "", true, true, ""},
		{se, "pending, queried when the owner ends", accepted("X"), sending, "", true, true, ""},
		{se, "not sent", notSent(), sending, "", true, true, ""},
		{se, "refusal", declined(), sending, "", true, true, ""},

		{si, "success under the same id", paid("X"), succeeded, "", true, true, "X"},
		{si, "success without an id", paid(""), succeeded, "", true, true, "X"},
		{si, "success under another id", paid("Y"), succeeded, "second_success", true, true, "X"},
		{si, "pending", accepted("X"), succeeded, "", true, true, "X"},
		{si, "not sent", notSent(), succeeded, "", true, true, "X"},
		{si, "refusal", declined(), succeeded, "refused_after_succeeded", true, true, "X"},

		{so, "success under the same id", paid("X"), succeeded, "", true, true, "X"},
		{so, "success under another id", paid("Y"), succeeded, "second_success", true, true, "X"},
		{so, "success without an id", paid(""), succeeded, "second_success", true, true, "X"},
		{so, "pending", accepted("Y"), succeeded, "", true, true, "X"},
		{so, "not sent", notSent(), succeeded, "", true, true, "X"},
		{so, "refusal", declined(), succeeded, "", true, true, "X"},

		{sp, "success, whose id is recorded", paid("X"), succeeded, "", true, true, "X"},
		{sp, "success without an id", paid(""), succeeded, "", true, true, ""},
		{sp, "pending", accepted("X"), succeeded, "", true, true, ""},
		{sp, "not sent", notSent(), succeeded, "", false, true, ""},
		{sp, "refusal", declined(), succeeded, "", false, true, ""},
		{sx, "success under the same id", paid("X"), succeeded, "", true, true, "X"},
		{sx, "success under another id", paid("Y"), succeeded, "second_success", true, true, "X"},

		{fo, "success", paid("X"), failed, "late_success", true, true, ""},
		{fo, "pending", accepted("X"), failed, "late_pending", true, true, ""},
		{fo, "not sent", notSent(), failed, "", false, true, ""},
		{fo, "refusal", declined(), failed, "", false, true, ""},
		{fa, "success", paid("X"), failed, "late_success", true, true, ""},
		{fa, "pending", accepted("X"), failed, "late_pending", true, true, ""},
		{fa, "not sent", notSent(), failed, "", false, true, ""},
		{fa, "refusal", declined(), failed, "", false, true, ""},
		{fn, "success", paid("X"), failed, "late_success", true, true, ""},
		{fn, "pending", accepted("X"), failed, "late_pending", true, true, ""},
		{fn, "not sent", notSent(), failed, "", false, true, ""},
		{fn, "refusal", declined(), failed, "", false, true, ""},
	}
}

func lateRows() []row {
	var rows []row
	for _, c := range cells() {
		is := c.want
		end := string(is)
		if c.anomaly != "" {
			end += " with anomaly " + c.anomaly
		}
		does := strings.Join([]string{"recorded", c.row.is, "and late", c.late, "is", end}, " ")
		rows = append(rows, row{does: does, policy: resend, run: c.prove})
	}
	return rows
}

func (c cell) prove(e *suite) {
	p := c.row.setup(e)
	before := p.show()
	var s idempotency.Transition
	if c.outcome.Class == "" {
		s = p.release("a")
	} else {
		s = p.finish("a", c.outcome)
	}
	e.wantApplied(s, c.applied)
	p.want(c.want).wantAnomaly(c.anomaly).wantLeft(c.left)
	if before.State != c.want || !c.want.Final() {
		p.wantID(c.id)
	}
	if got := p.show().ProviderID; c.want == succeeded && got != c.id {
		e.t.Fatalf("provider id is %q, want %q", got, c.id)
	}
}
