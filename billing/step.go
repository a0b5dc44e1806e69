package billing

import (
	"slices"
	"time"
)

// Plan is the next thing to do for a subscription: what to write, in one step, and then what to do with its charge. A process that dies
// in between leaves a record from which the same thing follows again.
type Plan struct {
	Record Record
	// Due is when to look again; zero where nobody must.
	Due    time.Time
	Events []Event
	// Settled are the periods that this step is done with.
	Settled []Period
	// Register: the open period's charge must be in the ledger. Claimed: it was not asked for before.
	Register, Claimed bool
	// Cancel: the open period's charge must be cancelled if it has not begun.
	Cancel bool
	// Freeze keeps the present content for the open period before it changes; Thaw lets it go with the period.
	Freeze, Thaw bool

	now time.Time
}

const (
	// unregistered is when to look again at a charge that was claimed: where nothing went wrong it is in the ledger long before.
	unregistered = 30 * time.Second
	// unsettled is when to look again at a charge that is in the ledger, which tells of its end by itself.
	unsettled = 15 * time.Minute
	// most is how many periods one step reports; what is left comes with the next.
	most = 100
	// aDay is how long a catch-up may take before it is bounded anew.
	aDay = 24 * time.Hour
	// stopping is when to try again to cancel what may not have begun.
	stopping = 10 * time.Second
)

func newPlan(r Record, now time.Time) Plan {
	r.Pauses, r.History = slices.Clone(r.Pauses), slices.Clone(r.History)
	return Plan{Record: r, now: now}
}

// look makes the sweeper look at once.
func (p *Plan) look(now time.Time) Plan {
	p.Due = now
	return *p
}

func (p *Plan) tell(e Event) {
	e.State = p.Record.State
	p.Events = append(p.Events, e)
}

// pause stops an active subscription.
func (p *Plan) pause(reason, decline, message string) {
	if p.Record.State != Active {
		return
	}
	p.Record.State, p.Record.Reason = Paused, reason
	p.Record.Pauses = append(p.Record.Pauses, Pause{From: p.now.UnixMilli()})
	if reason != ByPerson {
		p.remember("paused", Person{Note: reason})
	}
	p.tell(Event{Code: reason, Decline: decline, Message: message, Period: p.period(), Attempt: p.attempt()})
}

func (p *Plan) end(reason string) {
	p.Record.State, p.Record.Reason, p.Record.NextDue = Ended, reason, 0
	p.tell(Event{Code: reason})
}

func (p *Plan) period() int {
	if p.Record.Open == nil {
		return 0
	}
	return p.Record.Open.Period
}

func (p *Plan) attempt() int {
	if p.Record.Open == nil {
		return 0
	}
	return p.Record.Open.Attempt
}

// Step decides what comes next. now is the store's time, t the terms, open those that the open period was claimed with. charges are those
// of the open period by attempt, and none where there is no open period; others are charges of earlier periods of which the ledger told.
func (r Record) Step(now time.Time, t, open Terms, charges, others []Charge) Plan {
	p := newPlan(r, now)
	p.alarm(charges, others)
	if r.Open != nil {
		p.Record.Open = new(*r.Open)
		p.observe(open, charges)
	}
	if p.Record.Open == nil {
		p.advance(t)
	}
	return p
}

// alarm pauses where a charge has an anomaly, in the name of the open period if it is one of its charges.
func (p *Plan) alarm(charges, others []Charge) {
	const message = "a charge contradicts what is on record"
	contradicts := func(c Charge) bool { return c.Anomaly }
	switch {
	case slices.ContainsFunc(charges, contradicts):
		p.pause(Anomaly, "", message)
	case slices.ContainsFunc(others, contradicts):
		open := p.Record.Open
		p.Record.Open = nil
		p.pause(Anomaly, "", message)
		p.Record.Open = open
	}
}

// observe follows the open period's latest charge. Where an earlier one may have moved money after all, the latest is stopped.
func (p *Plan) observe(t Terms, charges []Charge) {
	open, earlier, latest := p.Record.Open, charges[:len(charges)-1], charges[len(charges)-1]
	withdrawn := open.Stop
	open.Stop = open.Stop || !clean(earlier)
	switch {
	case slices.ContainsFunc(charges, func(c Charge) bool { return c.Foreign }):
		p.pause(Conflict, "", "another payment has the reference of this period's charge")
		p.settle(failed)
	case !latest.Known && withdrawn:
		p.stopped(earlier) // without its permit it cannot be recorded any more
	case !latest.Known && open.Retry > 0: // it was declined, and the ledger forgot it before the dunning went on
		p.tell(Event{Code: PeriodUnclear, Period: open.Period, Attempt: open.Attempt})
		p.settle(failed)
	case !latest.Known && open.Stop:
		p.Due = p.now
	case !latest.Known:
		p.Register, p.Due = true, p.now.Add(unregistered)
	case !latest.Final && open.Stop:
		p.Cancel, p.Due = true, p.now.Add(stopping)
	case !latest.Final:
		p.Due = p.now.Add(unsettled)
	case slices.ContainsFunc(charges, Charge.paid):
		p.paid(charges)
	default:
		p.declined(t, charges)
	}
}

// stopped ends a period whose latest charge never came to be.
func (p *Plan) stopped(earlier []Charge) {
	if slices.ContainsFunc(earlier, Charge.paid) {
		p.paid(earlier)
		return
	}
	p.cancelled(earlier)
}

// cancelled ends a period without a payment, unless an earlier charge of it may have moved money after all.
func (p *Plan) cancelled(earlier []Charge) {
	code, state := PeriodCancelled, Cancelled
	if !clean(earlier) {
		code, state = PeriodUnclear, failed
	}
	p.tell(Event{Code: code, Period: p.period(), Attempt: p.attempt()})
	p.settle(state)
}

