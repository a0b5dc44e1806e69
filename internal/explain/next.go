package explain

import (
	"strings"

	"github.com/remesa/remesa/idempotency"
)

// Who must do what comes next. Programs read these words; Label is for people.
type Who string

// Who must do what comes next.
const (
	Nobody   Who = "nobody"
	Remesa   Who = "remesa"
	Operator Who = "operator"
	Payer    Who = "payer"
	Provider Who = "provider"
)

// Label names who must act.
func (t Teller) Label(w Who) string { return t.words.Who[w] }

// NextStep returns what must happen next, and who must do it.
func (t Teller) NextStep(r idempotency.Record) Next {
	n := Next{Who: who(r), Text: t.Advice(r), At: r.NextDue}
	if r.ParkReason != "" && n.Who != Operator {
		n.Text = t.words.Phrases.Parked(t.WaitsFor(r.ParkReason)) + n.Text
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

// Meaning says what a state means; nothing of a state that only a newer version knows.
func (t Teller) Meaning(s idempotency.State) string { return t.words.Meanings[s] }

// CodeWords say what a code of remesa's own means; nothing of a provider's.
func (t Teller) CodeWords(code string) string { return t.words.Codes[code] }

// Advice is what must happen next.
func (t Teller) Advice(r idempotency.Record) string {
	a := &t.words.Advice
	if r.Anomaly != "" {
		return anomalyAdvice(a, r.Anomaly)
	}
	switch r.State {
	case idempotency.Held:
		return or(a.Held, r.Code)
	case idempotency.InDoubt:
		if r.Code == "record_lost" || r.Code == "result_unrecorded" {
			return a.InDoubt + " " + or(a.Held, r.Code)
		}
		return a.InDoubt
	case idempotency.Pending:
		if r.ActionURL != "" {
			return a.PendingPayer
		}
		return a.Pending
	case idempotency.Blocked:
		return or(a.Blocked, idempotency.Brake(r.Code))
	case idempotency.Queued, idempotency.Ready:
		return a.Queued
	case idempotency.Sending:
		return a.Sending
	case idempotency.Failed:
		return a.Failed
	default:
		return a.None
	}
}

// or is the text for a key, else the one for any other.
func or[K ~string](texts map[K]string, key K) string {
	if text, ok := texts[key]; ok {
		return text
	}
	return texts[""]
}

func anomalyAdvice(a *advice, kind string) string {
	const refusedAfter = "refused_after"
	if strings.HasPrefix(kind, refusedAfter) {
		kind = refusedAfter
	}
	return or(a.Anomaly, kind)
}

// WaitsFor says what a parked payment waits for. A reason that only a newer worker knows is shown
// as it is stored.
func (t Teller) WaitsFor(reason string) string {
	w := &t.words.Waits
	kind, about, _ := strings.Cut(reason, ":")
	query := about == "query"
	switch {
	case kind == "halted" && about == "":
		return w.Halt
	case kind == "halted":
		return w.HaltOfAccount(about)
	case kind == "account":
		if name, paymentType, _ := strings.Cut(about, ":"); paymentType != "" {
			return w.AccountFor(name, paymentType)
		}
		return w.Account(about)
	case kind == "circuit":
		return w.Circuit(about)
	case kind == "throttled":
		return w.Throttled(about)
	case about == "fingerprint-keyed":
		return w.FingerprintKeyed
	case about == "fingerprint-plain":
		return w.FingerprintPlain
	case kind == "key" && about == "":
		return w.NoKeys
	case kind == "key":
		return w.Key
	case kind == "rate" && query:
		return w.RateQuery
	case kind == "rate":
		return w.Rate
	case kind == "queue":
		return w.Queue
	}
	return reason
}
