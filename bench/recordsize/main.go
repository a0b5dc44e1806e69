// Command recordsize measures how much Redis memory a final payment takes: it registers, begins
// and finishes payments on a redis-server of its own and prints the memory per record, all indexes
// included, and that of the outcome stream apart.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/bench/redisserver"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

const (
	provider = "virtualpos"
	limit    = 600 // bytes for each final record
	batch    = 1000
	hands    = 8
)

func main() {
	n := flag.Int("n", 100_000, "how many payments are registered and finished")
	flag.Parse()
	if err := run(context.Background(), *n); err != nil {
		fmt.Fprintln(os.Stderr, "recordsize:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, n int) error {
	s, err := redisserver.Start(ctx)
	if err != nil {
		return err
	}
	defer s.Stop()
	ledger := idempotency.NewRedis(s.Client, idempotency.Options{})
	// One payment first, so that scripts and empty indexes are not counted.
	if err := settle(ctx, ledger, "warm-up-000000000000", 1); err != nil {
		return err
	}
	before, err := s.Used(ctx)
	if err != nil {
		return err
	}
	for done := 0; done < n; done += batch {
		if err := settle(ctx, ledger, fmt.Sprintf("payout-%08d", done), min(batch, n-done)); err != nil {
			return err
		}
	}
	return report(ctx, s, n, before)
}

// settle registers, begins and finishes payments whose references have 20 characters.
func settle(ctx context.Context, ledger *idempotency.Ledger, name string, n int) error {
	keys := make([]idempotency.Key, n)
	rs := make([]idempotency.Registration, n)
	for i := range keys {
		keys[i] = idempotency.Key{Provider: provider, Account: idempotency.DefaultAccount, Reference: fmt.Sprintf("%.15s-%04d", name, i)}
		rs[i] = idempotency.Registration{
			Key: keys[i], Type: "payout", Fingerprint: "v1:" + strings.Repeat("f", 43), Amount: "12500", Currency: "CLP",
			Payload: []byte(strings.Repeat("p", 600)),
		}
	}
	if _, err := ledger.Register(ctx, rs...); err != nil {
		return err
	}
	errs := make([]error, hands)
	var wg sync.WaitGroup
	for hand := range hands {
		wg.Go(func() {
			for i := hand; i < n && errs[hand] == nil; i += hands {
				errs[hand] = send(ctx, ledger, keys[i])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func send(ctx context.Context, ledger *idempotency.Ledger, k idempotency.Key) error {
	attempt := idempotency.NewAttempt()
	if _, err := ledger.Begin(ctx, k, idempotency.BeginParams{Attempt: attempt, Lease: time.Minute, Queryable: true}); err != nil {
		return err
	}
	o := providers.Outcome{Class: providers.Succeeded, ProviderID: "123e4567-e89b-12d3-a456-426614174000", Code: "paid"}
	answer := idempotency.Answer{Question: idempotency.AskToPay, HTTPStatus: 200, Class: string(o.Class), Took: 1234 * time.Millisecond}
	_, err := ledger.Finish(ctx, k, idempotency.AttemptResult{Attempt: attempt, Outcome: o, QueryAfter: time.Second, Answer: answer})
	return err
}

func report(ctx context.Context, s *redisserver.Server, n int, before int64) error {
	stream := s.Client.MemoryUsage(ctx, idempotency.OutcomesKey(provider), 0).Val()
	all, err := s.Used(ctx)
	if err != nil {
		return err
	}
	if err := s.Client.Del(ctx, idempotency.OutcomesKey(provider)).Err(); err != nil {
		return err
	}
	without, err := s.Used(ctx)
	if err != nil {
		return err
	}
	per := float64(without-before) / float64(n)
	fmt.Printf("%d settled payments: %.0f bytes each with all indexes (at most %d), %.0f more for their %d outcome entries\n",
		n, per, limit, float64(all-without)/float64(n), 3*n)
	fmt.Printf("the outcome stream takes %s by MEMORY USAGE; it is trimmed by age\n", strconv.FormatInt(stream, 10))
	if per > limit {
		return fmt.Errorf("%.0f bytes for each record, want at most %d", per, limit)
	}
	return nil
}
