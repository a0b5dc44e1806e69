package explain

import (
	"strings"

	"github.com/remesa/remesa/idempotency"
)

// Who must do what comes next.
type Who string

// Who must do what comes next.
const (
	Nobody   Who = "nobody"
	Remesa   Who = "remesa"
	Operator Who = "operator"
	Payer    Who = "payer"
	Provider Who = "provider"
)

// NextStep returns what must happen next, and who must do it.
func NextStep(r idempotency.Record) Next {
	n := Next{Who: who(r), Text: Advice(r), At: r.NextDue}
	if r.ParkReason != "" && n.Who != Operator {
		n.Text = "It is parked, and waits for " + WaitsFor(r.ParkReason) + ". " + n.Text
		if kind, _, _ := strings.Cut(r.ParkReason, ":"); kind == "halted" || kind == "account" || kind == "key" {
			n.Who = Operator
		}
	}
	return n
}

func who(r idempotency.Record) Who {
	switch r.State {
	case idempotency.Held, idempotency.Blocked:
		return Operator
	case idempotency.Queued, idempotency.Sending, idempotency.Ready, idempotency.InDoubt, idempotency.Pending,
		idempotency.Succeeded, idempotency.Failed, idempotency.Reversed:
	}
	switch {
	case r.Anomaly != "":
		return Operator
	case r.State.Final():
		return Nobody
	case r.State == idempotency.Pending && r.ActionURL != "":
		return Payer
	case r.State == idempotency.Pending:
		return Provider
	}
	return Remesa
}

// Meaning says what a state means.
func Meaning(s idempotency.State) string {
	switch s {
	case idempotency.Queued:
		return "registered, never begun"
	case idempotency.Sending:
		return "an attempt owns it; its request may have left"
	case idempotency.Ready:
		return "begun before, provably not executed; will begin again"
	case idempotency.InDoubt:
		return "may have been executed; the provider is being queried"
	case idempotency.Pending:
		return "the provider decides later, or the payer must act"
	case idempotency.Held:
		return "in doubt, and an operator decides"
	case idempotency.Blocked:
		return "stopped before its first send"
	case idempotency.Succeeded:
		return "executed"
	case idempotency.Failed:
		return "not executed, as far as is known"
	case idempotency.Reversed:
		return "executed, and taken back"
	}
	return ""
}

// blockedAdvice is what an operator does about a payment that a brake stopped.
func blockedAdvice(code string) string {
	const decide = ", then release or cancel it."
	switch idempotency.Brake(code) {
	case idempotency.AmountBrake:
		return "Its amount is above the account's limit: find out whether it is right" + decide
	case idempotency.HourBrake:
		return "It would have exceeded what may begin in an hour: find out whether so many are right" + decide
	case idempotency.DayBrake:
		return "It would have exceeded what may begin in 24 hours: find out whether so many are right" + decide
	case idempotency.DoubtBrake:
		return "Too much money is in doubt: find out what the provider lacks" + decide
	case idempotency.LookalikeBrake:
		return "Another payment, begun shortly before, has the same beneficiary and amount: find out whether both are meant" + decide
	case idempotency.Brake(""): // an operator, or an earlier version
	}
	return "Find out why it was stopped" + decide
}

// Advice is what must happen next.
func Advice(r idempotency.Record) string {
	if r.Anomaly != "" {
		return anomalyAdvice(r.Anomaly)
	}
	switch r.State {
	case idempotency.Held:
		return heldAdvice(r.Code)
	case idempotency.InDoubt:
		if r.Code == "record_lost" || r.Code == "result_unrecorded" {
			return "Wait: remesa is querying the provider. " + heldAdvice(r.Code)
		}
		return "Wait: remesa is querying the provider."
	case idempotency.Pending:
		if r.ActionURL != "" {
			return "Wait: the payer must act, on the page that their link opens."
		}
		return "Wait: the provider has it and decides later."
	case idempotency.Blocked:
		return blockedAdvice(r.Code)
	case idempotency.Queued, idempotency.Ready:
		return "Wait: remesa will send it."
	case idempotency.Sending:
		return "Wait: it is being sent."
	case idempotency.Failed:
		return "None. If it shall be paid after all: retry it, never submit it under a new reference before you know that it was not executed."
	default:
		return "None."
	}
}

const (
	checkAtProvider      = "look the reference up at the provider or the bank, then settle it"
	checkAtProviderAlone = "Look the reference up at the provider or the bank, then settle it."
)

