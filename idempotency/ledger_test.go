package idempotency_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/idempotency/internal/idempotencytest"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/seal"
)

// start is where virtual clocks begin: in the past, because entries of the outcome stream are
// trimmed by the real time in their ids.
var start = time.Date(2020, 9, 15, 12, 0, 0, 0, time.UTC)

// fixtures makes ledgers on one Redis, each with a provider of its own.
func fixtures(rdb redis.UniversalClient) idempotencytest.Open {
	var n atomic.Int64
	return func(t *testing.T, p idempotency.Policy) idempotencytest.Fixture {
		provider := fmt.Sprintf("provider%d", n.Add(1))
		return fixture(t, rdb, provider, idempotency.Options{Default: p})
	}
}

// sealedFixtures are the same with payload keys.
func sealedFixtures(t *testing.T, rdb redis.UniversalClient) idempotencytest.Open {
	ring := sealtest.Ring(t, "a", "b")
	var n atomic.Int64
	return func(t *testing.T, p idempotency.Policy) idempotencytest.Fixture {
		f := fixture(t, rdb, fmt.Sprintf("sealed%d", n.Add(1)), idempotency.Options{Default: p, Seal: ring})
		raw := f.Outcomes
		f.Outcomes = func(t *testing.T) []map[string]string { return opened(t, ring, raw(t)) }
		return f
	}
}

func opened(t *testing.T, ring *seal.Ring, entries []map[string]string) []map[string]string {
	t.Helper()
	for _, entry := range entries {
		values := map[string]any{}
		for name, text := range entry {
			values[name] = text
		}
		if err := idempotency.OpenOutcome(ring, values); err != nil {
			t.Errorf("%s: %v", entry["event_id"], err)
		}
		for name, value := range values {
			entry[name], _ = value.(string)
		}
	}
	return entries
}

