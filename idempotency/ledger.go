// Package idempotency is the ledger: one record per payment, written before any byte leaves for a provider. The ledger alone decides a
// payment's fate; the queue only wakes somebody up. Every step is one atomic script in Redis that changes the record, its indexes, its
// due time and the outcome stream together. See DESIGN.md for the promise and the tables behind the steps.
package idempotency

import (
	"context"
	"errors"
	"time"

	"github.com/remesa/remesa/providers"
)

// State of a payment.
type State string

// The states of a payment; see the state diagram in README.md.
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

// Errors that a caller may branch on.
var (
	// ErrUnknown: there is no such payment.
	ErrUnknown = errors.New("no such payment")
	// ErrMoved: the payment moved on since its version was read; read it again.
	ErrMoved = errors.New("the payment moved on meanwhile")
	// ErrRefused: the step is not allowed in the payment's present state. The text says why.
	ErrRefused = errors.New("refused")
	// ErrNotOwner: the attempt no longer owns the payment and must stop without sending.
	ErrNotOwner = errors.New("the attempt no longer owns the payment")
	// ErrUnknownAttempt: the payment never had this attempt; its Begin did not reach the store.
	ErrUnknownAttempt = errors.New("no such attempt")
	// ErrFull: Redis is full; nothing new is registered or sent until there is room.
	ErrFull = errors.New("redis is full")
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
	// Permit, if any, is a Redis key beside the provider's others that must hold the payment's id (Key.ID) when it is first recorded, or
	// it is not: a conflict. Whoever withdraws the permit knows that nothing will be recorded later.
	Permit string
}

