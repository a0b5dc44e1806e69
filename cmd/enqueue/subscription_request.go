package main

import (
	"context"
	"strings"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/internal/view"
)

// request is about one subscription: which, who changes it, and why.
type request struct {
	ID    string     `arg:"" help:"The subscription's id."`
	Actor actorFlags `embed:""`
}

// Validate checks who and why; in a subscription's history the name ends at a bar.
func (r request) Validate() error {
	if strings.Contains(r.Actor.By, "|") {
		return usage(`--by must not hold a "|"`)
	}
	return r.Actor.Validate()
}

func (r request) actor() billing.Actor {
	return billing.Actor{By: r.Actor.By, Note: r.Actor.Note}
}

type subscriptionPauseCmd struct {
	Request request `embed:""`
}

// Validate checks who and why.
func (c *subscriptionPauseCmd) Validate() error { return c.Request.Validate() }

// Run pauses.
func (c *subscriptionPauseCmd) Run(a *app) error {
	return a.apply(c.Request, (*billing.Client).Pause)
}

type subscriptionResumeCmd struct {
	Request request `embed:""`
}

// Validate checks who and why.
func (c *subscriptionResumeCmd) Validate() error { return c.Request.Validate() }

// Run resumes.
func (c *subscriptionResumeCmd) Run(a *app) error {
	return a.apply(c.Request, (*billing.Client).Resume)
}

type subscriptionCancelCmd struct {
	Request request `embed:""`
}

// Validate checks who and why.
func (c *subscriptionCancelCmd) Validate() error { return c.Request.Validate() }

// Run cancels.
func (c *subscriptionCancelCmd) Run(a *app) error {
	return a.apply(c.Request, (*billing.Client).Cancel)
}

// apply carries a request out and prints the subscription.
func (a *app) apply(r request, do func(*billing.Client, context.Context, string, billing.Actor) (billing.Applied, error)) error {
	client, err := a.subscriptionWriter()
	if err != nil {
		return err
	}
	applied, err := do(client, a.ctx, r.ID, r.actor())
	return a.printApplied(r.ID, applied, err)
}

func (a *app) printApplied(id string, applied billing.Applied, err error) error {
	if applied.Deferred != nil {
		a.say(a.text.CLI.Subscription.Deferred(id, applied.Deferred.Error()))
	}
	if err != nil {
		return a.failedRequest(err)
	}
	if err := a.print(view.NewSubscription(applied.After)); err != nil {
		return err
	}
	return a.flush()
}
