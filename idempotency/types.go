// Package idempotency is the ledger: one record per payment, written before any byte leaves for a
// provider. The ledger alone decides what is sent; the queue only wakes workers.
//
// Every transition reads the record, has package rules decide, and writes the change with a
// compare-and-set: record, indexes, due time and outcome events together, or nothing. A transition
// that lost a race reads and decides again. A Store keeps the records, in Redis or in memory.
package idempotency

import (
	"errors"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/providers"
)

// State of a payment.
type State = rules.State

// The states of a payment; docs/states.md shows which actor moves a payment between them.
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

// Policy is how a provider's payments in doubt are treated.
type Policy = rules.Policy

// DefaultPolicy returns the policy of the documented defaults.
func DefaultPolicy() Policy { return rules.DefaultPolicy() }

// Refusal says why a payment's state does not allow an intervention; errors.AsType finds it in an
// ErrRefused that has more to say than its text.
type Refusal = rules.Refusal

// RefusalReason is a stable word for why an intervention was refused.
type RefusalReason = rules.RefusalReason

// RefusalReasons lists all reasons.
func RefusalReasons() []RefusalReason { return rules.RefusalReasons() }

// Answer is what a provider said to one question about a payment; it stands in the history.
type Answer = rules.Answer

// Question is what a provider is asked to do.
type Question = rules.Question

// The questions; metrics and traces call them operations.
const (
	AskToPay    = rules.AskToPay
	AskToCharge = rules.AskToCharge
	AskStatus   = rules.AskStatus
)

// Errors that callers may test for.
var (
	// ErrUnknown: there is no such payment.
	ErrUnknown = errors.New("no such payment")
	// ErrVersionChanged: the record has changed since the caller read its version; read it again.
	ErrVersionChanged = rules.ErrVersionChanged
	// ErrRefused: the payment's present state does not allow the transition. The text says why.
	ErrRefused = rules.ErrRefused
	// ErrNotOwner: the attempt no longer owns the payment and must stop without sending.
	ErrNotOwner = rules.ErrNotOwner
	// ErrFull: the store is full; nothing new is registered or sent until memory is free.
	ErrFull = errors.New("redis is full")
	// ErrContended: other writers were faster six times; the janitor wakes the payment again.
	ErrContended = errors.New("the payment kept changing")
	// ErrReplicas: it was written, but fewer replicas acknowledged than must.
	ErrReplicas = errors.New("replicas did not acknowledge")
	// ErrPartitions: the store keeps the provider's payments in another number of partitions than
	// Options.Partitions says. The text says what to do.
	ErrPartitions = errors.New("wrong number of partitions")
	// ErrDamaged: the record cannot be read.
	ErrDamaged = errors.New("the record is damaged")
	// ErrCursor: a cursor of Scan is none, or from before the number of partitions was raised.
	ErrCursor = errors.New("not a cursor")
)

// Registration is a payment as a producer registers it.
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
	// Deadline is when a payment that has not begun fails with code expired.
	Deadline time.Time
	Metadata string
	// Subscription and Period say which period of which subscription the payment charges.
	Subscription string
	Period       string
	// Bulk: while another payment waits to be sent, this one lets it go first. It is no part of
	// what the payment means.
	Bulk bool
	// Traceparent, if any, is the W3C text (https://www.w3.org/TR/trace-context/) that names the
	// span of the registration, such as "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".
	// The record keeps it for those who process the payment. A text of another form is dropped. It
	// is no part of what the payment means.
	Traceparent string
	// ChargeGuard, if any, is a Redis key with the provider's hash tag that must hold the payment's
	// id (Key.ID) when it is first recorded; otherwise the registration is a conflict. Once the key
	// is withdrawn, the payment cannot be recorded any more.
	ChargeGuard string
}

