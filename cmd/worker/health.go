package main

import (
	"cmp"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/remesa/remesa/internal/dashboard"
)

// knownTokens remembers when this worker's provider tokens were obtained. It is safe for concurrent
// use.
type knownTokens struct {
	mu sync.Mutex
	of map[string]tokenTimes // by provider/account
}

type tokenTimes struct{ since, renewal time.Time }

func (k *knownTokens) record(provider, account string, since, renewal time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.of[provider+"/"+account] = tokenTimes{since, renewal}
}

func (k *knownTokens) get(provider, account string) tokenTimes {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.of[provider+"/"+account]
}

// health is what this worker knows of its accounts at their providers.
func (s *service) health() []dashboard.AccountHealth {
	circuits := s.engine.Circuits()
	var all []dashboard.AccountHealth
	for _, a := range s.config.Accounts() {
		provider := a.Provider.Name
		token := s.tokens.get(provider, a.Name)
		all = append(all, dashboard.AccountHealth{
			Provider: provider, Account: a.Name, Circuit: dashboard.Circuit(circuits[provider+"/"+a.Name]), TokenSince: token.since,
			TokenRenewal: token.renewal, Rate: s.config.Policy(provider).Rate,
		})
	}
	slices.SortFunc(all, func(a, b dashboard.AccountHealth) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Account, b.Account))
	})
	return all
}

// workerName tells the worker whose page is shown from others.
func workerName() string {
	name, err := os.Hostname()
	if err != nil {
		return "this one"
	}
	return name
}
