package billing

import (
	"time"

	"github.com/remesa/remesa/schedule"
)

// State of a subscription.
type State string

// The states of a subscription.
const (
	Active State = "active"
	Paused State = "paused"
	Ended  State = "ended"
)

// Reasons of a state, besides Active, which has none.
const (
	// ByOperator: an operator paused it.
	ByOperator = "person"
	// HardDecline: the card or its holder was refused for good.
	HardDecline = "hard_decline"
	// Refused: the provider refused the charge without a kind of decline.
	Refused = "refused"
	// DunningExhausted: the last new charge after a soft decline was declined too.
	DunningExhausted = "dunning_exhausted"
	// CardExpired: the card was past its last month when a charge was to begin.
	CardExpired = "card_expired"
	// Anomaly: a charge contradicts what is on record; an operator must decide.
	Anomaly = "anomaly"
	// Conflict: a payment that is not this subscription's has the reference of its charge.
	Conflict = "conflict"
	// Unreadable: the subscription's content cannot be read or opened.
	Unreadable = "unreadable"
	// Completed: no period falls due on or before the last date. An ended subscription's reason.
	Completed = "completed"
	// Cancelled: an operator ended it.
	Cancelled = "cancelled"
)

// Codes of events that change no state.
const (
	PeriodMissed  = "period_missed"
	PeriodSkipped = "period_skipped"
	// PeriodCancelled: the period's charge was cancelled before it was sent.
	PeriodCancelled = "period_cancelled"
	// PeriodUnclear: an operator resolved the period's charge as failed, yet it may have moved
	// money: no other charge is made for it.
	PeriodUnclear    = "period_unclear"
	DunningScheduled = "dunning_scheduled"
	DunningEnded     = "dunning_ended"
	Resumed          = "resumed"
	Changed          = "changed"
)

// Terms are what the parties agreed on: when to charge, and what to do where it fails.
type Terms struct {
	Calendar schedule.Calendar
	// End is the last date on which a period may fall due; the zero Date for none.
	End schedule.Date
	// Backfill charges the periods before the subscription was added, however old.
	Backfill bool
	// CatchUp is how old a period may be when its turn comes after a standstill.
	CatchUp time.Duration
	// Dunning are the waits before each new charge after a soft decline, from the decline on.
	Dunning []time.Duration
	// CardExpires is the first instant at which the card is no longer good; zero where it has no
	// end.
	CardExpires time.Time
}

// due is when a period falls due, and whether the subscription has it.
func (t Terms) due(period int) (time.Time, bool) {
	if !t.End.IsZero() && t.End.Before(t.Calendar.Date(period)) {
		return time.Time{}, false
	}
	return t.Calendar.Due(period), true
}

func (t Terms) cardValid(now time.Time) bool {
	return t.CardExpires.IsZero() || now.Before(t.CardExpires)
}

// Record is what is stored of a subscription besides its content. Times are milliseconds since 1970
// by the store's clock, 0 for none.
type Record struct {
	ID       string `json:"-"`
	Provider string `json:"-"`
	Account  string `json:"ac"`
	// Version grows with each change; a change is refused where it was made from an older one.
	Version int64  `json:"v"`
	State   State  `json:"s"`
	Reason  string `json:"re,omitempty"`
	// Amount and Currency are those of the next period.
	Amount      string `json:"m"`
	Currency    string `json:"c"`
	Zone        string `json:"z"`
	Fingerprint string `json:"f"`
	Added       int64  `json:"ad"`
	// Next is the number of the first period that nothing was decided about yet, NextDue when it
	// falls due, 0 where it does not.
	Next    int   `json:"n"`
	NextDue int64 `json:"nd,omitempty"`
	// Open is the period that is being charged. There is one at a time: a period that falls due
	// meanwhile waits.
	Open *OpenPeriod `json:"o,omitempty"`
	// Pauses that periods from Next on may have fallen into; To is 0 while one lasts.
	Pauses []Pause `json:"pa,omitempty"`
	// CatchUpFrom bounds a catch-up: what fell due before it is missed. It is set when the backlog
	// is first seen, so that a long catch-up does not lose its last periods on the way.
	CatchUpFrom int64 `json:"fl,omitempty"`
	// History has what was done to the subscription, oldest first: "ms|action|by|note". AuditTrail
	// reads it.
	History []string `json:"h,omitempty"`

	// text is what it was read from: a change is written only over the same text.
	text string
}

// OpenPeriod is a period that was claimed. Its charge's reference follows from subscription, period
// and attempt alone.
type OpenPeriod struct {
	Period int   `json:"n"`
	Due    int64 `json:"d"`
	// Attempt counts the charges of the period: 0, then one more with each dunning.
	Attempt int `json:"a,omitempty"`
	// Retry is when the next charge of the period begins, after a soft decline.
	Retry int64 `json:"r,omitempty"`
	// Stop: an operator ended the subscription; a charge that has not begun is cancelled.
	Stop bool `json:"x,omitempty"`
}

// Pause is a time in which periods that fall due are skipped: From included, To not.
type Pause struct {
	From int64 `json:"f"`
	To   int64 `json:"t,omitempty"`
}

