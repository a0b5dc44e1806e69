package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/remesa/remesa/tasks"
)

// Pay one payout, show how it stands, and follow what becomes of it.
func ExampleClient() {
	ctx := context.Background()
	client, err := tasks.Open(os.Getenv("REMESA_REDIS_URL"), tasks.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	receipt, err := client.Pay(ctx, tasks.Payout{
		Provider: "virtualpos", MerchantID: "tef-0001", Amount: "12500", Currency: "CLP", Description: "Refund",
		Recipient: tasks.Recipient{Document: "12345678-5", Name: "Ana Soto"},
		Bank:      tasks.Bank{Code: "012", AccountNumber: "12345678"},
	})
	if err != nil {
		log.Fatal(err) // paying again with the same reference is safe
	}
	record, err := client.Show(ctx, receipt.Key)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Result, record.State)
	reader, err := client.Outcomes(tasks.OutcomesOptions{Group: "billing"})
	if err != nil {
		log.Fatal(err)
	}
	err = reader.Run(ctx, func(_ context.Context, e tasks.Event) error {
		_, err := fmt.Println(e.Reference, e.State, e.Code) // an error has the event come again
		return err
	})
	fmt.Println(err)
}

// Submit a file of any length in bounded memory, batch by batch. Where it ends early, submitting
// the whole file again is safe: what was registered is a duplicate.
func ExampleClient_Submit() {
	ctx := context.Background()
	client, err := tasks.Open(os.Getenv("REMESA_REDIS_URL"), tasks.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	file, err := os.Open("payouts.jsonl")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	reader, err := tasks.NewReader(file, tasks.JSONLines)
	if err != nil {
		log.Fatal(err)
	}
	var batch []tasks.Task
	for more := true; more; {
		line, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			more = false
		case err != nil:
			log.Fatal(err)
		case line.Err != nil:
			fmt.Println(line.Number, line.Err)
		default:
			batch = append(batch, line.Task)
		}
		if len(batch) < 256 && more {
			continue
		}
		receipts, err := client.Submit(ctx, batch...)
		if err != nil {
			log.Fatal(err)
		}
		for _, r := range receipts {
			fmt.Println(r.Key, r.Result)
		}
		batch = batch[:0]
	}
}

func ExampleDecode() {
	_, err := tasks.Decode([]byte(`{"type":"payout","provider":"virtualpos","merchant_id":"a","amount":"12500","Amount":"1"}`))
	fmt.Println(err)
	// Output: Amount: unknown field
}
