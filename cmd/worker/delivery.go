package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/delivery"
	"github.com/remesa/remesa/internal/engine"
	"github.com/remesa/remesa/internal/metrics"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/seal"
)

// newDeliveries sends the outcomes of all providers to billing systems, those that this worker does
// not serve included; nil without REMESA_WEBHOOKS_FILE.
func newDeliveries(c *config.Config, rdb redis.UniversalClient, ring *seal.Ring, reg *prometheus.Registry, m *metrics.Metrics, log zerolog.Logger) (*delivery.Service, error) {
	to := c.Receivers()
	if len(to) == 0 {
		return nil, nil //nolint:nilnil // nobody wants webhooks, which is no error
	}
	var names []string
	for _, r := range to {
		names = append(names, r.Name)
	}
	m.Deliver(names, delivery.Results())
	reg.MustRegister(metrics.Webhooks{Store: delivery.NewStore(rdb, catalog.Names()...), Receivers: names})
	return delivery.New(delivery.Options{
		Redis: rdb, Receivers: to, Providers: catalog.Names(), Ring: ring, Log: log, Count: m.Delivered,
		RetryBase: c.RetryBase, RetryMax: c.RetryMax, FastPath: c.Notices(), OnFaultPoint: deliveryFaults(faultPoints(log)),
	})
}

// deliveryFaults lets the fault tests stop a worker at the fault points of a delivery too.
func deliveryFaults(at func(engine.FaultPoint, idempotency.Key)) func(string) {
	if at == nil {
		return nil
	}
	return func(point string) { at(engine.FaultPoint(point), idempotency.Key{}) }
}
