package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/hibiken/asynq"
)

// GiveUpAfter is how long a delivery is tried, from its first attempt on, before it is parked.
const GiveUpAfter = 72 * time.Hour

// handle delivers one event, if it is its payment's turn: the oldest open delivery of a payment is
// the only one that is sent, so that a receiver gets a payment's events in order. When it is done,
// the next one gets its task. A task that dies in between is handed out again, and does the same.
func (l *line) handle(ctx context.Context, t *asynq.Task) error {
	task, err := ParseTask(t.Payload())
	if err != nil {
		l.log.Error().Err(err).Msg("a webhook's task is damaged and dropped; what is open gets another one")
		return nil
	}
	e, _ := task.entry()
	head, ok, err := l.store.head(ctx, l.to.Name, e.Key)
	if err != nil {
		return err
	}
	if !ok || head != e { // delivered already, or another one's turn
		return l.store.wakeHead(ctx, l.queue, l.to.Name, e.Key)
	}
	if err := l.deliver(ctx, e, time.UnixMilli(task.Since)); err != nil {
		return err
	}
	return l.store.wakeHead(ctx, l.queue, l.to.Name, e.Key)
}

// deliver sends an event and closes its delivery; an error has asynq hand out its task again.
func (l *line) deliver(ctx context.Context, e entry, since time.Time) error {
	err := l.attempt(ctx, e)
	failed, attempted := errors.AsType[*attemptError](err)
	switch {
	case err == nil:
		l.note(Delivered, e, nil)
	case !attempted: // Redis failed
		return err
	case failed.result == Missed:
		l.log.Error().Str("event", e.event()).Msg("WEBHOOK MISSED: the event was trimmed before it was delivered")
		l.count(Missed, 1)
	default:
		l.note(failed.result, e, failed)
		return l.giveUp(ctx, e, since, failed)
	}
	l.OnFaultPoint(PointDelivered)
	return l.store.close(ctx, l.to.Name, e)
}

// attempt sends the event once.
func (l *line) attempt(ctx context.Context, e entry) error {
	s := streamNamed(e.Stream)
	m, ok, err := entryAt(ctx, l.rdb, s, e.ID)
	switch {
	case err != nil:
		return err
	case !ok:
		return errGone()
	}
	content, err := body(s, m, l.Ring, l.to.OpenSealed)
	if err != nil {
		return err
	}
	return l.poster.Post(ctx, e.event(), content, l.Now())
}

func errGone() error { return &attemptError{result: Missed, text: "the event is gone"} }

// giveUp parks a delivery that has been tried for long enough, else returns the attempt's error.
func (l *line) giveUp(ctx context.Context, e entry, since time.Time, failed *attemptError) error {
	now := l.Now()
	if now.Sub(since) < GiveUpAfter {
		return failed
	}
	if err := l.store.park(ctx, l.to.Name, e, now); err != nil {
		return err
	}
	l.count(Parked, 1)
	l.log.Error().Str("event", e.event()).Str("last", failed.text).Msg("WEBHOOK PARKED: it was tried for three days; see enqueue webhook list --parked")
	return nil
}

// note counts an attempt, and logs when the receiver begins to fail and when it takes events again.
func (l *line) note(result string, e entry, failed *attemptError) {
	l.count(result, 1)
	switch was := l.failing.Swap(failed != nil); {
	case failed != nil && !was:
		l.log.Warn().Str("event", e.event()).Str("problem", failed.text).Msg("webhook receiver fails; its events wait")
	case failed == nil && was:
		l.log.Info().Msg("webhook receiver takes events again")
	}
}

// retryDelay is how long asynq waits before it hands out a task again: the receiver's own wish, a
// moment after a worker's death, else longer each time, with full jitter.
func (l *line) retryDelay(n int, err error, _ *asynq.Task) time.Duration {
	if errors.Is(err, asynq.ErrLeaseExpired) {
		return time.Second
	}
	most := l.RetryMax
	if n < 32 {
		most = min(most, l.RetryBase<<n)
	}
	if most <= 0 {
		most = l.RetryMax
	}
	d := time.Duration(l.Random() * float64(most))
	if failed, ok := errors.AsType[*attemptError](err); ok {
		d = max(d, failed.after)
	}
	return d
}