// clean reports whether the charges certainly moved no money.
func clean(charges []Charge) bool {
	return !slices.ContainsFunc(charges, func(c Charge) bool { return !c.unpaid() })
}

// paid ends a period with the charge that paid it, which need not be its latest.
func (p *Plan) paid(charges []Charge) {
	at := slices.IndexFunc(charges, func(c Charge) bool { return c.State == succeeded })
	if at < 0 {
		at = slices.IndexFunc(charges, Charge.paid)
	}
	p.Record.Open.Attempt = at
	p.settle(charges[at].State)
}

// declined goes on after the latest charge failed: a new charge only where every earlier one certainly moved no money.
func (p *Plan) declined(t Terms, charges []Charge) {
	open, latest := p.Record.Open, charges[len(charges)-1]
	switch {
	case latest.Code == chargeCancelled && latest.unpaid():
		p.cancelled(charges[:len(charges)-1])
	case !clean(charges):
		p.tell(Event{Code: PeriodUnclear, Period: open.Period, Attempt: open.Attempt})
		p.settle(failed)
	case latest.Decline == "hard":
		p.pause(HardDecline, latest.Decline, "")
		p.settle(failed)
	case latest.Decline != "soft":
		p.pause(Refused, latest.Decline, "")
		p.settle(failed)
	default:
		p.dun(t, latest)
	}
}

// dun waits for the next charge of the period, and begins it.
func (p *Plan) dun(t Terms, latest Charge) {
	open := p.Record.Open
	switch {
	case p.Record.State != Active:
		p.tell(Event{Code: DunningEnded, Period: open.Period, Attempt: open.Attempt, Decline: latest.Decline})
		p.settle(failed)
	case open.Attempt >= len(t.Dunning):
		p.pause(DunningExhausted, latest.Decline, "")
		p.settle(failed)
	case open.Retry == 0:
		retry := latest.Settled.Add(t.Dunning[open.Attempt])
		open.Retry, p.Due = retry.UnixMilli(), retry
		p.tell(Event{
			Code: DunningScheduled, Period: open.Period, Attempt: open.Attempt, Decline: latest.Decline,
			Message: "next charge " + retry.UTC().Format(time.RFC3339),
		})
	case p.now.UnixMilli() < open.Retry:
		p.Due = time.UnixMilli(open.Retry)
	case !t.cardGood(p.now):
		p.pause(CardExpired, "", "")
		p.settle(failed)
	default:
		open.Retry = 0
		open.Attempt++
		p.claim()
	}
}

// claim is the moment from which the open period's charge, its amount and its card are fixed.
func (p *Plan) claim() {
	p.Register, p.Claimed, p.Due = true, true, p.now.Add(unregistered)
}

// settle is done with the open period.
func (p *Plan) settle(state string) {
	open := p.Record.Open
	p.Settled = append(p.Settled, Period{Number: open.Period, Due: open.Due, Attempt: open.Attempt, State: state})
	p.Record.Open = nil
	p.Thaw = true
}

// advance goes to the next period that is charged, past those that are not.
func (p *Plan) advance(t Terms) {
	r := &p.Record
	for range most {
		if r.State == Ended {
			return
		}
		due, ok := t.due(r.Next)
		if !ok {
			p.end(Completed)
			return
		}
		r.NextDue = due.UnixMilli()
		r.prune()
		switch {
		case p.now.Before(due):
			r.Floor, p.Due = 0, due
			return
		case r.paused(due):
			p.pass(due, PeriodSkipped, PeriodStateSkipped)
		case r.State == Paused:
			return // due before the pause: it waits for the end of the pause
		case r.missed(p.now, due, t):
			p.pass(due, PeriodMissed, PeriodStateMissed)
		case !t.cardGood(p.now):
			p.pause(CardExpired, "", "")
			p.begin(due)
			return
		default:
			r.Open = &Open{Period: r.Next, Due: due.UnixMilli()}
			r.Next++
			r.NextDue = 0
			if next, ok := t.due(r.Next); ok {
				r.NextDue = next.UnixMilli()
			}
			p.claim()
			return
		}
	}
	p.Due = p.now
}

// begin lets the pause that was just made begin behind the period that brought it about, which waits for the end of the pause.
func (p *Plan) begin(due time.Time) {
	pause := &p.Record.Pauses[len(p.Record.Pauses)-1]
	pause.From = max(pause.From, due.UnixMilli()+1)
}

// pass reports a period that is not charged, and goes on.
func (p *Plan) pass(due time.Time, code, state string) {
	p.tell(Event{Code: code, Period: p.Record.Next, Message: "due " + due.Format(time.RFC3339)})
	p.Settled = append(p.Settled, Period{Number: p.Record.Next, Due: due.UnixMilli(), State: state})
	p.Record.Next++
}

// paused reports whether a period fell due in a pause.
func (r *Record) paused(due time.Time) bool {
	ms := due.UnixMilli()
	return slices.ContainsFunc(r.Pauses, func(p Pause) bool { return p.From <= ms && (p.To == 0 || ms < p.To) })
}

// prune forgets the pauses that ended before the next period falls due.
func (r *Record) prune() {
	r.Pauses = slices.DeleteFunc(r.Pauses, func(p Pause) bool { return p.To != 0 && p.To <= r.NextDue })
}

// missed reports whether a period is too old to be charged now.
func (r *Record) missed(now, due time.Time, t Terms) bool {
	if t.Backfill && due.UnixMilli() < r.Added {
		return false
	}
	if floor := now.Add(-t.CatchUp).UnixMilli(); r.Floor == 0 || floor-r.Floor > aDay.Milliseconds() {
		r.Floor = floor
	}
	return due.UnixMilli() < r.Floor
}
