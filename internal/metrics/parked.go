package metrics

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ParkStore is a store that counts the payments which wait until a reason ends, by reason: its kind,
// and behind a colon what it is about.
type ParkStore interface {
	ParkedCounts(ctx context.Context, provider string) (map[string]int64, error)
}

// Waiting collects at every scrape how many payments wait, by the kind of reason; accounts and keys
// are no labels. All workers report the same numbers: take the highest, never a sum.
type Parked struct {
	Ledger    ParkStore
	Providers []string
	// Timeout bounds a scrape's questions to the store; 2 s by default.
	Timeout time.Duration
}

// parkReasons are those of internal/engine and of the ledger: each is reported from the start,
// at zero, so that an alert sees it end. Others, a newer worker's, are reported as they come.
var parkReasons = []string{"account", "circuit", "halted", "key", "queue"}

var parkedDesc = prometheus.NewDesc("remesa_waiting_payments", "Payments that are not looked at until a reason ends.",
	[]string{"provider", "reason"}, nil)

// Describe implements prometheus.Collector.
func (w Parked) Describe(ch chan<- *prometheus.Desc) { ch <- parkedDesc }

// Collect implements prometheus.Collector. A provider that cannot be read is left out, so that no
// stale zero is scraped.
func (w Parked) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(w.Timeout, 2*time.Second))
	defer cancel()
	for _, p := range w.Providers {
		counts, err := w.Ledger.ParkedCounts(ctx, p)
		if err != nil {
			continue
		}
		for kind, n := range sumByKind(counts) {
			gauge(ch, parkedDesc, float64(n), p, kind)
		}
	}
}

func sumByKind(counts map[string]int64) map[string]int64 {
	kinds := map[string]int64{}
	for _, kind := range parkReasons {
		kinds[kind] = 0
	}
	for reason, n := range counts {
		kind, _, _ := strings.Cut(reason, ":")
		kinds[kind] += n
	}
	return kinds
}
