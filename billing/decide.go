package billing

import (
	"slices"
	"time"
)

// Decision is the next thing to do for a subscription: what to write, in one step, and then what to
// do with its charge. A process that dies in between leaves a record from which the same thing
// follows again.
type Decision struct {
	Record Record
	// Due is when the subscription is due for the sweep again; zero for never.
	Due    time.Time
	Events []Event
	// Closed are the periods that this decision is done with.
	Closed []ClosedPeriod
	// Register: the open period's charge must be in the ledger. Claimed: this decision is the first
	// to register it.
	Register, Claimed bool
	// Cancel: the open period's charge must be cancelled if it has not begun.
	Cancel bool
	// FreezeContent keeps the present content for the open period before it changes; DropFrozen
	// deletes that copy with the period.
	FreezeContent, DropFrozen bool

	now time.Time
}

const (
	// claimRecheck is how long a claim waits for its charge to be registered: where nothing went
	// wrong it is in the ledger long before.
	claimRecheck = 30 * time.Second
	// chargeRecheck is when a registered charge is read again; a charge update reports its end
	// before.
	chargeRecheck = 15 * time.Minute
	// cancelRetry is when to try again to cancel what may not have begun.
	cancelRetry = 10 * time.Second
	// mostPassedOver is how many periods one decision passes over; the next one goes on.
	mostPassedOver = 100
	// aDay is how long a catch-up may take before it is bounded anew.
	aDay = 24 * time.Hour
)

func newDecision(r Record, now time.Time) Decision {
	r.Pauses, r.History = slices.Clone(r.Pauses), slices.Clone(r.History)
	return Decision{Record: r, now: now}
}

// dueNow makes the subscription due at once.
func (d *Decision) dueNow() Decision {
	d.Due = d.now
	return *d
}

func (d *Decision) emit(e Event) {
	e.State = d.Record.State
	d.Events = append(d.Events, e)
}

// pause stops an active subscription.
func (d *Decision) pause(reason, decline, message string) {
	if d.Record.State != Active {
		return
	}
	d.Record.State, d.Record.Reason = Paused, reason
	d.Record.Pauses = append(d.Record.Pauses, Pause{From: d.now.UnixMilli()})
	if reason != ByOperator {
		d.audit("paused", Actor{Note: reason})
	}
	d.emit(Event{Code: reason, Decline: decline, Message: message, Period: d.period(), Attempt: d.attempt()})
}

func (d *Decision) end(reason string) {
	d.Record.State, d.Record.Reason, d.Record.NextDue = Ended, reason, 0
	d.emit(Event{Code: reason})
}

func (d *Decision) period() int {
	if d.Record.Open == nil {
		return 0
	}
	return d.Record.Open.Period
}

func (d *Decision) attempt() int {
	if d.Record.Open == nil {
		return 0
	}
	return d.Record.Open.Attempt
}

// Facts are what a decision is made from besides the record.
type Facts struct {
	// Now is the store's time.
	Now time.Time
	// Terms are the present ones, OpenTerms those that the open period was claimed with.
	Terms, OpenTerms Terms
	// Charges are those of the open period, one for each attempt so far in their order; none where
	// there is no open period.
	Charges []Charge
	// Others are charges of earlier periods of which the ledger reported a change.
	Others []Charge
}

// Decide returns what comes next. It is a pure function: the same record and facts give the same
// decision on every machine.
func (r Record) Decide(f Facts) Decision {
	d := newDecision(r, f.Now)
	d.pauseOnAnomaly(f.Charges, f.Others)
	if r.Open != nil {
		d.Record.Open = new(*r.Open)
		d.followCharge(f.OpenTerms, f.Charges)
	}
	if d.Record.Open == nil {
		d.advance(f.Terms)
	}
	return d
}

// pauseOnAnomaly names the open period in its event if the anomaly is one of its charges'.
func (d *Decision) pauseOnAnomaly(charges, others []Charge) {
	const message = "a charge contradicts what is on record"
	anomalous := func(c Charge) bool { return c.Anomaly }
	switch {
	case slices.ContainsFunc(charges, anomalous):
		d.pause(Anomaly, "", message)
	case slices.ContainsFunc(others, anomalous):
		open := d.Record.Open
		d.Record.Open = nil
		d.pause(Anomaly, "", message)
		d.Record.Open = open
	}
}

