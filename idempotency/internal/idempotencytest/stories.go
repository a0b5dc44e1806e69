package idempotencytest

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// told is what a story's steps did, and the words that must tell it, one for each entry of the
// history.
type told struct {
	does  string
	reach func(e *suite) *payment
	words []string
}

// Tell makes a payment go through each story, and wants explain to tell it in these words.
func Tell(t *testing.T, open Open, explain func(idempotency.Record) []string) {
	for _, story := range append(storiesOfAttempts(), storiesOfOperators()...) {
		t.Run(story.does, func(t *testing.T) {
			r := row{does: story.does, policy: resend, run: func(e *suite) {
				p := story.reach(e)
				wantWords(t, explain(p.show()), append([]string{"It was registered"}, story.words...))
			}}
			r.prove(t, open)
		})
	}
}

func wantWords(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d sentences, want %d:\n%q", len(got), len(want), got)
	}
	for i := range got {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("sentence %d is %q, want %q in it", i+1, got[i], want[i])
		}
	}
}

// EachPayment runs every row of the suite, and hands over each payment as it is at the end, with
// what its outcome events tell. Payments are left out that the store forgot, or of which not each
// change is published.
func EachPayment(t *testing.T, open Open, visit func(t *testing.T, r idempotency.Record, events []Event)) {
	for _, g := range groups() {
		for _, r := range g.rows {
			t.Run(g.name+"/"+r.does, func(t *testing.T) {
				run := r.run
				r.run = func(e *suite) {
					run(e)
					entries := e.Outcomes(t)
					for _, p := range e.payments {
						if !p.rewound && e.policy.PublishAll {
							visit(t, p.show(), eventsOf(p.key, entries))
						}
					}
				}
				r.prove(t, open)
			})
		}
	}
}

// Event is what an outcome event says of a payment.
type Event struct{ Kind, State string }

func eventsOf(k idempotency.Key, entries []map[string]string) []Event {
	var events []Event
	for _, x := range entries {
		if x["key"] == k.String() {
			events = append(events, Event{x["event"], x["state"]})
		}
	}
	return events
}

func storiesOfAttempts() []told {
	const began = "Attempt 1 began"
	return []told{
		{"registered", func(e *suite) *payment { return e.queued() }, nil},
		{"paid at once", endedWith(paid("X")), []string{began, "reported that the payment was executed"}},
		{"refused", endedWith(declined()), []string{began, "reported that the provider refused it, and no other may"}},
		{"the provider decides later", endedWith(accepted("X")), []string{began, "has the payment and decides later"}},
		{"nothing left", func(e *suite) *payment { p := e.queued().send("a"); p.release("a"); return p },
			[]string{began, "was not executed, so the payment may be sent again. The note says: no byte left."}},
		{"in doubt", endedWith(inDoubtOutcome()), []string{began, "it is open whether the payment was executed. The provider is queried"}},
		{"the lease lapsed", inDoubtLate, []string{began, "did not report back"}},
		{"found paid", succeededFromIt, []string{began, "did not report back", "A status query found that it was executed"}},
		{"found pending", pendingFromIt, []string{began, "did not report back", "A status query found that the provider has it"}},
		{"found refused twice", failedByResults, []string{began, "did not report back", "Status queries found that the provider refused it"}},
		{"not found, and sent again", (*suite).resent,
			[]string{began, "did not report back", "Status queries did not find it", "Attempt 2 began"}},
		{"not found, and the status query is unproven", func(e *suite) *payment { return e.queued().send("a").lapseLease().notFound() },
			[]string{began, "did not report back", "has ever found a payment, so that proves nothing: it is not sent again"}},
		{"found as something else", heldLate, []string{began, "did not report back", "No machine can decide what became of it"}},
		{"no status query", func(e *suite) *payment { p := e.unqueryable().send("a"); p.finish("a", inDoubtOutcome()); return p },
			[]string{began, "no machine can decide"}},
		{"a late success", func(e *suite) *payment { p := inDoubtLate(e); p.finish("a", paid("X")); return p },
			[]string{began, "did not report back", "A late report said that the payment was executed"}},
		{"a late refusal", func(e *suite) *payment { p := inDoubtLate(e); p.finish("a", declined()); return p },
			[]string{began, "did not report back", "A late report said that the provider refused"}},
		{"late: nothing was sent", func(e *suite) *payment { p := inDoubtLate(e); p.release("a"); return p },
			[]string{began, "did not report back", "A late report said that the attempt had sent nothing"}},
		{"two successes", func(e *suite) *payment { p := succeededFromOther(e); p.finish("a", paid("Y")); return p },
			[]string{began, "did not report back", "did not find it", "Attempt 2 began", "reported that the payment was executed",
				"A contradiction came up (anomaly second_success)"}},
		{"the store forgot it", func(e *suite) *payment { return e.suspect(false) }, []string{"forgotten sends, and this may be one of them. The provider is queried"}},
		{"the store forgot it, and it cannot be queried", func(e *suite) *payment { return e.suspect(true) },
			[]string{"forgotten sends, and this may be one of them. The provider cannot be queried"}},
	}
}

