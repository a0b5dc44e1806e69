// Package view is payments, subscriptions and outcome events as they are shown to programs: the
// JSON that the commands print and the HTTP interface returns. It decides nothing.
package view

import (
	"time"

	"github.com/remesa/remesa/idempotency"
)

// Payment is a record as `enqueue show` and `list` print it. Every field is always there, but the
// last.
type Payment struct {
	Key          string            `json:"key"`
	Type         string            `json:"type"`
	Provider     string            `json:"provider"`
	Account      string            `json:"account"`
	Reference    string            `json:"reference"`
	State        idempotency.State `json:"state"`
	ProviderID   string            `json:"provider_id"`
	Code         string            `json:"code"`
	Message      string            `json:"message"`
	Decline      string            `json:"decline"`
	Amount       string            `json:"amount"`
	Currency     string            `json:"currency"`
	Attempts     int               `json:"attempts"`
	CreatedAt    string            `json:"created_at"`
	UpdatedAt    string            `json:"updated_at"`
	ActionURL    string            `json:"action_url"`
	Metadata     map[string]string `json:"metadata"`
	MayHaveLeft  bool              `json:"may_have_left"`
	Anomaly      string            `json:"anomaly"`
	Subscription string            `json:"subscription"`
	Period       string            `json:"period"`
	// NextDue is null where nothing is due any more, and while the payment is parked.
	NextDue *string `json:"next_due"`
	// WaitsFor is the reason for which the payment is parked; it is there only while it is.
	WaitsFor string `json:"waits_for,omitempty"`
}

// ShownPayment is a payment with its history, oldest first.
type ShownPayment struct {
	Payment
	History []HistoryEntry `json:"history"`
}

// HistoryEntry is one entry of a payment's history. Those that tell of a provider's answer say
// what was asked and how it was answered.
type HistoryEntry struct {
	At      string            `json:"at"`
	State   idempotency.State `json:"state"`
	Attempt int               `json:"attempt"`
	Note    string            `json:"note"`
	*Answer
}

// Answer is a provider's answer in a payment's history.
type Answer struct {
	// Question is pay, charge or status.
	Question string `json:"question"`
	// HTTPStatus is 0 where no response came.
	HTTPStatus int `json:"http_status"`
	// Class is what the answer means: see idempotency.Answer.
	Class      string `json:"class"`
	DurationMS int64  `json:"duration_ms"`
	// Count is how often in a row the same answer came, and LastAt when it came last; DurationMS is
	// that of the last one. Both are left out where it came once.
	Count  int    `json:"count,omitempty"`
	LastAt string `json:"last_at,omitempty"`
}

// NewAnswer shows the answer that an entry of a history tells of; nil where it tells of none.
func NewAnswer(e idempotency.AuditEntry) *Answer {
	if e.Answer == (idempotency.Answer{}) {
		return nil
	}
	a := &Answer{
		Question: string(e.Answer.Question), HTTPStatus: e.Answer.HTTPStatus, Class: e.Answer.Class,
		DurationMS: e.Answer.Took.Milliseconds(), Count: e.Count,
	}
	if !e.Last.IsZero() {
		a.LastAt = Stamp(e.Last)
	}
	return a
}

// NewPayment shows a record.
func NewPayment(r idempotency.Record) Payment {
	p := Payment{
		Key: r.Key.String(), Type: r.Type, Provider: r.Key.Provider, Account: r.Key.Account, Reference: r.Key.Reference, State: r.State,
		ProviderID: r.ProviderID, Code: r.Code, Message: r.Message, Decline: r.Decline, Amount: r.Amount, Currency: r.Currency,
		Attempts: r.Attempts, CreatedAt: Stamp(r.Created), UpdatedAt: Stamp(r.Updated), ActionURL: r.ActionURL, Metadata: r.Metadata,
		MayHaveLeft: r.MayHaveLeft, Anomaly: r.Anomaly, Subscription: r.Subscription, Period: r.Period,
		WaitsFor: r.ParkReason,
	}
	if p.Metadata == nil {
		p.Metadata = map[string]string{}
	}
	if !r.NextDue.IsZero() {
		due := Stamp(r.NextDue)
		p.NextDue = &due
	}
	return p
}

// Stamp is RFC 3339 in UTC with the ledger's milliseconds.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// NewShownPayment shows a record with its history.
func NewShownPayment(r idempotency.Record) ShownPayment {
	s := ShownPayment{NewPayment(r), []HistoryEntry{}}
	for _, h := range r.History {
		s.History = append(s.History, HistoryEntry{Stamp(h.At), h.State, h.Attempt, h.Note, NewAnswer(h)})
	}
	return s
}
