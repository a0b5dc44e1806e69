package engine

import (
	"context"
	"errors"

	"github.com/remesa/remesa/idempotency"
)

// Serve serves one wake-up to its end, in the caller's goroutine and on the path on which a wake-up
// from a queue is served. It is for engines with Options.Enqueue.
func (e *Engine) Serve(ctx context.Context, w idempotency.WakeUp) {
	if w.Query {
		e.query(ctx, w.Key)
		return
	}
	e.send(ctx, w.Key)
}

// Tick does once what the janitors of a provider's partitions do every JanitorInterval: it unparks
// what no longer has to wait, and wakes what is due. It is for engines with Options.Enqueue.
func (e *Engine) Tick(ctx context.Context, provider string) error {
	var errs []error
	for _, p := range e.Ledger.Partitions(provider) {
		errs = append(errs, e.tick(ctx, p))
	}
	return errors.Join(errs...)
}
