package dashboard

import (
	"context"

	"github.com/remesa/remesa/idempotency"
)

// Ledger is what the pages show and change. An intervention names the version that the operator
// saw.
type Ledger interface {
	Show(ctx context.Context, k idempotency.Key) (idempotency.Record, error)
	List(ctx context.Context, f idempotency.Filter, yield func(idempotency.Record) bool) error
	// KnownPartitions lists the partitions in which a provider's payments, and their outcomes, are.
	KnownPartitions(ctx context.Context, provider string) ([]idempotency.Partition, error)
	Page(ctx context.Context, q idempotency.PageQuery) (rs []idempotency.Record, last idempotency.Place, more bool, err error)
	ShowAll(ctx context.Context, provider string, keys []idempotency.Key, damaged func(idempotency.Key, error)) ([]idempotency.Record, error)
	Counts(ctx context.Context, provider string) (map[idempotency.State]int64, error)
	Halts(ctx context.Context, provider string) (map[string]string, error)
	// RejectedTasks lists a provider's tasks that became no payment, oldest first.
	RejectedTasks(ctx context.Context, provider string) ([]idempotency.RejectedTask, error)
	Halt(ctx context.Context, provider, account string, by idempotency.Actor) error
	Unhalt(ctx context.Context, provider, account string, by idempotency.Actor) error
	Epoch(ctx context.Context, provider string) (idempotency.Epoch, error)
	Interventions
}

// Interventions carries out operators' interventions.
type Interventions interface {
	Resolve(ctx context.Context, k idempotency.Key, version int64, r idempotency.Resolution) (idempotency.Transition, error)
	ClearAnomaly(ctx context.Context, k idempotency.Key, version int64, reverse bool, by idempotency.Actor) (idempotency.Transition, error)
	Unblock(ctx context.Context, k idempotency.Key, version int64, by idempotency.Actor) (idempotency.Transition, error)
	Cancel(ctx context.Context, k idempotency.Key, version int64, by idempotency.Actor) (idempotency.Transition, error)
	Retry(ctx context.Context, k idempotency.Key, version int64, acceptDoubleRisk bool, by idempotency.Actor) (idempotency.Transition, error)
}
