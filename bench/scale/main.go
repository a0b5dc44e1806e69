// Command scale measures how cost grows with the number of payments in a ledger: memory for each
// open and each settled one, the queries of a worker's tick, and payouts a second with one or more
// workers beside all of them. With -partitions it also measures a provider in partitions, over a
// Redis Cluster. It prints tables, and writes them into docs/scale.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/remesa/remesa/bench/rig"
	"github.com/remesa/remesa/idempotency"
)

type plan struct {
	sizes, workers, partitions []int
	n, inFlight                int
	fsync, doc                 string
}

func main() {
	var p plan
	var sizes, workers, partitions string
	flag.StringVar(&sizes, "sizes", "10000,100000", "payments in the ledger: as many open, and as many settled")
	flag.StringVar(&workers, "workers", "1,2,4", "worker processes")
	flag.StringVar(&partitions, "partitions", "", "partitions of the provider over a cluster of three masters, such as 1,2,4; none are measured without it")
	flag.IntVar(&p.n, "n", 10_000, "payouts whose execution is timed")
	flag.IntVar(&p.inFlight, "concurrency", 64, "payouts in flight, of all workers together")
	flag.StringVar(&p.fsync, "fsync", "everysec", "Redis' appendfsync: everysec or always")
	flag.StringVar(&p.doc, "doc", "", "a page whose block \"measured\" is replaced, such as ../docs/scale.md")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var errSizes, errWorkers, errPartitions error
	p.sizes, errSizes = numbers(sizes)
	p.workers, errWorkers = numbers(workers)
	if partitions != "" {
		p.partitions, errPartitions = numbers(partitions)
	}
	err := errors.Join(errSizes, errWorkers, errPartitions)
	if err == nil {
		err = run(ctx, p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func numbers(text string) ([]int, error) {
	var all []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q: must be numbers above zero, separated by commas", text)
		}
		all = append(all, n)
	}
	return all, nil
}

func run(ctx context.Context, p plan) error {
	dir, err := os.MkdirTemp("", "bench-scale")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := rig.Build(ctx, "..", dir, "./cmd/worker", "./cmd/enqueue"); err != nil {
		return err
	}
	if err := rig.Build(ctx, ".", dir, "./simulator"); err != nil {
		return err
	}
	var all []grown
	for _, size := range p.sizes {
		g, err := measure(ctx, p, dir, size)
		if err != nil {
			return fmt.Errorf("%d payments: %w", size, err)
		}
		all = append(all, g)
	}
	var spreads []spread
	for _, n := range p.partitions {
		s, err := p.spread(ctx, dir, n)
		if err != nil {
			return fmt.Errorf("%d partitions: %w", n, err)
		}
		spreads = append(spreads, s)
	}
	text := p.table(all) + p.spreadTable(spreads)
	fmt.Print(text)
	if p.doc == "" {
		return nil
	}
	return rig.ReplaceBlock(p.doc, "measured", text)
}

// grown is what was measured at one size.
type grown struct {
	size          int
	open, settled float64 // bytes for each
	idle, due     time.Duration
	counts        time.Duration
	rates         []float64 // payouts a second, by p.workers
	redis         float64   // its processor for each payout, in µs, with one worker
}

func measure(ctx context.Context, p plan, dir string, size int) (g grown, err error) {
	g.size = size
	redis, err := rig.StartRedis(ctx, p.fsync)
	if err != nil {
		return g, err
	}
	defer redis.Stop()
	// FirstWake is short, so that what the last step registers is due at once.
	ledger := idempotency.NewRedis(redis.Client, idempotency.Options{FirstWake: time.Millisecond})
	f := &filler{ctx: ctx, ledger: ledger, redis: redis}
	if g.open, err = f.fill("open", size, f.open); err != nil {
		return g, err
	}
	if g.settled, err = f.fill("settled", size, f.settle); err != nil {
		return g, err
	}
	if g.idle, err = median(100, func() error { return tick(ctx, ledger) }); err != nil {
		return g, err
	}
	if g.counts, err = median(20, func() error { return scrape(ctx, ledger) }); err != nil {
		return g, err
	}
	simulator, err := rig.StartSimulator(ctx, filepath.Join(dir, "simulator"), 0) // one for all: a worker refuses another provider
	if err != nil {
		return g, err
	}
	defer simulator.Stop()
	r := rig.Remesa{Bin: dir, Redis: redis, Fsync: p.fsync, Simulator: simulator.URL}
	for i, workers := range p.workers {
		got, err := p.pay(ctx, filepath.Join(dir, "payouts.jsonl"), r, simulator, oneServer(redis), size, workers)
		if err != nil {
			return g, err
		}
		g.rates = append(g.rates, got.rate)
		if i == 0 {
			g.redis = got.busiest
		}
		fmt.Fprintf(os.Stderr, "%d payments, %d workers: %.0f payouts a second\n", size, workers, got.rate)
	}
	g.due, err = f.due()
	return g, err
}

// table also says what the figures come to.
func (p plan) table(all []grown) string {
	var t strings.Builder
	fmt.Fprintf(&t, "Measured on %s; Redis (appendfsync %s), simulator and workers share one machine of %s; %d payouts timed, %d in flight over all workers.\n\n",
		time.Now().UTC().Format("2006-01-02"), p.fsync, rig.Machine(), p.n, p.inFlight)
	fmt.Fprintf(&t, "| payments open, and as many settled |")
	for _, g := range all {
		fmt.Fprintf(&t, " %d |", g.size)
	}
	fmt.Fprintf(&t, "\n|---|%s\n", strings.Repeat("---:|", len(all)))
	row := func(name string, of func(grown) string) {
		fmt.Fprintf(&t, "| %s |", name)
		for _, g := range all {
			fmt.Fprintf(&t, " %s |", of(g))
		}
		fmt.Fprintln(&t)
	}
	row("Redis memory of an open payment, bytes", func(g grown) string { return fmt.Sprintf("%.0f", g.open) })
	row("Redis memory of a settled payment with its events, bytes", func(g grown) string { return fmt.Sprintf("%.0f", g.settled) })
	row("Redis memory of all, MB", func(g grown) string { return fmt.Sprintf("%.0f", float64(g.size)*(g.open+g.settled)/1e6) })
	row("a worker's tick with nothing due, µs", func(g grown) string { return micros(g.idle) })
	row("waking 256 that are due, µs", func(g grown) string { return micros(g.due) })
	row("the numbers of a scrape of /metrics, µs", func(g grown) string { return micros(g.counts) })
	for i, workers := range p.workers {
		row(fmt.Sprintf("payouts a second, %d worker processes", workers), func(g grown) string { return fmt.Sprintf("%.0f", g.rates[i]) })
	}
	row("Redis: processor for each payout, µs", func(g grown) string { return fmt.Sprintf("%.0f", g.redis) })
	row("what one Redis process could carry at that, payouts a second", func(g grown) string { return fmt.Sprintf("%.0f", 1e6/g.redis) })
	return t.String()
}

func micros(d time.Duration) string { return strconv.FormatInt(d.Microseconds(), 10) }
