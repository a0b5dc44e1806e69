// Package rules decides how each transition changes a payment's record. Its functions are pure:
// they take a record, facts from outside the record, the store's time and the transition's
// parameters, and return a Change or an error.
//
// They read and write nothing and use no clock and no random numbers, so that tests can search all
// interleavings. Package idempotency writes a Change, and only if the record is still the one that
// the rules saw; a caller that loses this race reads the record again and decides anew.
//
// The files follow the life of a payment: register.go, begin.go, attempt.go (reports of the attempt
// that owns the payment), late.go (reports of an attempt that no longer owns it), status.go
// (results of status queries), status_final.go (the same for a final payment), wake.go, park.go,
// intervention.go and difference.go. They share record.go (the record, and what its attempts say
// together) and transition.go (how a payment enters a state).
package rules

import (
	"errors"
	"time"
)

// State of a payment.
type State string

// The states of a payment; docs/states.md shows which actor moves a payment between them.
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

// Final reports whether the state is succeeded, failed or reversed. Only an operator changes a
// final state.
func (s State) Final() bool { return s == Succeeded || s == Failed || s == Reversed }

// Time is an instant of the store's clock in Unix milliseconds; zero means none. Leases, settle
// times and due times use no other clock.
type Time int64

// Add returns the instant d later. It drops fractions of a millisecond.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Policy is how a provider's payments in doubt are treated. Durations count whole milliseconds.
type Policy struct {
	// SettleTime is how long after an attempt's end the provider may still execute it.
	SettleTime time.Duration
	// NotFoundInterval is the least time between two counted results of "not found". Confirmations
	// is how many must be counted.
	NotFoundInterval time.Duration
	Confirmations    int
	// Resend sends the payment again after that, at most MaxResends times. Otherwise it is held.
	Resend     bool
	MaxResends int
	// Lease is the longest lease of an attempt: as long may a worker be about to report what the
	// store has forgotten.
	Lease time.Duration
	// PollDeadline is how long a payment is polled before it is held.
	PollDeadline time.Duration
	// Retention is how long the record of a final payment is kept. OutcomesRetention is how long an
	// outcome event is kept.
	Retention         time.Duration
	OutcomesRetention time.Duration
	// PublishAll publishes every change of state: also to sending, and each one to ready.
	PublishAll bool
}

const day = 24 * time.Hour

// DefaultPolicy returns the policy of the documented defaults.
func DefaultPolicy() Policy {
	return Policy{
		SettleTime: 5 * time.Minute, Lease: time.Minute, NotFoundInterval: 15 * time.Second, Confirmations: 2, MaxResends: 1,
		PollDeadline: 72 * time.Hour, Retention: 400 * day, OutcomesRetention: 30 * day,
	}
}

// watchTime is how long a final payment is queried for a later execution.
const watchTime = 7 * day

// RetryWindow is how long a failed payment can be retried and stays listed.
const RetryWindow = 30 * day

// Facts is what a transition uses besides the record. Callers may leave out a fact that the
// transition does not use.
type Facts struct {
	// Halted says whether an operator has stopped new sends of the provider or the account.
	Halted Halt
	// CannotDecrypt: the payload or a provider reference is sealed with a key that the caller
	// lacks, or is not sealed although it must be.
	CannotDecrypt bool
	// HasPayload: the store still has the payload.
	HasPayload bool
	// QueryProof is what is known of the account's status query.
	QueryProof QueryProof
	// Epoch is the store's.
	Epoch Epoch
	// BrakeGuard is the guard of a brake that did not hold, and BrakeMessage what it found, in the
	// form in which the record keeps messages.
	BrakeGuard   Guard
	BrakeMessage string
}

// Halt says which new sends an operator has stopped.
type Halt string

// Kinds of halts.
const (
	NoHalt       Halt = ""
	HaltProvider Halt = "provider"
	HaltAccount  Halt = "account"
)

// QueryProof says whether an account's status query has ever found a payment. Until then its "not
// found" proves nothing.
type QueryProof string

// The stages of a query proof.
const (
	QueryUnproven QueryProof = ""
	// QueryProbed: a status query of the account's first success is under way as a probe.
	QueryProbed QueryProof = "probed"
	QueryProven QueryProof = "proven"
)

// Errors that callers may test for.
var (
	// ErrVersionChanged: the record has changed since the caller read its version.
	ErrVersionChanged = errors.New("the payment has changed meanwhile")
	// ErrRefused: the payment's present state does not allow the transition. The text says why.
	ErrRefused = errors.New("refused")
	// ErrNotOwner: the attempt no longer owns the payment and must stop without sending.
	ErrNotOwner = errors.New("the attempt no longer owns the payment")
)
