// Command compare has remesa and its peers pay the same payouts in turns on one machine, and prints
// and writes what each took: payouts a second, processor time, latency, memory. See README.md of
// this module for how to run it and what not to conclude.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/remesa/remesa/bench/postgres"
	"github.com/remesa/remesa/bench/rig"
)

// plan is what is measured.
type plan struct {
	reps, n, enqueue  int
	modes, parts      []string
	contenders        []string
	steady, idle      time.Duration
	before, out       string
	inFlight, delayed int
	delay             time.Duration
	rates             []int
	// idlers are watched idle, delayedOnes at a slow provider.
	idlers, delayedOnes []string
}

// The modes of the stores, and the parts of a run.
const (
	everysec = "everysec"
	always   = "always"

	partThroughput = "throughput"
	partLatency    = "latency"
	partInFlight   = "inflight"
	partEnqueue    = "enqueue"
	partIdle       = "idle"
)

// rates are the payouts a second at which latency is measured.
var rates = []int{200, 500}

func main() {
	p, err := parseFlags()
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = run(ctx, p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func parseFlags() (plan, error) {
	var p plan
	var modes, parts, contenders string
	var smoke bool
	flag.IntVar(&p.reps, "reps", 5, "how often each case is measured")
	flag.IntVar(&p.n, "n", 5000, "payouts of a case; the first tenth warms up")
	flag.IntVar(&p.enqueue, "enqueue", 30_000, "lines that are enqueued")
	flag.StringVar(&contenders, "contenders", "all", "those to measure, separated by commas: "+strings.Join(names(known("")), ","))
	flag.StringVar(&modes, "modes", everysec+","+always, "appendfsync, and synchronous_commit off or on")
	flag.StringVar(&parts, "parts", strings.Join(allParts(), ","), "what is measured")
	flag.DurationVar(&p.steady, "steady", 3*time.Second, "how long payouts come at a steady rate")
	flag.DurationVar(&p.idle, "idle", 5*time.Second, "how long an idle worker is watched")
	flag.StringVar(&p.before, "before", "", "a commit of remesa that is measured too")
	flag.StringVar(&p.out, "out", "results/compare", "the table is written to this name and .md, the chart to .svg; empty: not written")
	flag.BoolVar(&smoke, "smoke", false, "one short repetition of everything: says that it runs, and nothing else")
	flag.Parse()
	p.inFlight, p.delayed, p.delay, p.rates = 64, 256, 100*time.Millisecond, rates
	p.modes, p.parts, p.contenders = strings.Split(modes, ","), strings.Split(parts, ","), strings.Split(contenders, ",")
	p.idlers, p.delayedOnes = []string{nameRemesa, nameAsynq, nameAsynqFast}, []string{nameRemesa, nameAsynq, nameAsynq8}
	if smoke {
		p.reps, p.n, p.enqueue, p.steady, p.idle = 1, 200, 500, 300*time.Millisecond, 500*time.Millisecond
		p.modes, p.rates = []string{everysec}, rates[:1]
		p.contenders = []string{nameRemesa, nameAsynq, nameNaive, nameLedger, nameRiverTx, nameBull}
		p.idlers, p.delayedOnes = p.idlers[:1], p.delayedOnes[:1]
	}
	return p, p.check()
}

func allParts() []string {
	return []string{partThroughput, partLatency, partInFlight, partEnqueue, partIdle}
}

func (p *plan) check() error {
	if p.reps < 1 || p.n < 100 || p.enqueue < 100 {
		return errors.New("-reps must be at least 1, -n and -enqueue at least 100")
	}
	for _, m := range p.modes {
		if m != everysec && m != always {
			return fmt.Errorf("-modes: must be of %s, %s", everysec, always)
		}
	}
	for _, part := range p.parts {
		if !slices.Contains(allParts(), part) {
			return fmt.Errorf("-parts: must be of %s", strings.Join(allParts(), ", "))
		}
	}
	all := names(known(p.before))
	if slices.Equal(p.contenders, []string{"all"}) {
		p.contenders = all
	}
	for _, name := range p.contenders {
		if !slices.Contains(all, name) {
			return fmt.Errorf("-contenders: must be of %s", strings.Join(all, ", "))
		}
	}
	return nil
}

// bench is a run: its programs, its servers, what it found.
type bench struct {
	plan
	dir        string
	contenders []contender
	postgres   map[string]*postgres.Server // by mode
	skipped    []string
	results    *results
	versions   []string
	number     int // of the case, which gives each its own merchant ids
}

func run(ctx context.Context, p plan) error {
	dir, err := os.MkdirTemp("", "bench-compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{plan: p, dir: dir, postgres: map[string]*postgres.Server{}, results: newResults()}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer b.close()
	began := time.Now()
	for rep := range p.reps {
		for _, part := range p.parts {
			if err := b.part(ctx, part, rep); err != nil {
				return fmt.Errorf("%s: %w", part, err)
			}
		}
		b.say("repetition %d of %d done after %s", rep+1, p.reps, time.Since(began).Round(time.Second))
	}
	return b.publish()
}

func (b *bench) part(ctx context.Context, part string, rep int) error {
	switch part {
	case partThroughput:
		return b.throughput(ctx, rep)
	case partLatency:
		return b.latency(ctx, rep)
	case partInFlight:
		return b.delayedProvider(ctx)
	case partEnqueue:
		return b.enqueueing(ctx, rep)
	default:
		return b.idling(ctx, rep)
	}
}

// prepare builds everything, and leaves out, with the reason, what cannot be measured here.
func (b *bench) prepare(ctx context.Context) error {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return fmt.Errorf("redis-server must be on the PATH: %w", err)
	}
	b.say("building")
	if err := rig.Build(ctx, "..", b.path("remesa"), "./cmd/worker", "./cmd/enqueue"); err != nil {
		return err
	}
	if err := rig.Build(ctx, ".", b.path("bench"), "./peer", "./simulator"); err != nil {
		return err
	}
	if b.before != "" {
		if err := buildCommit(ctx, b.before, b.path("source"), b.path(b.before)); err != nil {
			return err
		}
	}
	missing := map[string]error{needsNode: b.prepareNode(ctx), needsPostgres: b.preparePostgres(ctx)}
	for _, c := range known(b.before) {
		err := missing[c.needs]
		switch {
		case !slices.Contains(b.plan.contenders, c.name):
		case err != nil:
			b.skip(c.name, err)
		default:
			b.contenders = append(b.contenders, c)
		}
	}
	b.versions = append(versions(ctx), b.versions...)
	return ctx.Err()
}

func (b *bench) skip(name string, err error) {
	b.skipped = append(b.skipped, fmt.Sprintf("%s: %s", name, err))
	b.say("SKIPPED %s: %s", name, err)
}

func (b *bench) close() {
	for _, s := range b.postgres {
		s.Stop()
	}
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

func (b *bench) wants(need string) bool {
	return slices.ContainsFunc(known(b.before), func(c contender) bool {
		return c.needs == need && slices.Contains(b.plan.contenders, c.name)
	})
}

// preparePostgres starts a server for each mode.
func (b *bench) preparePostgres(ctx context.Context) error {
	if !b.wants(needsPostgres) {
		return nil
	}
	for _, mode := range b.modes {
		s, err := postgres.Start(ctx, mode == everysec)
		if err != nil {
			return err
		}
		b.postgres[mode] = s
		if mode == b.modes[0] {
			b.versions = append(b.versions, "PostgreSQL "+s.Version)
		}
	}
	return nil
}

// prepareNode installs BullMQ where it is not.
func (b *bench) prepareNode(ctx context.Context) error {
	if !b.wants(needsNode) {
		return nil
	}
	version, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return fmt.Errorf("no node: %w", err)
	}
	b.versions = append(b.versions, "node "+strings.TrimSpace(string(version)))
	if _, err := os.Stat("bullmq/node_modules/bullmq"); err == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	install := exec.CommandContext(limited, "npm", "ci", "--no-audit", "--no-fund")
	install.Dir = "bullmq"
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %.300s", err, out)
	}
	return nil
}
