package rules

import "time"

// Registration is what is recorded of a payment before anything else happens to it.
type Registration struct {
	Type, Fingerprint, Amount, Currency string
	NotBefore, Deadline                 Time
	Metadata, Subscription, Period      string
	// Object, if any, is claimed exclusively.
	Object string
	// ChargeGuard: the payment is recorded only while a permit names it.
	ChargeGuard bool
	// FirstWake is how long after its registration the due index wakes it if nobody else did.
	FirstWake time.Duration
}

// Conflict says what differs between a registration and the record that has its key.
type Conflict string

// What may differ.
const (
	NoConflict           Conflict = ""
	AmountDiffers        Conflict = "amount"
	CurrencyDiffers      Conflict = "currency"
	FingerprintDiffers   Conflict = "fingerprint"
	ObjectTaken          Conflict = "object"
	ChargeGuardWithdrawn Conflict = "permit"
)

// Compare says whether a payment that is registered again is the same.
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

// Register records a payment that has no record.
func Register(p Policy, now Time, reg Registration) Change {
	s := newRecord(p, now, reg)
	s.RefusedWhenFull = true
	s.record().Woken = now // whoever registers it wakes it right after
	s.setState(Queued, "")
	s.setDue(max(s.after(reg.FirstWake), reg.NotBefore))
	return s.applied()
}

func newRecord(p Policy, now Time, reg Registration) *transition {
	s := newTransition(Record{
		Generation: 1, Type: reg.Type, Fingerprint: reg.Fingerprint, Amount: reg.Amount, Currency: reg.Currency, Created: now,
		NotBefore: reg.NotBefore, Deadline: reg.Deadline, Metadata: reg.Metadata, Subscription: reg.Subscription, Period: reg.Period,
		Object: reg.Object,
	}, p, Facts{}, now)
	s.Payload, s.NeedsReplicas = SetPayload, true
	if reg.ChargeGuard {
		s.ChargeGuard = true
		s.Guards = append(s.Guards, ChargeGuardHeld)
	}
	if reg.Object != "" {
		s.Claim = true
		s.Guards = append(s.Guards, ObjectFree)
	}
	return s
}

// RestoreParams is a payment that the store has lost, as whoever still holds its attempt knows it.
type RestoreParams struct {
	Registration
	Attempt   Attempt
	Queryable bool
	// ObjectTaken: somebody else has claimed the exclusive object meanwhile. The payment is recorded all
	// the same, because it may have been executed.
	ObjectTaken bool
}

// Restore records again a payment that the store has lost, with the attempt of whoever still holds
// it: that attempt may have been executed. Its exclusive object is claimed again, so that no other
// payment of it is sent.
func Restore(p Policy, now Time, res RestoreParams) Change {
	reg, a := res.Registration, res.Attempt
	reg.ChargeGuard = false
	s := newRecord(p, now, reg)
	if res.ObjectTaken {
		s.Guards, s.Claim = nil, false
	}
	r := s.record()
	r.Queryable = res.Queryable
	a.Fate = Open
	r.Attempts, r.AttemptCount = []Attempt{a}, 1
	s.setReason("record_lost", "", "")
	s.toInDoubt("recorded again: the store had lost it")
	return s.applied()
}
