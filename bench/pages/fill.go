package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

const (
	batch = 1000
	hands = 64
)

// fill makes the payments through the ledger, as workers do.
func fill(ctx context.Context, ledger *idempotency.Ledger, p plan) error {
	for done := 0; done < p.settled; done += batch {
		if err := settle(ctx, ledger, "paid", done, min(batch, p.settled-done), paid); err != nil {
			return err
		}
		if done%100_000 == 0 {
			fmt.Fprintf(os.Stderr, "%d of %d\n", done, p.settled)
		}
	}
	held := p.open * 6 / 10
	for _, part := range []struct {
		name string
		n    int
		ends func(i int) *idempotency.AttemptResult
	}{{"held", held, hung}, {"doubt", p.open / 5, doubtful}, {"queued", p.open - held - p.open/5, nil}} {
		for done := 0; done < part.n; done += batch {
			if err := settle(ctx, ledger, part.name, done, min(batch, part.n-done), part.ends); err != nil {
				return err
			}
		}
	}
	return nil
}

// paid is an attempt that succeeded, and one of a hundred that was refused.
func paid(i int) *idempotency.AttemptResult {
	if i%100 == 7 {
		return &idempotency.AttemptResult{Outcome: providers.Outcome{Class: providers.Refused, Code: fmt.Sprint("E-", i%3)}}
	}
	return &idempotency.AttemptResult{Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: "123e4567-e89b-12d3-a456-426614174000", Code: "paid"}}
}

// hung is an attempt without a response, at a provider that cannot be queried.
func hung(i int) *idempotency.AttemptResult {
	return &idempotency.AttemptResult{MoneyStepReached: true, Outcome: providers.Outcome{Class: providers.InDoubt, Code: [...]string{"timeout", "reset", "http_502"}[i%3]}}
}

// doubtful is one at a provider that can be queried.
func doubtful(int) *idempotency.AttemptResult {
	return &idempotency.AttemptResult{MoneyStepReached: true, Queryable: true, QueryAfter: time.Hour, Outcome: providers.Outcome{Class: providers.InDoubt, Code: "timeout"}}
}

// settle registers payments of two providers, begins them, and ends their attempts; without ends
// they stay queued.
func settle(ctx context.Context, ledger *idempotency.Ledger, name string, from, n int, ends func(i int) *idempotency.AttemptResult) error {
	rs := make([]idempotency.Registration, n)
	for i := range rs {
		provider := "virtualpos"
		if (from+i)%5 == 4 {
			provider = "etpay"
		}
		rs[i] = idempotency.Registration{
			Key:  idempotency.Key{Provider: provider, Account: idempotency.DefaultAccount, Reference: fmt.Sprintf("%s-%07d", name, from+i)},
			Type: "payout", Fingerprint: "v1:" + strings.Repeat("f", 43), Amount: fmt.Sprint(1000 + (from+i)%30_000), Currency: "CLP",
			Payload: []byte(strings.Repeat("p", 600)),
		}
	}
	if _, err := ledger.Register(ctx, rs...); err != nil || ends == nil {
		return err
	}
	errs := make([]error, hands)
	var wg sync.WaitGroup
	for hand := range hands {
		wg.Go(func() {
			for i := hand; i < n && errs[hand] == nil; i += hands {
				errs[hand] = send(ctx, ledger, rs[i].Key, *ends(from + i))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func send(ctx context.Context, ledger *idempotency.Ledger, k idempotency.Key, end idempotency.AttemptResult) error {
	end.Attempt = idempotency.NewAttempt()
	_, err := ledger.Begin(ctx, k, idempotency.BeginParams{Attempt: end.Attempt, Lease: time.Minute, Queryable: end.Queryable})
	if err == nil {
		_, err = ledger.Finish(ctx, k, end)
	}
	return err
}
