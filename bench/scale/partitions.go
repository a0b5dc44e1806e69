package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/bench/redisserver"
	"github.com/remesa/remesa/bench/rig"
	"github.com/remesa/remesa/idempotency"
)

// masters is how many a provider's partitions are spread over. One Redis would not do: it is the
// same process, with one processor, however many partitions it has.
const masters = 3

// store is what a measurement asks of one Redis, or of several.
type store struct {
	// cpu is how long each server was busy so far.
	cpu func(ctx context.Context) ([]time.Duration, error)
	// open is how many payments are not final.
	open func(ctx context.Context) (int64, error)
}

func oneServer(redis *redisserver.Server) store {
	return store{
		cpu: func(ctx context.Context) ([]time.Duration, error) {
			d, err := redis.CPU(ctx)
			return []time.Duration{d}, err
		},
		open: func(ctx context.Context) (int64, error) {
			return redis.Client.ZCard(ctx, "remesa:{"+provider+"}:states").Result()
		},
	}
}

func cluster(c *redisserver.Cluster, partitions int) store {
	return store{
		cpu: func(ctx context.Context) ([]time.Duration, error) {
			var all []time.Duration
			for _, s := range c.Masters {
				d, err := s.CPU(ctx)
				if err != nil {
					return nil, err
				}
				all = append(all, d)
			}
			return all, nil
		},
		open: func(ctx context.Context) (n int64, err error) {
			for _, part := range (idempotency.Partitions{provider: partitions}).All(provider) {
				some, err := c.Client.ZCard(ctx, "remesa:{"+part.String()+"}:states").Result()
				if err != nil {
					return 0, err
				}
				n += some
			}
			return n, nil
		},
	}
}

// spread is what was measured with a provider's payments in so many partitions.
type spread struct {
	partitions int
	paid
}

// spread pays with a provider in partitions over a cluster whose masters are all on this machine,
// beside nothing else.
func (p plan) spread(ctx context.Context, dir string, partitions int) (s spread, err error) {
	s.partitions = partitions
	c, err := redisserver.StartCluster(ctx, masters, rig.Durable(p.fsync)...)
	if err != nil {
		return s, err
	}
	defer c.Stop()
	simulator, err := rig.StartSimulator(ctx, filepath.Join(dir, "simulator"), 0)
	if err != nil {
		return s, err
	}
	defer simulator.Stop()
	r := rig.Remesa{
		Bin: dir, URL: c.URL(), Fsync: p.fsync, Simulator: simulator.URL,
		Settings: []string{fmt.Sprintf("REMESA_VIRTUALPOS_PARTITIONS=%d", partitions)},
	}
	s.paid, err = p.pay(ctx, filepath.Join(dir, "payouts.jsonl"), r, simulator, cluster(c, partitions), 0, slices.Max(p.workers))
	fmt.Fprintf(os.Stderr, "%d partitions over %d masters: %.0f payouts a second, %.0f µs of the busiest master\n", partitions, masters, s.rate, s.busiest)
	return s, err
}

// spreadTable is the table of partitions; empty where none were measured.
func (p plan) spreadTable(all []spread) string {
	if len(all) == 0 {
		return ""
	}
	var t strings.Builder
	fmt.Fprintf(&t, "\nOne provider in partitions over a Redis Cluster of %d masters on the same machine, %d worker processes, an empty ledger. The masters, the workers "+
		"and the simulator share its processors, so that the rate says little; what a master is busy for each payout of all says how far they go.\n\n",
		masters, slices.Max(p.workers))
	row := func(name string, of func(spread) string) {
		fmt.Fprintf(&t, "| %s |", name)
		for _, s := range all {
			fmt.Fprintf(&t, " %s |", of(s))
		}
		fmt.Fprintln(&t)
	}
	row("partitions", func(s spread) string { return fmt.Sprint(s.partitions) })
	fmt.Fprintf(&t, "|---|%s\n", strings.Repeat("---:|", len(all)))
	row("payouts a second", func(s spread) string { return fmt.Sprintf("%.0f", s.rate) })
	row("busiest master: processor for each payout, µs", func(s spread) string { return fmt.Sprintf("%.0f", s.busiest) })
	row("all masters together: processor for each payout, µs", func(s spread) string { return fmt.Sprintf("%.0f", s.together) })
	row("what the masters could carry until the busiest is full, payouts a second", func(s spread) string { return fmt.Sprintf("%.0f", 1e6/s.busiest) })
	return t.String()
}
