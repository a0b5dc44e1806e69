package view

import (
	"time"

	"github.com/remesa/remesa/billing"
)

// Subscription is one as `enqueue subscription list` prints it. Every field is always there.
type Subscription struct {
	ID       string        `json:"id"`
	State    billing.State `json:"state"`
	Reason   string        `json:"reason"`
	Provider string        `json:"provider"`
	Amount   string        `json:"amount"`
	Currency string        `json:"currency"`
	// NextDue is null where no period falls due any more, or none would be charged.
	NextDue *string `json:"next_due"`
}

// NewSubscription shows a subscription.
func NewSubscription(s billing.Subscription) Subscription {
	out := Subscription{
		ID: s.ID, State: s.State, Reason: s.Reason, Provider: s.Provider, Amount: s.Amount, Currency: s.Currency,
	}
	if !s.NextDue.IsZero() {
		out.NextDue = new(local(s.NextDue))
	}
	return out
}

// local is RFC 3339 with the offset of the subscription's zone at that time.
func local(t time.Time) string { return t.Format(time.RFC3339) }

// ShownSubscription is a subscription with its periods and its history, oldest first.
type ShownSubscription struct {
	Subscription
	Account string       `json:"account"`
	AddedAt string       `json:"added_at"`
	Periods []Period     `json:"periods"`
	History []AuditEntry `json:"history"`
}

// AuditEntry is one entry of a subscription's history.
type AuditEntry struct {
	At   string `json:"at"`
	What string `json:"what"`
	// By is empty where remesa did it by itself.
	By   string `json:"by"`
	Note string `json:"note"`
}

// Period is one that was charged, is being charged, or was skipped.
type Period struct {
	Period int    `json:"period"`
	DueAt  string `json:"due_at"`
	// TxnID is the reference of the latest charge, empty where the period never had one.
	TxnID          string `json:"txnid"`
	State          string `json:"state"`
	DunningAttempt int    `json:"dunning_attempt"`
	// NextChargeAt is there while the period waits for its next charge after a soft decline.
	NextChargeAt string `json:"next_charge_at,omitempty"`
	// Charges are all of the period, where it had more than one.
	Charges []PeriodCharge `json:"charges,omitempty"`
}

// PeriodCharge is one charge of a period.
type PeriodCharge struct {
	TxnID          string `json:"txnid"`
	DunningAttempt int    `json:"dunning_attempt"`
	State          string `json:"state"`
}

func newPeriod(p billing.Period) Period {
	out := Period{Period: p.Number, DueAt: local(p.Due), State: p.State, DunningAttempt: p.DunningAttempt}
	if !p.NextCharge.IsZero() {
		out.NextChargeAt = local(p.NextCharge)
	}
	for _, c := range p.Charges {
		out.TxnID = c.Reference
		if len(p.Charges) > 1 {
			out.Charges = append(out.Charges, PeriodCharge{c.Reference, c.DunningAttempt, c.State})
		}
	}
	return out
}

// NewShownSubscription shows a subscription with its periods and its history.
func NewShownSubscription(s billing.Details) ShownSubscription {
	out := ShownSubscription{
		Subscription: NewSubscription(s.Subscription), Account: s.Account, AddedAt: Stamp(s.Added), Periods: []Period{},
		History: []AuditEntry{},
	}
	for _, p := range s.Periods {
		out.Periods = append(out.Periods, newPeriod(p))
	}
	for _, e := range s.History {
		out.History = append(out.History, AuditEntry{Stamp(e.At), e.Action, e.By, e.Note})
	}
	return out
}
