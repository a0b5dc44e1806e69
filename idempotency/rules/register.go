package rules

import "time"

// Registration is what the record of a new payment says.
type Registration struct {
	Type, Fingerprint, Amount, Currency string
	NotBefore, Deadline                 Time
	Metadata, Subscription, Period      string
	// Object, if any, is claimed exclusively.
	Object string
	// Bulk: the payment lets others go first.
	Bulk bool
	// ChargeGuard: the payment is recorded only while the charge guard names it.
	ChargeGuard bool
	// Traceparent names the span of the registration; it may be empty.
	Traceparent string
	// FirstWake is how long after the registration the janitor wakes the payment if no worker has
	// begun it.
	FirstWake time.Duration
}

// Conflict is what differs between a registration and the record of the same reference.
type Conflict string

// The conflicts.
const (
	NoConflict           Conflict = ""
	AmountDiffers        Conflict = "amount"
	CurrencyDiffers      Conflict = "currency"
	FingerprintDiffers   Conflict = "fingerprint"
	ObjectTaken          Conflict = "object"
	ChargeGuardWithdrawn Conflict = "permit"
)

// Compare returns what differs between a record and a registration under its reference, NoConflict
// for a duplicate.
func Compare(r Record, reg Registration) Conflict {
	switch {
	case r.Fingerprint == reg.Fingerprint:
		return NoConflict
	case r.Amount != reg.Amount:
		return AmountDiffers
	case r.Currency != reg.Currency:
		return CurrencyDiffers
	}
	return FingerprintDiffers
}

// Register makes the record of a new payment.
func Register(p Policy, now Time, reg Registration) Change {
	t := newRecord(p, now, reg)
	t.RefusedWhenFull = true
	t.record().Woken = now // the producer enqueues a wake-up right after it
	t.setState(Queued, "")
	t.setDue(max(t.after(reg.FirstWake), reg.NotBefore))
	return t.applied()
}

func newRecord(p Policy, now Time, reg Registration) *transition {
	t := newTransition(Record{
		Generation: 1, Type: reg.Type, Fingerprint: reg.Fingerprint, Amount: reg.Amount, Currency: reg.Currency, Created: now,
		NotBefore: reg.NotBefore, Deadline: reg.Deadline, Metadata: reg.Metadata, Subscription: reg.Subscription, Period: reg.Period,
		Object: reg.Object, Bulk: reg.Bulk, Traceparent: reg.Traceparent,
	}, p, Facts{}, now)
	t.Payload, t.NeedsReplicas = SetPayload, true
	if reg.ChargeGuard {
		t.ChargeGuard = true
		t.Guards = append(t.Guards, ChargeGuardHeld)
	}
	if reg.Object != "" {
		t.Claim = true
		t.Guards = append(t.Guards, ObjectFree)
	}
	return t
}

// RestoreParams is a payment that the store has lost, as the worker that holds its attempt knows
// it.
type RestoreParams struct {
	Registration
	Attempt   Attempt
	Queryable bool
	// ObjectTaken: another payment has claimed the exclusive object meanwhile. The payment is
	// recorded nevertheless, because it may have been executed.
	ObjectTaken bool
}

// Restore records again a payment that the store has lost, in doubt, with the reporting worker's
// attempt, which may have been executed. It claims the exclusive object again, so that no other
// payment of it is sent.
func Restore(p Policy, now Time, res RestoreParams) Change {
	reg, a := res.Registration, res.Attempt
	reg.ChargeGuard = false
	t := newRecord(p, now, reg)
	if res.ObjectTaken {
		t.Guards, t.Claim = nil, false
	}
	r := t.record()
	r.Queryable = res.Queryable
	a.Fate = Open
	r.Attempts, r.AttemptCount = []Attempt{a}, 1
	t.setReason("record_lost", "", "")
	t.toInDoubt("recorded again: the store had lost it")
	return t.applied()
}
