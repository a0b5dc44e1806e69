package wiring

import (
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/schedule"
)

// Subscriptions makes the store of subscriptions.
func Subscriptions(c *config.Config, rdb redis.UniversalClient) (*schedule.Store, error) {
	ring, err := c.Ring()
	if err != nil {
		return nil, err
	}
	return schedule.NewStore(rdb, schedule.StoreOptions{Seal: ring, OutcomesRetention: c.OutcomesRetention}), nil
}