// Registered is the answer to one registration.
type Registered struct {
	Result Result
	State  State
	// Generation makes the wake-up's task id unique.
	Generation int64
	// Conflict says what differs: "amount", "currency", or both fingerprints, or the holder of the exclusive object.
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

// Verdict is what a caller of Begin must do.
type Verdict string

// Verdicts of Begin.
const (
	// Send: the attempt owns the payment; send its request once.
	Send Verdict = "send"
	// AskFirst: the payment may have been executed; ask the provider.
	AskFirst Verdict = "ask"
	// Wait: somebody else owns it, or it must wait; the due index will wake it.
	Wait Verdict = "wait"
	// Done: nothing to do.
	Done Verdict = "done"
)

// BeginRequest opens an attempt.
type BeginRequest struct {
	// Attempt is a random id made by the caller; see NewAttempt.
	Attempt string
	Lease   time.Duration
	// OpensLate: the attempt begins with a step that cannot move money; Note opens it.
	OpensLate bool
	// Askable: the provider can be asked what became of this payment.
	Askable bool
	// Only is the one type of payment that the account makes; one of another type waits as it is, unbegun. Empty: it makes every type.
	Only string
}

// Begun is the answer to Begin. Payload and Handles come with Send only.
type Begun struct {
	Verdict Verdict
	// Own is true where, without Send, the attempt is known already: its first Begin was carried out, and the answer came too late. A
	// caller that has sent nothing releases it.
	Own      bool
	State    State
	Number   int
	LeaseEnd time.Time
	// Until says when a waiting caller would be served, by the store's clock.
	Until   time.Time
	Now     time.Time
	Payload []byte
	Handles map[string]string
	// MayHaveLeft is true where an earlier attempt may have been executed.
	MayHaveLeft bool
	// Unopened says why payload and handles are not there: seal.ErrTampered, after Send, if the right key does not open them. Where the
	// key is missing, or should have sealed them and did not, the verdict is Wait: another worker, or this one with the right keys, sends.
	Unopened error
	// Waits, with Wait, is the reason to Park it for; empty where it waits for its own time or for somebody's lease.
	Waits string
}

// Question is what Ask hands out: the payment as it is known, and the version that the answer must carry.
type Question struct {
	// Ask is false where there is nothing to ask: queued, sending, blocked.
	Ask        bool
	State      State
	Version    int64
	AskedAt    time.Time
	ProviderID string
	Amount     string
	Currency   string
	Type       string
	Handles    map[string]string
	// Payload is nil once a settled payment's details are gone.
	Payload []byte
	// Unopened says why payload and handles are not there though they are kept; an error of package seal.
	Unopened error
	// Waits is the reason to Park it for where another worker could open them.
	Waits string
	// Polls counts the answers since the payment was last sent.
	Polls int
}

// Settlement is the answer to a step that reports what happened to a payment.
type Settlement struct {
	State State
	// Type is the payment's: payout or charge.
	Type string
	// Applied is false where the report changed nothing: its attempt's fate was already recorded, or the answer was out of date.
	Applied bool
	// Moved is true where this step changed the payment's state.
	Moved bool
	// Anomaly names the contradiction that this step recorded, if any.
	Anomaly string
	// Created is when the payment was registered.
	Created time.Time
	// Now is the store's time of this step.
	Now time.Time
}

// Wakeup asks for a payment to be looked at.
type Wakeup struct {
	Key        Key
	Generation int64
	// Ask is true where the provider must be asked, false where the payment may be sent.
	Ask bool
}

// Engine is what a worker needs of the store. All times are the store's; all delays are relative to its clock.
type Engine interface {
	// Register records payments before anything else happens to them. The answers are in the order of the registrations; an error
	// means that none, some or all were recorded, and that registering them again is safe.
	Register(ctx context.Context, rs ...Registration) ([]Registered, error)
	// Begin decides what is to be done with a payment and, with Send, makes the attempt its owner until its lease ends. The same
	// attempt gets the same answer again while it owns the payment.
	Begin(ctx context.Context, k Key, r BeginRequest) (Begun, error)
	// Note keeps handles before the next step, which can move money if moves is set. ErrNotOwner: stop without sending.
	Note(ctx context.Context, k Key, attempt string, handles map[string]string, moves bool) error
	// Alias lets Find lead from a provider's name for a payment, such as a session token, to its key. It is kept like an outcome event.
	Alias(ctx context.Context, k Key, alias string) error
	// Find returns the key of an alias; ErrUnknown where there is none.
	Find(ctx context.Context, provider, alias string) (Key, error)
	// Release reports that the attempt was not executed; the payment may begin again after the delay. An attempt that never began is
	// kept from beginning later.
	Release(ctx context.Context, k Key, attempt, reason string, after time.Duration) (Settlement, error)
	// Defer moves only the due time of what must wait before Begin, by 30 s at most.
	Defer(ctx context.Context, k Key, after time.Duration) error
	// Park takes what waits unbegun, or for a question, out of the due index until Unpark lets go what waits for this reason. It stays
	// due at its own deadlines. Whatever else is done to it meanwhile is allowed, and leaves Unpark nothing to do. A reason matches
	// [a-z0-9:-]+, its part before the first colon says of which kind it is.
	Park(ctx context.Context, k Key, reason string) error
	// Unpark makes up to limit payments due now that wait for the reason, those that were registered first, and returns their number.
	Unpark(ctx context.Context, provider, reason string, limit int) (int, error)
	// Waiting is how many are parked, by reason. A payment that moved on by other means is counted until its reason ends.
	Waiting(ctx context.Context, provider string) (map[string]int64, error)
	// Halts lists what is halted, by account ("*" for all).
	Halts(ctx context.Context, provider string) (map[string]string, error)
	// Finish reports an attempt's outcome. next is the delay of the first poll, where one is due. It may be repeated: an attempt's
	// recorded fate is final.
	Finish(ctx context.Context, k Key, attempt string, o providers.Outcome, next time.Duration) (Settlement, error)
	// Ask hands out what is needed to ask the provider.
	Ask(ctx context.Context, k Key) (Question, error)
	// Answer reports what the provider said to the question of that version. next is the delay of the next poll.
	Answer(ctx context.Context, k Key, version int64, askedAt time.Time, o providers.Outcome, next time.Duration) (Settlement, error)
	// Reject stops a payment whose payload cannot be used: failed if it never left, else held.
	Reject(ctx context.Context, k Key, code, message string) (Settlement, error)
	// Block stops a queued payment before its first send until a person releases or cancels it.
	Block(ctx context.Context, k Key, code, message string) (Settlement, error)
	// Due wakes up to limit payments of a provider that are due, recovers those whose lease lapsed, and advances their due time in
	// the same step. askFor is how long an ask may take before the payment is due again. Wake-ups that come along with an error
	// are good: the error is that of other payments.
	Due(ctx context.Context, provider string, limit int, askFor time.Duration) ([]Wakeup, error)
}

// Desk is what operators need of the store.
type Desk interface {
	// Show returns a payment's record; ErrUnknown where there is none.
	Show(ctx context.Context, k Key) (Record, error)
	// List calls yield for the payments that match, oldest first within a state, until it returns false.
	List(ctx context.Context, f Filter, yield func(Record) bool) error
	// Counts returns the number of payments in each open state, and of those that failed in the last 30 days.
	Counts(ctx context.Context, provider string) (map[State]int64, error)
	// Resolve settles a doubtful payment.
	Resolve(ctx context.Context, k Key, version int64, r Resolution) (Settlement, error)
	// ClearAnomaly accepts or reverses.
	ClearAnomaly(ctx context.Context, k Key, version int64, reverse bool, p Person) (Settlement, error)
	// Retry makes a failed payment ready again; one that is ready goes at once, and its account need not wait any longer (ThrottledKey).
	Retry(ctx context.Context, k Key, version int64, acceptDoubleRisk bool, p Person) (Settlement, error)
	// Unblock lets a blocked payment go on.
	Unblock(ctx context.Context, k Key, version int64, p Person) (Settlement, error)
	// Cancel stops what was never sent.
	Cancel(ctx context.Context, k Key, version int64, p Person) (Settlement, error)
	// Halt stops new sends of a provider, or of one of its accounts; asking goes on.
	Halt(ctx context.Context, provider, account string, p Person) error
	// Unhalt lets them go on, also where the provider told an account to wait (ThrottledKey).
	Unhalt(ctx context.Context, provider, account string, p Person) error
	// Halts lists what is halted, by account ("*" for all).
	Halts(ctx context.Context, provider string) (map[string]string, error)
}

// Store is a complete ledger; idempotencytest holds what each must do.
type Store interface {
	Engine
	Desk
}

// Person is who takes a step by hand, and why. The name is a claim, not a proof of identity.
type Person struct {
	By   string
	Note string
}

// Resolution is a person's verdict on a doubtful payment.
type Resolution struct {
	Person
	// As is succeeded, failed or not-received.
	As         string
	ProviderID string
	Decline    providers.Decline
}

// Filter selects payments for List.
type Filter struct {
	Provider string
	// State is empty for all open states.
	State State
	// Anomalies selects the payments with an anomaly, whatever their state.
	Anomalies bool
}
