package idempotencytest

import (
	"fmt"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// stateRows is the table of states: which transitions move a payment on, and that no other does.
func stateRows() []row {
	var rows []row
	for _, s := range idempotency.States() {
		rows = append(rows, row{does: fmt.Sprintf("%s: a status result moves it as the table says", s), run: func(e *suite) {
			for _, o := range []providers.Outcome{paid("X"), accepted("X"), declined(), absent(), inDoubtOutcome(), otherPayment()} {
				p := e.reach(s)
				p.statusResult(o)
				p.want(afterStatus(s, o.Class))
			}
		}})
	}
	return append(rows,
		row{does: "a refused transition changes neither version nor history", run: func(e *suite) {
			p := e.reach(succeeded)
			before := p.show()
			_, err := p.cancel()
			e.refused(err)
			if after := p.show(); after.Version != before.Version || len(after.History) != len(before.History) {
				e.t.Fatalf("was %+v, is %+v", before, after)
			}
		}},
		row{does: "the version grows with each change of state, outcome or attempt, and not with the due time", run: func(e *suite) {
			p := e.queued()
			v := p.show().Version
			grows := func(what string) {
				e.t.Helper()
				if got := p.show().Version; got <= v {
					e.t.Fatalf("%s left the version at %d", what, got)
				}
				v = p.show().Version
			}
			p.due()
			e.must(e.Ledger.Defer(e.ctx(), p.key, 0))
			p.due()
			if got := p.show().Version; got != v {
				e.t.Fatalf("waking moved the version from %d to %d", v, got)
			}
			p.send("a")
			grows("begin")
			e.must(p.checkpoint("a", map[string]string{"k": "v"}, true))
			grows("checkpoint")
			p.finish("a", inDoubtOutcome())
			grows("finish")
			p.statusResult(accepted("X"))
			grows("record status")
		}},
		row{does: "the history tells each state with its attempt and time, oldest first", run: func(e *suite) {
			p := e.queued().send("a")
			p.Advance(poll)
			p.release("a")
			h := p.send("b").show().History
			want := []idempotency.AuditEntry{{State: idempotency.Queued}, {State: sending, Attempt: 1}, {State: ready, Attempt: 1},
				{State: sending, Attempt: 2}}
			if len(h) != len(want) {
				e.t.Fatalf("history %v", h)
			}
			for i := range want {
				if h[i].State != want[i].State || h[i].Attempt != want[i].Attempt {
					e.t.Fatalf("entry %d is %+v, want %+v", i, h[i], want[i])
				}
			}
			if h[2].At.Sub(h[1].At) != poll {
				e.t.Fatalf("times %v", h)
			}
		}},
	)
}

// afterStatus is the state that one status result leads to. A single refusal or "not found" changes
// nothing.
func afterStatus(s idempotency.State, c providers.Class) idempotency.State {
	queried := s == inDoubt || s == pending || s == held
	switch {
	case queried && c == providers.Succeeded:
		return succeeded
	case s == inDoubt && c == providers.Pending:
		return pending
	case queried && c == providers.Mismatch:
		return held
	}
	if s == sending && c == providers.Succeeded {
		return sending // kept as evidence
	}
	if s == ready && (c == providers.Succeeded || c == providers.Pending) {
		return held // nothing of ours has left: it is another's payment
	}
	return s
}
