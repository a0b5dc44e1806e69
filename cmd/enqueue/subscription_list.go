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

const subscriptionRow = "%-32s %-*s  %-17s %-13s %13s %-3s  %s\n"

// Run prints the subscriptions of all providers, those added first first.
func (c *subscriptionListCmd) Run(a *app) error {
	client, err := a.subscriptions()
	if err != nil {
		return err
	}
	if !c.JSON {
		head := a.tableText().CLI.Subscription
		_, _ = fmt.Fprintf(a.out, subscriptionRow, head.ID, a.stateWidth(), head.State, head.Reason, head.Provider, head.Amount, head.Currency, head.NextDue)
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
	_, err := fmt.Fprintf(a.out, subscriptionRow, s.ID, a.stateWidth(), a.subscriptionState(s.State), s.Reason, s.Provider,
		a.columnAmount(s.Amount, s.Currency), s.Currency, next)
	return err
}

// stateWidth is that of the column of states: for programs it has always been 6.
func (a *app) stateWidth() int {
	if a.toPeople {
		return 9
	}
	return 6
}

func (a *app) subscriptionState(s billing.State) string {
	words := a.tableText().CLI.Subscription
	switch s {
	case billing.Active:
		return words.Active
	case billing.Paused:
		return words.Paused
	case billing.Ended:
		return words.Ended
	}
	return string(s)
}