// followCharge follows the open period's latest charge. Where an earlier one may have moved money
// after all, the latest is stopped.
func (d *Decision) followCharge(t Terms, charges []Charge) {
	open, earlier, latest := d.Record.Open, charges[:len(charges)-1], charges[len(charges)-1]
	guardRemoved := open.Stop
	open.Stop = open.Stop || !allUnpaid(earlier)
	switch {
	case slices.ContainsFunc(charges, func(c Charge) bool { return c.Foreign }):
		d.pause(Conflict, "", "another payment has the reference of this period's charge")
		d.closePeriod(failed)
	case !latest.Known && guardRemoved:
		d.closeWithoutLatest(earlier) // without its guard it cannot be registered any more
	case !latest.Known && open.Retry > 0:
		// It was declined, and the ledger forgot it before the dunning went on.
		d.emit(Event{Code: PeriodUnclear, Period: open.Period, Attempt: open.Attempt})
		d.closePeriod(failed)
	case !latest.Known && open.Stop:
		d.Due = d.now
	case !latest.Known:
		d.Register, d.Due = true, d.now.Add(claimRecheck)
	case !latest.Final && open.Stop:
		d.Cancel, d.Due = true, d.now.Add(cancelRetry)
	case !latest.Final:
		d.Due = d.now.Add(chargeRecheck)
	case slices.ContainsFunc(charges, Charge.paid):
		d.closePaid(charges)
	default:
		d.followDecline(t, charges)
	}
}

// closeWithoutLatest closes a period whose latest charge was never registered.
func (d *Decision) closeWithoutLatest(earlier []Charge) {
	if slices.ContainsFunc(earlier, Charge.paid) {
		d.closePaid(earlier)
		return
	}
	d.closeCancelled(earlier)
}

// closeCancelled closes a period without a payment, unless an earlier charge of it may have moved
// money after all.
func (d *Decision) closeCancelled(earlier []Charge) {
	code, state := PeriodCancelled, Cancelled
	if !allUnpaid(earlier) {
		code, state = PeriodUnclear, failed
	}
	d.emit(Event{Code: code, Period: d.period(), Attempt: d.attempt()})
	d.closePeriod(state)
}

// allUnpaid reports whether the charges certainly moved no money.
func allUnpaid(charges []Charge) bool {
	return !slices.ContainsFunc(charges, func(c Charge) bool { return !c.unpaid() })
}

// closePaid closes a period with the charge that paid it, which need not be its latest.
func (d *Decision) closePaid(charges []Charge) {
	at := slices.IndexFunc(charges, func(c Charge) bool { return c.State == succeeded })
	if at < 0 {
		at = slices.IndexFunc(charges, Charge.paid)
	}
	d.Record.Open.Attempt = at
	d.closePeriod(charges[at].State)
}

// followDecline goes on after the latest charge failed: a new charge only where every earlier one
// certainly moved no money.
func (d *Decision) followDecline(t Terms, charges []Charge) {
	open, latest := d.Record.Open, charges[len(charges)-1]
	switch {
	case latest.Code == chargeCancelled && latest.unpaid():
		d.closeCancelled(charges[:len(charges)-1])
	case !allUnpaid(charges):
		d.emit(Event{Code: PeriodUnclear, Period: open.Period, Attempt: open.Attempt})
		d.closePeriod(failed)
	case latest.Decline == "hard":
		d.pause(HardDecline, latest.Decline, "")
		d.closePeriod(failed)
	case latest.Decline != "soft":
		d.pause(Refused, latest.Decline, "")
		d.closePeriod(failed)
	default:
		d.dun(t, latest)
	}
}

