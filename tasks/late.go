package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// A payment whose deadline has passed would be registered only to fail as expired: it is refused
// instead, by the store's clock, which would expire it. One that is registered already is a
// duplicate as ever, so that a file may be sent again whenever that is.

// lateProblem is a FieldError's text, so that it reads like those of Decode.
var lateProblem = fieldError("deadline", "is in the past: the payment would fail as expired, unsent").Error()

// Late reports whether the task's deadline is in the past and the ledger does not know its payment.
func (c *Client) Late(ctx context.Context, t Task) (bool, error) {
	late, err := c.late(ctx, []Task{t})
	return late[0], err
}

// late finds the tasks that are too late to be registered.
func (c *Client) late(ctx context.Context, ts []Task) ([]bool, error) {
	late := make([]bool, len(ts))
	var now time.Time
	for i, t := range ts {
		if t.Deadline().IsZero() {
			continue
		}
		if now.IsZero() {
			var err error
			if now, err = c.rdb.Time(ctx).Result(); err != nil {
				return late, fmt.Errorf("time of the store: %w", err)
			}
		}
		var err error
		if late[i], err = c.lateAt(ctx, t, now); err != nil {
			return late, err
		}
	}
	return late, nil
}

func (c *Client) lateAt(ctx context.Context, t Task, now time.Time) (bool, error) {
	if t.Deadline().After(now) {
		return false, nil
	}
	_, err := c.ledger.Show(ctx, t.Key())
	if errors.Is(err, idempotency.ErrUnknown) {
		return true, nil
	}
	return false, err
}
