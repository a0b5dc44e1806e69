// Command reconcile measures `enqueue reconcile`: a statement of many lines against as many
// payments, on one core. It fails where a million lines take more than a minute of processor time,
// or the command takes 200 MB.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/remesa/remesa/bench/redisserver"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

const (
	provider = "virtualpos"
	sample   = "payout-00000000"
	sampleID = "id-00000000"
	perLine  = time.Minute / 1_000_000
	mostKB   = 200_000
	batch    = 5000
)

func main() {
	n := flag.Int("n", 1_000_000, "how many lines and payments")
	flag.Parse()
	if err := measure(context.Background(), *n); err != nil {
		fmt.Fprintln(os.Stderr, "reconcile:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, n int) error {
	dir, err := os.MkdirTemp("", "bench-reconcile")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "enqueue")
	if out, err := exec.CommandContext(ctx, "go", "build", "-C", "..", "-o", bin, "./cmd/enqueue").CombinedOutput(); err != nil { // #nosec G204 -- its own arguments
		return fmt.Errorf("%w\n%s", err, out)
	}
	s, err := redisserver.Start(ctx)
	if err != nil {
		return err
	}
	defer s.Stop()
	if err := fill(ctx, s, n); err != nil {
		return err
	}
	file := filepath.Join(dir, "statement.csv")
	if err := write(file, n, time.Now().UTC()); err != nil {
		return err
	}
	return reconcile(ctx, bin, s.Addr, file, n)
}

// fill settles one payment and copies its record under other references.
func fill(ctx context.Context, s *redisserver.Server, n int) error {
	ledger := idempotency.NewRedis(s.Client, idempotency.Options{})
	k := idempotency.Key{Provider: provider, Account: idempotency.DefaultAccount, Reference: sample}
	if _, err := ledger.Register(ctx, idempotency.Registration{
		Key: k, Type: "payout", Fingerprint: "1h:" + strings.Repeat("f", 22), Amount: "12500", Currency: "CLP", Payload: []byte("{}"),
	}); err != nil {
		return err
	}
	attempt := idempotency.NewAttempt()
	if _, err := ledger.Begin(ctx, k, idempotency.BeginParams{Attempt: attempt, Lease: time.Minute}); err != nil {
		return err
	}
	if _, err := ledger.Finish(ctx, k, idempotency.AttemptResult{
		Attempt: attempt, Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: sampleID},
	}); err != nil {
		return err
	}
	names, err := s.Client.Keys(ctx, "*:p:"+sample).Result()
	if err != nil || len(names) != 1 {
		return fmt.Errorf("the record is not found: %v, %w", names, err)
	}
	text, err := s.Client.Get(ctx, names[0]).Result()
	if err != nil {
		return err
	}
	for done := 1; done < n; done += batch {
		pipe := s.Client.Pipeline()
		for i := done; i < min(done+batch, n); i++ {
			pipe.Set(ctx, strings.Replace(names[0], sample, reference(i), 1), strings.ReplaceAll(text, sampleID, id(i)), 0)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func reference(i int) string { return fmt.Sprintf("payout-%08d", i) }

func id(i int) string { return fmt.Sprintf("id-%08d", i) }

// write writes a statement that agrees, in another order than the ledger's.
func write(name string, n int, day time.Time) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	fmt.Fprintln(out, "date,description,reference,provider_id,bank_id,amount,currency,status")
	for i := range n {
		j := (i*7919 + 13) % n
		fmt.Fprintf(out, "%s,Transferencia a tercero,%s,%s,%d,12500,CLP,paid\n", day.Format(time.DateOnly), reference(j), id(j), i)
	}
	return errors.Join(out.Flush(), f.Close())
}

func reconcile(ctx context.Context, bin, addr, file string, n int) error {
	cmd := exec.CommandContext(ctx, bin, "reconcile", "--provider", provider, "--statement", file) // #nosec G204 -- its own arguments
	cmd.Env = append(os.Environ(), "REMESA_REDIS_URL=redis://"+addr+"/0", "GOMAXPROCS=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w\n%.2000s", err, out.String())
	}
	took, busy := time.Since(start), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	if want := fmt.Sprintf("%9d  CLP", n); !strings.Contains(out.String(), want) {
		return fmt.Errorf("not all agrees:\n%.2000s", out.String())
	}
	peak := int64(0)
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak = usage.Maxrss // kB on Linux
	}
	fmt.Printf("%d lines against %d payments: %.1f s, %.1f s of one processor, %d MB at most\n", n, n, took.Seconds(), busy.Seconds(), peak/1000)
	switch {
	case busy > time.Duration(n)*perLine+time.Second:
		return errors.New("more than a minute of processor time for a million lines")
	case peak > mostKB:
		return errors.New("the command took more than 200 MB")
	}
	return nil
}
