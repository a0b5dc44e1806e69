// Package rules says what each step makes of a payment's record. Every function here is pure: a
// record, what is known beside it, the store's time and the step go in; a Change, or a refusal,
// comes out. Nothing is read, written, waited for or drawn by lot, so that the rules about money
// can be searched through and compared.
//
// A store holds the record and writes a Change only if the record is still the one that was read;
// whoever loses such a race reads and decides again. Package idempotency does that; this package
// knows no store.
//
// The files follow the life of a payment: register.go, begin.go, attempt.go (what the attempt that
// owns the payment reports), late.go (what an attempt reports that owns it no longer), status.go
// (what the provider says to a question), status_final.go (the same of a final payment), wake.go and
// intervention.go. What they share is in record.go (the record, and what its attempts add up to) and
// transition.go (how a payment comes into a state).
package rules

import (
	"errors"
	"time"
)

// State of a payment.
type State string

// The states of a payment; docs/states.md draws who moves it from one to another.
const (
	Queued    State = "queued"
	Sending   State = "sending"
	Ready     State = "ready"
	InDoubt   State = "in_doubt"
	Pending   State = "pending"
	Held      State = "held"
	Blocked   State = "blocked"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Reversed  State = "reversed"
)

// States lists every state in the order of a payment's life.
func States() []State {
	return []State{Queued, Sending, Ready, InDoubt, Pending, Held, Blocked, Succeeded, Failed, Reversed}
}

// Final reports whether no machine moves the payment on.
func (s State) Final() bool { return s == Succeeded || s == Failed || s == Reversed }

// Time is an instant of the store's clock in milliseconds since 1970; zero is none. Leases, settle
// times and due times use no other clock.
type Time int64

// Add returns the instant that much later.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Policy is what a provider's settings say about doubt. Durations are kept to the millisecond.
type Policy struct {
	// SettleTime is how long after an attempt's end the provider may still execute it.
	SettleTime time.Duration
	// NotFoundInterval is the least time between two counted answers of "not found", Confirmations
	// how many must be counted.
	NotFoundInterval time.Duration
	Confirmations    int
	// Resend sends again after that, MaxResends times at most; else the payment is held.
	Resend     bool
	MaxResends int
	// PollDeadline: what is still undecided then is held.
	PollDeadline time.Duration
	// Retention is how long a settled record is kept, OutcomesRetention how long an entry of the
	// outcome stream.
	Retention         time.Duration
	OutcomesRetention time.Duration
	// PublishAll tells the outcome stream every change of state: sending too, and ready each time.
	PublishAll bool
}

const day = 24 * time.Hour

// DefaultPolicy is the policy of the documented defaults.
func DefaultPolicy() Policy {
	return Policy{
		SettleTime: 5 * time.Minute, NotFoundInterval: 15 * time.Second, Confirmations: 2, MaxResends: 1,
		PollDeadline: 72 * time.Hour, Retention: 400 * day, OutcomesRetention: 30 * day,
	}
}

const (
	// watchTime is how long a possible later execution is looked for.
	watchTime = 7 * day
)

// RetryWindow is how long a failed payment can be tried again and stays listed.
const RetryWindow = 30 * day

// Facts is what a step may know beside the record. A fact that the step does not look at may be
// left out.
type Facts struct {
	// Halted: a person has stopped new sends of the provider, or of the account.
	Halted Halt
	// CannotDecrypt: the payload or a handle is sealed with a key that the caller lacks, or is not sealed
	// where it must be.
	CannotDecrypt bool
	// HasPayload: the payment's details are still kept.
	HasPayload bool
	// QueryProof is what is known of the account's status query.
	QueryProof QueryProof
}

// Halt says what new sends a person has stopped.
type Halt string

// Kinds of halts.
const (
	NoHalt       Halt = ""
	HaltProvider Halt = "provider"
	HaltAccount  Halt = "account"
)

// QueryProof says whether an account's status query ever found a payment; its word "not found" proves
// nothing before.
type QueryProof string

// What is known of a lookup.
const (
	QueryUnproven QueryProof = ""
	// QueryProbed: the account's first success is being looked up as a proof.
	QueryProbed QueryProof = "asked"
	QueryProven QueryProof = "proven"
)

// What a caller may branch on.
var (
	// ErrVersionChanged: the payment moved on since its version was read; read it again.
	ErrVersionChanged = errors.New("the payment moved on meanwhile")
	// ErrRefused: the step is not allowed in the payment's present state. The text says why.
	ErrRefused = errors.New("refused")
	// ErrNotOwner: the attempt no longer owns the payment and must stop without sending.
	ErrNotOwner = errors.New("the attempt no longer owns the payment")
)
