package intake

import (
	"fmt"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/providers/spec"
	"github.com/remesa/remesa/tasks"
)

// Accounts are the accounts whose settings this process has, by provider. It is nil where there are
// none: then payments of every provider are accepted, and wait for a worker that has the
// credentials.
type Accounts map[string][]config.Account

// NewAccounts sorts accounts by their provider.
func NewAccounts(all []config.Account) Accounts {
	var by Accounts
	for _, a := range all {
		if by == nil {
			by = Accounts{}
		}
		by[a.Provider.Name] = append(by[a.Provider.Name], a)
	}
	return by
}

// check refuses what no worker with these settings would send.
func (k Accounts) check(provider, account string) error {
	_, ok := k[provider]
	switch _, found := k.find(provider, account); {
	case k == nil || found:
		return nil
	case !ok:
		return &tasks.FieldError{Path: "provider", Problem: provider + " has no credentials here, though other providers have"}
	default:
		return &tasks.FieldError{Path: "account", Problem: provider + " has no credentials for it here, though it has for others"}
	}
}

func (k Accounts) find(provider, name string) (config.Account, bool) {
	for _, a := range k[provider] {
		if a.Name == name {
			return a, true
		}
	}
	return config.Account{}, false
}

// checkTask also refuses a type of payment that the provider takes and the account has no settings
// for.
func (k Accounts) checkTask(t tasks.Task) error {
	if err := k.check(t.Provider(), t.Account()); err != nil {
		return err
	}
	kind := spec.Type(t.Type())
	if a, ok := k.find(t.Provider(), t.Account()); ok && a.Provider.Takes(kind) && !a.Makes(kind) {
		problem := fmt.Sprintf("%ss of %s are off here: its settings for %ss are not set", kind, a.Provider.Name, kind)
		return &tasks.FieldError{Path: "type", Problem: problem}
	}
	return nil
}
