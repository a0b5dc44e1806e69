package wiring

import (
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/schedule"
	"github.com/remesa/remesa/seal"
)

// Ring is the payload keys; nil without REMESA_PAYLOAD_KEYS.
func Ring(c *config.Config) (*seal.Ring, error) {
	ring, err := seal.Parse(c.PayloadKeys.Reveal())
	if err != nil {
		return nil, fmt.Errorf("REMESA_PAYLOAD_KEYS: %w", err)
	}
	return ring, nil
}

// Subscriptions makes the store of subscriptions.
func Subscriptions(c *config.Config, rdb redis.UniversalClient) (*schedule.Store, error) {
	ring, err := Ring(c)
	if err != nil {
		return nil, err
	}
	return schedule.NewStore(rdb, schedule.StoreOptions{Seal: ring, OutcomesRetention: c.OutcomesRetention}), nil
}
