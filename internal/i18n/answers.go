package i18n

import (
	"strconv"

	"github.com/remesa/remesa/idempotency"
)

// Answers tell what a provider said to one question about a payment.
type Answers struct {
	Pay, Charge, Status string
	NoResponse          string
	// Class is by the class of the answer. One that only a newer version knows is told as it is.
	Class map[string]string
	After func(milliseconds Number) string
	// Same is about an answer that came several times.
	Same func(times Number, last string) string
}

// Answer tells the provider's answer of an entry of a history: "Status query: HTTP 200, not found,
// after 78 ms". It is empty where the entry tells of none.
func (l Locale) Answer(e idempotency.AuditEntry) string {
	t, a := l.States.Answer, e.Answer
	if a == (idempotency.Answer{}) {
		return ""
	}
	question, said := t.Pay, t.NoResponse
	switch a.Question {
	case idempotency.AskToPay:
	case idempotency.AskToCharge:
		question = t.Charge
	case idempotency.AskStatus:
		question = t.Status
	}
	if a.HTTPStatus != 0 {
		said = "HTTP " + strconv.Itoa(a.HTTPStatus)
	}
	class := t.Class[a.Class]
	if class == "" {
		class = a.Class
	}
	text := question + ": " + said + ", " + class + ", " + t.After(Count(l, a.Took.Milliseconds()))
	if e.Count > 1 {
		text += t.Same(Count(l, e.Count), l.TimeToSecond(e.Last))
	}
	return text
}
