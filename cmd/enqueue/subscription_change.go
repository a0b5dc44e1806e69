package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/tasks"
)

type subscriptionChangeCmd struct {
	Request request `embed:""`
	Amount  *string `placeholder:"AMOUNT" help:"The amount of each period from the next one on, in the subscription's currency."`
	Card    string  `placeholder:"FILE" help:"File with the new card as a JSON object, as in the subscription (- is stdin)."`
}

// Validate wants something to change.
func (c *subscriptionChangeCmd) Validate() error {
	if c.Amount == nil && c.Card == "" {
		return usage("give --amount, --card or both")
	}
	return c.Request.Validate()
}

// maxCardFile bounds the file of a card.
const maxCardFile = 64 << 10

// Run changes.
func (c *subscriptionChangeCmd) Run(a *app) error {
	change, err := c.change()
	if err != nil {
		return err
	}
	client, err := a.subscriptionWriter()
	if err != nil {
		return err
	}
	id := c.Request.ID
	applied, err := client.Change(a.ctx, id, change, c.Request.actor())
	if err := a.printApplied(id, applied, err); err != nil {
		return err
	}
	if before := applied.Before; before.State == billing.Paused {
		a.say(a.text.CLI.Subscription.StillPaused(id, before.Reason))
	}
	return nil
}

func (c *subscriptionChangeCmd) change() (tasks.Change, error) {
	change := tasks.Change{Amount: c.Amount}
	if c.Card == "" {
		return change, nil
	}
	in, err := openInput(c.Card)
	if err != nil {
		return change, fmt.Errorf("card: %w", err)
	}
	defer in.Close()
	if change.Card, err = io.ReadAll(io.LimitReader(in, maxCardFile)); err != nil {
		return change, errors.New("card: cannot be read")
	}
	return change, nil
}
