package engine

import (
	"context"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// Ledger is what a worker needs of the ledger. All times are the store's; all delays are relative
// to its clock.
type Ledger interface {
	Register(ctx context.Context, rs ...idempotency.Registration) ([]idempotency.Registered, error)
	// RejectTask tells that a task became no payment; told is false if that was told before.
	RejectTask(ctx context.Context, t idempotency.RejectedTask) (told bool, err error)
	// Show returns a payment, or idempotency.ErrUnknown.
	Show(ctx context.Context, k idempotency.Key) (idempotency.Record, error)
	Attempts
	StatusQueries
	Epochs
	// Defer moves only the due time of what must wait before it begins.
	Defer(ctx context.Context, k idempotency.Key, after time.Duration) error
	// Park takes a payment out of the due index, until its reason ends and Unpark makes it due.
	Park(ctx context.Context, k idempotency.Key, reason string) error
	// Partitions lists the provider's partitions.
	Partitions(provider string) []idempotency.Partition
	// Unpark makes due at most limit of the group's payments, and returns how many.
	Unpark(ctx context.Context, p idempotency.Partition, g idempotency.ParkedGroup, limit int) (int, error)
	ParkedGroups(ctx context.Context, p idempotency.Partition) (map[idempotency.ParkedGroup]int64, error)
	// HaltsIn lists the partition's halts by account, idempotency.AllAccounts for all of them.
	HaltsIn(ctx context.Context, p idempotency.Partition) (map[string]string, error)
	// PartitionOf is the partition of a payment.
	PartitionOf(k idempotency.Key) idempotency.Partition
	// AnyDue reports whether Due has anything to read. It costs an idle store less.
	AnyDue(ctx context.Context, p idempotency.Partition) (bool, error)
	// Due reads at most limit due payments, moves their due times on, and returns the wake-ups to
	// enqueue and how many payments it read.
	Due(ctx context.Context, p idempotency.Partition, limit int, lanes idempotency.Lanes) (wakeups []idempotency.WakeUp, read int, err error)
}

// Attempts are the ledger's operations of an attempt.
type Attempts interface {
	Begin(ctx context.Context, k idempotency.Key, b idempotency.BeginParams) (idempotency.BeginResult, error)
	// Checkpoint records provider references before the next step; moneyStepNext says that money
	// can move from then on, and the store then counts the send. Any error means: stop without
	// sending.
	Checkpoint(ctx context.Context, k idempotency.Key, attempt string, refs map[string]string, moneyStepNext bool) (sequence int64, err error)
	Alias(ctx context.Context, k idempotency.Key, alias string) error
	Release(ctx context.Context, k idempotency.Key, attempt, reason string, after time.Duration, answer ...idempotency.Answer) (idempotency.Transition, error)
	Finish(ctx context.Context, k idempotency.Key, r idempotency.AttemptResult) (idempotency.Transition, error)
	// Restore records a payment again that the store has lost.
	Restore(ctx context.Context, r idempotency.Registration, a idempotency.RestoredAttempt) error
	Reject(ctx context.Context, k idempotency.Key, why idempotency.Rejection) (idempotency.Transition, error)
}

// StatusQueries are the ledger's operations of a status query.
type StatusQueries interface {
	StartQuery(ctx context.Context, k idempotency.Key) (idempotency.StatusQuery, error)
	RecordStatus(ctx context.Context, k idempotency.Key, r idempotency.StatusResult) (idempotency.Transition, error)
}

// Epochs notice a store that forgets.
type Epochs interface {
	// CheckEpoch returns the store's epoch, and the accounts whose halts it has restored.
	CheckEpoch(ctx context.Context, p idempotency.Partition) (epoch idempotency.Epoch, sequence int64, restored []string, err error)
	// Witness says that an earlier process has seen a send of that number.
	Witness(p idempotency.Partition, sequence int64)
	// AccountFor says that the sends with these numbers are on record, and returns how many of the
	// missing ones are.
	AccountFor(ctx context.Context, p idempotency.Partition, sequences []int64) (int64, error)
}
