package idempotency

import (
	"context"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
)

// Store keeps records and compares and sets; it decides nothing. Each method works on payments of
// one provider.
type Store interface {
	// Load reads records, each with what is wanted besides, in one go with the store's time. A
	// record that is not there is nil in the answer, one that cannot be read has an error.
	Load(ctx context.Context, provider string, wants []LoadRequest) ([]LoadResult, error)
	// Commit writes decisions, each for itself: all of it, or nothing. An error beside a result
	// means that nobody knows whether that one was written, or, for ErrReplicas, that it was.
	Commit(ctx context.Context, provider string, decisions []CommitRequest) ([]CommitResult, []error)
	// Due returns the ids that are due, the longest due first.
	Due(ctx context.Context, provider string, limit int) ([]string, error)
	// Postpone makes an id that cannot be looked at due that much later than now, behind all that
	// is due.
	Postpone(ctx context.Context, provider, id string, by time.Duration) error
	// ParkReasons says, by id, which of these payments are parked, and for which reason.
	ParkReasons(ctx context.Context, provider string, ids []string) (map[string]string, error)
	// Unpark makes up to limit payments due now that are parked for the reason, those that were
	// registered first.
	Unpark(ctx context.Context, provider, reason string, limit int) (int, error)
	// ParkedCounts counts the parked by reason.
	ParkedCounts(ctx context.Context, provider string) (map[string]int64, error)
	// EndThrottle ends the wait that the provider told an account (empty: each) to keep.
	EndThrottle(ctx context.Context, provider, account string) error
	// AwaitReplicas returns once replicas have all that was written, where they are asked for.
	AwaitReplicas(ctx context.Context, provider string) error

	// Alias lets Find lead from a name to an id, for as long as given.
	Alias(ctx context.Context, provider, alias, id string, keep time.Duration) error
	Find(ctx context.Context, provider, alias string) (id string, err error)
	// Halt keeps or removes an account's halt ("*" for all), and writes the entry down.
	Halt(ctx context.Context, provider, account, entry string, halted bool) error
	Halts(ctx context.Context, provider string) (map[string]string, error)

	// ListIDs calls yield with the ids of an index, oldest first, by the page.
	ListIDs(ctx context.Context, provider string, index Index, yield func(ids []string) (bool, error)) error
	// Counts returns the number of payments in each indexed state.
	Counts(ctx context.Context, provider string) (map[State]int64, error)
	// Stats are the few numbers that alarms look at.
	Stats(ctx context.Context, provider string) (StoreStats, error)
	// Ping reports whether the store answers.
	Ping(ctx context.Context) error
}

// Index names a list of payments.
type Index struct {
	// State selects an indexed state; empty with Open and Anomalies unset: all records there are.
	State State
	// Open selects every state that is not settled.
	Open bool
	// Anomalies selects what has an anomaly.
	Anomalies bool
	// Limit is the most ids, the first ones; zero for all.
	Limit int
}

// LoadRequest is a record to read.
type LoadRequest struct {
	ID, Account string
	// Payload: the payment's details are wanted too. They are most of what is kept of an open
	// payment.
	Payload bool
	// QueryProof: what is known of the account's lookup is wanted too.
	QueryProof bool
	// Due: when it is due is wanted too.
	Due bool
}

// LoadResult is a record as it was read.
type LoadResult struct {
	// Text is the record as it stands in the store, empty where there is none.
	Text   string
	Record rules.Record
	// Payload is nil where there is none, or where it was not wanted.
	Payload    []byte
	QueryProof rules.QueryProof
	// Due is when it is due; zero where nobody must look.
	Due rules.Time
	Now rules.Time
	// Err says why the record cannot be read.
	Err error
}

// CommitRequest is a change on its way into the store.
type CommitRequest struct {
	Key    Key
	Change rules.Change
	// Text and Now are those from which it was decided.
	Text string
	Now  rules.Time
	// Payload is set where the change sets one.
	Payload []byte
	// Object and Permit name what a registration claims and needs.
	Object, ChargeGuard string
	// Retention and OutcomesRetention are the policy's.
	Retention, OutcomesRetention time.Duration
}

// CommitResult is what became of a decision.
type CommitResult struct {
	// Done: it was written. Otherwise Moved: the record is another, or the decision is too old; or
	// Failed is the guard that did not hold, and Found what it found: the holder of an object,
	// whose halt.
	Done, Changed bool
	FailedGuard   rules.Guard
	Found         string
	// Text is the record as it was written, where the change wrote one.
	Text string
}

// Vitals are what an alarm looks at.
type StoreStats struct {
	Now rules.Time
	// OldestDue is when the payment that is due the longest fell due; zero where none is.
	OldestDue        rules.Time
	Anomalies, Halts int64
}
