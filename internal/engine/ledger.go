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
	Attempts
	StatusQueries
	// Defer moves only the due time of what must wait before it begins.
	Defer(ctx context.Context, k idempotency.Key, after time.Duration) error
	// Park takes what cannot move out of the due index until Unpark lets go what waits for this
	// reason.
	Park(ctx context.Context, k idempotency.Key, reason string) error
	Unpark(ctx context.Context, provider, reason string, limit int) (int, error)
	ParkedCounts(ctx context.Context, provider string) (map[string]int64, error)
	// Halts lists what is halted, by account ("*" for all).
	Halts(ctx context.Context, provider string) (map[string]string, error)
	// Due looks at what is due, moves its due time on, and hands out what must be woken.
	Due(ctx context.Context, provider string, limit int, lanes idempotency.Lanes) (wakeups []idempotency.WakeUp, looked int, err error)
}

// Attempts are the steps of an attempt.
type Attempts interface {
	Begin(ctx context.Context, k idempotency.Key, b idempotency.BeginParams) (idempotency.BeginResult, error)
	// Checkpoint keeps handles before the next step. Any error means: stop without sending.
	Checkpoint(ctx context.Context, k idempotency.Key, attempt string, handles map[string]string, moves bool) error
	Alias(ctx context.Context, k idempotency.Key, alias string) error
	Release(ctx context.Context, k idempotency.Key, attempt, reason string, after time.Duration) (idempotency.Transition, error)
	Finish(ctx context.Context, k idempotency.Key, r idempotency.AttemptResult) (idempotency.Transition, error)
	// Restore records a payment again that the store has lost.
	Restore(ctx context.Context, r idempotency.Registration, a idempotency.RestoredAttempt) error
	Reject(ctx context.Context, k idempotency.Key, why idempotency.Rejection) (idempotency.Transition, error)
}

// StatusQueries are the steps of a question.
type StatusQueries interface {
	StartQuery(ctx context.Context, k idempotency.Key) (idempotency.StatusQuery, error)
	RecordStatus(ctx context.Context, k idempotency.Key, a idempotency.StatusResult) (idempotency.Transition, error)
}
