package main

import (
	"fmt"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/internal/view"
)

type subscriptionListCmd struct {
	State    string `enum:",active,paused,ended" default:"" placeholder:"S" help:"Only this state: active, paused, ended."`
	Provider string `enum:",${providers}" default:"" placeholder:"P" help:"Only this provider: ${providers}."`
	JSON     bool   `name:"json" help:"JSON Lines: the objects of show, without periods and history."`
}

const subscriptionRow = "%-32s %-6s  %-17s %-13s %13s %-3s  %s\n"

// Run prints the subscriptions of all providers, those added first first.
func (c *subscriptionListCmd) Run(a *app) error {
	client, err := a.subscriptions()
	if err != nil {
		return err
	}
	if !c.JSON {
		_, _ = fmt.Fprintf(a.out, subscriptionRow, "ID", "STATE", "REASON", "PROVIDER", "AMOUNT", "CUR", "NEXT DUE")
	}
	for s, err := range client.List(a.ctx, billing.Filter{State: billing.State(c.State), Provider: c.Provider}) {
		if err != nil {
			return a.failed(err)
		}
		if err := c.print(a, view.NewSubscription(s)); err != nil {
			return err
		}
	}
	return a.flush()
}

func (c *subscriptionListCmd) print(a *app, s view.Subscription) error {
	if c.JSON {
		return a.print(s)
	}
	next := "-"
	if s.NextDue != nil {
		next = *s.NextDue
	}
	_, err := fmt.Fprintf(a.out, subscriptionRow, s.ID, s.State, s.Reason, s.Provider, s.Amount, s.Currency, next)
	return err
}
