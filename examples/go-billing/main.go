// Command go-billing is a small billing system: it submits payouts, and reads what becomes of them.
//
//	go-billing submit REFERENCE AMOUNT    submits a payout of that many pesos; safe to repeat
//	go-billing consume JOURNAL            writes each outcome into the file, once, until it is stopped
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

const provider = "virtualpos"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "go-billing:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	url := os.Getenv("REMESA_REDIS_URL")
	if url == "" {
		url = "redis://127.0.0.1:6379/0"
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		return errors.New("REMESA_REDIS_URL: not a redis:// address") // the error itself would repeat the password
	}
	rdb := redis.NewClient(options)
	defer func() { _ = rdb.Close() }()
	switch {
	case len(args) == 3 && args[0] == "submit":
		return submit(ctx, rdb, args[1], args[2])
	case len(args) == 2 && args[0] == "consume":
		return consume(ctx, rdb, args[1])
	default:
		return errors.New("usage: submit REFERENCE AMOUNT | consume JOURNAL")
	}
}

// submit registers a payout. The reference is the order's: a repetition is a duplicate, and pays nothing.
func submit(ctx context.Context, rdb *redis.Client, reference, amount string) error {
	task, err := payout(reference, amount)
	if err != nil {
		return err
	}
	client := tasks.NewClient(idempotency.NewRedis(rdb, idempotency.Options{}), rdb, tasks.ClientOptions{})
	receipts, err := client.Submit(ctx, task)
	if err != nil {
		return fmt.Errorf("not known whether it was taken in; submitting it again is safe: %w", err)
	}
	r := receipts[0]
	fmt.Println(r.Key, r.Outcome, r.State)
	if r.Outcome == tasks.Conflict {
		return errors.New(r.Problem)
	}
	return nil
}

func payout(reference, amount string) (tasks.Task, error) {
	return tasks.Payout{
		Provider: provider, MerchantID: reference, Amount: amount, Currency: "CLP", Description: "Refund",
		Recipient: providers.Recipient{Document: "12345678-5", Name: "Ana Soto", Email: "ana@example.cl"},
		Bank:      providers.Bank{Code: "012", AccountNumber: "12345678"},
	}.Task()
}

func consume(ctx context.Context, rdb *redis.Client, path string) error {
	journal, err := openJournal(path)
	if err != nil {
		return err
	}
	defer func() { _ = journal.close() }()
	host, _ := os.Hostname()
	c := consumer{
		rdb: rdb, stream: idempotency.OutcomesKey(provider), group: "billing", name: host + "-" + strconv.Itoa(os.Getpid()),
		abandoned: 30 * time.Second, wait: 5 * time.Second, handle: journal.write,
	}
	return c.run(ctx)
}
