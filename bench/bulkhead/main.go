// Command bulkhead measures what a provider that hangs costs the others: payouts of VirtualPOS,
// with and without Pago Seguro letting every charge run into the time-out. It starts a
// redis-server, the simulators and a worker, alternates the two cases in one run, and prints the
// throughput of each and the median of the ratios.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/bench/redisserver"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/tasks"
)

func main() {
	n := flag.Int("n", 2000, "payouts in each case")
	rounds := flag.Int("rounds", 5, "pairs of cases")
	flag.Parse()
	if err := run(context.Background(), *n, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bulkhead:", err)
		os.Exit(1)
	}
}

// fixture is everything that one case needs.
type fixture struct {
	redis   *redisserver.Server
	sandbox string
	client  *tasks.Client
	kill    []func()
}

func run(ctx context.Context, n, rounds int) error {
	bin, err := build(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(bin))
	var ratios []float64
	for round := range rounds {
		alone, err := measure(ctx, bin, n, false)
		if err != nil {
			return err
		}
		beside, err := measure(ctx, bin, n, true)
		if err != nil {
			return err
		}
		ratios = append(ratios, beside/alone)
		fmt.Printf("round %d: %.0f payouts/s alone, %.0f beside a provider that hangs: ratio %.2f\n", round+1, alone, beside, beside/alone)
	}
	slices.Sort(ratios)
	fmt.Printf("median ratio %.2f of %d rounds, %.2f to %.2f\n", ratios[rounds/2], rounds, ratios[0], ratios[rounds-1])
	return nil
}

func build(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "bulkhead")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "worker")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, "github.com/remesa/remesa/cmd/worker")
	cmd.Dir, cmd.Stderr = "..", os.Stderr
	return bin, cmd.Run()
}

// measure returns payouts a second from the first submission to the last outcome.
func measure(ctx context.Context, bin string, n int, hanging bool) (float64, error) {
	s := &fixture{}
	defer s.stop()
	if err := s.open(ctx, bin); err != nil {
		return 0, err
	}
	if hanging {
		if err := s.hang(ctx); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	if err := s.submit(ctx, n, payout); err != nil {
		return 0, err
	}
	ledger := idempotency.NewRedis(s.redis.Client, idempotency.Options{})
	for {
		counts, err := ledger.Counts(ctx, virtualpos.Name)
		if err != nil {
			return 0, err
		}
		open := int64(0)
		for _, c := range counts {
			open += c
		}
		if open == 0 {
			return float64(n) / time.Since(start).Seconds(), nil
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *fixture) open(ctx context.Context, bin string) (err error) {
	if s.redis, err = redisserver.Start(ctx, "--appendonly", "yes"); err != nil {
		return err
	}
	s.kill = append(s.kill, s.redis.Stop)
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	s.sandbox = "http://" + address
	if err := s.start(ctx, s.sandbox+"/virtualpos/_book", bin, "sandbox", "--addr", address); err != nil {
		return err
	}
	if address, err = freeAddress(ctx); err != nil {
		return err
	}
	s.client = tasks.NewClient(idempotency.NewRedis(s.redis.Client, idempotency.Options{}), s.redis.Client, tasks.ClientOptions{})
	return s.start(ctx, "http://"+address+"/readyz", bin, "run", "--http-addr", address)
}

// start runs a command of the worker until the measurement ends, and waits until it answers.
func (s *fixture) start(ctx context.Context, ready, bin string, args ...string) error {
	cmd := exec.CommandContext(ctx, bin, args...) // #nosec G204 -- the worker that this measurement built
	cmd.Env = append(os.Environ(),
		"REMESA_REDIS_URL=redis://"+s.redis.Addr+"/0", "REMESA_LOG_LEVEL=error", "REMESA_REQUEST_TIMEOUT=5s", "REMESA_LEASE=15s",
		"REMESA_VIRTUALPOS_BASE_URL="+s.sandbox+"/virtualpos", "REMESA_VIRTUALPOS_API_KEY=sandbox-api-key",
		"REMESA_VIRTUALPOS_SECRET_KEY=sandbox-secret-key",
		"REMESA_PAGOSEGURO_BASE_URL="+s.sandbox+"/pagoseguro", "REMESA_PAGOSEGURO_ACCOUNT_ID=123456789",
		"REMESA_PAGOSEGURO_API_KEY=sandbox-api-key")
	if err := cmd.Start(); err != nil {
		return err
	}
	s.kill = append(s.kill, func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if code, err := call(ctx, http.MethodGet, ready, nil); err == nil && code == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("%s %s does not answer", bin, args[0])
}

func (s *fixture) stop() {
	for _, kill := range slices.Backward(s.kill) {
		kill()
	}
}

// hang makes every charge run into the time-out, and submits enough to keep all of its lane busy.
func (s *fixture) hang(ctx context.Context) error {
	fault := []byte(`{"kind":"slow_before","operation":"send","delay":"10m"}`)
	if code, err := call(ctx, http.MethodPost, s.sandbox+"/pagoseguro/_faults", fault); err != nil || code >= 300 {
		return fmt.Errorf("fault: status %d, %w", code, err)
	}
	if err := s.submit(ctx, 500, charge); err != nil {
		return err
	}
	return s.measureBusy(ctx)
}

// measureBusy waits until charges are under way.
func (s *fixture) measureBusy(ctx context.Context) error {
	ledger := idempotency.NewRedis(s.redis.Client, idempotency.Options{})
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		counts, err := ledger.Counts(ctx, pagoseguro.Name)
		if err != nil && err != redis.Nil {
			return err
		}
		if counts[idempotency.Sending] >= 64 {
			return nil
		}
	}
	return fmt.Errorf("the provider that hangs got no charges")
}

func (s *fixture) submit(ctx context.Context, n int, make func(i int) (tasks.Task, error)) error {
	for done := 0; done < n; done += 250 {
		var batch []tasks.Task
		for i := done; i < min(done+250, n); i++ {
			task, err := make(i)
			if err != nil {
				return err
			}
			batch = append(batch, task)
		}
		if _, err := s.client.Submit(ctx, batch...); err != nil {
			return err
		}
	}
	return nil
}

func call(ctx context.Context, method, url string, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}
