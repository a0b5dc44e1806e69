package main

import (
	"time"

	"github.com/remesa/remesa/idempotency"
)

// payment is a record as show and list print it. Every field is always there, but the last.
type payment struct {
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

// shown is a payment with its history, oldest first.
type shown struct {
	payment
	History []historyEntry `json:"history"`
}

type historyEntry struct {
	At      string            `json:"at"`
	State   idempotency.State `json:"state"`
	Attempt int               `json:"attempt"`
	Note    string            `json:"note"`
}

func newPayment(r idempotency.Record) payment {
	p := payment{
		Key: r.Key.String(), Type: r.Type, Provider: r.Key.Provider, Account: r.Key.Account, Reference: r.Key.Reference, State: r.State,
		ProviderID: r.ProviderID, Code: r.Code, Message: r.Message, Decline: r.Decline, Amount: r.Amount, Currency: r.Currency,
		Attempts: r.Attempts, CreatedAt: stamp(r.Created), UpdatedAt: stamp(r.Updated), ActionURL: r.ActionURL, Metadata: r.Metadata,
		MayHaveLeft: r.MayHaveLeft, Anomaly: r.Anomaly, Subscription: r.Subscription, Period: r.Period,
		WaitsFor: r.ParkReason,
	}
	if p.Metadata == nil {
		p.Metadata = map[string]string{}
	}
	if !r.NextDue.IsZero() {
		due := stamp(r.NextDue)
		p.NextDue = &due
	}
	return p
}

// stamp is RFC 3339 in UTC with the ledger's milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type showCmd struct {
	Key string `arg:"" help:"provider/reference, or provider/account/reference."`
}

// Run prints one payment.
func (c *showCmd) Run(a *app) error {
	k, err := parseKey(c.Key)
	if err != nil {
		return err
	}
	r, err := a.ledger.Show(a.ctx, k)
	if err != nil {
		return a.failed(err)
	}
	a.sealedHere(r.DecryptErr)
	s := shown{newPayment(r), []historyEntry{}}
	for _, h := range r.History {
		s.History = append(s.History, historyEntry{stamp(h.At), h.State, h.Attempt, h.Note})
	}
	if err := a.print(s); err != nil {
		return err
	}
	return a.flush()
}
