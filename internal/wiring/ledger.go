// Package wiring makes what both commands need from their configuration: the ledger, the store of
// subscriptions, and the registry of accounts. It dials nothing.
package wiring

import (
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/seal"
)

// Ledger makes a worker's ledger with each provider's policy. Without a ring nothing is sealed;
// observe may be nil.
func Ledger(c *config.Config, rdb redis.UniversalClient, ring *seal.Ring, observe func(operation string, took time.Duration)) *idempotency.Ledger {
	return idempotency.NewRedis(rdb, idempotency.Options{
		Policies: Policies(c), Partitions: Partitions(c), Replicas: c.LedgerReplicas, Seal: ring, Observe: observe,
	})
}

// ProducersLedger makes the ledger of a process that serves no queue: where the settings do not say
// how many partitions a provider has, it has as many as Redis says.
func ProducersLedger(c *config.Config, rdb redis.UniversalClient, ring *seal.Ring) *idempotency.Ledger {
	return idempotency.NewRedis(rdb, idempotency.Options{
		Policies: Policies(c), Partitions: c.SetPartitions(), Replicas: c.LedgerReplicas, Seal: ring,
	})
}

// Partitions is how many partitions each provider's payments are kept in.
func Partitions(c *config.Config) idempotency.Partitions {
	all := idempotency.Partitions{}
	for _, name := range catalog.Names() {
		all[name] = c.Policy(name).Partitions
	}
	return all
}

// Limits returns the brakes of each account.
func Limits(c *config.Config) func(provider, account string) idempotency.Limits {
	limits := map[string]idempotency.Limits{}
	for _, a := range c.Accounts() {
		b := c.Brakes(a.Provider.Name, a.Name)
		limits[a.String()] = idempotency.Limits{
			Amount: b.Amount, Doubt: b.Doubt, Lookalike: b.Lookalike,
			Hour: idempotency.Window{Sum: b.HourSum, Count: b.HourCount}, Day: idempotency.Window{Sum: b.DaySum, Count: b.DayCount},
		}
	}
	return func(provider, account string) idempotency.Limits { return limits[provider+"/"+account] }
}

// Policies are each provider's settings about payments in doubt.
func Policies(c *config.Config) map[string]idempotency.Policy {
	policies := map[string]idempotency.Policy{}
	for _, name := range catalog.Names() {
		p := c.Policy(name)
		policies[name] = idempotency.Policy{
			SettleTime: p.SettleTime, NotFoundInterval: p.NotFoundInterval, Confirmations: p.NotFoundConfirmations,
			Resend: p.Resend, MaxResends: p.MaxResends, PollDeadline: c.PollDeadline, Lease: c.Lease,
			Retention: c.LedgerRetention, OutcomesRetention: c.OutcomesRetention, PublishAll: c.Outcomes == config.AllOutcomes,
		}
	}
	return policies
}
