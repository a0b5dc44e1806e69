package main

import (
	"cmp"
	"fmt"
	"iter"

	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/schedule"
)

type subscriptionListCmd struct {
	State    string `enum:",active,paused,ended" default:"" placeholder:"S" help:"Only this state: active, paused, ended."`
	Provider string `enum:",${providers}" default:"" placeholder:"P" help:"Only this provider: ${providers}."`
	JSON     bool   `name:"json" help:"JSON Lines: the objects of show, without periods and history."`
}

const subscriptionRow = "%-32s %-6s  %-17s %-13s %13s %-3s  %s\n"

// Run prints the subscriptions of all providers, those added first first.
func (c *subscriptionListCmd) Run(a *app) error {
	s, err := a.subscriptions()
	if err != nil {
		return err
	}
	if !c.JSON {
		_, _ = fmt.Fprintf(a.out, subscriptionRow, "ID", "STATE", "REASON", "PROVIDER", "AMOUNT", "CUR", "NEXT DUE")
	}
	for r, err := range c.records(s) {
		if err != nil {
			return a.failed(err)
		}
		if err := c.print(a, newSubscription(r)); err != nil {
			return err
		}
	}
	return a.flush()
}

func (c *subscriptionListCmd) records(s *subscriptions) iter.Seq2[schedule.Record, error] {
	var lists []iter.Seq2[schedule.Record, error]
	for _, name := range catalog.Names() {
		if c.Provider == "" || c.Provider == name {
			lists = append(lists, c.recordsOf(s, name))
		}
	}
	return merge(func(a, b schedule.Record) int { return cmp.Compare(a.Added, b.Added) }, lists...)
}

func (c *subscriptionListCmd) recordsOf(s *subscriptions, provider string) iter.Seq2[schedule.Record, error] {
	return func(yield func(schedule.Record, error) bool) {
		stopped := false
		err := s.store.List(s.app.ctx, provider, func(r schedule.Record) bool {
			if c.State != "" && c.State != string(r.State) {
				return true
			}
			stopped = !yield(r, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(schedule.Record{}, err)
		}
	}
}

func (c *subscriptionListCmd) print(a *app, s subscription) error {
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
