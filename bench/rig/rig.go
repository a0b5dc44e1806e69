// Package rig is what the measurements of whole payouts share: building the commands, the
// simulator, and remesa's two commands on a Redis.
package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/bench/process"
	"github.com/remesa/remesa/bench/redisserver"
)

// Timeout bounds a wait for a simulator.
const Timeout = time.Hour

// Build builds packages of a module into a folder.
func Build(ctx context.Context, module, into string, packages ...string) error {
	if err := os.MkdirAll(into, 0o750); err != nil {
		return err
	}
	args := append([]string{"build", "-o", into + "/"}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...) // #nosec G204 -- packages of our own
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w: %s", strings.Join(packages, " "), err, out)
	}
	return nil
}

// Simulator is command simulator, running.
type Simulator struct {
	URL     string
	process *process.Process
}

// Arrivals is what it reports; times are Unix ns.
type Arrivals struct {
	Arrivals, Duplicates int
	First, Last          int64
}

// StartSimulator starts one whose payouts take as long as delay says.
func StartSimulator(ctx context.Context, binary string, delay time.Duration) (*Simulator, error) {
	address, err := process.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s := &Simulator{URL: "http://" + address}
	if s.process, err = process.Start(ctx, nil, binary, "-addr", address, "-delay", delay.String()); err != nil {
		return nil, err
	}
	return s, s.process.Ready(ctx, func() error { return Get(ctx, s.URL+"/_report", nil) })
}

// Stop ends it.
func (s *Simulator) Stop() { s.process.Stop() }

// Await returns once n different payouts have arrived.
func (s *Simulator) Await(ctx context.Context, n int) (a Arrivals, err error) {
	return a, Get(ctx, s.URL+"/_await?n="+strconv.Itoa(n), &a)
}

// Report is what has arrived so far.
func (s *Simulator) Report(ctx context.Context) (a Arrivals, err error) {
	return a, Get(ctx, s.URL+"/_report", &a)
}

// Get reads JSON from a URL; into may be nil.
func Get(ctx context.Context, url string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	if into == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// StartRedis starts a server that keeps payments as a worker demands; fsync is everysec or always.
func StartRedis(ctx context.Context, fsync string) (*redisserver.Server, error) {
	return redisserver.Start(ctx, Durable(fsync)...)
}

// Durable is how a server is set that keeps payments as a worker demands.
func Durable(fsync string) []string {
	return []string{"--appendonly", "yes", "--appendfsync", fsync, "--maxmemory-policy", "noeviction", "--auto-aof-rewrite-percentage", "0"}
}

// Remesa is the two commands in Bin, on a Redis, paying through a simulator.
type Remesa struct {
	Bin       string
	Redis     *redisserver.Server
	URL       string // of another Redis, such as a cluster, instead
	Fsync     string
	Simulator string   // URL
	Settings  []string // more variables for both commands
}

// Environment is what both commands need; its first two variables need no provider.
func (r Remesa) Environment() []string {
	url := r.URL
	if url == "" {
		url = "redis://" + r.Redis.Addr + "/0"
	}
	return append([]string{
		"REMESA_REDIS_URL=" + url, "REMESA_REDIS_DURABILITY=" + r.Fsync, "REMESA_VIRTUALPOS_BASE_URL=" + r.Simulator,
		"REMESA_VIRTUALPOS_API_KEY=sandbox-api-key", "REMESA_VIRTUALPOS_SECRET_KEY=sandbox-secret-key",
	}, r.Settings...)
}

// Submit starts enqueue submit on a file; its result lines go to the file's name and .results, as a
// user's would.
func (r Remesa) Submit(ctx context.Context, file string) (*process.Process, error) {
	return process.StartInto(ctx, file+".results", r.Environment(), r.Bin+"/enqueue", "submit", file)
}

// Work starts a worker, which serves once Work returns.
func (r Remesa) Work(ctx context.Context, inFlight int, env []string) (*process.Process, error) {
	address, err := process.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	p, err := process.Start(ctx, env, r.Bin+"/worker", "run", "--http-addr", address, "--concurrency", strconv.Itoa(inFlight))
	if err != nil {
		return nil, err
	}
	if err := p.Ready(ctx, func() error { return Get(ctx, "http://"+address+"/readyz", nil) }); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// Lists and sets of VirtualPOS that are empty when every payment is settled.
var (
	lists = []string{"asynq:{virtualpos}:pending", "asynq:{virtualpos}:active"}
	sets  = []string{"remesa:{virtualpos}:states"}
)

// Settled reports whether no payment is open and no task is left.
func (r Remesa) Settled(ctx context.Context) (bool, error) {
	return Empty(ctx, r.Redis.Client, lists, sets)
}

// Empty reports whether lists and sorted sets are empty.
func Empty(ctx context.Context, rdb *redis.Client, lists, sets []string) (bool, error) {
	pipe := rdb.Pipeline()
	var lengths []*redis.IntCmd
	for _, key := range lists {
		lengths = append(lengths, pipe.LLen(ctx, key))
	}
	for _, key := range sets {
		lengths = append(lengths, pipe.ZCard(ctx, key))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return false, err
	}
	for _, l := range lengths {
		if l.Val() > 0 {
			return false, nil
		}
	}
	return true, nil
}

// Await polls until done returns true.
func Await(ctx context.Context, done func() (bool, error)) (time.Time, error) {
	for deadline := time.Now().Add(Timeout); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		ok, err := done()
		if err != nil || ctx.Err() != nil {
			return time.Time{}, errors.Join(err, ctx.Err())
		}
		if ok {
			return time.Now(), nil
		}
	}
	return time.Time{}, fmt.Errorf("payouts are still open after %s", Timeout)
}

// ReplaceBlock replaces what stands in a page between the lines "<!-- NAME: begin -->" and
// "<!-- NAME: end -->".
func ReplaceBlock(page, name, text string) error {
	old, err := os.ReadFile(page) // #nosec G304 -- a page that the user names
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->"
	head, rest, found := strings.Cut(string(old), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no block %q", page, name)
	}
	return os.WriteFile(page, []byte(head+begin+"\n"+strings.TrimSpace(text)+"\n\n"+end+tail), 0o644) // #nosec G306 -- a page for everybody
}

// Machine is the number and the kind of the processors.
func Machine() string {
	kind := runtime.GOARCH
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			kind = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%d processors (%s)", runtime.NumCPU(), kind)
}
