package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/tasks"
)

// subject is a subscription and who takes a step on it.
type subject struct {
	ID     string `arg:"" help:"The subscription's id."`
	Person person `embed:""`
}

// Validate checks who and why; in a subscription's history the name ends at a bar.
func (s subject) Validate() error {
	if strings.Contains(s.Person.By, "|") {
		return usage(`--by must not hold a "|"`)
	}
	return s.Person.Validate()
}

func (s subject) person() billing.Actor {
	return billing.Actor{By: s.Person.By, Note: s.Person.Note}
}

// planner plans a step on a subscription as it was read.
type planner func(s billing.Stored, now time.Time) (billing.Update, error)

// planning is a step that needs nothing but the record.
func (s subject) planning(do func(r billing.Record, now time.Time, by billing.Actor) (billing.Decision, error)) planner {
	return func(held billing.Stored, now time.Time) (billing.Update, error) {
		plan, err := do(held.Record, now, s.person())
		return billing.Update{Decision: plan}, err
	}
}

type subscriptionPauseCmd struct {
	Subject subject `embed:""`
}

// Validate checks who and why.
func (c *subscriptionPauseCmd) Validate() error { return c.Subject.Validate() }

// Run pauses.
func (c *subscriptionPauseCmd) Run(a *app) error {
	return a.step(c.Subject.ID, c.Subject.planning(billing.Record.Pause))
}

type subscriptionResumeCmd struct {
	Subject subject `embed:""`
}

// Validate checks who and why.
func (c *subscriptionResumeCmd) Validate() error { return c.Subject.Validate() }

// Run resumes.
func (c *subscriptionResumeCmd) Run(a *app) error {
	return a.step(c.Subject.ID, c.Subject.planning(billing.Record.Resume))
}

type subscriptionCancelCmd struct {
	Subject subject `embed:""`
}

// Validate checks who and why.
func (c *subscriptionCancelCmd) Validate() error { return c.Subject.Validate() }

// Run cancels.
func (c *subscriptionCancelCmd) Run(a *app) error {
	return a.step(c.Subject.ID, c.Subject.planning(billing.Record.Cancel))
}

// step plans, writes, does what follows, and prints the subscription.
func (a *app) step(id string, plan planner) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	s, err := a.subscriptions()
	if err != nil {
		return err
	}
	held, err := s.load(id)
	if err != nil {
		return err
	}
	provider := held.Record.Provider
	if err := s.write(held, plan); err != nil {
		return err
	}
	if err := s.follow(client, provider, id); err != nil {
		a.say("%s: this is written; what follows from it is left to the workers: %s", id, err)
	}
	if held, err = s.loadFrom(provider, id); err != nil {
		return err
	}
	if err := a.print(newSubscription(held.Record)); err != nil {
		return err
	}
	return a.flush()
}

// tries is how often a step is planned: the sweep may move the subscription in between, and the step is about the subscription however
// far it is.
const tries = 20

// write plans and writes until the subscription did not move meanwhile.
func (s *subscriptions) write(held billing.Stored, plan planner) error {
	id, provider, written := held.Record.ID, held.Record.Provider, ""
	for range tries {
		if slices.Contains(held.Record.History, written) {
			return nil // it was written, and only the answer was lost
		}
		now, err := s.store.Now(s.app.ctx, provider)
		if err != nil {
			return s.app.failed(err)
		}
		change, err := plan(held, now)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		answers, err := s.store.Commit(s.app.ctx, change)
		if err != nil {
			return s.app.failed(err)
		}
		if !errors.Is(answers[0], billing.ErrMoved) {
			return s.app.failed(answers[0])
		}
		history := change.Decision.Record.History
		written = history[len(history)-1]
		if held, err = s.loadFrom(provider, id); err != nil {
			return err
		}
	}
	return named(id, billing.ErrMoved)
}

// looks is how often a subscription is looked at after a step: once more where a worker looked at the same time, and once more to settle a
// period whose charge was just cancelled.
const looks = 3

// follow makes a step take effect at once; without it, it would with a worker's next sweep.
func (s *subscriptions) follow(client *tasks.Client, provider, id string) error {
	var err error
	for range looks {
		held, unread := s.loadFrom(provider, id)
		if unread != nil {
			return unread
		}
		if held.Record.State == billing.Active {
			if err := client.Room(s.app.ctx); err != nil {
				return err // a charge might begin
			}
		}
		err = s.sweeper(client).SweepOne(s.app.ctx, provider, id)
		settled := held.Record.Open == nil || !held.Record.Open.Stop
		if err == nil && settled || err != nil && !errors.Is(err, billing.ErrDeferred) {
			break
		}
	}
	return err
}
