package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// A task of a plain asynq client has no caller who is told at once that it is wrong. So it is told
// where the producer reads what became of its payments: in the outcome stream. The list of rejected
// tasks, the counter and the log are for the operator.

// archiveRejected tells that no worker can ever take the task, then archives it. It is no payment,
// or one that is registered and will be woken again. A crash between the two is harmless: asynq
// hands the task out again, and the list knows it.
func (e *Engine) archiveRejected(ctx context.Context, provider string, t *asynq.Task, why error) error {
	r := tasks.RejectionOf(t, why)
	r.Provider = provider
	if err := e.rejectTask(ctx, r); err != nil {
		return err
	}
	return fmt.Errorf("%w: %w", why, asynq.SkipRetry)
}

// rejectTask tells that a task became no payment. With an error asynq hands it out again, as often
// as it takes.
func (e *Engine) rejectTask(ctx context.Context, r idempotency.RejectedTask) error {
	r.Queue, _ = asynq.GetQueueName(ctx)
	id, _ := asynq.GetTaskID(ctx)
	r.TaskID = shownTaskID(id)
	told, err := e.Ledger.RejectTask(ctx, r)
	line := e.Log.Error()
	if err != nil {
		line = e.Log.Warn().Err(err)
	}
	line = line.Str("queue", r.Queue).Str("task", r.TaskID).Str("reason", string(r.Reason)).Str("message", r.Message)
	if r.Key != (idempotency.Key{}) {
		line = line.Stringer("key", r.Key).Str("reference", r.Key.Reference)
	}
	if err != nil {
		line.Msg("rejection not told yet; asynq hands the task out again")
		return fmt.Errorf("%w: %w", errNotRegistered, err)
	}
	line.Bool("told_before", !told).Msg("TASK REJECTED: it became no payment, and nothing was changed")
	if told {
		e.Metrics.TaskRejected(r.Provider, string(r.Reason))
	}
	return nil
}

// conflicting says why a valid task cannot be registered. It repeats no fingerprint: whoever has
// one can try what it may be made of.
func conflicting(t tasks.Task, a idempotency.Registered) idempotency.RejectedTask {
	message := "reference: it is taken by a payment of other content"
	switch field, _, _ := strings.Cut(a.Conflict, ": "); field {
	case "amount", "currency":
		message = field + ": differs from that of the payment that has this reference"
	case "fingerprint":
	default: // the holder of an exclusive object is a payment's key
		if _, holder, ok := strings.Cut(a.Conflict, " is claimed by "); ok {
			message = "details: what it pays is claimed by " + holder
		}
	}
	return idempotency.RejectedTask{
		Provider: t.Provider(), Key: t.Key(), Type: t.Type(), Reason: idempotency.RejectConflict, Message: message,
	}
}

// queryNamed serves a status task. One that names an unknown payment is rejected.
func (e *Engine) queryNamed(ctx context.Context, p *pool, t tasks.Task) error {
	_, err := e.Ledger.Show(ctx, t.Key())
	if errors.Is(err, idempotency.ErrUnknown) {
		return e.rejectTask(ctx, idempotency.RejectedTask{
			Provider: t.Provider(), Key: t.Key(), Type: t.Type(), Reason: idempotency.RejectInvalid, Message: "reference: no payment is known by it",
		})
	}
	return e.serve(ctx, p, []idempotency.Key{t.Key()}, e.query)
}

// plainTaskID is the form of a task's id that can be shown: a client may choose any text.
var plainTaskID = regexp.MustCompile(`^[A-Za-z0-9._:+-]{1,128}$`)

// shownTaskID is a task's id, or a hash of one that may hold anything.
func shownTaskID(id string) string {
	if plainTaskID.MatchString(id) && !providers.CardInID(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return fmt.Sprintf("[hidden-%x]", sum[:8])
}
