package rules

import (
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
)

// What each late result does: a row for each record, a column for each report. Attempt "a" reports,
// and "b" is another one. X is the provider id on record, Y another one.
func TestLateResults(t *testing.T) {
	const success, other, pending, notSent, refusal, doubt = "success as X", "success as Y", "pending as X", "not sent", "refusal", "in doubt"
	table := []struct {
		recorded string
		record   Record
		late     map[string]string
	}{
		{"ready, a is open", late(Ready, "", Open), map[string]string{
			success: "succeeded", pending: "pending", notSent: "ready, a is closed", refusal: "failed, a is closed", doubt: "ready",
		}},
		{"in_doubt, a is open", late(InDoubt, "", Open), map[string]string{
			success: "succeeded", pending: "pending", notSent: "ready, a is closed", refusal: "failed, a is closed", doubt: "in_doubt",
		}},
		{"in_doubt, a and b are open", late(InDoubt, "", Open, Open), map[string]string{
			success: "succeeded", pending: "pending", notSent: "in_doubt, a is closed", refusal: "in_doubt, a is closed", doubt: "in_doubt",
		}},
		{"held, a is open", late(Held, "", Open), map[string]string{
			success: "succeeded", pending: "held", notSent: "ready, a is closed", refusal: "failed, a is closed", doubt: "held",
		}},
		{"held, a and b are open", late(Held, "", Open, Open), map[string]string{
			success: "succeeded", pending: "held", notSent: "held, a is closed", refusal: "held, a is closed", doubt: "held",
		}},
		{"pending from a, as a status query found", inferred(late(Pending, "X", FatePending)), map[string]string{
			success: "succeeded", other: "succeeded, anomaly second_success", pending: "pending",
			notSent: "pending, anomaly not_sent_but_known", refusal: "pending, anomaly refused_after_pending", doubt: "pending",
		}},
		{"pending from b, a is open", late(Pending, "X", Open, FatePending), map[string]string{
			success: "succeeded", other: "succeeded, anomaly second_success", pending: "pending", notSent: "pending, a is closed",
			refusal: "pending, a is closed", doubt: "pending",
		}},
		{"sending of b, a is open", late(Sending, "", Open, Open), map[string]string{
			success: "sending", pending: "sending", notSent: "sending, a is closed", refusal: "sending, a is closed", doubt: "sending",
		}},
		{"succeeded from a, as a status query found", inferred(late(Succeeded, "X", FateSucceeded)), map[string]string{
			success: "succeeded", other: "succeeded, anomaly second_success", pending: "succeeded", notSent: "succeeded",
			refusal: "succeeded, anomaly refused_after_succeeded", doubt: "succeeded",
		}},
		{"succeeded from b, a is open", late(Succeeded, "X", Open, FateSucceeded), map[string]string{
			success: "succeeded", other: "succeeded, anomaly second_success", pending: "succeeded", notSent: "succeeded, a is closed",
			refusal: "succeeded, a is closed", doubt: "succeeded",
		}},
		{"succeeded by an operator without an id, a is open", late(Succeeded, "", Open), map[string]string{
			success: "succeeded, id X recorded", pending: "succeeded", notSent: "succeeded, a is closed", refusal: "succeeded, a is closed",
			doubt: "succeeded",
		}},
		{"failed by an operator, a is open", late(Failed, "", Open), map[string]string{
			success: "failed, anomaly late_success", pending: "failed, anomaly late_pending", notSent: "failed, a is closed",
			refusal: "failed, a is closed", doubt: "failed",
		}},
	}
	reports := map[string]Outcome{
		success: reported(providers.Succeeded, "X"), other: reported(providers.Succeeded, "Y"), pending: reported(providers.Pending, "X"),
		refusal: reported(providers.Refused, ""), doubt: reported(providers.InDoubt, ""),
	}
	for _, row := range table {
		for report, want := range row.late {
			t.Run(row.recorded+", late "+report, func(t *testing.T) {
				c := lateReport(row.record, report == notSent, reports[report])
				if got := became(row.record, c.Record); got != want {
					t.Errorf("is %s, want %s", got, want)
				}
				again := lateReport(c.Record, report == notSent, reports[report])
				if got := became(row.record, again.Record); got != want || again.Record.Version != c.Record.Version {
					t.Errorf("reported again it is %s, want %s and the same version", got, want)
				}
			})
		}
	}
}

const lateNow = Time(1_000_000)

// late is a payment with attempts of these fates: a, then b, which owns it where it is sending.
func late(s State, id string, fates ...Fate) Record {
	r := Record{State: s, Version: 1, Queryable: true, ProviderID: id, Created: 1}
	for i, f := range fates {
		a := Attempt{ID: string('a' + rune(i)), End: lateNow - 10, Fate: f}
		if f.knownToProvider() {
			a.ProviderID = id
		}
		r.Attempts = append(r.Attempts, a)
	}
	if s == Sending {
		r.Owner, r.LeaseEnd = "b", lateNow.Add(time.Minute)
	}
	return r
}

// inferred: attempt a's fate was found by a status query.
func inferred(r Record) Record {
	r.Attempts[0].Inferred = true
	return r
}

func reported(c providers.Class, id string) Outcome {
	return Outcome{Outcome: providers.Outcome{Class: c, ProviderID: id}}
}

func lateReport(r Record, notSent bool, o Outcome) Change {
	if notSent {
		return Release(r, DefaultPolicy(), Facts{}, lateNow, ReleaseParams{Attempt: "a"})
	}
	return Finish(r, DefaultPolicy(), Facts{}, lateNow, FinishParams{Attempt: "a", Outcome: o, MoneyStepReached: true})
}

// became says in words what a late result made of a payment.
func became(before, after Record) string {
	text := string(after.State)
	a := after.attempt("a")
	switch {
	case after.Anomaly != nil:
		text += ", anomaly " + after.Anomaly.Kind
	case a.Fate == NotExecuted || a.Fate == FateRefused:
		text += ", a is closed"
	case before.State == Succeeded && before.ProviderID == "" && after.ProviderID != "":
		text += ", id " + after.ProviderID + " recorded"
	}
	return text
}
