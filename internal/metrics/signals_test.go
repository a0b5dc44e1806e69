package metrics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers/auth"
)

// ledger has some signals, and fails for one provider.
type ledger struct{}

func (ledger) HealthStats(_ context.Context, provider string) (idempotency.HealthStats, error) {
	if provider == "away" {
		return idempotency.HealthStats{}, errors.New("away")
	}
	return idempotency.HealthStats{DueLag: 1500 * time.Millisecond, Anomalies: 2, Halts: 1,
		Oldest: map[idempotency.State]time.Duration{idempotency.InDoubt: 16 * time.Minute}}, nil
}

func TestSignals(t *testing.T) {
	t.Parallel()
	const want = `
# HELP remesa_anomalies_open Payments with an anomaly that nobody has cleared.
# TYPE remesa_anomalies_open gauge
remesa_anomalies_open{provider="virtualpos"} 2
# HELP remesa_halts Halts that nobody has lifted.
# TYPE remesa_halts gauge
remesa_halts{provider="virtualpos"} 1
# HELP remesa_payments_oldest_seconds How long the payment that has been in this state the longest has been in it.
# TYPE remesa_payments_oldest_seconds gauge
remesa_payments_oldest_seconds{provider="virtualpos",state="held"} 0
remesa_payments_oldest_seconds{provider="virtualpos",state="in_doubt"} 960
# HELP remesa_due_lag_seconds How long the payment that is due the longest has been waiting to be woken.
# TYPE remesa_due_lag_seconds gauge
remesa_due_lag_seconds{provider="virtualpos"} 1.5
`
	s := LedgerHealth{Ledger: ledger{}, Providers: []string{"away", "virtualpos"}}
	if err := testutil.CollectAndCompare(s, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// read gathers the metrics of one collector that have no labels.
func read(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(c)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		values[f.GetName()] = f.Metric[0].GetGauge().GetValue()
	}
	return values
}

func TestTheMemoryOfRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.MaxMemory("64mb"))
	rdb := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1})
	defer rdb.Close()
	before := read(t, Redis{Client: rdb})
	if before["remesa_redis_up"] != 1 || before["remesa_redis_memory_bytes"] <= 0 {
		t.Errorf("%v", before)
	}
	for n := range 16 {
		if err := rdb.Set(t.Context(), fmt.Sprint(n), strings.Repeat("x", 2<<20), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if share := read(t, Redis{Client: rdb})["remesa_redis_memory_ratio"]; share < 0.5 || share > 0.9 {
		t.Errorf("32 of 64 MiB and a little are a share of %g", share)
	}
	if err := rdb.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if share, there := read(t, Redis{Client: rdb})["remesa_redis_memory_ratio"]; there {
		t.Errorf("without a limit the share is %g", share)
	}
	s.Kill()
	if gone := read(t, Redis{Client: rdb, Timeout: time.Second}); len(gone) != 1 || gone["remesa_redis_up"] != 0 {
		t.Errorf("without Redis: %v", gone)
	}
}

func TestTheMemoryOfACluster(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Cluster(), redistest.MaxMemory("64mb"))
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}})
	defer rdb.Close()
	if got := read(t, Redis{Client: rdb}); got["remesa_redis_up"] != 1 || got["remesa_redis_memory_ratio"] <= 0 {
		t.Errorf("%v", got)
	}
}

// TestZerosFromTheStart: an alert on the first refused login needs the zero before it.
func TestZerosFromTheStart(t *testing.T) {
	t.Parallel()
	m := New(prometheus.NewRegistry())
	start := time.Unix(1000, 0)
	m.Serve(start, "pagoseguro")
	if n := testutil.CollectAndCount(m.tokens); n != len(tokenReasons) {
		t.Errorf("%d reasons", n)
	}
	if n := testutil.ToFloat64(m.last.WithLabelValues("pagoseguro")); n != 1000 {
		t.Errorf("last outcome before the first: %g", n)
	}
	m.Transitioned("pagoseguro", idempotency.Transition{Type: "charge", State: idempotency.Pending, At: start.Add(time.Minute)})
	m.Transitioned("pagoseguro", idempotency.Transition{Type: "charge", State: idempotency.Failed, At: start.Add(time.Second)})
	if n := testutil.ToFloat64(m.last.WithLabelValues("pagoseguro")); n != 1001 {
		t.Errorf("last outcome: %g, want that of the final one", n)
	}
}

func TestTheReasonsAreThoseOfTokens(t *testing.T) {
	t.Parallel()
	want := []string{auth.ReasonFirst, auth.ReasonAhead, auth.ReasonRejected, auth.FromOtherWorker, auth.ReasonRefused, auth.ReasonFailed}
	if strings.Join(tokenReasons, " ") != strings.Join(want, " ") {
		t.Errorf("%v, want %v", tokenReasons, want)
	}
}
