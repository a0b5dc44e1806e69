package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/bench/redisserver"
)

// trial is one case: a Redis, a simulator and a worker of its own.
type trial struct {
	redis   *redisserver.Server
	bin     string
	sandbox string
	kill    []func()
}

// try has a tree pay all payouts, and returns what that cost.
func try(ctx context.Context, tree tree, fsync, input string, p plan) (measured, error) {
	t := &trial{bin: tree.bin}
	defer t.stop()
	worker, err := t.open(ctx, fsync, p.concurrency)
	if err != nil {
		return measured{}, err
	}
	from, err := read(ctx, t.redis.Client)
	if err != nil {
		return measured{}, err
	}
	start := time.Now()
	submit, err := t.submit(ctx, input)
	if err != nil {
		return measured{}, err
	}
	looks, err := t.settled(ctx)
	if err != nil {
		return measured{}, err
	}
	took := time.Since(start)
	to, err := read(ctx, t.redis.Client)
	if err != nil {
		return measured{}, err
	}
	duplicates, err := t.audit(ctx, p.payouts)
	if err != nil {
		return measured{}, err
	}
	if err := drain(worker); err != nil {
		return measured{}, err
	}
	to.forget(looks)
	m := compare(from, to, p.payouts)
	m.of[rowRate] = float64(p.payouts) / took.Seconds()
	m.of[rowWorker] = micros(busy(worker)) / float64(p.payouts)
	m.of[rowEnqueue] = micros(busy(submit)) / float64(p.payouts)
	m.of[rowDuplicates] = float64(duplicates)
	return m, nil
}

// open starts everything and returns the worker, once it serves.
func (t *trial) open(ctx context.Context, fsync string, concurrency int) (*exec.Cmd, error) {
	var err error
	t.redis, err = redisserver.Start(ctx, "--appendonly", "yes", "--appendfsync", fsync, "--auto-aof-rewrite-percentage", "0")
	if err != nil {
		return nil, err
	}
	t.kill = append(t.kill, t.redis.Stop)
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	t.sandbox = "http://" + address
	if _, err := t.start(ctx, t.sandbox+"/virtualpos/_book", "sandbox", "--addr", address); err != nil {
		return nil, err
	}
	if address, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	return t.start(ctx, "http://"+address+"/readyz", "run", "--http-addr", address, "--concurrency", fmt.Sprint(concurrency))
}

func (t *trial) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(t.bin, name), args...) // #nosec G204 -- what this measurement built
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "REMESA_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "REMESA_REDIS_URL=redis://"+t.redis.Addr+"/0", "REMESA_LOG_LEVEL=error",
		"REMESA_VIRTUALPOS_BASE_URL="+t.sandbox+"/virtualpos", "REMESA_VIRTUALPOS_API_KEY=sandbox-api-key",
		"REMESA_VIRTUALPOS_SECRET_KEY=sandbox-secret-key")
	cmd.Stderr = os.Stderr
	return cmd
}

// start runs a command of the worker until the case ends, and waits until it answers.
func (t *trial) start(ctx context.Context, ready string, args ...string) (*exec.Cmd, error) {
	cmd := t.command(ctx, "worker", args...)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t.kill = append(t.kill, func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := get(ctx, ready); err == nil {
			return cmd, nil
		}
	}
	return nil, fmt.Errorf("worker %s does not answer", args[0])
}

func (t *trial) stop() {
	for i := len(t.kill) - 1; i >= 0; i-- {
		t.kill[i]()
	}
}

// submit returns the command once it has reported every payout.
func (t *trial) submit(ctx context.Context, input string) (*exec.Cmd, error) {
	cmd := t.command(ctx, "enqueue", "submit", input)
	cmd.Stderr = nil
	out, err := cmd.Output() // one result a line
	if err != nil {
		return nil, fmt.Errorf("enqueue submit: %w: %.200s", err, out)
	}
	return cmd, nil
}

// timeout bounds a case.
const timeout = 10 * time.Minute

// settled waits until no payout is open and asynq has no task left. It returns how often it
// checked, so that its own commands are not counted.
func (t *trial) settled(ctx context.Context) (looks int, err error) {
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		looks++
		pipe := t.redis.Client.Pipeline()
		lengths := []*redis.IntCmd{
			pipe.ZCard(ctx, "remesa:{virtualpos}:states"), pipe.LLen(ctx, "asynq:{virtualpos}:pending"),
			pipe.LLen(ctx, "asynq:{virtualpos}:active"),
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return looks, err
		}
		if lengths[0].Val()+lengths[1].Val()+lengths[2].Val() == 0 {
			return looks, nil
		}
	}
	return looks, fmt.Errorf("payouts are still open after %s", timeout)
}

// audit counts the payouts that arrived at the simulator more than once, and wants every one
// executed and succeeded.
func (t *trial) audit(ctx context.Context, payouts int) (duplicates int, err error) {
	body, err := get(ctx, t.sandbox+"/virtualpos/_book")
	if err != nil {
		return 0, err
	}
	var book struct {
		Executions []json.RawMessage `json:"executions"`
		Arrivals   map[string]int    `json:"arrivals"`
	}
	if err := json.Unmarshal(body, &book); err != nil {
		return 0, err
	}
	for _, n := range book.Arrivals {
		duplicates += n - 1
	}
	out, err := t.command(ctx, "enqueue", "list", "--provider", "virtualpos", "--state", "succeeded", "--json").Output()
	if err != nil {
		return 0, fmt.Errorf("enqueue list: %w", err)
	}
	succeeded := strings.Count(string(out), "\n")
	if len(book.Arrivals) != payouts || len(book.Executions) != payouts+duplicates || succeeded != payouts {
		return 0, fmt.Errorf("of %d payouts %d arrived, %d were executed and %d succeeded", payouts, len(book.Arrivals),
			len(book.Executions), succeeded)
	}
	return duplicates, nil
}

// drain has the worker end as an operator would.
func drain(worker *exec.Cmd) error {
	if err := worker.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return worker.Wait()
}

// busy is how long a command that has ended kept a processor, its start and end included.
func busy(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
