package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/spec"
)

// Providers holds the account "default" of each provider of the catalog, the overrides of each, and
// the file of further accounts. NewProviders makes it: the zero value knows no provider.
type Providers struct {
	// Flags are the settings of each provider, as kong reads them.
	Flags kong.Plugins `embed:""`

	AccountsFile string `placeholder:"FILE" group:"Further accounts" help:"JSON list of further accounts: provider, account, the provider's settings by name (base_url), secrets as files (api_key_file)."`

	rows     []row
	accounts []Account
}

// row is one provider's settings, which stand in Flags.
type row struct {
	account   Account
	overrides *Overrides
	limits    *Limits
}

// DefaultAccount is the name of the account that the variables describe.
const DefaultAccount = "default"

// NewProviders has the settings of every provider, all unset.
func NewProviders() Providers {
	var p Providers
	for _, provider := range catalog.Providers() {
		flags, r := newRow(provider)
		p.Flags, p.rows = append(p.Flags, flags), append(p.rows, r)
	}
	return p
}

// newRow makes a struct with the provider's settings, overrides and limits, whose tags put the
// provider's name before each of their flags.
func newRow(provider spec.Provider) (flags any, r row) {
	tag := reflect.StructTag(fmt.Sprintf(`embed:"" prefix:"%s-" group:"%s"`, provider.Name, provider.Title))
	value := reflect.New(reflect.StructOf([]reflect.StructField{
		{Name: "Settings", Type: reflect.TypeOf(provider.Settings()).Elem(), Tag: tag},
		{Name: "Overrides", Type: reflect.TypeFor[Overrides](), Tag: tag},
		{Name: "Limits", Type: reflect.TypeFor[Limits](), Tag: tag},
	}))
	settings, _ := value.Elem().Field(0).Addr().Interface().(spec.Settings)
	overrides, _ := value.Elem().Field(1).Addr().Interface().(*Overrides)
	limits, _ := value.Elem().Field(2).Addr().Interface().(*Limits)
	return value.Interface(), row{Account{Provider: provider, Name: DefaultAccount, Settings: settings}, overrides, limits}
}

// Policy returns a provider's policy: its own settings, else those for all providers.
func (c *Config) Policy(provider string) Policy {
	for _, r := range c.rows {
		if r.account.Provider.Name == provider {
			return r.overrides.over(&c.Timing)
		}
	}
	return Overrides{}.over(&c.Timing)
}

// Settings are those of the provider's account "default", nil where there is no such provider.
func (p *Providers) Settings(provider string) spec.Settings {
	for _, r := range p.rows {
		if r.account.Provider.Name == provider {
			return r.account.Settings
		}
	}
	return nil
}

// Accounts lists the configured accounts, each provider's default first; complete after Complete.
func (p *Providers) Accounts() []Account { return slices.Clone(p.accounts) }

// LiveURLs reports whether any account talks to a provider off loopback.
func (p *Providers) LiveURLs() bool { return len(p.liveProviders()) > 0 }

func (p *Providers) liveProviders() []string {
	var names []string
	for _, a := range p.accounts {
		if a.Live() && !slices.Contains(names, a.Provider.Name) {
			names = append(names, a.Provider.Name)
		}
	}
	return names
}

func (p *Providers) complete() []error {
	problems := p.partitionsProblems()
	p.accounts = nil
	for _, r := range p.rows {
		a := r.account
		named := func(setting string) string { return variable(a.Provider.Name, setting) }
		problems = append(problems, overridesProblems(a.Provider.Name, *r.overrides, false)...)
		_, limitProblems := r.limits.read(named)
		problems = append(problems, limitProblems...)
		if !a.configured() {
			continue
		}
		problems = append(problems, a.problems(named)...)
		p.accounts = append(p.accounts, a)
	}
	if p.AccountsFile == "" {
		return problems
	}
	further, fileProblems := readAccounts(p.AccountsFile)
	p.accounts = append(p.accounts, further...)
	problems = append(problems, p.furtherLimitsProblems(further)...)
	return append(append(problems, fileProblems...), givenTwice(p.accounts)...)
}

// MaxPartitions is the most: each costs every worker three queues to look at.
const MaxPartitions = 64

// CheckPartitions checks the numbers of partitions alone: whoever reads a payment must know where
// it is, and needs no provider's credentials for that.
func (p *Providers) CheckPartitions() error { return errors.Join(p.partitionsProblems()...) }

// SetPartitions are the numbers of partitions that are set, by provider.
func (p *Providers) SetPartitions() map[string]int {
	set := map[string]int{}
	for _, r := range p.rows {
		if n := r.overrides.Partitions; n > 0 {
			set[r.account.Provider.Name] = n
		}
	}
	return set
}

func (p *Providers) partitionsProblems() []error {
	var problems []error
	for _, r := range p.rows {
		n, provider := r.overrides.Partitions, r.account.Provider
		setting := variable(provider.Name, "PARTITIONS")
		switch {
		case n < 0 || n > MaxPartitions:
			problems = append(problems, problem(setting, "must be between 1 and %d", MaxPartitions))
		case n > 1 && provider.Exclusive() != "":
			problems = append(problems, problem(setting,
				"must be 1: two payments of one %s could be in two partitions, where neither sees the other", provider.Exclusive()))
		case n > 1:
			for _, limit := range r.limits.counting(func(s string) string { return variable(provider.Name, s) }) {
				problems = append(problems, besideLimit(setting, limit))
			}
		}
	}
	return problems
}

// partitionsOf is the number that the variable of an account's provider sets.
func (p *Providers) partitionsOf(a Account) int {
	for _, r := range p.rows {
		if r.account.Provider.Name == a.Provider.Name {
			return r.overrides.Partitions
		}
	}
	return 0
}

// furtherLimitsProblems are those of further accounts' limits beside partitions.
func (p *Providers) furtherLimitsProblems(further []Account) []error {
	var problems []error
	for _, a := range further {
		if p.partitionsOf(a) <= 1 {
			continue
		}
		for _, limit := range a.limits.counting(strings.ToLower) {
			problems = append(problems, besideLimit(variable(a.Provider.Name, "PARTITIONS"), limit+" of the account "+a.String()))
		}
	}
	return problems
}

func besideLimit(setting, limit string) error {
	return problem(setting, "must be 1 beside %s: each partition would count by itself, and together they would let through more", limit)
}

// variable is the name of a setting's variable: of one provider, or of all where provider is empty.
func variable(provider, setting string) string {
	if provider == "" {
		return Prefix + setting
	}
	return Prefix + strings.ToUpper(provider) + "_" + setting
}
