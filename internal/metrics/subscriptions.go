package metrics

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Subscriptions collects at every scrape how many subscriptions are due, and how late the sweep is.
// All workers report the same numbers: take the highest, never a sum.
type Subscriptions struct {
	Store interface {
		Backlog(ctx context.Context, provider string) (int64, time.Duration, error)
	}
	Providers []string
	// Timeout bounds a scrape's reads of the store; 2 s by default.
	Timeout time.Duration
}

var (
	subscriptionsDueDesc = prometheus.NewDesc("remesa_subscriptions_due",
		"Subscriptions that are due and that no sweep has processed yet.", []string{"provider"}, nil)
	subscriptionsLagDesc = prometheus.NewDesc("remesa_subscriptions_lag_seconds",
		"How long the subscription that is due the longest has been waiting for a sweep.", []string{"provider"}, nil)
)

// Describe implements prometheus.Collector.
func (s Subscriptions) Describe(ch chan<- *prometheus.Desc) {
	ch <- subscriptionsDueDesc
	ch <- subscriptionsLagDesc
}

// Collect implements prometheus.Collector. A provider that cannot be read is left out, so that no
// stale zero is scraped.
func (s Subscriptions) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(s.Timeout, 2*time.Second))
	defer cancel()
	for _, p := range s.Providers {
		due, lag, err := s.Store.Backlog(ctx, p)
		if err != nil {
			continue
		}
		gauge(ch, subscriptionsDueDesc, float64(due), p)
		gauge(ch, subscriptionsLagDesc, lag.Seconds(), p)
	}
}
