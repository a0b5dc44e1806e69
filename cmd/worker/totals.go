package main

import (
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/totals"
	"github.com/remesa/remesa/providers/catalog"
)

// newTotals counts the outcomes of every provider, not only of those that this worker serves: their
// producers register payments all the same.
func newTotals(rdb redis.UniversalClient, ledger *idempotency.Ledger, parts idempotency.Partitions, log zerolog.Logger) *totals.Totals {
	streams := map[string][]string{}
	for _, provider := range catalog.Names() {
		for _, p := range parts.All(provider) {
			streams[provider] = append(streams[provider], p.String())
		}
	}
	return totals.New(totals.Options{Redis: rdb, Streams: streams, Ledger: ledger, Log: log})
}