// Registered is the result of one registration.
type Registered struct {
	Result Result
	State  State
	// Generation makes the wake-up's task id unique.
	Generation int64
	// Conflict says what differs: "amount", "currency", both fingerprints, the holder of the
	// exclusive object, or the withdrawn charge guard.
	Conflict string
	// Existing is the fingerprint that a conflicting payment has on record.
	Existing string
	// Partition is the number of the partition that keeps the payment: its wake-up belongs there.
	Partition int
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

// The decisions of Begin.
const (
	Send       = rules.Send
	QueryFirst = rules.QueryFirst
	Wait       = rules.Wait
	Done       = rules.Done
)

// Limits are the brakes of one account.
type Limits = rules.Limits

// Window bounds the sum and the number of payments.
type Window = rules.Window

// Brake is why a payment was blocked, the Code of its record.
type Brake = rules.Brake

// The brakes.
const (
	AmountBrake    = rules.AmountBrake
	HourBrake      = rules.HourBrake
	DayBrake       = rules.DayBrake
	DoubtBrake     = rules.DoubtBrake
	LookalikeBrake = rules.LookalikeBrake
)

// Brakes lists all brakes.
func Brakes() []Brake { return rules.Brakes() }

// BeginParams opens an attempt.
type BeginParams = rules.BeginParams

// BeginResult is what Begin decided. Payload, ProviderRefs, Waited and Registered come with Send
// only.
type BeginResult struct {
	Decision Decision
	// AlreadyBegun is true if, without Send, the attempt is on record already: its first Begin took
	// effect, and the reply was lost. A caller that has sent nothing releases it.
	AlreadyBegun bool
	State        State
	Number       int
	LeaseEnd     time.Time
	// WaitUntil is when the payment may begin, by the store's clock.
	WaitUntil    time.Time
	Now          time.Time
	Payload      []byte
	ProviderRefs map[string]string
	// Waited is how long the payment could have begun before it did, by the store's clock.
	Waited time.Duration
	// Registered is the payment as it was registered. Workers check the payload against it before
	// they send, and record it again with Restore if the store loses the payment.
	Registered Registration
	// Sequence is the number of this send at the provider's store; zero if the reply to the first
	// Begin was lost.
	Sequence int64
	// MayHaveLeft is true if an earlier attempt may have been executed.
	MayHaveLeft bool
	// Snapshot is for AttemptResult.Begin; nil if Begin wrote nothing.
	Snapshot *Snapshot
	// DecryptErr says why Payload and ProviderRefs are missing. With Send it is seal.ErrTampered:
	// the right key does not open them. If the key is missing, or they are not sealed although they
	// must be, the decision is Wait: a worker with the right keys sends.
	DecryptErr error
	// ParkReason, with Wait, is the reason to Park it for; empty if it waits for its own time or
	// for another attempt's lease.
	ParkReason string
	// Blocked is the brake that this Begin blocked the payment by, if any; Transition is what Begin
	// came to.
	Blocked    Brake
	Transition Transition
}

// StatusQuery is what StartQuery returns: what is known of the payment, and the version that the
// status result must carry.
type StatusQuery struct {
	// Needed is false if there is nothing to query: queued, sending, blocked, or ready without an
	// attempt that may have left.
	Needed       bool
	State        State
	Version      int64
	QueriedAt    time.Time
	ProviderID   string
	Amount       string
	Currency     string
	Type         string
	ProviderRefs map[string]string
	// Payload is nil once a final payment's payload is gone.
	Payload []byte
	// DecryptErr says why Payload and ProviderRefs are missing although the store has them; an
	// error of package seal.
	DecryptErr error
	// ParkReason is the reason to Park it for if a worker with other keys could open them.
	ParkReason string
	// Polls counts the status results since the payment was last sent that decided nothing.
	Polls int
	// Traceparent is Registration.Traceparent, and Created when the payment was registered.
	Traceparent string
	Created     time.Time
}

// Transition is what a change of a payment came to.
type Transition struct {
	State State
	// Type is the payment's: payout or charge.
	Type string
	// Applied is false if nothing changed: the attempt's fate was already recorded, or the status
	// result was outdated.
	Applied bool
	// StateChanged is true if the transition changed the payment's state.
	StateChanged bool
	// Anomaly is the kind of the contradiction that the transition recorded, if any.
	Anomaly string
	// Created is when the payment was registered.
	Created time.Time
	// At is the store's time of the transition.
	At time.Time
}

// WakeUp names a payment for a worker to send or query.
type WakeUp struct {
	Key        Key
	Generation int64
	// Query is true if the provider must be queried, false if the payment may be sent.
	Query bool
	// Bulk: it lets other payments be sent first.
	Bulk bool
	// Partition is the number of the partition that keeps the payment.
	Partition int
}

// AttemptResult is an attempt's report of its outcome.
type AttemptResult struct {
	Attempt string
	Outcome providers.Outcome
	// MoneyStepReached: the attempt came to its money step, whatever the record says.
	MoneyStepReached bool
	// Queryable: the provider has a status query for this payment; needed if the store has lost the
	// attempt.
	Queryable bool
	// QueryAfter is the delay of the first status query, where one is due.
	QueryAfter time.Duration
	// Answer is what the provider said; zero if unknown.
	Answer Answer
	// Begin, if set, is the snapshot that the attempt's Begin returned: it saves reading the record
	// again. It must be nil after a Checkpoint.
	Begin *Snapshot
}

// StatusResult is the result of a status query.
type StatusResult struct {
	// Version and QueriedAt are those of the StatusQuery.
	Version   int64
	QueriedAt time.Time
	Outcome   providers.Outcome
	// Ours: the result repeats all fields of the payment's meaning, and all equal ours.
	Ours bool
	// QueryAfter is the delay of the next query.
	QueryAfter time.Duration
	// Answer is what the provider said; zero if unknown.
	Answer Answer
}

// Actor is who makes an intervention, and why. The name is a claim, not a proof of identity.
type Actor struct {
	By   string
	Note string
}

// Resolution is what an operator found out about a payment.
type Resolution struct {
	Actor
	// As is succeeded, failed or not-received.
	As         string
	ProviderID string
	Decline    providers.Decline
	// AcceptDoubleRisk, with failed: the operator knows that nothing was executed. The attempts are
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
	// Suspected selects the payments that the store may have forgotten to have sent, whatever their
	// state: see Loss.
	Suspected bool
	// Damaged, if set, is called for each record that cannot be read; List skips it.
	Damaged func(Key, error)
}
