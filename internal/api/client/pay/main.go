// Command pay pays a payout with the generated client, and waits until it is paid:
// KEY=… pay http://127.0.0.1:8090
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/remesa/remesa/internal/api/client"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Getenv("KEY")); err != nil {
		fmt.Fprintln(os.Stderr, "pay:", err)
		os.Exit(1)
	}
}

const key = "virtualpos/tef-client"

func run(ctx context.Context, server, apiKey string) error {
	c, err := client.NewClientWithResponses(server, client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+apiKey)
		return nil
	}))
	if err != nil {
		return err
	}
	after := "now"
	first, err := c.ReadOutcomesWithResponse(ctx, &client.ReadOutcomesParams{After: &after})
	if err != nil || first.JSON200 == nil {
		return fmt.Errorf("outcomes: %w %s", err, first.Body)
	}
	if err := pay(ctx, c); err != nil {
		return err
	}
	return follow(ctx, c, first.JSON200.Cursor)
}

// pay sends the payout twice: the second is a duplicate.
func pay(ctx context.Context, c *client.ClientWithResponses) error {
	p := client.PayoutVirtualpos{Provider: "virtualpos", MerchantId: "tef-client", Amount: "12500", Currency: "CLP"}
	p.Recipient.Document, p.Recipient.Name = "12345678-5", "Ana Soto"
	p.Bank.Code, p.Bank.AccountNumber = "012", "12345678"
	var body client.Payout
	if err := body.FromPayoutVirtualpos(p); err != nil {
		return err
	}
	for _, want := range []string{"enqueued", "duplicate"} {
		got, err := c.CreatePayoutWithResponse(ctx, nil, body)
		if err != nil {
			return err
		}
		receipt := got.JSON201
		if receipt == nil {
			receipt = got.JSON200
		}
		if receipt == nil || receipt.Result != want {
			return fmt.Errorf("%s: %s", got.Status(), got.Body)
		}
	}
	return nil
}

// follow waits for the payment's last state.
func follow(ctx context.Context, c *client.ClientWithResponses, cursor string) error {
	wait := 30
	for {
		page, err := c.ReadOutcomesWithResponse(ctx, &client.ReadOutcomesParams{After: &cursor, Wait: &wait})
		if err != nil {
			return err
		}
		if page.JSON200 == nil {
			return errors.New(page.Status())
		}
		cursor = page.JSON200.Cursor
		for _, e := range page.JSON200.Events {
			if e.Key == nil || *e.Key != key || e.State == nil {
				continue
			}
			switch *e.State {
			case "succeeded", "failed":
				shown, err := c.GetPaymentWithResponse(ctx, key)
				if err != nil || shown.JSON200 == nil {
					return fmt.Errorf("show: %w", err)
				}
				fmt.Println(key, shown.JSON200.State)
				return nil
			}
		}
	}
}
