// Package explain tells in plain words what happened to a payment, why it was or was not sent
// again, and what must happen next. It tells what the record holds, and guesses nothing.
package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/seal"
)

// Story is a payment's history in words.
type Story struct {
	// Sentences are in the order of the history, one for each entry.
	Sentences []Sentence
	// Now is what is known of it at present.
	Now  string
	Next Next
}

// Sentence tells one entry of the history.
type Sentence struct {
	At time.Time
	// State is the payment's after the entry.
	State idempotency.State
	Text  string
}

// Next is what must happen next.
type Next struct {
	Who  Who
	Text string
	// At is when remesa looks at the payment again; zero if it does not.
	At time.Time
}

// Explain tells a payment's record.
//
//	story := explain.Explain(record)
//	story.Sentences[0].Text // "It was registered, and waits to be sent."
func Explain(r idempotency.Record) Story {
	s := Story{Now: now(r), Next: NextStep(r)}
	var before idempotency.State
	gap := r.HistoryGap()
	for i, e := range r.History {
		text := ""
		if gap > 0 && i == gap {
			before = unknown
			text = "Entries before this one may have been left out, because the history is full. "
		}
		s.Sentences = append(s.Sentences, Sentence{e.At, e.State, text + tell(before, e)})
		before = e.State
	}
	return s
}

// now sums up what the record says at present.
func now(r idempotency.Record) string {
	parts := []string{fmt.Sprintf("It is %s: %s.", r.State, Meaning(r.State))}
	switch {
	case r.Attempts == 0:
		parts = append(parts, "No attempt is on record.")
	case r.State == idempotency.Succeeded || r.State == idempotency.Reversed:
		parts = append(parts, attempts(r.Attempts)+".")
	case r.MayHaveLeft:
		parts = append(parts, attempts(r.Attempts)+", and it may have been executed.")
	default:
		parts = append(parts, attempts(r.Attempts)+", and none of them may still have been executed.")
	}
	if r.ProviderID != "" {
		parts = append(parts, "The provider's id is "+r.ProviderID+".")
	}
	if text := reason(r); text != "" {
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func attempts(n int) string {
	if n == 1 {
		return "One attempt is on record"
	}
	return fmt.Sprintf("%d attempts are on record", n)
}

// reason tells code and message. A code that is not remesa's own is the provider's.
func reason(r idempotency.Record) string {
	if r.Code == "" {
		return ""
	}
	text := "Its code is " + r.Code
	if words := codeWords[r.Code]; words != "" {
		text += ": " + words
	}
	if m := readable(r.Message); m != "" {
		text += fmt.Sprintf(" (%q)", m)
	}
	return text + "."
}

const sealedText = "sealed, and cannot be read here"

// readable is a text that may be sealed.
func readable(text string) string {
	if seal.Sealed([]byte(text)) {
		return sealedText
	}
	return text
}

// codeWords are the codes that remesa gives by itself.
var codeWords = map[string]string{
	"already_registered":               "somebody else registered it before",
	"cancelled":                        "an operator cancelled it before it was sent",
	"expired":                          "its deadline passed",
	"expired_unpaid":                   "nobody paid in time",
	"expiry_unclear":                   "the payer's time is over, and the provider did not say that nobody paid",
	"forgotten_send":                   "the store forgot sends, and this may be one of them",
	"lease_lapsed":                     "an attempt did not report back in time",
	"mismatch":                         "what the provider has or said does not match it",
	"no_status_query":                  "the provider has no status query for it",
	"not_found":                        "the provider does not know it",
	"lookup_unproven":                  "not found, but no status query of this account has ever found a payment",
	"not_received":                     "an operator found out that the provider never received it",
	"payload_changed":                  "its details are not what was registered",
	"payload_unreadable":               "its details cannot be read",
	"poll_deadline":                    "the provider gave no final answer in time",
	"query_first":                      "another attempt's report must be queried before anything is sent again",
	"record_lost":                      "the store had lost its record",
	"reference_taken":                  "the provider has a payment under this reference that is not proven to be ours",
	"refusal_unclear":                  "it was refused, but another attempt may have been executed",
	"resolved":                         "an operator settled it",
	"result_unrecorded":                "an attempt reported that the store had lost",
	string(idempotency.AmountBrake):    "its amount is above the account's limit for one payment",
	string(idempotency.HourBrake):      "it would have exceeded what may begin in an hour",
	string(idempotency.DayBrake):       "it would have exceeded what may begin in 24 hours",
	string(idempotency.DoubtBrake):     "too much money is in doubt",
	string(idempotency.LookalikeBrake): "another payment with the same beneficiary and amount began shortly before",
}

// anomalyWords are the kinds of contradiction.
var anomalyWords = map[string]string{
	"late_doubt":                "one more attempt may have been executed, and the provider cannot be queried",
	"late_pending":              "it had ended without a payment, and the provider still has it",
	"late_success":              "it had failed, and the provider says that it was executed",
	"mismatch":                  "it had succeeded, and the provider has something else under its reference",
	"not_found_after_succeeded": "it had succeeded, and the provider does not know it",
	"not_sent_but_known":        "an attempt says that it sent nothing, and the provider knows the payment",
	"refused_after_pending":     "an attempt reports a refusal, and the provider had said that it has the payment",
	"refused_after_succeeded":   "it had succeeded, and the provider says that it was refused",
	"second_success":            "two executions are on record, or the same one under two ids of the provider",
}
