package wiring

import (
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/internal/config"
)

// Subscriptions makes the store of subscriptions.
func Subscriptions(c *config.Config, rdb redis.UniversalClient) (*billing.Store, error) {
	ring, err := c.Ring()
	if err != nil {
		return nil, err
	}
	return billing.NewStore(rdb, billing.StoreOptions{Seal: ring, OutcomesRetention: c.OutcomesRetention}), nil
}
