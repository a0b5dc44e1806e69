package idempotencytest

import (
	"errors"
	"slices"
	"strings"

	"github.com/remesa/remesa/idempotency"
)

const differs = idempotency.AnomalyOfStatement

// difference is what a statement says of a payment; another statement has another hash.
func difference(statement string, found ...string) idempotency.StatementDifference {
	return idempotency.StatementDifference{
		Actor: actor(), Found: found, SHA256: strings.Repeat(statement, 64), File: "cartola.csv",
	}
}

func (p *payment) differ(d idempotency.StatementDifference) (idempotency.Transition, error) {
	return p.Ledger.RecordDifference(p.ctx(), p.key, p.show().Version, d)
}

// differing is the payment with the anomaly of a statement.
func (p *payment) differing() *payment {
	p.t.Helper()
	s, err := p.differ(difference("a", "amount_differs row 7"))
	p.must(err)
	p.wantApplied(s, true)
	return p.wantAnomaly(differs)
}

func differenceRows() []row {
	return []row{
		{does: "a difference is recorded in every state, and changes nothing but the anomaly", run: func(e *suite) {
			for _, s := range idempotency.States() {
				p := e.reach(s)
				before := p.show()
				after := p.differing().want(s).show()
				if after.MayHaveLeft != before.MayHaveLeft || after.Attempts != before.Attempts || !after.NextDue.Equal(before.NextDue) ||
					after.ProviderID != before.ProviderID || after.Code != before.Code || after.LeaseEnd != before.LeaseEnd {
					e.t.Fatalf("%s: was %+v, is %+v", s, before, after)
				}
			}
		}},
		{does: "its entry has name, note, kind, row and the statement's hash", run: func(e *suite) {
			p := e.reach(succeeded)
			_, err := p.differ(difference("a", "amount_differs row 7", "outside_window row 7"))
			e.must(err)
			want := "anomaly: " + differs + " by ana: checked with the bank; amount_differs row 7, outside_window row 7 of cartola.csv sha256 " + strings.Repeat("a", 64)
			h := p.show().History
			if last := h[len(h)-1]; last.Note != want || last.State != succeeded {
				e.t.Fatalf("got  %q\nwant %q", last.Note, want)
			}
		}},
		{does: "its event is an anomaly's, in the same step", run: func(e *suite) {
			p := e.reach(succeeded)
			before := len(e.Outcomes(e.t))
			p.differing()
			added := e.Outcomes(e.t)[before:]
			if len(added) != 1 || added[0]["event"] != "anomaly" || added[0]["state"] != "succeeded" || added[0]["key"] != p.key.String() {
				e.t.Fatalf("added %v", added)
			}
		}},
		{does: "the same difference of the same statement is recorded once, whatever changed since", run: sameDifference},
		{does: "a difference that was cleared is not raised again, one of another statement or row is", run: func(e *suite) {
			p := e.reach(succeeded).differing()
			_, err := p.clearAnomaly(false)
			e.must(err)
			s, err := p.differ(difference("a", "amount_differs row 7"))
			e.must(err)
			e.wantApplied(s, false)
			p.wantAnomaly("")
			for _, d := range []idempotency.StatementDifference{difference("b", "amount_differs row 7"), difference("a", "amount_differs row 8")} {
				s, err := p.differ(d)
				e.must(err)
				e.wantApplied(s, true)
				p.wantAnomaly(differs)
				_, err = p.clearAnomaly(false)
				e.must(err)
			}
		}},
		{does: "it takes no other anomaly's place", run: func(e *suite) {
			p := failedOpen(e)
			p.finish("a", paid("X"))
			_, err := p.wantAnomaly("late_success").differ(difference("a", "paid_but_failed row 2"))
			e.refused(err)
			p.wantAnomaly("late_success")
			q := e.reach(succeeded).differing()
			_, err = q.differ(difference("b", "returned row 3"))
			e.refused(err)
		}},
		{does: "a contradiction takes its place, and is raised again after it was cleared", run: func(e *suite) {
			p := succeededFromIt(e).differing()
			p.finish("a", declined())
			p.wantAnomaly("refused_after_succeeded")
			_, err := p.clearAnomaly(false)
			e.must(err)
			p.differing()
		}},
		{does: "it is refused where the record moved on", run: func(e *suite) {
			p := e.queued().send("a")
			v := p.show().Version
			p.finish("a", paid("X"))
			_, err := p.Ledger.RecordDifference(e.ctx(), p.key, v, difference("a", "paid_but_failed row 2"))
			if !errors.Is(err, idempotency.ErrVersionChanged) {
				e.t.Fatalf("got %v, want ErrVersionChanged", err)
			}
			p.want(succeeded).wantAnomaly("")
		}},
		{does: "it is listed until it is cleared", run: func(e *suite) {
			p := e.reach(succeeded).differing()
			anomalies := idempotency.Filter{Provider: e.Provider, Anomalies: true}
			if got := e.list(anomalies); !slices.Contains(got, p.key.Reference) {
				e.t.Fatalf("listed are %v", got)
			}
			_, err := p.clearAnomaly(true)
			e.must(err)
			if got := e.list(anomalies); len(got) > 0 {
				e.t.Fatalf("listed are %v", got)
			}
		}},
		{does: "accept means that the money moved, reverse that it did not or came back", run: clearedDifferences},
		{does: "an attempt goes on as if there were no difference", run: func(e *suite) {
			p := e.queued().send("a").differing()
			p.finish("a", paid("X"))
			p.want(succeeded).wantAnomaly(differs).wantID("X")
			q := e.reach(pending).differing()
			q.statusResult(paid("X"))
			q.want(succeeded).wantAnomaly(differs)
			r := e.queued().differing().send("a")
			r.finish("a", declined())
			r.want(failed).wantAnomaly(differs)
		}},
		{does: "a difference needs kinds and rows, a hash, a name, and who says so", run: func(e *suite) {
			p := e.reach(succeeded)
			right := difference("a", "amount_differs row 7")
			for _, change := range []func(d *idempotency.StatementDifference){
				func(d *idempotency.StatementDifference) { d.Found = nil },
				func(d *idempotency.StatementDifference) { d.Found = []string{"amount_differs of 12345678"} },
				func(d *idempotency.StatementDifference) { d.SHA256 = "abc" },
				func(d *idempotency.StatementDifference) { d.File = "" },
				func(d *idempotency.StatementDifference) { d.File = strings.Repeat("x", 81) },
				func(d *idempotency.StatementDifference) { d.File = "a\nb" },
				func(d *idempotency.StatementDifference) { d.By = "" },
				func(d *idempotency.StatementDifference) { d.Note = "" },
			} {
				d := right
				change(&d)
				_, err := p.differ(d)
				e.refused(err)
			}
			p.wantAnomaly("")
		}},
	}
}

