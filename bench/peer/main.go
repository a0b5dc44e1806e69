// Command peer is the workers and producers of the contenders written in Go: asynq and River, each
// as its own documentation recommends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/remesa/remesa/bench/payment"
)

// options are the flags of all kinds.
type options struct {
	redis, simulator, dsn, guard, complete, run string
	concurrency, servers, n, callers            int
	check                                       time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.redis, "redis", "", "host:port of Redis")
	flag.StringVar(&o.dsn, "dsn", "", "PostgreSQL's connection string")
	flag.StringVar(&o.simulator, "simulator", "", "URL of the simulator")
	flag.StringVar(&o.guard, "guard", "none", "none, naive or ledger")
	flag.StringVar(&o.complete, "complete", "batch", "batch or tx")
	flag.StringVar(&o.run, "run", "r", "begins each merchant id")
	flag.IntVar(&o.concurrency, "concurrency", 64, "payouts in flight")
	flag.IntVar(&o.servers, "servers", 1, "asynq servers in this process")
	flag.IntVar(&o.n, "n", 1000, "payouts to enqueue")
	flag.IntVar(&o.callers, "callers", 32, "callers that enqueue at a time")
	flag.DurationVar(&o.check, "check", 0, "asynq's TaskCheckInterval; 0: its default")
	kind := "" // comes first
	if len(os.Args) > 1 {
		kind = os.Args[1]
		_ = flag.CommandLine.Parse(os.Args[2:]) // exits by itself
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, kind, o); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kind string, o options) error {
	switch kind {
	case "asynq":
		return serveAsynq(ctx, o)
	case "asynq-enqueue":
		return enqueueAsynq(ctx, o)
	case "river":
		return serveRiver(ctx, o)
	}
	return errors.New("the first argument must be asynq, asynq-enqueue or river")
}

func (o options) payer() *payment.Client { return payment.NewClient(o.simulator, o.concurrency) }
