// Command go-billing is a small billing system: it submits payouts, and reads what becomes of them.
//
//	go-billing submit REFERENCE AMOUNT    submits a payout of that many pesos; safe to repeat
//	go-billing consume FOLDER             keeps each outcome there, once, until it is stopped
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/remesa/remesa/tasks"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv("REMESA_REDIS_URL"), os.Args[1:]); err != nil {
		log.Fatalln("go-billing:", err) //nolint:gocritic // there is nothing to stop any more
	}
}

func run(ctx context.Context, redis string, args []string) error {
	client, err := tasks.Open(redis, tasks.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	switch {
	case len(args) == 3 && args[0] == "submit":
		return submit(ctx, client, args[1], args[2])
	case len(args) == 2 && args[0] == "consume":
		reader, err := client.Outcomes(tasks.OutcomesOptions{Group: "billing", Failed: func(e tasks.Event, err error) { log.Println(e.ID, err) }})
		if err != nil {
			return err
		}
		return reader.Run(ctx, folder(args[1]).keep)
	}
	return errors.New("usage: submit REFERENCE AMOUNT | consume FOLDER")
}

// submit pays. The reference is the order's: a repetition is a duplicate, and pays nothing.
func submit(ctx context.Context, client *tasks.Client, reference, amount string) error {
	receipt, err := client.Pay(ctx, tasks.Payout{
		Provider: "virtualpos", MerchantID: reference, Amount: amount, Currency: "CLP", Description: "Refund",
		Recipient: tasks.Recipient{Document: "12345678-5", Name: "Ana Soto", Email: "ana@example.cl"},
		Bank:      tasks.Bank{Code: "012", AccountNumber: "12345678"},
	})
	if err == nil {
		fmt.Println(receipt.Key, receipt.Result, receipt.State)
	}
	return err
}

// folder stands in for a table of events with a unique id: a file for each, named after it, so that
// one that comes again changes nothing. Of a payment's events the one with the highest version
// counts.
type folder string

func (f folder) keep(_ context.Context, e tasks.Event) error {
	text, err := json.Marshal(e.Fields)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(string(f), url.QueryEscape(e.ID)+".json"), text, 0o600)
}
