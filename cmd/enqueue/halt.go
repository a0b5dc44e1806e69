package main

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/remesa/remesa/idempotency"
)

var accountForm = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// haltTarget names what is halted: a provider, or one of its accounts.
type haltTarget struct {
	Provider string     `required:"" enum:"${providers}" placeholder:"P" help:"${providers}."`
	Account  string     `placeholder:"A" help:"Only this account; without it all of the provider."`
	Actor    actorFlags `embed:""`
}

// Validate checks the account's form, and who and why.
func (h haltTarget) Validate() error {
	if h.Account != "" && !accountForm.MatchString(h.Account) {
		return usage("--account: must be 1 to 32 lower-case letters, digits and dashes")
	}
	return h.Actor.Validate()
}

type (
	haltCmd   struct{ haltTarget }
	unhaltCmd struct{ haltTarget }
)

// Run halts.
func (c *haltCmd) Run(a *app) error { return c.apply(a, a.ledger.Halt) }

// Run ends the halt of the same name; a halt of the whole provider and those of its accounts are
// independent.
func (c *unhaltCmd) Run(a *app) error { return c.apply(a, a.ledger.Unhalt) }

// apply halts or unhalts, and prints what is halted then.
func (h haltTarget) apply(a *app, change func(ctx context.Context, provider, account string, by idempotency.Actor) error) error {
	if err := change(a.ctx, h.Provider, h.Account, h.Actor.actor()); err != nil {
		return a.failed(err)
	}
	return h.print(a)
}

// halted is what halt and unhalt print: what is halted from now on, "*" for the whole provider.
type halted struct {
	Provider string   `json:"provider"`
	Account  string   `json:"account"`
	State    string   `json:"state"`
	Halted   []string `json:"halted"`
}

// accounts are what is halted, for a person.
func (a *app) accounts(halted []string) string {
	names := slices.Clone(halted)
	for i, name := range names {
		if name == idempotency.AllAccounts {
			names[i] = a.text.CLI.Halt.All
		}
	}
	return strings.Join(names, ", ")
}

func (h haltTarget) print(a *app) error {
	halts, err := a.ledger.Halts(a.ctx, h.Provider)
	if err != nil {
		return a.failed(err)
	}
	result := halted{Provider: h.Provider, Account: h.Account, State: "running", Halted: slices.Sorted(maps.Keys(halts))}
	if result.Account == "" {
		result.Account = idempotency.AllAccounts
	}
	if result.Halted == nil {
		result.Halted = []string{}
	}
	if halts[idempotency.AllAccounts] != "" || halts[result.Account] != "" {
		result.State = "halted"
	}
	if err := a.print(result); err != nil {
		return err
	}
	if len(result.Halted) > 0 {
		a.say(a.text.CLI.Halt.Halted(h.Provider, a.accounts(result.Halted)))
	}
	return a.flush()
}
