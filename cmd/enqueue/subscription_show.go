package main

import "github.com/remesa/remesa/internal/view"

type subscriptionShowCmd struct {
	ID string `arg:"" help:"The subscription's id."`
}

// Run prints one subscription.
func (c *subscriptionShowCmd) Run(a *app) error {
	client, err := a.subscriptions()
	if err != nil {
		return err
	}
	s, err := client.Get(a.ctx, c.ID)
	if err != nil {
		return a.failedRequest(err)
	}
	if err := a.print(view.NewShownSubscription(s)); err != nil {
		return err
	}
	return a.flush()
}
