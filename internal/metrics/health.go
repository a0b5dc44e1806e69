package metrics

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
)

// Ledger is what LedgerHealth needs of the ledger.
type Ledger interface {
	HealthStats(ctx context.Context, provider string) (idempotency.HealthStats, error)
}

// LedgerHealth collects at every scrape the ages, anomalies and halts that alerts watch. All
// workers report the same numbers: take the highest, never a sum.
type LedgerHealth struct {
	Ledger    Ledger
	Providers []string
	// Timeout bounds a scrape's reads of the ledger; 2 s by default.
	Timeout time.Duration
}

var (
	oldestDesc = prometheus.NewDesc("remesa_payments_oldest_seconds",
		"How long the payment that has been in this state the longest has been in it.", []string{"provider", "state"}, nil)
	anomaliesOpenDesc = prometheus.NewDesc("remesa_anomalies_open", "Payments with an anomaly that nobody has cleared.", []string{"provider"}, nil)
	dueLagDesc        = prometheus.NewDesc("remesa_due_lag_seconds",
		"How long the payment that is due the longest has been waiting to be woken.", []string{"provider"}, nil)
	haltsDesc = prometheus.NewDesc("remesa_halts", "Halts that nobody has lifted.", []string{"provider"}, nil)
)

// Describe implements prometheus.Collector.
func (h LedgerHealth) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{oldestDesc, anomaliesOpenDesc, dueLagDesc, haltsDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (h LedgerHealth) Collect(ch chan<- prometheus.Metric) {
	readEach(h.Providers, h.Timeout, h.Ledger.HealthStats, func(p string, stats idempotency.HealthStats) {
		gauge(ch, anomaliesOpenDesc, float64(stats.Anomalies), p)
		gauge(ch, dueLagDesc, stats.DueLag.Seconds(), p)
		gauge(ch, haltsDesc, float64(stats.Halts), p)
		for _, state := range []idempotency.State{idempotency.InDoubt, idempotency.Held} {
			gauge(ch, oldestDesc, stats.Oldest[state].Seconds(), p, string(state))
		}
	})
}

// readEach reads something of each provider, all within the timeout, 2 s by default. A provider
// that cannot be read is left out, so that no stale zero is scraped.
func readEach[T any](providers []string, timeout time.Duration, read func(context.Context, string) (T, error), collect func(string, T)) {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(timeout, 2*time.Second))
	defer cancel()
	for _, p := range providers {
		if v, err := read(ctx, p); err == nil {
			collect(p, v)
		}
	}
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, n float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
}

// Redis collects at every scrape whether Redis answers and how full it is. In a cluster the fullest
// primary counts: the first that is full stops a provider.
type Redis struct {
	Client redis.UniversalClient
	// Timeout bounds a scrape's commands; 2 s by default.
	Timeout time.Duration
}

var (
	redisUpDesc     = prometheus.NewDesc("remesa_redis_up", "1 where Redis answers.", nil, nil)
	redisMemoryDesc = prometheus.NewDesc("remesa_redis_memory_bytes", "Memory that Redis uses.", nil, nil)
	redisShareDesc  = prometheus.NewDesc("remesa_redis_memory_ratio", "Share of maxmemory that Redis uses; absent without maxmemory.", nil, nil)
)

// Describe implements prometheus.Collector.
func (r Redis) Describe(ch chan<- *prometheus.Desc) {
	ch <- redisUpDesc
	ch <- redisMemoryDesc
	ch <- redisShareDesc
}

// Collect implements prometheus.Collector.
func (r Redis) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(r.Timeout, 2*time.Second))
	defer cancel()
	if err := r.Client.Ping(ctx).Err(); err != nil {
		gauge(ch, redisUpDesc, 0)
		return
	}
	gauge(ch, redisUpDesc, 1)
	used, share := r.memory(ctx)
	if used > 0 {
		gauge(ch, redisMemoryDesc, used)
	}
	if share > 0 {
		gauge(ch, redisShareDesc, share)
	}
}

// memory is the most of any primary, in bytes and as a share of maxmemory; zero is unknown.
func (r Redis) memory(ctx context.Context) (used, share float64) {
	var mu sync.Mutex
	read := func(ctx context.Context, node redis.Cmdable) {
		u, limit := memoryOf(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		used = max(used, u)
		if limit > 0 {
			share = max(share, u/limit)
		}
	}
	if cluster, ok := r.Client.(*redis.ClusterClient); ok {
		_ = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { read(ctx, node); return nil })
	} else {
		read(ctx, r.Client)
	}
	return used, share
}

func memoryOf(ctx context.Context, node redis.Cmdable) (used, limit float64) {
	text, err := node.Info(ctx, "memory").Result()
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "used_memory":
			used, _ = strconv.ParseFloat(value, 64)
		case "maxmemory":
			limit, _ = strconv.ParseFloat(value, 64)
		}
	}
	return used, limit
}