// dun schedules the next charge of the period, and begins it when its time has come.
func (d *Decision) dun(t Terms, latest Charge) {
	open := d.Record.Open
	switch {
	case d.Record.State != Active:
		d.emit(Event{Code: DunningEnded, Period: open.Period, Attempt: open.Attempt, Decline: latest.Decline})
		d.closePeriod(failed)
	case open.Attempt >= len(t.Dunning):
		d.pause(DunningExhausted, latest.Decline, "")
		d.closePeriod(failed)
	case open.Retry == 0:
		retry := latest.FinalAt.Add(t.Dunning[open.Attempt])
		open.Retry, d.Due = retry.UnixMilli(), retry
		d.emit(Event{
			Code: DunningScheduled, Period: open.Period, Attempt: open.Attempt, Decline: latest.Decline,
			Message: "next charge " + retry.UTC().Format(time.RFC3339),
		})
	case d.now.UnixMilli() < open.Retry:
		d.Due = time.UnixMilli(open.Retry)
	case !t.cardValid(d.now):
		d.pause(CardExpired, "", "")
		d.closePeriod(failed)
	default:
		open.Retry = 0
		open.Attempt++
		d.claim()
	}
}

// claim is the moment from which the open period's charge, its amount and its card are fixed.
func (d *Decision) claim() {
	d.Register, d.Claimed, d.Due = true, true, d.now.Add(claimRecheck)
}

// closePeriod closes the open period.
func (d *Decision) closePeriod(state string) {
	open := d.Record.Open
	d.Closed = append(d.Closed, ClosedPeriod{Number: open.Period, Due: open.Due, Attempt: open.Attempt, State: state})
	d.Record.Open = nil
	d.DropFrozen = true
}

// advance goes to the next period that is charged, past those that are not.
func (d *Decision) advance(t Terms) {
	r := &d.Record
	for range mostPassedOver {
		if r.State == Ended {
			return
		}
		due, ok := t.due(r.Next)
		if !ok {
			d.end(Completed)
			return
		}
		r.NextDue = due.UnixMilli()
		r.prunePauses()
		switch {
		case d.now.Before(due):
			r.CatchUpFrom, d.Due = 0, due
			return
		case r.pausedAt(due):
			d.passOver(due, PeriodSkipped, PeriodStateSkipped)
		case r.State == Paused:
			return // due before the pause: it waits for the end of the pause
		case r.missed(d.now, due, t):
			d.passOver(due, PeriodMissed, PeriodStateMissed)
		case !t.cardValid(d.now):
			d.pause(CardExpired, "", "")
			d.beginPauseAfter(due)
			return
		default:
			d.openPeriod(due, t)
			return
		}
	}
	d.Due = d.now
}

// openPeriod opens the next period and claims its charge.
func (d *Decision) openPeriod(due time.Time, t Terms) {
	r := &d.Record
	r.Open = &OpenPeriod{Period: r.Next, Due: due.UnixMilli()}
	r.Next++
	r.NextDue = 0
	if next, ok := t.due(r.Next); ok {
		r.NextDue = next.UnixMilli()
	}
	d.claim()
}

// beginPauseAfter moves the begin of the latest pause behind the period that brought it about,
// which waits for the end of the pause.
func (d *Decision) beginPauseAfter(due time.Time) {
	pause := &d.Record.Pauses[len(d.Record.Pauses)-1]
	pause.From = max(pause.From, due.UnixMilli()+1)
}

// passOver reports a period that is not charged, and goes on.
func (d *Decision) passOver(due time.Time, code, state string) {
	d.emit(Event{Code: code, Period: d.Record.Next, Message: "due " + due.Format(time.RFC3339)})
	d.Closed = append(d.Closed, ClosedPeriod{Number: d.Record.Next, Due: due.UnixMilli(), State: state})
	d.Record.Next++
}

// pausedAt reports whether a period fell due in a pause.
func (r *Record) pausedAt(due time.Time) bool {
	ms := due.UnixMilli()
	return slices.ContainsFunc(r.Pauses, func(p Pause) bool { return p.From <= ms && (p.To == 0 || ms < p.To) })
}

// prunePauses forgets the pauses that ended before the next period falls due.
func (r *Record) prunePauses() {
	r.Pauses = slices.DeleteFunc(r.Pauses, func(p Pause) bool { return p.To != 0 && p.To <= r.NextDue })
}

// missed reports whether a period is too old to be charged now.
func (r *Record) missed(now, due time.Time, t Terms) bool {
	if t.Backfill && due.UnixMilli() < r.Added {
		return false
	}
	if from := now.Add(-t.CatchUp).UnixMilli(); r.CatchUpFrom == 0 || from-r.CatchUpFrom > aDay.Milliseconds() {
		r.CatchUpFrom = from
	}
	return due.UnixMilli() < r.CatchUpFrom
}
