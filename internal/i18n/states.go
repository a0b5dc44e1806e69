package i18n

import (
	"strings"

	"github.com/remesa/remesa/idempotency"
)

// States are the states of a payment in words.
type States struct {
	// Payment is either kind, where it does not matter which.
	Payment, Payout, Charge string
	Label                   StateLabels
	Sentence                StateSentences
	Reason                  FailureReasons
	Answer                  Answers
}

// StateLabels are one or two words each. Succeeded is for payouts and charges alike.
type StateLabels struct {
	Queued, Sending, Ready, InDoubt, Pending, PendingPayer, Held, Blocked, Succeeded, Paid, Charged, Failed, Reversed string
}

// StateSentences say what a state is, and what happens next.
type StateSentences struct {
	Queued, Sending string
	Ready           string
	// ReadyMayHaveLeft must not say that nothing was executed: that is not known.
	ReadyMayHaveLeft string
	InDoubt          string
	Pending          string
	PendingPayer     string
	Held             string
	Blocked          string
	Succeeded        string
	SucceededAt      func(at string) string
	// SucceededByHand: a person said so, and no provider.
	SucceededByHand func(by string) string
	Failed          func(reason string) string
	// FailedMayHaveLeft: an attempt may still be executed, or was.
	FailedMayHaveLeft func(reason string) string
	// FailedByHand: a person said so, perhaps against the risk of a double execution.
	FailedByHand func(by string) string
	Reversed     string
	// Anomaly follows the sentence of a payment that has one.
	Anomaly string
	// Somebody stands for the person whose name is not known here.
	Somebody string
	// Unknown is a state that only a newer version knows.
	Unknown string
}

// FailureReasons follow at once on "failed".
type FailureReasons struct{ Cancelled, Expired, Unpaid, InvalidDetails, Refused string }

// State is a payment's state as people read it.
type State struct {
	// Label is one or two words: "Por revisar".
	Label string
	// Sentence says what it is and what happens next.
	Sentence string
}

// State describes what a record shows. It says of no payment that it was not executed where that is
// not known. Without the record's history some sentences name no person and no time.
func (l Locale) State(r idempotency.Record) State {
	s := State{l.payerLabel(r), l.sentence(r)}
	if r.Anomaly != "" {
		s.Sentence += " " + l.States.Sentence.Anomaly
	}
	return s
}

// PaymentType names a type of payment, in small letters: "pago", "cobro".
func (l Locale) PaymentType(t string) string {
	switch t {
	case payout:
		return l.States.Payout
	case charge:
		return l.States.Charge
	}
	return l.States.Payment
}

// Types of payments, as records hold them.
const (
	payout = "payout"
	charge = "charge"
)

// StateLabel is the label of a state where nothing else of the payment is known, as above a column
// of counts.
func (l Locale) StateLabel(s idempotency.State) string {
	t := l.States.Label
	switch s {
	case idempotency.Queued:
		return t.Queued
	case idempotency.Sending:
		return t.Sending
	case idempotency.Ready:
		return t.Ready
	case idempotency.InDoubt:
		return t.InDoubt
	case idempotency.Pending:
		return t.Pending
	case idempotency.Held:
		return t.Held
	case idempotency.Blocked:
		return t.Blocked
	case idempotency.Succeeded:
		return t.Succeeded
	case idempotency.Failed:
		return t.Failed
	case idempotency.Reversed:
		return t.Reversed
	}
	return string(s)
}

// payerLabel also tells a payout from a charge, and who must act.
func (l Locale) payerLabel(r idempotency.Record) string {
	switch {
	case r.State == idempotency.Pending && r.ActionURL != "":
		return l.States.Label.PendingPayer
	case r.State == idempotency.Succeeded && r.Type == payout:
		return l.States.Label.Paid
	case r.State == idempotency.Succeeded && r.Type == charge:
		return l.States.Label.Charged
	}
	return l.StateLabel(r.State)
}

func (l Locale) sentence(r idempotency.Record) string {
	t := l.States.Sentence
	switch r.State {
	case idempotency.Queued:
		return t.Queued
	case idempotency.Sending:
		return t.Sending
	case idempotency.Ready:
		if r.MayHaveLeft {
			return t.ReadyMayHaveLeft
		}
		return t.Ready
	case idempotency.InDoubt:
		return t.InDoubt
	case idempotency.Pending:
		if r.ActionURL != "" {
			return t.PendingPayer
		}
		return t.Pending
	case idempotency.Held:
		return t.Held
	case idempotency.Blocked:
		return t.Blocked
	case idempotency.Succeeded:
		return l.succeeded(r)
	case idempotency.Failed:
		return l.failed(r)
	case idempotency.Reversed:
		return t.Reversed
	}
	return t.Unknown
}

func (l Locale) succeeded(r idempotency.Record) string {
	entry, known := became(r)
	if byHand(r) || known && strings.HasPrefix(entry.Note, by) {
		return l.States.Sentence.SucceededByHand(l.person(entry))
	}
	if !known {
		return l.States.Sentence.Succeeded
	}
	return l.States.Sentence.SucceededAt(l.Time(entry.At))
}

func (l Locale) failed(r idempotency.Record) string {
	t := l.States.Sentence
	entry, _ := became(r)
	switch {
	case byHand(r):
		return t.FailedByHand(l.person(entry))
	case r.MayHaveLeft || r.Anomaly != "":
		return t.FailedMayHaveLeft(l.failureReason(r.Code))
	}
	return t.Failed(l.failureReason(r.Code))
}

// byHand tells a payment that an operator resolved: nobody else says what became of it.
func byHand(r idempotency.Record) bool { return r.Code == "resolved" || r.Code == "not_received" }

// became is the entry with which a payment came to its present state.
func became(r idempotency.Record) (idempotency.AuditEntry, bool) {
	for i := len(r.History) - 1; i >= 0; i-- {
		if r.History[i].State != r.State {
			break
		}
		if i == 0 || r.History[i-1].State != r.State {
			return r.History[i], true
		}
	}
	return idempotency.AuditEntry{}, false
}

// by begins the note of an intervention: "by ana: statement of 12 May".
const by = "by "

func (l Locale) person(e idempotency.AuditEntry) string {
	text, is := strings.CutPrefix(e.Note, by)
	name, _, named := strings.Cut(text, ": ")
	if !is || !named {
		return l.States.Sentence.Somebody
	}
	return name
}

// failureReason is the reason for a code of remesa's own. Any other is the provider's, which
// refused.
func (l Locale) failureReason(code string) string {
	t := l.States.Reason
	switch code {
	case "cancelled":
		return t.Cancelled
	case "expired":
		return t.Expired
	case "expired_unpaid":
		return t.Unpaid
	case "payload_unreadable", "payload_changed":
		return t.InvalidDetails
	}
	return t.Refused
}
