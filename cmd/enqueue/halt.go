package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/remesa/remesa/idempotency"
)

// haltTarget names what is halted: a provider, or one of its accounts.
type haltTarget struct {
	Provider string     `required:"" enum:"${providers}" placeholder:"P" help:"${providers}."`
	Account  string     `placeholder:"A" help:"Only this account; without it all of the provider."`
	Person   actorFlags `embed:""`
}

var accountForm = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// Validate checks the account's form, and who and why.
func (b haltTarget) Validate() error {
	if b.Account != "" && !accountForm.MatchString(b.Account) {
		return usage("--account: must be 1 to 32 lower-case letters, digits and dashes")
	}
	return b.Person.Validate()
}

type haltCmd struct {
	Brake haltTarget `embed:""`
}

// Validate checks what is halted, who and why.
func (c *haltCmd) Validate() error { return c.Brake.Validate() }

// Run halts.
func (c *haltCmd) Run(a *app) error {
	b := c.Brake
	if err := a.ledger.Halt(a.ctx, b.Provider, b.Account, b.Person.actor()); err != nil {
		return a.failed(err)
	}
	return b.print(a)
}

type unhaltCmd struct {
	Brake haltTarget `embed:""`
}

// Validate checks what is unhalted, who and why.
func (c *unhaltCmd) Validate() error { return c.Brake.Validate() }

// Run lets go what was halted under the same name; a halt of the whole provider and those of its accounts are independent.
func (c *unhaltCmd) Run(a *app) error {
	b := c.Brake
	if err := a.ledger.Unhalt(a.ctx, b.Provider, b.Account, b.Person.actor()); err != nil {
		return a.failed(err)
	}
	return b.print(a)
}

// halted is the answer to halt and unhalt: what is halted from now on, "*" for the whole provider.
type halted struct {
	Provider string   `json:"provider"`
	Account  string   `json:"account"`
	State    string   `json:"state"`
	Halted   []string `json:"halted"`
}

func (b haltTarget) print(a *app) error {
	halts, err := a.ledger.Halts(a.ctx, b.Provider)
	if err != nil {
		return a.failed(err)
	}
	h := halted{Provider: b.Provider, Account: b.Account, State: "running", Halted: slices.Sorted(maps.Keys(halts))}
	if h.Account == "" {
		h.Account = idempotency.AllAccounts
	}
	if h.Halted == nil {
		h.Halted = []string{}
	}
	if halts[idempotency.AllAccounts] != "" || halts[h.Account] != "" {
		h.State = "halted"
	}
	if err := a.print(h); err != nil {
		return err
	}
	if len(h.Halted) > 0 {
		a.notice("halted for %s: %s", b.Provider, strings.Join(h.Halted, ", "))
	}
	return a.flush()
}
