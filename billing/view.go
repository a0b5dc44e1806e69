package billing

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/merge"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/schedule"
	"github.com/remesa/remesa/tasks"
)

// Subscription is the view of a subscription. Its customer and card are not part of it.
type Subscription struct {
	ID       string
	Provider string
	// Account is the credentials profile.
	Account string
	State   State
	// Reason of a state, empty for Active.
	Reason string
	// Amount is the decimal text of what the next period charges, in Currency (ISO 4217).
	Amount   string
	Currency string
	Added    time.Time
	// NextDue is when the next period falls due, in the subscription's time zone; zero where no
	// period falls due any more, or none would be charged.
	NextDue time.Time
}

// Details is a subscription with its periods and its history, oldest first: the newest thousand
// periods that are closed, and last the one that is being charged.
type Details struct {
	Subscription
	Periods []Period
	History []AuditEntry
}

// Period is one that was charged, is being charged, or was passed over.
type Period struct {
	// Number counts the subscription's periods from 1.
	Number int
	// Due is when it fell due, in the subscription's time zone.
	Due time.Time
	// State is that of the charge that counts: one that paid, else the latest. A period that waits
	// for its next charge after a soft decline has failed so far. Without a charge it is
	// PeriodStateSkipped, PeriodStateMissed or Cancelled.
	State string
	// DunningAttempt is that of the charge that counts: 0 for the first, 1 for the one after the
	// first soft decline.
	DunningAttempt int
	// NextCharge is when the next charge begins after a soft decline; zero where none is scheduled.
	NextCharge time.Time
	// Charges are those of the period, by dunning attempt; none where it was passed over.
	Charges []PeriodCharge
}

// PeriodCharge is one charge of a period.
type PeriodCharge struct {
	// Reference is the payment's, see tasks.TxnID.
	Reference      string
	DunningAttempt int
	// State is the ledger's; ChargeUnknown where it knows nothing of the charge any more.
	State string
}

// ChargeUnknown is the state of a charge of which the ledger knows nothing any more.
const ChargeUnknown = "unknown"

func view(r Record) Subscription {
	s := Subscription{
		ID: r.ID, Provider: r.Provider, Account: r.Account, State: r.State, Reason: r.Reason, Amount: r.Amount,
		Currency: r.Currency, Added: time.UnixMilli(r.Added),
	}
	if r.State == Active && r.NextDue != 0 {
		s.NextDue = r.local(r.NextDue)
	}
	return s
}

// local is a time on the clock of the subscription's zone; UTC where this machine does not know it.
func (r Record) local(ms int64) time.Time {
	zone, err := schedule.LoadZone(r.Zone)
	if err != nil {
		zone = time.UTC
	}
	return time.UnixMilli(ms).In(zone)
}

// Filter narrows a list; the zero value lists all.
type Filter struct {
	State    State
	Provider string
}

// List yields the subscriptions of all providers, those added first first. It ends with the first
// error. One that changes meanwhile is listed as it was or as it is.
func (c *Client) List(ctx context.Context, f Filter) iter.Seq2[Subscription, error] {
	var lists []iter.Seq2[Subscription, error]
	for _, name := range catalog.Names() {
		if f.Provider == "" || f.Provider == name {
			lists = append(lists, c.listOf(ctx, name, f.State))
		}
	}
	return merge.Ordered(func(a, b Subscription) int { return a.Added.Compare(b.Added) }, lists...)
}

func (c *Client) listOf(ctx context.Context, provider string, state State) iter.Seq2[Subscription, error] {
	return func(yield func(Subscription, error) bool) {
		stopped := false
		err := c.config.Store.List(ctx, provider, func(r Record) bool {
			if state != "" && state != r.State {
				return true
			}
			stopped = !yield(view(r), nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(Subscription{}, err)
		}
	}
}

// Get reads a subscription with its periods and its history; ErrUnknown where there is none. It
// needs no payload keys.
func (c *Client) Get(ctx context.Context, id string) (Details, error) {
	held, err := c.find(ctx, id)
	if err != nil {
		return Details{}, err
	}
	periods, err := c.periods(ctx, held.Record)
	return Details{Subscription: view(held.Record), Periods: periods, History: held.Record.AuditTrail()}, err
}

// periods are the closed ones, and last the open one.
func (c *Client) periods(ctx context.Context, r Record) ([]Period, error) {
	closed, err := c.config.Store.Periods(ctx, r.Provider, r.ID)
	if err != nil {
		return nil, err
	}
	var all []Period
	for _, p := range closed {
		period, err := c.closedPeriod(ctx, r, p)
		if err != nil {
			return nil, err
		}
		all = append(all, period)
	}
	if r.Open == nil {
		return all, nil
	}
	open, err := c.openPeriod(ctx, r)
	return append(all, open), err
}

// closedPeriod takes its state from its charges in the ledger, which an operator may have changed
// since; the state that was stored when it was closed counts where the ledger has no better one.
func (c *Client) closedPeriod(ctx context.Context, r Record, p ClosedPeriod) (out Period, err error) {
	out = Period{Number: p.Number, Due: r.local(p.Due), State: p.State, DunningAttempt: p.Attempt}
	if p.State == PeriodStateSkipped || p.State == PeriodStateMissed {
		return out, nil
	}
	out.Charges, err = c.charges(ctx, r, p.Number, p.Attempt)
	out.State = cmp.Or(paidState(out.Charges), out.State)
	return out, err
}

// openPeriod is the period that is being charged. It has the state of its latest charge: one that
// is claimed and not registered yet counts as queued.
func (c *Client) openPeriod(ctx context.Context, r Record) (Period, error) {
	o := r.Open
	out := Period{Number: o.Period, Due: r.local(o.Due), DunningAttempt: o.Attempt}
	charges, err := c.charges(ctx, r, o.Period, o.Attempt)
	if err != nil {
		return out, err
	}
	latest := &charges[len(charges)-1]
	if latest.State == ChargeUnknown {
		latest.State = string(idempotency.Queued)
	}
	out.Charges, out.State = charges, cmp.Or(paidState(charges), latest.State)
	if o.Retry != 0 {
		out.NextCharge = r.local(o.Retry)
	}
	return out, nil
}

// paidState is the state of a period of which any charge moved money, whatever became of the
// others; else empty.
func paidState(charges []PeriodCharge) string {
	for _, state := range []string{succeeded, reversed} {
		if slices.ContainsFunc(charges, func(c PeriodCharge) bool { return c.State == state }) {
			return state
		}
	}
	return ""
}

// charges are those of a period by attempt, as the ledger has them now.
func (c *Client) charges(ctx context.Context, r Record, number, attempt int) ([]PeriodCharge, error) {
	charges := make([]PeriodCharge, attempt+1)
	for i := range charges {
		charges[i] = PeriodCharge{Reference: tasks.TxnID(r.ID, number, i), DunningAttempt: i, State: ChargeUnknown}
		p, err := c.config.Ledger.Show(ctx, r.key(charges[i].Reference))
		switch {
		case errors.Is(err, idempotency.ErrUnknown):
		case err != nil:
			return nil, err
		case r.owns(p, number): // else another payment took the reference
			charges[i].State = string(p.State)
		}
	}
	return charges, nil
}