func storiesOfOperators() []told {
	const began, lapsed, ana = "Attempt 1 began", "did not report back", "(by ana: checked with the bank)."
	byHand := func(p *payment, step func() (idempotency.Transition, error)) *payment {
		_, err := step()
		p.must(err)
		return p
	}
	return []told{
		{"cancelled", func(e *suite) *payment { p := e.queued(); return byHand(p, p.cancel) }, []string{"cancelled it before it was sent " + ana}},
		{"blocked and released", func(e *suite) *payment { p := e.reach(idempotency.Blocked); return byHand(p, p.unblock) },
			[]string{"It was blocked before it was sent", "An operator released it: what had blocked it stops it no more " + ana}},
		{"above a limit", func(e *suite) *payment {
			l := idempotency.Limits{Amount: 1}
			return e.queued().wantBlocked(l, idempotency.AmountBrake)
		}, []string{"It was blocked before it was sent"}},
		{"settled as succeeded", succeededByOperator("X"), []string{began, lapsed, "An operator settled it as succeeded " + ana}},
		{"settled as failed", failedOpen, []string{began, lapsed, "An operator settled it as failed " + ana}},
		{"not received", failedNotReceived, []string{began, lapsed, "No machine can decide", "as failed, or as not received " + ana}},
		{"not received, and begun again", func(e *suite) *payment { p := failedNotReceived(e); p.retryAtRisk(); return p },
			[]string{began, lapsed, "No machine can decide", "or as not received", "had it begin again and accepted the risk of a double execution"}},
		{"refused, and begun again", func(e *suite) *payment {
			p := e.reach(idempotency.Failed)
			return byHand(p, func() (idempotency.Transition, error) { return p.retry(false) })
		}, []string{began, "the provider refused it", "An operator had it begin again " + ana}},
		{"reversed", func(e *suite) *payment { return e.reach(idempotency.Reversed) }, []string{began, lapsed, "A status query found that it was executed",
			"A contradiction came up (anomaly refused_after_succeeded)", "the money was taken back " + ana}},
		{"accepted after all", func(e *suite) *payment {
			p := failedOpen(e)
			p.finish("a", paid("X"))
			return byHand(p, func() (idempotency.Transition, error) { return p.clearAnomaly(false) })
		}, []string{began, lapsed, "settled it as failed", "A contradiction came up (anomaly late_success)", "it was executed after all " + ana}},
		{"a statement differs", func(e *suite) *payment {
			p := e.reach(idempotency.Succeeded).differing()
			return byHand(p, func() (idempotency.Transition, error) { return p.clearAnomaly(false) })
		}, []string{began, "reported that the payment was executed", "a statement says something else (anomaly statement_difference), which changed nothing else " +
			"(by ana: checked with the bank; amount_differs row 7 of cartola.csv sha256 aaaa", "An operator cleared the anomaly " + ana}},
	}
}

// endedWith is a payment whose only attempt reported this outcome.
func endedWith(o providers.Outcome) func(*suite) *payment {
	return func(e *suite) *payment {
		p := e.queued().send("a")
		p.finish("a", o)
		return p
	}
}