func heldAdvice(code string) string {
	known := map[string]string{
		"not_found":          "The provider does not know it: ask its support, ",
		"lookup_unproven":    "No status query of this account ever found a payment, so \"not found\" proves nothing: ",
		"poll_deadline":      "The provider gave no final answer in time: ",
		"expiry_unclear":     "The payer's time is over, and the provider did not say that nobody paid: ",
		"refusal_unclear":    "It was refused, but an earlier attempt may have been executed: ",
		"payload_unreadable": "Its details cannot be read any more, and it may have left: ",
		"expired":            "Its deadline passed while an attempt may have been executed: ",
		"no_status_query":    "It may have been executed, and the provider has no status query for it: ",
	}[code]
	if known != "" {
		return known + checkAtProvider + "."
	}
	switch code {
	case "mismatch":
		return "The provider has something else under this reference: compare amount and beneficiary, then settle it."
	case "reference_taken":
		return "The provider knew this reference before any attempt of ours, or does not say whom it pays: compare all of it. Failed if it is " +
			"somebody else's (then submit the payment under another reference), succeeded if it is ours."
	case "payload_changed":
		return "What it says is not what was registered: somebody changed it in Redis. Halt the provider, find out who writes there, compare with " +
			"billing; settle it as failed and submit it anew. It was not sent as it stands."
	case "record_lost":
		return "Redis had lost it, and it was recorded again from a worker that held it: it may have been executed, also by others. " + checkAtProviderAlone
	case "result_unrecorded":
		return "An attempt reported back that the record did not know, because Redis had lost it: it may have been executed. " + checkAtProviderAlone
	case "forgotten_send":
		return "The store forgot sends, and this may be one of them; the provider cannot be queried (see: enqueue forgot show). " + checkAtProviderAlone
	case "already_registered":
		return "Somebody registered it before remesa could: compare with that registration, then settle it."
	default:
		return checkAtProviderAlone
	}
}

// WaitsFor says what a parked payment waits for. A reason that only a newer worker knows is shown
// as it is stored.
func WaitsFor(reason string) string {
	kind, about, _ := strings.Cut(reason, ":")
	query := about == "query"
	switch {
	case reason == "":
		return ""
	case kind == "halted" && about == "":
		return "the end of the halt of the provider (enqueue unhalt)"
	case kind == "halted":
		return "the end of the halt of account " + about + " (enqueue unhalt)"
	case kind == "account":
		name, paymentType, _ := strings.Cut(about, ":")
		if paymentType != "" {
			return "a worker whose account " + name + " makes a " + paymentType
		}
		return "a worker with credentials for account " + name
	case kind == "circuit":
		return "account " + about + ": connections fail, or its credentials are refused"
	case kind == "throttled":
		return "account " + about + ": the provider told it to wait"
	case about == "fingerprint-keyed":
		return "a worker with REMESA_FINGERPRINT_KEY"
	case about == "fingerprint-plain":
		return "a worker without REMESA_FINGERPRINT_KEY: it was registered without one, or somebody wrote to Redis"
	case kind == "key" && about == "":
		return "a worker without REMESA_PAYLOAD_KEYS: it is not sealed"
	case kind == "key":
		return "a worker with the key that sealed it (REMESA_PAYLOAD_KEYS)"
	case kind == "rate" && query:
		return "room under the provider's rate limit, to be queried"
	case kind == "rate":
		return "room under the provider's rate limit"
	case kind == "queue":
		return "room in the queue"
	}
	return reason
}

func anomalyAdvice(kind string) string {
	switch {
	case kind == "second_success":
		return "Two executions are known: compare both at the provider. Reverse if the money was taken back, accept if there was only one."
	case kind == "late_success":
		return "It was given up, and executed all the same: accept if it was paid, reverse if the money was taken back."
	case kind == "late_pending":
		return "It was given up, but the provider still has it: have it stopped there, or wait for its end."
	case kind == "not_found_after_succeeded":
		return "It was reported as paid, and the provider now does not know it: look at the transaction there and at the bank. Accept if the money " +
			"arrived, reverse if it did not or came back."
	case kind == "not_sent_but_known":
		return "The provider knows it although nothing was sent: find out who sent it."
	case kind == "late_doubt":
		return "One more attempt may have been executed, and the provider has no status query: look for a second transaction at the provider."
	case strings.HasPrefix(kind, "refused_after"):
		return "The provider refused it after it had said otherwise: look at the transaction there."
	default:
		return "Look at the transactions at the provider, then accept or reverse."
	}
}
