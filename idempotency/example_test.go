package idempotency_test

import (
	"context"
	"fmt"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// A payment's life: it is registered, one attempt owns it, and what the attempt came to is recorded
// once.
func Example() {
	ctx := context.Background()
	ledger := idempotency.NewLedger(idempotency.NewMemory(), idempotency.Options{}) // NewRedis in a worker
	key := idempotency.Key{Provider: "virtualpos", Account: idempotency.DefaultAccount, Reference: "tef-0001"}
	payment := idempotency.Registration{
		Key: key, Type: "payout", Fingerprint: "1:example", Amount: "12500", Currency: "CLP", Payload: []byte(`{}`),
	}

	for range 2 { // a file that is submitted twice
		results, err := ledger.Register(ctx, payment)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(results[0].Result)
	}

	first, second := idempotency.NewAttempt(), idempotency.NewAttempt()
	for _, attempt := range []string{first, second} { // two workers that were woken at once
		begun, err := ledger.Begin(ctx, key, idempotency.BeginParams{Attempt: attempt, Lease: time.Minute})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(begun.Decision)
	}

	report := idempotency.AttemptResult{
		Attempt: first, Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: "pyt_1"}, MoneyStepReached: true,
	}
	for range 2 { // a reply of the store that was lost
		if _, err := ledger.Finish(ctx, key, report); err != nil {
			fmt.Println(err)
			return
		}
	}
	record, err := ledger.Show(ctx, key)
	fmt.Println(record.State, record.ProviderID, record.Attempts, err)
	// Output:
	// new
	// duplicate
	// send
	// wait
	// succeeded pyt_1 1 <nil>
}

func ExampleParseKey() {
	for _, text := range []string{"virtualpos/tef-0001", "virtualpos/shop/tef-0001", "tef-0001"} {
		key, err := idempotency.ParseKey(text)
		fmt.Println(key.Provider, key.Account, key.Reference, err == nil)
	}
	// Output:
	// virtualpos default tef-0001 true
	// virtualpos shop tef-0001 true
	//    false
}
