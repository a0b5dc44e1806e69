// Command intake measures how many payouts a second are taken in by `enqueue submit` and, as a
// streamed file over HTTP, by `enqueue serve`: the same lines, each way on a Redis of its own, by
// turns. It fails where HTTP is slower by more than a fifth, or the server takes 100 MB.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/remesa/remesa/bench/redisserver"
)

func main() {
	n := flag.Int("n", 100_000, "payouts in the file")
	rounds := flag.Int("rounds", 3, "how often each way is measured")
	flag.Parse()
	if err := measure(context.Background(), *n, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "intake:", err)
		os.Exit(1)
	}
}

const least = 0.8 // of the rate of submit

func measure(ctx context.Context, n, rounds int) error {
	dir, err := os.MkdirTemp("", "bench-intake")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "enqueue")
	if out, err := exec.CommandContext(ctx, "go", "build", "-C", "..", "-o", bin, "./cmd/enqueue").CombinedOutput(); err != nil { // #nosec G204 -- its own arguments
		return fmt.Errorf("%w\n%s", err, out)
	}
	file := lines(n)
	var ratios []float64
	for round := range rounds {
		submitted, err := onFreshRedis(ctx, func(url string) (time.Duration, error) { return submit(ctx, bin, url, file) })
		if err != nil {
			return err
		}
		peak := 0
		streamed, err := onFreshRedis(ctx, func(url string) (took time.Duration, err error) {
			took, peak, err = stream(ctx, bin, url, file, n)
			return took, err
		})
		if err != nil {
			return err
		}
		ratios = append(ratios, submitted.Seconds()/streamed.Seconds())
		fmt.Printf("round %d: submit %.0f a second, HTTP %.0f a second, the server took %d MB at most\n",
			round+1, float64(n)/submitted.Seconds(), float64(n)/streamed.Seconds(), peak/1000)
		if peak > 100_000 {
			return errors.New("the server took more than 100 MB")
		}
	}
	slices.Sort(ratios)
	median := ratios[len(ratios)/2]
	fmt.Printf("HTTP has %.2f of the rate of submit (median of %d)\n", median, rounds)
	if median < least {
		return fmt.Errorf("less than %.1f", least)
	}
	return nil
}

func lines(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"type":"payout","provider":"virtualpos","merchant_id":"m-%d","amount":"12500","currency":"CLP","description":"Devolución","recipient":{"document":"12345678-5","name":"Ana Soto","email":"ana@example.cl"},"bank":{"code":"012","account_number":"12345678"}}`+"\n", i)
	}
	return b.Bytes()
}

func onFreshRedis(ctx context.Context, run func(url string) (time.Duration, error)) (time.Duration, error) {
	s, err := redisserver.Start(ctx, "--appendonly", "yes", "--appendfsync", "everysec")
	if err != nil {
		return 0, err
	}
	defer s.Stop()
	return run("redis://" + s.Addr + "/0")
}

func command(ctx context.Context, bin, url string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, bin, args...) // #nosec G204 -- its own arguments
	cmd.Env = append(os.Environ(), "REMESA_REDIS_URL="+url)
	return cmd
}

func submit(ctx context.Context, bin, url string, file []byte) (time.Duration, error) {
	cmd := command(ctx, bin, url, "submit")
	cmd.Stdin, cmd.Stdout = bytes.NewReader(file), io.Discard
	begun := time.Now()
	err := cmd.Run()
	return time.Since(begun), err
}

var (
	address = regexp.MustCompile(`"api":"([^"]+)"`)
	keyText = regexp.MustCompile(`remesa_[0-9a-f]{12}_[A-Za-z0-9_-]{43}`)
	highest = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
)

// stream returns how long the file took, and the server's peak in kB.
func stream(ctx context.Context, bin, url string, file []byte, n int) (time.Duration, int, error) {
	made, err := command(ctx, bin, url, "apikey", "create", "bench", "--scope", "submit").Output()
	if err != nil {
		return 0, 0, err
	}
	server := command(ctx, bin, url, "serve", "--addr", "127.0.0.1:0")
	log, err := server.StderrPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := server.Start(); err != nil {
		return 0, 0, err
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	first, err := bufio.NewReader(log).ReadString('\n')
	at := address.FindStringSubmatch(first)
	if err != nil || at == nil {
		return 0, 0, fmt.Errorf("the server says %q: %w", first, err)
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	begun := time.Now()
	if err := post(ctx, "http://"+at[1]+"/v1/payouts", keyText.FindString(string(made)), file, n); err != nil {
		return 0, 0, err
	}
	took := time.Since(begun)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", server.Process.Pid))
	if err != nil {
		return took, 0, err
	}
	peak, err := strconv.Atoi(string(highest.FindSubmatch(status)[1]))
	return took, peak, err
}

func post(ctx context.Context, url, key string, file []byte, n int) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(file))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/x-ndjson")
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	all, err := io.ReadAll(reply.Body)
	if got := bytes.Count(all, []byte(`"result":"enqueued"`)); err == nil && got != n {
		return fmt.Errorf("%d of %d were taken in", got, n)
	}
	return err
}