// ClosedPeriod is one that nothing more is done for, as it is kept.
type ClosedPeriod struct {
	Number  int    `json:"n"`
	Due     int64  `json:"d"`
	Attempt int    `json:"a,omitempty"`
	State   string `json:"s"`
}

// States of a closed period besides those of its charge.
const (
	PeriodStateSkipped = "skipped"
	PeriodStateMissed  = "missed"
)

// Event is an entry of the outcome stream about a subscription.
type Event struct {
	// Code is what happened: a reason or one of the event codes.
	Code    string
	State   State
	Period  int
	Attempt int
	Decline string
	Message string
}

// Charge is what the ledger knows of one charge of a period.
type Charge struct {
	// Known is false where nothing is recorded under its reference.
	Known bool
	// Foreign: what is recorded there is not this subscription's.
	Foreign bool
	// Final: succeeded, failed or reversed, as State says.
	Final   bool
	State   string
	Code    string
	Decline string
	// MayHaveLeft: it may yet have moved money.
	MayHaveLeft bool
	// Anomaly: the provider's reports contradict each other.
	Anomaly bool
	// FinalAt is when it became final.
	FinalAt time.Time
}

const (
	succeeded = "succeeded"
	failed    = "failed"
	reversed  = "reversed"
	// chargeCancelled is the ledger's code of a charge that was cancelled before it was sent.
	chargeCancelled = "cancelled"
)

// paid reports whether the charge moved money.
func (c Charge) paid() bool { return c.State == succeeded || c.State == reversed }

// unpaid reports whether the charge certainly moved no money.
func (c Charge) unpaid() bool { return c.Final && c.State == failed && !c.MayHaveLeft && !c.Anomaly }

// Enrollment is what the record of a new subscription is made of.
type Enrollment struct {
	ID       string
	Provider string
	Account  string
	// Amount is a decimal text in Currency, an ISO 4217 code.
	Amount   string
	Currency string
	// Fingerprint is a hash of the content, see tasks.Subscription.Fingerprint.
	Fingerprint string
	Terms       Terms
	// Added is the store's time. Periods that fell due before it are charged only with backfill.
	Added time.Time
}

// NewRecord is the record of a subscription that was just validated.
func NewRecord(e Enrollment) Record {
	r := Record{
		ID: e.ID, Provider: e.Provider, Account: e.Account, State: Active, Amount: e.Amount, Currency: e.Currency,
		Fingerprint: e.Fingerprint, Zone: e.Terms.Calendar.Zone.String(), Added: e.Added.UnixMilli(), Next: 1,
	}
	if !e.Terms.Backfill {
		r.Next = e.Terms.Calendar.First(e.Added)
	}
	if due, ok := e.Terms.due(r.Next); ok {
		r.NextDue = due.UnixMilli()
	}
	return r
}

// Refusal is a request that the subscription's state does not allow.
type Refusal struct{ Why string }

func (r Refusal) Error() string { return "refused: " + r.Why }

// Pause stops new charges from now on; a charge that is claimed already goes on, but no dunning
// follows it.
func (r Record) Pause(now time.Time, by Actor) (Decision, error) {
	if r.State != Active {
		return Decision{}, Refusal{"only an active subscription can be paused; this one is " + string(r.State)}
	}
	d := newDecision(r, now)
	d.audit("paused", by)
	d.pause(ByOperator, "", "")
	return d.dueNow(), nil
}

// Resume lets a paused subscription go on. Periods that fell due in between are skipped.
func (r Record) Resume(now time.Time, by Actor) (Decision, error) {
	if r.State != Paused {
		return Decision{}, Refusal{"only a paused subscription can be resumed; this one is " + string(r.State)}
	}
	d := newDecision(r, now)
	d.audit("resumed", by)
	d.Record.State, d.Record.Reason, d.Record.CatchUpFrom = Active, "", 0
	if last := len(d.Record.Pauses) - 1; last >= 0 {
		d.Record.Pauses[last].To = now.UnixMilli()
	}
	d.emit(Event{Code: Resumed})
	return d.dueNow(), nil
}

// Cancel ends a subscription for good. A charge of it that has not begun is cancelled too.
func (r Record) Cancel(now time.Time, by Actor) (Decision, error) {
	if r.State == Ended {
		return Decision{}, Refusal{"it has ended already"}
	}
	d := newDecision(r, now)
	d.audit("cancelled", by)
	d.end(Cancelled)
	if r.Open != nil {
		d.Record.Open = new(*r.Open)
		d.Record.Open.Stop = true
	}
	return d.dueNow(), nil
}

// Change records another amount or card from the next period on; the open period keeps what it was
// claimed with.
func (r Record) Change(now time.Time, amount string, by Actor) (Decision, error) {
	if r.State == Ended {
		return Decision{}, Refusal{"it has ended"}
	}
	d := newDecision(r, now)
	d.audit("changed", by)
	d.Record.Amount = amount
	d.FreezeContent = r.Open != nil
	d.emit(Event{Code: Changed})
	return d.dueNow(), nil
}

// Suspend pauses a subscription that cannot be charged for a reason that is not its own.
func (r Record) Suspend(now time.Time, reason string) Decision {
	d := newDecision(r, now)
	d.pause(reason, "", "")
	if r.State != Active && r.Open == nil {
		return d
	}
	d.Due = now.Add(chargeRecheck)
	return d
}
