package rules

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
)

var answered = Answer{Question: AskStatus, HTTPStatus: 200, Class: "pending", Took: 78 * time.Millisecond}

// What an entry of the history says of an answer is read back, and in few bytes.
func TestAnAnswerSurvivesItsEntry(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]AuditEntry{
		"90|succeeded|1 200 78":               {State: Succeeded, Answer: Answer{AskToPay, 200, "succeeded", 78 * time.Millisecond}},
		"90|failed|1 422 78":                  {State: Failed, Answer: Answer{AskToPay, 422, "refused", 78 * time.Millisecond}},
		"90|ready|1 0 0|connect":              {State: Ready, Note: "connect", Answer: Answer{AskToPay, 0, "not_sent", 0}},
		"90|ready|1 401 78 credentials":       {State: Ready, Answer: Answer{AskToPay, 401, "credentials", 78 * time.Millisecond}},
		"90|held|2 ?404 78 not_found|a|b x2":  {State: Held, Attempt: 2, Note: "a|b x2", Answer: Answer{AskStatus, 404, "not_found", 78 * time.Millisecond}},
		"90|pending|1 ?200 78 x14 360000":     {State: Pending, Answer: answered, Count: 14, Last: 361_000},
		"90|pending|1 ?502 1 in_doubt x2 100": {State: Pending, Answer: Answer{AskStatus, 502, "in_doubt", time.Millisecond}, Count: 2, Last: 1_100},
	} {
		e.At, e.Attempt = 1_090, max(e.Attempt, 1)
		if got := e.line(1_000); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		r := Record{Created: 1_000, Type: "payout", History: []string{want}}
		if got := r.AuditTrail()[0]; got != e {
			t.Errorf("%q is read as %+v", want, got)
		}
	}
	charge := Record{Type: "charge", History: []string{"90|succeeded|1 200 78"}}
	if got := charge.AuditTrail()[0].Answer.Question; got != AskToCharge {
		t.Errorf("a charge was asked to %q", got)
	}
}

// An older version wrote no answers.
func TestAnOlderHistoryIsReadAsBefore(t *testing.T) {
	t.Parallel()
	r := Record{Created: 1_000, Type: "payout", History: []string{"0|queued|0", "12|sending|1", "90|held|1|by ana: 200 78", "91|failed"}}
	want := []AuditEntry{
		{At: 1_000, State: Queued}, {At: 1_012, State: Sending, Attempt: 1},
		{At: 1_090, State: Held, Attempt: 1, Note: "by ana: 200 78"}, {At: 1_091, State: Failed},
	}
	if got := r.AuditTrail(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

// asking is a payment that is in doubt, and gets answers.
type asking struct {
	t      *testing.T
	record Record
	now    Time
}

func newAsking(t *testing.T) *asking {
	t.Helper()
	a := &asking{t, Register(DefaultPolicy(), 1_000, Registration{Type: "payout", Amount: "1", Currency: "CLP"}).Record, 1_000}
	c, b := Begin(a.record, DefaultPolicy(), Facts{}, a.now, BeginParams{Attempt: "a", Lease: time.Minute, Queryable: true})
	if b.Decision != Send {
		t.Fatal(b.Decision)
	}
	a.record = c.Record
	return a
}

func (a *asking) finish(class providers.Class, answer Answer) Change {
	a.now += 1_000
	c := Finish(a.record, DefaultPolicy(), Facts{}, a.now, FinishParams{Attempt: "a", Outcome: outcomeOf(class), MoneyStepReached: true, Answer: answer})
	a.record = c.Record
	return c
}

func (a *asking) status(class providers.Class, answer Answer) Change {
	a.now += 1_000
	c := RecordStatus(a.record, DefaultPolicy(), Facts{}, a.now, StatusResult{
		Version: a.record.Version, QueriedAt: a.now, Outcome: outcomeOf(class), QueryAfter: time.Second, Answer: answer,
	})
	a.record = c.Record
	return c
}

func outcomeOf(class providers.Class) Outcome {
	return Outcome{Outcome: providers.Outcome{Class: class, ProviderID: "X"}}
}

func (a *asking) want(lines ...string) {
	a.t.Helper()
	if got := a.record.History[2:]; !slices.Equal(got, lines) {
		a.t.Errorf("history\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

func TestEachAnswerStandsInTheHistory(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	a.finish(providers.InDoubt, Answer{AskToPay, 502, "in_doubt", 20 * time.Millisecond})
	a.status(providers.InDoubt, Answer{AskStatus, 0, "not_sent", time.Millisecond})
	a.status(providers.Pending, answered)
	version := a.record.Version
	for range 3 {
		a.status(providers.Pending, answered)
	}
	a.status(providers.InDoubt, Answer{AskStatus, 500, "in_doubt", 2_500 * time.Microsecond})
	a.status(providers.Pending, Answer{AskStatus, 200, "pending", 99 * time.Millisecond})
	if a.record.Version != version {
		t.Error("an answer that decides nothing makes what an operator has read outdated")
	}
	c := a.status(providers.Succeeded, Answer{AskStatus, 200, "succeeded", 5 * time.Millisecond})
	a.want("1000|in_doubt|1 502 20", "2000|in_doubt|1 ?0 1 not_sent", "3000|pending|1 ?200 78",
		"4000|pending|1 ?200 99 x4 8000", "7000|pending|1 ?500 2 in_doubt", "9000|succeeded|1 ?200 5")
	if c.Record.StateSince() != 10_000 {
		t.Errorf("succeeded since %d", c.Record.StateSince())
	}
}

// A report may be repeated, because its reply was lost or the store may have forgotten it.
func TestARepeatedReportIsNoSecondAnswer(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	answer := Answer{AskToPay, 502, "in_doubt", 20 * time.Millisecond}
	a.finish(providers.InDoubt, answer)
	a.finish(providers.InDoubt, answer)
	a.want("1000|in_doubt|1 502 20")
	a.finish(providers.Succeeded, Answer{AskToPay, 200, "succeeded", 20 * time.Millisecond})
	a.want("1000|in_doubt|1 502 20", "3000|succeeded|1 200 20|late result")
}

// Nothing that a provider answers grows a record without bound, or pushes out what happened.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	a.finish(providers.InDoubt, Answer{AskToPay, 502, "in_doubt", time.Millisecond})
	for i := range 1_000 {
		a.status(providers.InDoubt, Answer{AskStatus, i, "In doubt|" + strings.Repeat("x", i), time.Duration(-i)})
	}
	if got := a.record.History; len(got) != 3+maxAnswers || got[3] != "994000|in_doubt|1 ?992 0 unknown" || !strings.HasPrefix(got[2], "1000|in_doubt") {
		t.Errorf("%d entries: %q", len(got), got)
	}
	before := len(a.record.History)
	a.status(providers.InDoubt, Answer{})
	if len(a.record.History) != before {
		t.Error("no answer is an entry")
	}
}

// What does not take effect is in no history.
func TestAnOutdatedAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	a.finish(providers.InDoubt, Answer{})
	c := RecordStatus(a.record, DefaultPolicy(), Facts{}, a.now, StatusResult{Version: a.record.Version - 1, Outcome: outcomeOf(providers.NotFound), Answer: answered})
	if c.Applied || c.RecordChanged {
		t.Errorf("%+v", c.Record.History)
	}
}
