package wiring

import (
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/spec"
	"github.com/remesa/remesa/providers/wire"
)

// Shared are what the accounts of a process share; the zero value is usable.
type Shared struct {
	// Tokens keeps provider tokens for all workers; nil means that each process logs in by itself.
	Tokens auth.Shared
	// OnRenewal, if set, is called with each renewal of a token, and its reason (auth.ReasonFirst
	// …).
	OnRenewal func(provider, reason string)
	// OnToken, if set, is called with each new token of an account: since when it is good, and when
	// it will be renewed.
	OnToken func(provider, account string, since, renewal time.Time)
	// OnContention, if set, is called when an account's fresh tokens are refused again and again.
	OnContention func(provider, account string)
}

// Tokens is the store of provider tokens that the workers share, nil without REMESA_TOKEN_KEY.
func Tokens(c *config.Config, rdb redis.UniversalClient) (auth.Shared, error) {
	key, err := c.Token()
	if err != nil || key == "" {
		return nil, err
	}
	return auth.NewRedis(rdb, key)
}

// Registry makes the client of each configured account. It dials nothing.
func Registry(c *config.Config, parts Shared) (providers.Registry, error) {
	r := providers.Registry{}
	for _, a := range c.Accounts() {
		client, err := Client(c, a, parts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a, err)
		}
		r.Add(providers.Account{Provider: a.Provider.Name, Name: a.Name, Client: client, Identity: a.Identity(), Live: a.Live()})
	}
	return r, nil
}

// Client makes the client of one account. It dials nothing.
func Client(c *config.Config, a config.Account, parts Shared) (any, error) {
	var fresh contention
	renewed := func(reason string) {
		if parts.OnRenewal != nil {
			parts.OnRenewal(a.Provider.Name, reason)
		}
		if fresh.record(reason, time.Now()) && parts.OnContention != nil {
			parts.OnContention(a.Provider.Name, a.Name)
		}
	}
	obtained := func(since, renewal time.Time) {
		if parts.OnToken != nil {
			parts.OnToken(a.Provider.Name, a.Name, since, renewal)
		}
	}
	return a.Settings.Client(spec.Parts{
		Wire: wire.Options{Timeout: c.RequestTimeout, Concurrency: 2 * c.Policy(a.Provider.Name).Concurrency},
		Auth: auth.Options{Account: a.Provider.Name + "/" + a.Name, Shared: parts.Tokens, Cooldown: c.CircuitCooldown, Renewed: renewed, Obtained: obtained},
	})
}
