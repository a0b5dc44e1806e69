package billing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/remesa/remesa/tasks"
)

// Applied is a request that was carried out.
type Applied struct {
	// Before is the subscription as the request found it, After as it is now.
	Before, After Subscription
	// Deferred says why what follows from the request (a charge that begins, or that is cancelled)
	// is left to the workers' next sweep; nil where it was done at once. The request itself is
	// written.
	Deferred error
}

// Pause begins no new charge until the subscription is resumed; periods that fall due meanwhile are
// skipped. A charge that is claimed already goes on, but no dunning follows it. A Refusal where it
// is not active.
func (c *Client) Pause(ctx context.Context, id string, by Actor) (Applied, error) {
	return c.request(ctx, id, by, recordOnly(by, Record.Pause))
}

// Resume lets a paused subscription go on; a Refusal where it is not paused.
func (c *Client) Resume(ctx context.Context, id string, by Actor) (Applied, error) {
	return c.request(ctx, id, by, recordOnly(by, Record.Resume))
}

// Cancel ends a subscription for good, and cancels its charge if that has not begun; the outcome of
// one that has begun counts. A Refusal where it has ended. The id stays taken.
func (c *Client) Cancel(ctx context.Context, id string, by Actor) (Applied, error) {
	return c.request(ctx, id, by, recordOnly(by, Record.Cancel))
}

// Change gives a subscription, active or paused, another amount or card from the next period on;
// the open period keeps what it was claimed with, its dunning included. A paused one stays paused.
// A *tasks.FieldError where amount or card is none that the subscription could have been added
// with, a Refusal where it has ended. The content is written anew even where it stays as it was: so
// it is sealed with the first of the payload keys.
func (c *Client) Change(ctx context.Context, id string, change tasks.Change, by Actor) (Applied, error) {
	if change.Amount == nil && change.Card == nil {
		return Applied{}, errNothingToChange
	}
	return c.request(ctx, id, by, func(s Stored, now time.Time) (Update, error) {
		if s.Err != nil {
			return Update{}, ContentError{s.Err}
		}
		before, err := tasks.DecodeStoredSubscription(s.Content)
		if err != nil {
			return Update{}, ContentError{}
		}
		after, err := before.With(change)
		if err != nil {
			return Update{}, err
		}
		d, err := s.Record.Change(now, after.Amount().Text(), by)
		return Update{Decision: d, Content: after.Payload()}, err
	})
}

// decider decides about a subscription as it was read.
type decider func(s Stored, now time.Time) (Update, error)

// recordOnly is a decision that needs nothing but the record.
func recordOnly(by Actor, decide func(Record, time.Time, Actor) (Decision, error)) decider {
	return func(s Stored, now time.Time) (Update, error) {
		d, err := decide(s.Record, now, by)
		return Update{Decision: d}, err
	}
}

// request decides, writes, and does what follows.
func (c *Client) request(ctx context.Context, id string, by Actor, decide decider) (Applied, error) {
	if err := by.valid(); err != nil {
		return Applied{}, err
	}
	found, err := c.find(ctx, id)
	if err != nil {
		return Applied{}, err
	}
	before, err := c.write(ctx, found, decide)
	if err != nil {
		return Applied{}, err
	}
	out := Applied{Before: view(before)}
	provider := before.Provider
	out.Deferred = c.followUp(ctx, provider, id)
	after, err := c.load(ctx, provider, id)
	if err != nil {
		return out, err
	}
	out.After = view(after.Record)
	return out, nil
}

// tries is how often a request is decided: a sweep may change the subscription in between, and the
// request does not depend on how far it is.
const tries = 20

// write decides and writes until no other change comes in between. It returns the record that the
// decision was made from.
func (c *Client) write(ctx context.Context, held Stored, decide decider) (Record, error) {
	id, provider := held.Record.ID, held.Record.Provider
	var before Record
	for range tries {
		before = held.Record
		now, err := c.config.Store.Now(ctx, provider)
		if err != nil {
			return before, err
		}
		update, err := decide(held, now)
		if err != nil {
			return before, fmt.Errorf("%s: %w", id, err)
		}
		answers, err := c.config.Store.Commit(ctx, update)
		if err != nil {
			return before, err
		}
		if !errors.Is(answers[0], ErrVersionChanged) {
			return before, answers[0]
		}
		history := update.Decision.Record.History
		written := history[len(history)-1]
		if held, err = c.load(ctx, provider, id); err != nil {
			return before, err
		}
		if slices.Contains(held.Record.History, written) {
			return before, nil // it was written, and only the reply was lost
		}
	}
	return before, fmt.Errorf("%s: %w", id, ErrVersionChanged)
}

// followUps is how often a subscription is swept after a request: once more where a worker swept it
// at the same time, and once more to close a period whose charge was just cancelled.
const followUps = 3

// followUp makes a request take effect at once, and not only with a worker's next sweep.
func (c *Client) followUp(ctx context.Context, provider, id string) error {
	var err error
	for range followUps {
		held, unread := c.load(ctx, provider, id)
		if unread != nil {
			return unread
		}
		if held.Record.State == Active {
			if err := c.config.Intake.CheckMemory(ctx); err != nil {
				return err // a charge might begin
			}
		}
		err = c.sweeper().SweepOne(ctx, provider, id)
		finished := held.Record.Open == nil || !held.Record.Open.Stop
		if err == nil && finished || err != nil && !errors.Is(err, ErrDeferred) {
			break
		}
	}
	return err
}