// sameDifference: the reply to a recording may be lost, and a statement be read again later, under
// another name and in another order.
func sameDifference(e *suite) {
	p := e.reach(pending)
	v := p.show().Version
	d := difference("a", "amount_differs row 7", "beneficiary_differs row 7")
	record := func() idempotency.Transition {
		s, err := e.Ledger.RecordDifference(e.ctx(), p.key, v, d)
		e.must(err)
		return s
	}
	e.wantApplied(record(), true)
	entries := len(p.show().History)
	e.wantApplied(record(), false)
	p.statusResult(paid("X"))
	slices.Reverse(d.Found)
	d.File = "copy of cartola.csv"
	e.wantApplied(record(), false)
	if r := p.want(succeeded).show(); len(r.History) != entries+1 {
		e.t.Fatalf("history %v", r.History)
	}
}

func clearedDifferences(e *suite) {
	for _, c := range []struct {
		state, accepted, reversed idempotency.State
	}{
		{succeeded, succeeded, idempotency.Reversed}, {failed, succeeded, failed},
		{idempotency.Reversed, idempotency.Reversed, idempotency.Reversed},
	} {
		p, q := e.reach(c.state).differing(), e.reach(c.state).differing()
		_, err := p.clearAnomaly(false)
		e.must(err)
		p.want(c.accepted).wantAnomaly("")
		_, err = q.clearAnomaly(true)
		e.must(err)
		q.want(c.reversed).wantAnomaly("")
	}
	for _, s := range []idempotency.State{idempotency.Queued, pending, held} {
		p := e.reach(s).differing()
		_, err := p.clearAnomaly(true)
		e.refused(err)
		_, err = p.clearAnomaly(false)
		e.must(err)
		p.want(s).wantAnomaly("")
	}
}
