// Package config reads the settings of both commands from flags and environment. A command embeds
// the groups that it needs, parses with Options, and calls Complete: then every value is present,
// valid, and consistent with the others.
//
// Every setting is a flag, and a variable of the same name in capitals behind REMESA_ (but for
// OpenTelemetry's, which have no prefix); secrets may come from a file instead. No error and no
// warning of this package repeats a value: it names the setting, the shape of what was found and
// what to do.
package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// Config is every setting there is. New makes one: the zero value lacks those of the providers.
type Config struct {
	Redis     `embed:"" group:"Redis"`
	Ledger    `embed:"" group:"Ledger"`
	Timing    `embed:"" group:"Time limits and retries"`
	Providers `embed:""`
	Keys      `embed:"" group:"Keys"`
	HTTP      `embed:"" group:"HTTP"`
	API       `embed:"" group:"HTTP interface of enqueue serve"`
	Webhooks  `embed:"" group:"Webhooks to billing systems"`
	Logging   `embed:"" group:"Logging"`
	Tracing   `embed:"" group:"Traces"`
	People    `embed:"" group:"People"`
}

// New has every setting, unset.
func New() *Config { return &Config{Providers: NewProviders()} }

// Complete reads the files of secrets and checks every setting, alone and against the others. The
// error lists all problems.
func (c *Config) Complete() error { return Complete(c) }

// Warnings lists settings that are allowed and that an operator should know of.
func (c *Config) Warnings() []string {
	warnings := slices.Concat(c.Ledger.warnings(), c.HTTP.warnings(), c.Redis.warnings(), c.Webhooks.warnings(), c.secretWarnings())
	for _, p := range c.liveProviders() {
		if settle := c.Policy(p).SettleTime; settle < leastSettleTime {
			warnings = append(warnings, fmt.Sprintf("%s is %s with a real provider: below %s a late execution may be taken for none",
				variable(p, "SETTLE_TIME"), settle, leastSettleTime))
		}
	}
	return warnings
}

// secretWarnings are those about the files that hold secrets, of further accounts too.
func (c *Config) secretWarnings() []string {
	warnings := openSecrets(reflect.ValueOf(c).Elem(), "", func(flag string) string { return variables()[flag] })
	for _, a := range c.accounts {
		if a.Name == DefaultAccount {
			continue
		}
		for _, w := range openSecrets(reflect.ValueOf(a.Settings).Elem(), "", jsonName) {
			warnings = append(warnings, fmt.Sprintf("%s: %s: %s", accountsSetting, a, w))
		}
	}
	return warnings
}

// Complete does for the groups that a command embeds what Config.Complete does for all of them;
// hand in pointers.
func Complete(groups ...any) error {
	var problems []error
	for _, g := range groups {
		problems = append(problems, readSecretFiles(g)...)
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	for _, g := range groups {
		problems = append(problems, check(g)...)
	}
	return errors.Join(problems...)
}

func check(group any) []error {
	switch g := group.(type) {
	case *Config:
		return checkAll(g)
	case interface{ complete() []error }:
		return g.complete()
	default:
		return []error{fmt.Errorf("%T is not a group of settings", group)}
	}
}

func checkAll(c *Config) []error {
	var problems []error
	for _, g := range []interface{ complete() []error }{&c.Redis, &c.Ledger, &c.Timing, &c.Providers, &c.Keys, &c.HTTP, &c.API, &c.Webhooks, &c.Logging, &c.Tracing, &c.People} {
		problems = append(problems, g.complete()...)
	}
	return append(problems, c.resendProblems()...)
}

// resendProblems refuses to send a payment again because it was not found, where an account says
// that this proves nothing.
func (c *Config) resendProblems() []error {
	var problems []error
	reported := map[string]bool{}
	for _, a := range c.Accounts() {
		why, name := a.Settings.Requirements().HoldOnly, a.Provider.Name
		if why == "" || reported[name] || !c.Policy(name).Resend {
			continue
		}
		reported[name] = true
		problems = append(problems, problem(variable(name, "ON_NOT_FOUND"), "must be hold while %s %s", a, why))
	}
	return problems
}

func problem(setting, format string, args ...any) error {
	return fmt.Errorf("%s: %s", setting, fmt.Sprintf(format, args...))
}
