// Command million submits a million payouts with remesa's own command, has a worker execute them
// against the local simulator meanwhile, and compares three books: what arrived at the simulator,
// what the ledger says, and what the outcome stream says. It fails where they differ, where a
// payout arrived twice, or where the worker's memory grew with the number of payouts.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/remesa/remesa/bench/payment"
	"github.com/remesa/remesa/bench/process"
	"github.com/remesa/remesa/bench/rig"
)

type plan struct {
	n, inFlight, workers int
	fsync                string
	every                time.Duration
}

func main() {
	var p plan
	flag.IntVar(&p.n, "n", 1_000_000, "payouts")
	flag.IntVar(&p.inFlight, "concurrency", 64, "payouts in flight, of each worker")
	flag.IntVar(&p.workers, "workers", 1, "worker processes")
	flag.StringVar(&p.fsync, "fsync", "everysec", "Redis' appendfsync: everysec or always")
	flag.DurationVar(&p.every, "every", 10*time.Second, "how often a line says how far it is")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, "million:", err)
		os.Exit(1)
	}
}

// measurement is a run.
type measurement struct {
	plan
	remesa    rig.Remesa
	simulator *rig.Simulator
	workers   []*process.Process
	// early is the workers' memory when a tenth of the payouts had arrived, most the most later.
	early, most int64
	start       time.Time
}

func run(ctx context.Context, p plan) error {
	dir, err := os.MkdirTemp("", "bench-million")
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
	redis, err := rig.StartRedis(ctx, p.fsync)
	if err != nil {
		return err
	}
	defer redis.Stop()
	simulator, err := rig.StartSimulator(ctx, filepath.Join(dir, "simulator"), 0)
	if err != nil {
		return err
	}
	defer simulator.Stop()
	m := &measurement{plan: p, simulator: simulator, remesa: rig.Remesa{Bin: dir, Redis: redis, Fsync: p.fsync, Simulator: simulator.URL}}
	for range p.workers {
		w, err := m.remesa.Work(ctx, p.inFlight, m.remesa.Environment())
		if err != nil {
			return err
		}
		defer w.Stop()
		m.workers = append(m.workers, w)
	}
	return m.run(ctx, filepath.Join(dir, "payouts.jsonl"))
}

func (m *measurement) run(ctx context.Context, file string) error {
	if err := payment.WriteLines(file, "m", m.n); err != nil {
		return err
	}
	m.start = time.Now()
	submit, err := m.remesa.Submit(ctx, file)
	if err != nil {
		return err
	}
	enqueued := make(chan error, 1)
	go func() {
		err := submit.Wait()
		fmt.Printf("enqueued after %s, %.0f lines a second beside the worker, most memory %.0f MB\n", since(m.start),
			float64(m.n)/time.Since(m.start).Seconds(), float64(submit.MaxMemory())/1e6)
		enqueued <- err
	}()
	if err := m.watch(ctx, enqueued); err != nil {
		return err
	}
	end, err := rig.Await(ctx, func() (bool, error) { return m.remesa.Settled(ctx) })
	if err != nil {
		return err
	}
	fmt.Printf("all settled after %s: %.0f payouts a second\n", end.Sub(m.start).Round(time.Second), float64(m.n)/end.Sub(m.start).Seconds())
	return m.compare(ctx)
}

// watch says how far it is until everything has arrived.
func (m *measurement) watch(ctx context.Context, enqueued <-chan error) error {
	tick := time.NewTicker(m.every)
	defer tick.Stop()
	arrived := make(chan error, 1)
	go func() {
		_, err := m.simulator.Await(ctx, m.n)
		arrived <- err
	}()
	for {
		select {
		case err := <-arrived:
			return errors.Join(err, m.look(ctx))
		case err := <-enqueued:
			if err != nil {
				return err
			}
			enqueued = nil
		case <-tick.C:
			if err := m.look(ctx); err != nil {
				return err
			}
		}
	}
}

// look prints a line, and keeps the workers' memory.
func (m *measurement) look(ctx context.Context) error {
	a, err := m.simulator.Report(ctx)
	if err != nil {
		return err
	}
	var ids []int
	for _, w := range m.workers {
		ids = append(ids, w.PID())
	}
	now, _, err := process.Memory(ids...)
	if err != nil {
		return err
	}
	if m.early == 0 && a.Arrivals >= m.n/10 {
		m.early = now
	}
	m.most = max(m.most, now)
	used, err := m.remesa.Redis.Used(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%8s %9d arrived, %d twice; workers %.0f MB, Redis %.0f MB\n", since(m.start), a.Arrivals, a.Duplicates, float64(now)/1e6, float64(used)/1e6)
	return nil
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Second) }

// mayGrow is how much more memory the workers may have at the end than at the first tenth.
const mayGrow = 1.5

// compare compares the books.
func (m *measurement) compare(ctx context.Context) error {
	a, err := m.simulator.Report(ctx)
	if err != nil {
		return err
	}
	ledger, err := m.count(ctx, `"state":"succeeded"`, "list", "--provider", "virtualpos", "--state", "succeeded", "--json")
	if err != nil {
		return err
	}
	outcomes, err := m.count(ctx, `"state":"succeeded"`, "watch", "--provider", "virtualpos", "--from", "0", "--no-follow")
	if err != nil {
		return err
	}
	fmt.Printf("simulator: %d payouts, %d twice; ledger: %d succeeded; outcomes: %d succeeded\n", a.Arrivals-a.Duplicates, a.Duplicates, ledger, outcomes)
	fmt.Printf("memory of the workers: %.0f MB at a tenth, %.0f MB at most\n", float64(m.early)/1e6, float64(m.most)/1e6)
	if a.Arrivals != m.n || a.Duplicates > 0 || ledger != m.n || outcomes != m.n {
		return fmt.Errorf("the books differ: each must be %d", m.n)
	}
	if m.early > 0 && float64(m.most) > mayGrow*float64(m.early) {
		return errors.New("the workers' memory is not flat")
	}
	return nil
}

// count runs enqueue and counts the different keys of the lines that hold a text.
func (m *measurement) count(ctx context.Context, text string, args ...string) (int, error) {
	cmd := exec.CommandContext(ctx, m.remesa.Bin+"/enqueue", args...) // #nosec G204 -- what this measurement built
	cmd.Env, cmd.Stderr = append(process.Environ(), m.remesa.Environment()...), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	keys := map[string]struct{}{}
	lines := bufio.NewScanner(out)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		line := lines.Text()
		if _, rest, found := strings.Cut(line, `"key":"`); found && strings.Contains(line, text) {
			key, _, _ := strings.Cut(rest, `"`)
			keys[strings.Clone(key)] = struct{}{}
		}
	}
	if err := errors.Join(lines.Err(), cmd.Wait()); err != nil {
		return 0, fmt.Errorf("enqueue %s: %w", args[0], err)
	}
	return len(keys), nil
}
