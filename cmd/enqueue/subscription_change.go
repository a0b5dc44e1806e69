package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/tasks"
)

type subscriptionChangeCmd struct {
	Subject subject `embed:""`
	Amount  *string `placeholder:"AMOUNT" help:"The amount of each period from the next one on, in the subscription's currency."`
	Card    string  `placeholder:"FILE" help:"File with the new card as a JSON object, as in the subscription (- is stdin)."`
}

// Validate wants something to change.
func (c *subscriptionChangeCmd) Validate() error {
	if c.Amount == nil && c.Card == "" {
		return usage("give --amount, --card or both")
	}
	return c.Subject.Validate()
}

// longestCard bounds the file of a card.
const longestCard = 64 << 10

// Run changes.
func (c *subscriptionChangeCmd) Run(a *app) error {
	change := tasks.Change{Amount: c.Amount}
	if c.Card != "" {
		in, err := openInput(c.Card)
		if err != nil {
			return fmt.Errorf("card: %w", err)
		}
		defer in.Close()
		if change.Card, err = io.ReadAll(io.LimitReader(in, longestCard)); err != nil {
			return errors.New("card: cannot be read")
		}
	}
	paused := "" // why
	err := a.step(c.Subject.ID, func(s billing.Stored, now time.Time) (billing.Update, error) {
		if s.Record.State == billing.Paused {
			paused = s.Record.Reason
		}
		return c.plan(s, change, now)
	})
	if err == nil && paused != "" {
		a.say("%s is still paused (%s): `enqueue subscription resume %s` lets it go on", c.Subject.ID, paused, c.Subject.ID)
	}
	return err
}

// plan writes the content even where it stays as it was: so it is sealed with the first of the
// payload keys.
func (c *subscriptionChangeCmd) plan(s billing.Stored, change tasks.Change, now time.Time) (billing.Update, error) {
	if s.Err != nil {
		return billing.Update{}, fmt.Errorf("its content: %w", s.Err)
	}
	before, err := tasks.DecodeStoredSubscription(s.Content)
	if err != nil {
		return billing.Update{}, errors.New("its content cannot be read")
	}
	after, err := before.With(change)
	if err != nil {
		return billing.Update{}, err
	}
	plan, err := s.Record.Change(now, after.Amount().Text(), c.Subject.person())
	return billing.Update{Decision: plan, Content: after.Payload()}, err
}
