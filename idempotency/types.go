// Package idempotency is the ledger: one record per payment, written before any byte leaves for a
// provider. The ledger alone decides a payment's fate; the queue only wakes somebody up.
//
// Every step reads the record, has package rules decide what becomes of it, and writes that with a
// compare-and-set: record, indexes, due time and outcome events together, or nothing. A step that
// lost a race reads and decides again. Where records are kept is a Store: Redis, or memory.
package idempotency

import (
	"errors"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/providers"
)

// State of a payment.
type State = rules.State

// The states of a payment; docs/states.md draws who moves it on.
const (
	Queued    = rules.Queued
	Sending   = rules.Sending
	Ready     = rules.Ready
	InDoubt   = rules.InDoubt
	Pending   = rules.Pending
	Held      = rules.Held
	Blocked   = rules.Blocked
	Succeeded = rules.Succeeded
	Failed    = rules.Failed
	Reversed  = rules.Reversed
)

// States lists every state in the order of a payment's life.
func States() []State { return rules.States() }

// Policy is what a provider's configuration says about doubt.
type Policy = rules.Policy

// DefaultPolicy is the policy of the documented defaults.
func DefaultPolicy() Policy { return rules.DefaultPolicy() }

// Errors that a caller may branch on.
var (
	// ErrUnknown: there is no such payment.
	ErrUnknown = errors.New("no such payment")
	// ErrVersionChanged: the payment moved on since its version was read; read it again.
	ErrVersionChanged = rules.ErrVersionChanged
	// ErrRefused: the step is not allowed in the payment's present state. The text says why.
	ErrRefused = rules.ErrRefused
	// ErrNotOwner: the attempt no longer owns the payment and must stop without sending.
	ErrNotOwner = rules.ErrNotOwner
	// ErrFull: the store is full; nothing new is registered or sent until there is room.
	ErrFull = errors.New("redis is full")
	// ErrContended: others kept changing the payment; its due time wakes it again.
	ErrContended = errors.New("the payment kept changing")
	// ErrReplicas: written, but not by as many replicas as must have it before anybody relies on
	// it.
	ErrReplicas = errors.New("replicas did not acknowledge")
	// ErrDamaged: the record cannot be read.
	ErrDamaged = errors.New("the record is damaged")
)

// Registration is what Register needs to know of a payment.
type Registration struct {
	Key         Key
	Type        string
	Fingerprint string
	Amount      string
	Currency    string
	Payload     []byte
	// Object, if any, is claimed exclusively by this payment, for example "instruction:3456789".
	Object    string
	NotBefore time.Time
	// Deadline: not begun by then, the payment fails with code expired.
	Deadline time.Time
	Metadata string
	// Subscription and Period say which period of which subscription the payment charges.
	Subscription string
	Period       string
	// ChargeGuard, if any, is a Redis key beside the provider's others that must hold the payment's id
	// (Key.ID) when it is first recorded, or it is not: a conflict. Whoever withdraws the permit
	// knows that nothing will be recorded later.
	ChargeGuard string
}

// Registered is the answer to one registration.
type Registered struct {
	Result Result
	State  State
	// Generation makes the wake-up's task id unique.
	Generation int64
	// Conflict says what differs: "amount", "currency", or both fingerprints, or the holder of the
	// exclusive object.
	Conflict string
	// Existing is the fingerprint that a conflicting payment has on record.
	Existing string
}

// Result of a registration.
type Result string

// Results of a registration.
const (
	New       Result = "new"
	Duplicate Result = "duplicate"
	Conflict  Result = "conflict"
)

// Decision is what a caller of Begin must do.
type Decision = rules.Decision

// Verdicts of Begin.
const (
	Send       = rules.Send
	QueryFirst = rules.QueryFirst
	Wait       = rules.Wait
	Done       = rules.Done
)

// BeginParams opens an attempt.
type BeginParams = rules.BeginParams