func fixture(t *testing.T, rdb redis.UniversalClient, provider string, o idempotency.Options) idempotencytest.Fixture {
	t.Helper()
	o.TestClock = true
	parts := o.Partitions.All(provider)
	clock := func(p idempotency.Partition) string { return "remesa:{" + p.String() + "}:clock" }
	for _, p := range parts {
		if err := rdb.Set(t.Context(), clock(p), start.UnixMilli(), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return idempotencytest.Fixture{
		Ledger: idempotency.NewRedis(rdb, o), Provider: provider,
		Another: func() *idempotency.Ledger { return idempotency.NewRedis(rdb, o) },
		Restart: func(t *testing.T) {
			for _, p := range parts {
				restart(t, rdb, p)
			}
		},
		Rewind: func(t *testing.T, k idempotency.Key) func() { return rewind(t, rdb, o.Partitions.Of(k), k) },
		Advance: func(d time.Duration) {
			for _, p := range parts {
				if err := rdb.IncrBy(context.Background(), clock(p), d.Milliseconds()).Err(); err != nil {
					t.Fatal(err)
				}
			}
		},
		Outcomes: func(t *testing.T) (all []map[string]string) {
			for _, p := range parts {
				all = append(all, outcomes(t, rdb, p.String())...)
			}
			return all
		},
	}
}

// restart makes the epoch name another run of the server than the present one. The embedded store
// tells no run, and its epoch goes back to a former one instead.
func restart(t *testing.T, rdb redis.UniversalClient, p idempotency.Partition) {
	t.Helper()
	key := "remesa:{" + p.String() + "}:epoch"
	text := rdb.Get(t.Context(), key).Val()
	if text == "" {
		return // nobody has begun an epoch of this partition
	}
	var e idempotency.Epoch
	if err := e.Parse(text); err != nil {
		t.Fatal(err)
	}
	if e.RunID != "" {
		e.RunID = "another"
	} else {
		e.Number--
	}
	if err := rdb.Set(t.Context(), key, e.Text(), 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func rewind(t *testing.T, rdb redis.UniversalClient, p idempotency.Partition, k idempotency.Key) func() {
	t.Helper()
	record, sequence := "remesa:{"+p.String()+"}:p:"+k.ID(), "remesa:{"+p.String()+"}:sequence"
	text, count := rdb.Get(t.Context(), record).Val(), rdb.Get(t.Context(), sequence).Val()
	if text == "" {
		t.Fatal("no record to go back to")
	}
	if count == "" {
		count = "0"
	}
	return func() {
		for key, value := range map[string]string{record: text, sequence: count} {
			if err := rdb.Set(t.Context(), key, value, 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func outcomes(t *testing.T, rdb redis.UniversalClient, partition string) []map[string]string {
	t.Helper()
	entries, err := rdb.XRange(t.Context(), idempotency.OutcomesKey(partition), "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]map[string]string, len(entries))
	for i, x := range entries {
		out[i] = map[string]string{}
		for name, value := range x.Values {
			out[i][name], _ = value.(string)
		}
	}
	return out
}

func TestConformance(t *testing.T) {
	t.Parallel()
	idempotencytest.Run(t, fixtures(redistest.Start(t).Client()))
}

// partitionedFixtures are ledgers whose providers have three partitions each.
func partitionedFixtures(rdb redis.UniversalClient) idempotencytest.Open {
	var n atomic.Int64
	return func(t *testing.T, p idempotency.Policy) idempotencytest.Fixture {
		provider := fmt.Sprintf("parted%d", n.Add(1))
		return fixture(t, rdb, provider, idempotency.Options{Default: p, Partitions: idempotency.Partitions{provider: 3}})
	}
}

func TestConformanceWithPartitions(t *testing.T) {
	t.Parallel()
	idempotencytest.Run(t, partitionedFixtures(redistest.Start(t).Client()))
}

func TestConformanceInMemory(t *testing.T) {
	t.Parallel()
	idempotencytest.Run(t, memoryFixtures(1))
}

func TestConformanceInMemoryWithPartitions(t *testing.T) {
	t.Parallel()
	idempotencytest.Run(t, memoryFixtures(3))
}

// memoryFixtures makes ledgers in memory whose providers have so many partitions.
func memoryFixtures(partitions int) idempotencytest.Open {
	var n atomic.Int64
	return func(_ *testing.T, p idempotency.Policy) idempotencytest.Fixture {
		m := idempotency.NewMemory()
		m.RunID = "first"
		var ms atomic.Int64
		ms.Store(start.UnixMilli())
		m.Now = func() time.Time { return time.UnixMilli(ms.Load()) }
		provider := fmt.Sprintf("memory%d", n.Add(1))
		parted := idempotency.Partitions{provider: partitions}
		o := idempotency.Options{Default: p, Partitions: parted}
		return idempotencytest.Fixture{
			Ledger: idempotency.NewLedger(m, o), Provider: provider,
			Another: func() *idempotency.Ledger { return idempotency.NewLedger(m, o) },
			Restart: func(*testing.T) { m.RunID = fmt.Sprint(n.Add(1)) },
			Rewind:  func(*testing.T, idempotency.Key) func() { return m.Snapshot() },
			Advance: func(d time.Duration) { ms.Add(d.Milliseconds()) },
			Outcomes: func(*testing.T) (all []map[string]string) {
				for _, part := range parted.All(provider) {
					all = append(all, m.Outcomes(part.String())...)
				}
				return all
			},
		}
	}
}

func TestConformanceWithPayloadKeys(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	idempotencytest.Run(t, sealedFixtures(t, rdb))
}

func TestConformanceOnACluster(t *testing.T) {
	t.Parallel()
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.Start(t, redistest.Cluster()).Addr()}})
	t.Cleanup(func() { _ = c.Close() })
	idempotencytest.Run(t, fixtures(c))
}

func TestConformanceOnTheEmbeddedStore(t *testing.T) {
	t.Parallel()
	c := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = c.Close() })
	idempotencytest.Run(t, fixtures(c))
}
