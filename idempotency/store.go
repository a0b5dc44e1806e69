package idempotency

import (
	"context"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
)

// Store keeps records with compare-and-set; it decides nothing. Each method works on the payments
// of one partition, by its name (Partition.String), or on what belongs to a provider.
type Store interface {
	// CheckPartitions returns ErrPartitions unless the store keeps the provider's payments in as
	// many partitions as the settings say. At the first call for an empty store it keeps the
	// settings' number.
	CheckPartitions(ctx context.Context, provider string) error

	// Load reads records, what is requested beside each, and the store's time, in one round trip.
	// The Text of a missing record is empty; a record that cannot be read has an Err.
	Load(ctx context.Context, partition string, requests []LoadRequest) ([]LoadResult, error)
	// Commit writes changes, each whole or not at all. An error beside a result means that it is
	// unknown whether that change was written, or, for ErrReplicas, that it was.
	Commit(ctx context.Context, partition string, requests []CommitRequest) ([]CommitResult, []error)
	// Due returns at most limit ids that are due, the longest due first.
	Due(ctx context.Context, partition string, limit int) ([]string, error)
	// AnyDue reports whether a payment is due; it costs an idle store little.
	AnyDue(ctx context.Context, partition string) (bool, error)
	// Postpone makes an id whose record cannot be read due that much later than now.
	Postpone(ctx context.Context, partition, id string, by time.Duration) error
	// ParkReasons returns, by id, the reasons of those of the payments that are parked.
	ParkReasons(ctx context.Context, partition string, ids []string) (map[string]string, error)
	// Unpark makes at most limit payments of a group due now, in the order of their registration,
	// and returns their number.
	Unpark(ctx context.Context, partition string, g ParkedGroup, limit int) (int, error)
	// ParkedGroups returns the number of parked payments by group, without those that have none.
	ParkedGroups(ctx context.Context, partition string) (map[ParkedGroup]int64, error)
	// EndThrottle ends the throttling of an account; empty means all accounts.
	EndThrottle(ctx context.Context, provider, account string) error
	// AwaitReplicas returns once as many replicas as the settings require have all that was
	// written.
	AwaitReplicas(ctx context.Context, partition string) error

	// Epoch reads what the store says about itself, in one round trip. CommitEpoch replaces the
	// epoch, and reports whether it did. AccountFor adds to an epoch's set of sends that are
	// accounted for although the store forgot them, and returns the size of the set.
	Epoch(ctx context.Context, partition string) (StoreReading, error)
	CommitEpoch(ctx context.Context, partition string, c EpochCommit) (done bool, err error)
	AccountFor(ctx context.Context, partition string, epoch int64, sequences []int64) (int64, error)

	// Alias lets Find return the id for a name, for as long as keep says. Find returns ErrUnknown
	// where there is no alias.
	Alias(ctx context.Context, provider, alias, id string, keep time.Duration) error
	Find(ctx context.Context, provider, alias string) (id string, err error)
	// Halt sets or removes an account's halt ("*" for all) in a partition, and adds the entry to
	// its log of halts. Halts returns the entries of the halts in force, by account.
	Halt(ctx context.Context, partition, account, entry string, halted bool) error
	Halts(ctx context.Context, partition string) (map[string]string, error)

	// Reject publishes that a task became no payment and adds it to the list of rejected tasks,
	// which keeps the newest 1,000 for 30 days. It reports false, and writes nothing, where the
	// list has its ID. Rejected returns the list's texts by ID.
	Reject(ctx context.Context, provider string, c RejectedCommit) (told bool, err error)
	Rejected(ctx context.Context, provider string) (map[string]string, error)
	// Clock is the store's time.
	Clock(ctx context.Context, provider string) (rules.Time, error)

	// ListIDs calls yield with the ids of an index, page by page, oldest first, until it returns
	// false or an error.
	ListIDs(ctx context.Context, partition string, index Index, yield func(ids []string) (bool, error)) error
	// PageIDs returns a page of a state's index. Payments of one instant are in the order of their
	// ids.
	PageIDs(ctx context.Context, partition string, r PageRange) ([]Place, error)
	// ScanIDs returns some ids of all records, in no order, and where to go on; it begins with an
	// empty cursor and ends with one. A record that is there from the beginning to the end is
	// returned at least once.
	ScanIDs(ctx context.Context, provider, cursor string) (ids []string, next string, err error)
	// Counts returns the number of payments in each indexed state.
	Counts(ctx context.Context, partition string) (map[State]int64, error)
	// Stats returns the numbers that alerts use.
	Stats(ctx context.Context, partition string) (StoreStats, error)
	// Ping reports whether the store answers.
	Ping(ctx context.Context) error
}

// Index names a list of payments.
type Index struct {
	// State selects an indexed state. If it is empty, and Open and Anomalies are unset, the index
	// is all records.
	State State
	// Open selects every state that is not final.
	Open bool
	// Anomalies selects the payments with an anomaly.
	Anomalies bool
	// Since leaves out what came into an indexed State's list before; zero leaves out nothing.
	Since rules.Time
	// Suspected selects the payments that the store may have forgotten to have sent.
	Suspected bool
	// Limit is the largest number of ids; zero for all.
	Limit int
}

// LoadRequest is a record to read.
type LoadRequest struct {
	ID, Account string
	// Payload: load the payload too. It is most of what the store keeps of an open payment.
	Payload bool
	// QueryProof: load the account's query proof too.
	QueryProof bool
	// Due: load the due time too.
	Due bool
}

// LoadResult is a record as it was read.
type LoadResult struct {
	// Text is the record as it stands in the store, empty where there is none.
	Text   string
	Record rules.Record
	// Payload is nil if there is none, or if it was not requested.
	Payload    []byte
	QueryProof rules.QueryProof
	// Due is when the payment is due; zero if it is not in the due index.
	Due rules.Time
	Now rules.Time
	// Err says why the record cannot be read.
	Err error
}

// CommitRequest is a change on its way into the store.
type CommitRequest struct {
	Key    Key
	Change rules.Change
	// Text and Now are those of the LoadResult from which the change was decided.
	Text string
	Now  rules.Time
	// Epoch is the epoch's text, EpochNumber its number and RunID its server from which it was
	// decided: see rules.EpochCurrent.
	Epoch       string
	EpochNumber int64
	RunID       string
	// Payload is set where the change sets one.
	Payload []byte
	// Object is the exclusive object that a registration claims, ChargeGuard the key of its guard.
	Object, ChargeGuard string
	// Retention and OutcomesRetention are the policy's.
	Retention, OutcomesRetention time.Duration
}

// inEpoch is the epoch's text and the server's run that the change must be written in; what is
// empty may be any.
func (d *CommitRequest) inEpoch() (epoch, runID string) {
	if d.Epoch != "" && d.Change.NeedsReplicas {
		return d.Epoch, d.RunID
	}
	return d.Epoch, ""
}

// CommitResult is what became of a CommitRequest.
type CommitResult struct {
	// Done: it was written. Otherwise Changed: the record is another by now, or the decision is too
	// old; or FailedGuard is the guard that did not hold, and Found what it found: the holder of
	// the object, or the account of the halt.
	Done, Changed bool
	FailedGuard   rules.Guard
	Found         string
	// Text is the record as it was written, if the change wrote it.
	Text string
	// Sequence is the number of the send, if the change counts one.
	Sequence int64
}

// StoreStats are the numbers that alerts use.
type StoreStats struct {
	Now rules.Time
	// OldestDue is the earliest due time, also one in the future; zero if there is none.
	OldestDue        rules.Time
	Anomalies, Halts int64
}
