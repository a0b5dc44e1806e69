// Command payoutcost measures what a payout costs at Redis and in the worker, beside what it cost
// at an earlier commit. It builds the real commands of both trees, has each pay the same payouts
// in turns, and prints and writes a table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// beforeRewrite is the last commit whose ledger decided inside Redis.
const beforeRewrite = "fa01582"

// plan is what is measured.
type plan struct {
	payouts, concurrency, rounds int
	before, out                  string
}

func main() {
	var p plan
	flag.IntVar(&p.payouts, "n", 5000, "payouts in each case")
	flag.IntVar(&p.rounds, "rounds", 3, "how often each case is measured")
	flag.IntVar(&p.concurrency, "concurrency", 64, "payouts under way at a time")
	flag.StringVar(&p.before, "before", beforeRewrite, "the commit to compare with; empty for none")
	flag.StringVar(&p.out, "out", "results/payoutcost.md", "where the table is written")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, "payoutcost:", err)
		os.Exit(1)
	}
}

// fsyncs are the two ways of appendfsync that a worker accepts.
var fsyncs = []string{"everysec", "always"}

func run(ctx context.Context, p plan) error {
	if p.payouts < 1 || p.rounds < 1 {
		return errors.New("-n and -rounds must be at least 1")
	}
	dir, err := os.MkdirTemp("", "payoutcost")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	trees, remove, err := plant(ctx, dir, p.before)
	defer remove()
	if err != nil {
		return err
	}
	input, err := writePayouts(dir, p.payouts)
	if err != nil {
		return err
	}
	r := newResults(p, trees)
	for round := range p.rounds {
		for _, fsync := range fsyncs {
			for i := range trees {
				t := trees[(i+round)%len(trees)] // whoever comes first may find a colder machine
				m, err := try(ctx, t, fsync, input, p)
				if err != nil {
					return fmt.Errorf("%s, appendfsync %s: %w", t.name, fsync, err)
				}
				r.add(fsync, t.name, m)
				fmt.Fprintf(os.Stderr, "round %d, appendfsync %s, %s: %.0f payouts/s, %.0f µs of Redis for each\n",
					round+1, fsync, t.name, m.of[rowRate], m.of[rowCPU])
			}
		}
	}
	return r.publish(p.out)
}

// writePayouts makes the file that every case submits.
func writePayouts(dir string, n int) (string, error) {
	f, err := os.Create(dir + "/payouts.jsonl") // #nosec G304 -- a folder of our own
	if err != nil {
		return "", err
	}
	for i := range n {
		_, err := f.WriteString(`{"type":"payout","provider":"virtualpos","merchant_id":"payout-` + strconv.Itoa(10_000_000+i) +
			`","amount":"12500","currency":"CLP","description":"Devolución OC 1",` +
			`"recipient":{"document":"12345678-5","name":"Ana Soto","email":"ana@example.cl"},` +
			`"bank":{"code":"012","account_number":"12345678"}}` + "\n")
		if err != nil {
			return "", err
		}
	}
	return f.Name(), f.Close()
}