// BeginResult is the answer to Begin. Payload, Handles and Registered come with Send only.
type BeginResult struct {
	Decision Decision
	// AlreadyBegun is true where, without Send, the attempt is known already: its first Begin was carried
	// out, and the answer came too late. A caller that has sent nothing releases it.
	AlreadyBegun bool
	State        State
	Number       int
	LeaseEnd     time.Time
	// WaitUntil says when a waiting caller would be served, by the store's clock.
	WaitUntil    time.Time
	Now          time.Time
	Payload      []byte
	ProviderRefs map[string]string
	// Registered is the payment as it was registered, against which its payload is held before it
	// is sent, and from which it is recorded again (Restore) should the store lose it.
	Registered Registration
	// MayHaveLeft is true where an earlier attempt may have been executed.
	MayHaveLeft bool
	// Snapshot is for the attempt's Report; nil where Begin wrote nothing.
	Snapshot *Snapshot
	// DecryptErr says why payload and handles are not there: seal.ErrTampered, after Send, if the
	// right key does not open them. Where the key is missing, or should have sealed them and did
	// not, the verdict is Wait: another worker, or this one with the right keys, sends.
	DecryptErr error
	// ParkReason, with Wait, is the reason to Park it for; empty where it waits for its own time or for
	// somebody's lease.
	ParkReason string
}

// StatusQuery is what Ask hands out: the payment as it is known, and the version that the answer must
// carry.
type StatusQuery struct {
	// Ask is false where there is nothing to ask: queued, sending, blocked.
	Needed       bool
	State        State
	Version      int64
	QueriedAt    time.Time
	ProviderID   string
	Amount       string
	Currency     string
	Type         string
	ProviderRefs map[string]string
	// Payload is nil once a settled payment's details are gone.
	Payload []byte
	// DecryptErr says why payload and handles are not there though they are kept; an error of package
	// seal.
	DecryptErr error
	// ParkReason is the reason to Park it for where another worker could open them.
	ParkReason string
	// Polls counts the answers since the payment was last sent.
	Polls int
}

// Transition is the answer to a step that reports what happened to a payment.
type Transition struct {
	State State
	// Type is the payment's: payout or charge.
	Type string
	// Applied is false where the report changed nothing: its attempt's fate was already recorded,
	// or the answer was out of date.
	Applied bool
	// StateChanged is true where this step changed the payment's state.
	StateChanged bool
	// Anomaly names the contradiction that this step recorded, if any.
	Anomaly string
	// Created is when the payment was registered.
	Created time.Time
	// At is the store's time of this step.
	At time.Time
}

// WakeUp asks for a payment to be looked at.
type WakeUp struct {
	Key        Key
	Generation int64
	// Query is true where the provider must be asked, false where the payment may be sent.
	Query bool
}

// AttemptResult is what an attempt came to.
type AttemptResult struct {
	Attempt string
	Outcome providers.Outcome
	// MoneyStepReached: the attempt came to a step that can move money, whatever the record says.
	MoneyStepReached bool
	// QueryAfter is the delay of the first question, where one is due.
	QueryAfter time.Duration
	// Begin, if set, is the snapshot that the attempt's Begin returned: it saves reading the record
	// again. Leave it out after a Note.
	Begin *Snapshot
}

// StatusResult is what the provider said to a question.
type StatusResult struct {
	// Version and QueriedAt are those of the question.
	Version   int64
	QueriedAt time.Time
	Outcome   providers.Outcome
	// Ours: the answer repeats everything that the payment means, and all of it equals ours.
	Ours bool
	// QueryAfter is the delay of the next question.
	QueryAfter time.Duration
}

// Actor is who takes a step by hand, and why. The name is a claim, not a proof of identity.
type Actor struct {
	By   string
	Note string
}

// Resolution is a person's verdict on a doubtful payment.
type Resolution struct {
	Actor
	// As is succeeded, failed or not-received.
	As         string
	ProviderID string
	Decline    providers.Decline
	// AcceptDoubleRisk, with failed: the person knows that nothing was executed; the attempts are
	// closed, so that dunning or a retry can go on.
	AcceptDoubleRisk bool
}

// Filter selects payments for List.
type Filter struct {
	Provider string
	// State is empty for all open states.
	State State
	// Anomalies selects the payments with an anomaly, whatever their state.
	Anomalies bool
	// Damaged, if set, is told of each record that cannot be read; it is skipped.
	Damaged func(Key, error)
}
