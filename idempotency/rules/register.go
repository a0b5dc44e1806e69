package rules

import "time"

// Registration is what is recorded of a payment before anything else happens to it.
type Registration struct {
	Type, Fingerprint, Amount, Currency string
	NotBefore, Deadline                 Time
	Metadata, Subscription, Period      string
	// Object, if any, is claimed exclusively.
	Object string
	// Permit: the payment is recorded only while a permit names it.
	Permit bool
	// FirstWake is how long after its registration the due index wakes it if nobody else did.
	FirstWake time.Duration
}

// Conflict says what differs between a registration and the record that has its key.
type Conflict string

// What may differ.
const (
	NoConflict         Conflict = ""
	AmountDiffers      Conflict = "amount"
	CurrencyDiffers    Conflict = "currency"
	FingerprintDiffers Conflict = "fingerprint"
	ObjectTaken        Conflict = "object"
	PermitWithdrawn    Conflict = "permit"
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
	s := recordNew(p, now, reg)
	s.Grows = true
	s.r().Woken = now // whoever registers it wakes it right after
	s.move(Queued, "")
	s.wake(max(s.in(reg.FirstWake), reg.NotBefore))
	return s.done()
}

func recordNew(p Policy, now Time, reg Registration) *step {
	s := begin(Record{
		Generation: 1, Type: reg.Type, Fingerprint: reg.Fingerprint, Amount: reg.Amount, Currency: reg.Currency, Created: now,
		NotBefore: reg.NotBefore, Deadline: reg.Deadline, Metadata: reg.Metadata, Subscription: reg.Subscription, Period: reg.Period,
		Object: reg.Object,
	}, p, Facts{}, now)
	s.Payload, s.Intent = SetPayload, true
	if reg.Permit {
		s.Permit = true
		s.Guards = append(s.Guards, PermitHeld)
	}
	if reg.Object != "" {
		s.Claim = true
		s.Guards = append(s.Guards, ObjectFree)
	}
	return s
}

// RestoreStep is a payment that the store has lost, as whoever still holds its attempt knows it.
type RestoreStep struct {
	Registration
	Attempt Attempt
	Askable bool
	// Taken: somebody else has claimed the exclusive object meanwhile. The payment is recorded all
	// the same, because it may have been executed.
	Taken bool
}

// Restore records again a payment that the store has lost, with the attempt of whoever still holds
// it: that attempt may have been executed. Its exclusive object is claimed again, so that no other
// payment of it is sent.
func Restore(p Policy, now Time, res RestoreStep) Change {
	reg, a := res.Registration, res.Attempt
	reg.Permit = false
	s := recordNew(p, now, reg)
	if res.Taken {
		s.Guards, s.Claim = nil, false
	}
	r := s.r()
	r.Askable = res.Askable
	a.Fate = Open
	r.Attempts, r.AttemptCount = []Attempt{a}, 1
	s.word("record_lost", "", "")
	s.doubt("recorded again: the store had lost it")
	return s.done()
}
