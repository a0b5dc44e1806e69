package metrics

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Deliver reports zeros for these receivers of webhooks from now on, for each result.
func (m *Metrics) Deliver(receivers, results []string) {
	for _, to := range receivers {
		for _, result := range results {
			m.deliveries.WithLabelValues(to, result).Add(0)
		}
	}
}

// Delivered counts results of deliveries.
func (m *Metrics) Delivered(receiver, result string, n int64) {
	m.deliveries.WithLabelValues(receiver, result).Add(float64(n))
}

// Webhooks collects at every scrape what waits for the receivers of webhooks. All workers report
// the same numbers: take the highest, never a sum.
type Webhooks struct {
	Store interface {
		Backlog(ctx context.Context, receiver string) (open, parked int64, lag time.Duration, err error)
	}
	Receivers []string
	// Timeout bounds a scrape's reads of Redis; 2 s by default.
	Timeout time.Duration
}

var (
	webhooksOpenDesc = prometheus.NewDesc("remesa_webhooks_open",
		"Events that are being delivered to the receiver, or wait to be tried again.", []string{"receiver"}, nil)
	webhooksParkedDesc = prometheus.NewDesc("remesa_webhooks_parked",
		"Events that the receiver did not take for three days, given up until a person has them sent again.", []string{"receiver"}, nil)
	webhooksLagDesc = prometheus.NewDesc("remesa_webhooks_lag_seconds",
		"How long the oldest event has been waiting that is neither delivered to the receiver nor parked.", []string{"receiver"}, nil)
)

// Describe implements prometheus.Collector.
func (w Webhooks) Describe(ch chan<- *prometheus.Desc) {
	ch <- webhooksOpenDesc
	ch <- webhooksParkedDesc
	ch <- webhooksLagDesc
}

// Collect implements prometheus.Collector. A receiver whose state cannot be read is left out, so
// that no stale zero is scraped.
func (w Webhooks) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(w.Timeout, 2*time.Second))
	defer cancel()
	for _, to := range w.Receivers {
		open, parked, lag, err := w.Store.Backlog(ctx, to)
		if err != nil {
			continue
		}
		gauge(ch, webhooksOpenDesc, float64(open), to)
		gauge(ch, webhooksParkedDesc, float64(parked), to)
		gauge(ch, webhooksLagDesc, lag.Seconds(), to)
	}
}
