package main

import "github.com/remesa/remesa/billing"

type subscriptionShowCmd struct {
	ID string `arg:"" help:"The subscription's id."`
}

// shownSubscription is a subscription with its periods and its history, oldest first.
type shownSubscription struct {
	subscription
	Account string       `json:"account"`
	AddedAt string       `json:"added_at"`
	Periods []period     `json:"periods"`
	History []auditEntry `json:"history"`
}

type auditEntry struct {
	At   string `json:"at"`
	What string `json:"what"`
	// By is empty where remesa did it by itself.
	By   string `json:"by"`
	Note string `json:"note"`
}

// period is one that was charged, is being charged, or was skipped.
type period struct {
	Period int    `json:"period"`
	DueAt  string `json:"due_at"`
	// TxnID is the reference of the latest charge, empty where the period never had one.
	TxnID          string `json:"txnid"`
	State          string `json:"state"`
	DunningAttempt int    `json:"dunning_attempt"`
	// NextChargeAt is there while the period waits for its next charge after a soft decline.
	NextChargeAt string `json:"next_charge_at,omitempty"`
	// Charges are all of the period, where it had more than one.
	Charges []periodCharge `json:"charges,omitempty"`
}

type periodCharge struct {
	TxnID          string `json:"txnid"`
	DunningAttempt int    `json:"dunning_attempt"`
	State          string `json:"state"`
}

// Run prints one subscription.
func (c *subscriptionShowCmd) Run(a *app) error {
	client, err := a.subscriptions()
	if err != nil {
		return err
	}
	s, err := client.Get(a.ctx, c.ID)
	if err != nil {
		return a.failedRequest(err)
	}
	out := shownSubscription{
		subscription: newSubscription(s.Subscription), Account: s.Account, AddedAt: stamp(s.Added), Periods: []period{},
		History: []auditEntry{},
	}
	for _, p := range s.Periods {
		out.Periods = append(out.Periods, newPeriod(p))
	}
	for _, e := range s.History {
		out.History = append(out.History, auditEntry{stamp(e.At), e.Action, e.By, e.Note})
	}
	if err := a.print(out); err != nil {
		return err
	}
	return a.flush()
}

func newPeriod(p billing.Period) period {
	out := period{Period: p.Number, DueAt: local(p.Due), State: p.State, DunningAttempt: p.DunningAttempt}
	if !p.NextCharge.IsZero() {
		out.NextChargeAt = local(p.NextCharge)
	}
	for _, c := range p.Charges {
		out.TxnID = c.Reference
		if len(p.Charges) > 1 {
			out.Charges = append(out.Charges, periodCharge{c.Reference, c.DunningAttempt, c.State})
		}
	}
	return out
}
