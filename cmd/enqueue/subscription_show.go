package main

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

type subscriptionShowCmd struct {
	ID string `arg:"" help:"The subscription's id."`
}

// shownSubscription is a subscription with its periods and its history, oldest first.
type shownSubscription struct {
	subscription
	Account string   `json:"account"`
	AddedAt string   `json:"added_at"`
	Periods []period `json:"periods"`
	History []deed   `json:"history"`
}

type deed struct {
	At   string `json:"at"`
	What string `json:"what"`
	// By is empty where remesa did it by itself.
	By   string `json:"by"`
	Note string `json:"note"`
}

// period is one that was charged, is being charged, or was passed over.
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

// stateUnknown is that of a charge of which the ledger knows nothing any more.
const stateUnknown = "unknown"

// Run prints one subscription.
func (c *subscriptionShowCmd) Run(a *app) error {
	s, err := a.subscriptions()
	if err != nil {
		return err
	}
	loaded, err := s.load(c.ID)
	if err != nil {
		return err
	}
	r := loaded.Record
	out := shownSubscription{subscription: newSubscription(r), Account: r.Account, AddedAt: stamp(time.UnixMilli(r.Added)), History: []deed{}}
	if out.Periods, err = s.periods(r); err != nil {
		return a.failed(err)
	}
	for _, d := range r.AuditTrail() {
		out.History = append(out.History, deed{stamp(d.At), d.Action, d.By, d.Note})
	}
	if err := a.print(out); err != nil {
		return err
	}
	return a.flush()
}

// periods are the settled ones, and last the open one.
func (s *subscriptions) periods(r billing.Record) ([]period, error) {
	settled, err := s.store.Periods(s.app.ctx, r.Provider, r.ID)
	if err != nil {
		return nil, err
	}
	all := []period{}
	for _, p := range settled {
		shown, err := s.period(r, p)
		if err != nil {
			return nil, err
		}
		all = append(all, shown)
	}
	if r.Open == nil {
		return all, nil
	}
	open, err := s.open(r)
	return append(all, open), err
}

// period is a settled one. The ledger's word on its charges counts, which a person may have changed since; what was stored when it was
// settled counts where the ledger says nothing better.
func (s *subscriptions) period(r billing.Record, p billing.ClosedPeriod) (period, error) {
	out := period{Period: p.Number, DueAt: local(p.Due, zoneOf(r)), State: p.State, DunningAttempt: p.Attempt}
	if p.State == billing.PeriodStateSkipped || p.State == billing.PeriodStateMissed {
		return out, nil
	}
	charges, err := s.charges(r, p.Number, p.Attempt)
	if err != nil {
		return out, err
	}
	if paid := paid(charges); paid != "" {
		out.State = paid
	}
	out.list(charges)
	return out, nil
}

// open is the period that is being charged. It has the state of its latest charge: one that is claimed and not recorded yet counts as
// queued, and one that waits for its next charge after a soft decline has failed so far.
func (s *subscriptions) open(r billing.Record) (period, error) {
	o := r.Open
	out := period{Period: o.Period, DueAt: local(o.Due, zoneOf(r)), DunningAttempt: o.Attempt}
	charges, err := s.charges(r, o.Period, o.Attempt)
	if err != nil {
		return out, err
	}
	latest := &charges[len(charges)-1]
	if latest.State == stateUnknown {
		latest.State = string(idempotency.Queued)
	}
	out.State = latest.State
	if paid := paid(charges); paid != "" {
		out.State = paid
	}
	if o.Retry != 0 {
		out.NextChargeAt = local(o.Retry, zoneOf(r))
	}
	out.list(charges)
	return out, nil
}

func (p *period) list(charges []periodCharge) {
	p.TxnID = charges[len(charges)-1].TxnID
	if len(charges) > 1 {
		p.Charges = charges
	}
}

// paid is what a period came to of which any charge moved money, whatever became of the others; else empty.
func paid(charges []periodCharge) string {
	for _, state := range []idempotency.State{idempotency.Succeeded, idempotency.Reversed} {
		if slices.ContainsFunc(charges, func(c periodCharge) bool { return c.State == string(state) }) {
			return string(state)
		}
	}
	return ""
}

// charges are those of a period by attempt, the first one first, as the ledger has them now.
func (s *subscriptions) charges(r billing.Record, number, attempt int) ([]periodCharge, error) {
	charges := make([]periodCharge, attempt+1)
	for i := range charges {
		charges[i] = periodCharge{tasks.TxnID(r.ID, number, i), i, stateUnknown}
		k := idempotency.Key{Provider: r.Provider, Account: r.Account, Reference: charges[i].TxnID}
		p, err := s.app.ledger.Show(s.app.ctx, k)
		switch {
		case errors.Is(err, idempotency.ErrUnknown):
		case err != nil:
			return nil, err
		case p.Subscription == r.ID && p.Period == strconv.Itoa(number): // else another payment took the reference
			charges[i].State = string(p.State)
		}
	}
	return charges, nil
}
