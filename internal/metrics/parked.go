package metrics

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ParkStore counts the parked payments by reason: its kind, and behind a colon what it is about.
type ParkStore interface {
	ParkedCounts(ctx context.Context, provider string) (map[string]int64, error)
}

// Parked collects at every scrape how many payments are parked, by the kind of reason; accounts and
// keys are no labels. All workers report the same numbers: take the highest, never a sum.
type Parked struct {
	Ledger    ParkStore
	Providers []string
	// Timeout bounds a scrape's reads of the store; 2 s by default.
	Timeout time.Duration
}

// parkReasons are reported from the start, at zero, so that an alert sees its reason end. Other
// reasons are reported while payments are parked for them.
var parkReasons = []string{"account", "circuit", "halted", "key", "queue"}

var parkedDesc = prometheus.NewDesc("remesa_waiting_payments", "Payments that are parked until a reason ends.",
	[]string{"provider", "reason"}, nil)

// Describe implements prometheus.Collector.
func (c Parked) Describe(ch chan<- *prometheus.Desc) { ch <- parkedDesc }

// Collect implements prometheus.Collector.
func (c Parked) Collect(ch chan<- prometheus.Metric) {
	readEach(c.Providers, c.Timeout, c.Ledger.ParkedCounts, func(p string, counts map[string]int64) {
		for kind, n := range sumByKind(counts) {
			gauge(ch, parkedDesc, float64(n), p, kind)
		}
	})
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
