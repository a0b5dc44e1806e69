package billing_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

var exampleLine = []byte(`{"id":"sub-0001","provider":"etpay","amount":"50000","currency":"CLP","start":"2099-08-31",` +
	`"schedule":{"every":"month","at":"09:00","timezone":"America/Santiago"}}`)

// connect makes a client of a Redis that is the example's own. A program of yours dials the Redis
// of the workers.
func connect() (*billing.Client, func()) {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		panic(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	ledger := idempotency.NewRedis(rdb, idempotency.Options{})
	client := billing.NewClient(billing.ClientConfig{
		Store:  billing.NewStore(rdb, billing.StoreOptions{}),
		Ledger: ledger,
		Intake: tasks.NewClient(ledger, rdb, tasks.ClientOptions{}),
	})
	return client, func() {
		_ = rdb.Close()
		server.Close()
	}
}

// added is connect with a subscription.
func added() (*billing.Client, func()) {
	client, closeAll := connect()
	s, err := tasks.DecodeSubscription(exampleLine)
	if err == nil {
		_, err = client.Add(context.Background(), s)
	}
	if err != nil {
		panic(err)
	}
	return client, closeAll
}

// A client needs the Redis of the workers, and their settings of seals and fingerprints.
func ExampleNewClient() {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
	defer rdb.Close()
	ledger := idempotency.NewRedis(rdb, idempotency.Options{})
	_ = billing.NewClient(billing.ClientConfig{
		Store:  billing.NewStore(rdb, billing.StoreOptions{}),
		Ledger: ledger,
		Intake: tasks.NewClient(ledger, rdb, tasks.ClientOptions{}),
	})
}

// Adding a subscription again is safe. Receipt.State says how far a duplicate is.
func ExampleClient_Add() {
	ctx := context.Background()
	client, closeAll := connect()
	defer closeAll()

	s, err := tasks.DecodeSubscription(exampleLine)
	if err != nil {
		fmt.Println(err) // such as "amount: CLP takes 0 decimals"
		return
	}
	for range 2 {
		receipts, err := client.Add(ctx, s)
		if err != nil {
			fmt.Println("none, some or all were added; add them again:", err)
			return
		}
		for _, r := range receipts {
			fmt.Println(r.ID, r.Outcome)
		}
	}
	// Output:
	// sub-0001 added
	// sub-0001 duplicate
}

// Who asks and why is kept in the subscription's history.
func ExampleClient_Pause() {
	client, closeAll := added()
	defer closeAll()

	by := billing.Actor{By: "ana", Note: "asked for by mail"}
	applied, err := client.Pause(context.Background(), "sub-0001", by)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(applied.Before.State, "->", applied.After.State, applied.After.Reason)

	_, err = client.Pause(context.Background(), "sub-0001", by)
	fmt.Println(errors.As(err, new(billing.Refusal)), err)
	// Output:
	// active -> paused person
	// true sub-0001: refused: only an active subscription can be paused; this one is paused
}

// A change counts from the next period on.
func ExampleClient_Change() {
	client, closeAll := added()
	defer closeAll()

	amount := "55000"
	applied, err := client.Change(context.Background(), "sub-0001", tasks.Change{Amount: &amount},
		billing.Actor{By: "ana", Note: "prices of 2100"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(applied.After.Amount, applied.After.Currency, "from", applied.After.NextDue.Format(time.RFC3339))
	// Output:
	// 55000 CLP from 2099-08-31T09:00:00-04:00
}

func ExampleClient_Get() {
	ctx := context.Background()
	client, closeAll := added()
	defer closeAll()

	if _, err := client.Cancel(ctx, "sub-0001", billing.Actor{By: "ana", Note: "moved away"}); err != nil {
		fmt.Println(err)
		return
	}
	details, err := client.Get(ctx, "sub-0001")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(details.State, details.Reason, len(details.Periods))
	for _, entry := range details.History {
		fmt.Println(entry.Action, entry.By, entry.Note)
	}
	_, err = client.Get(ctx, "sub-0002")
	fmt.Println(errors.Is(err, billing.ErrUnknown))
	// Output:
	// ended cancelled 0
	// cancelled ana moved away
	// true
}

func ExampleClient_List() {
	client, closeAll := added()
	defer closeAll()

	for s, err := range client.List(context.Background(), billing.Filter{State: billing.Active}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(s.ID, s.Amount, s.Currency, s.NextDue.Format(time.RFC3339))
	}
	// Output:
	// sub-0001 50000 CLP 2099-08-31T09:00:00-04:00
}
