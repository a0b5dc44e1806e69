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

// Ledger makes the ledger with each provider's policy. Without a ring nothing is sealed; observe
// may be nil.
func Ledger(c *config.Config, rdb redis.UniversalClient, ring *seal.Ring, observe func(operation string, took time.Duration)) *idempotency.Ledger {
	return idempotency.NewRedis(rdb, idempotency.Options{
		Policies: Policies(c), Replicas: c.LedgerReplicas, Seal: ring, Observe: observe,
	})
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
