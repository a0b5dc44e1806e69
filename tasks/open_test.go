package tasks

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/seal"
)

func open(t *testing.T, url string, o Options) *Client {
	t.Helper()
	c, err := Open(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func refund(reference, amount string) Payout {
	return Payout{
		Provider: virtualpos.Name, MerchantID: reference, Amount: amount, Currency: "CLP",
		Recipient: Recipient{Document: "12345678-5", Name: "Ana Soto"}, Bank: Bank{Code: "012", AccountNumber: "12345678"},
	}
}

// TestOnePayoutWithOnePackage: from the URL of Redis to the outcome, sealed and open.
func TestOnePayoutWithOnePackage(t *testing.T) {
	t.Parallel()
	ring := sealtest.Ring(t, "k1")
	for says, o := range map[string]Options{"open": {}, "sealed": {Keys: ring, FingerprintKey: []byte("0123456789abcdef0123456789abcdef")}} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			for _, server := range []*redistest.Server{redistest.Start(t), redistest.Start(t, redistest.Cluster())} {
				payAndFollow(t, open(t, server.URL(), o))
			}
		})
	}
}

func payAndFollow(t *testing.T, c *Client) {
	t.Helper()
	p := refund("a", "12500")
	p.Metadata = map[string]string{"order": "7"}
	receipt, err := c.Pay(t.Context(), p)
	if err != nil || receipt.Result != Enqueued || receipt.Key.String() != "virtualpos/a" {
		t.Fatalf("%+v, %v", receipt, err)
	}
	if again, err := c.Pay(t.Context(), p); err != nil || again.Result != Duplicate || again.State != Queued {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := c.Pay(t.Context(), refund("a", "99")); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "amount") {
		t.Errorf("with another amount: %v", err)
	}
	if _, err := c.Charge(t.Context(), Charge{Provider: etpay.Name, TxnID: "OC1", Amount: "1.5", Currency: "CLP"}); err == nil || !strings.HasPrefix(err.Error(), "amount: ") {
		t.Errorf("half a peso: %v", err)
	}
	late := refund("late", "1")
	late.Deadline = time.Now().Add(-time.Hour)
	var field *FieldError
	if _, err := c.Pay(t.Context(), late); !errors.As(err, &field) || field.Path != "deadline" {
		t.Errorf("too late: %v", err)
	}
	if r, err := c.Show(t.Context(), receipt.Key); err != nil || r.State != Queued || r.Amount != "12500" || r.Metadata["order"] != "7" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := c.Show(t.Context(), Key{Provider: virtualpos.Name, Account: DefaultAccount, Reference: "b"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("an unknown payment: %v", err)
	}
	reader, err := c.Outcomes(OutcomesOptions{Group: "billing"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	var got []Event
	if err := reader.Run(ctx, func(_ context.Context, e Event) error {
		got = append(got, e)
		stop()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].ID != "virtualpos/a:1:1" || got[0].State != Queued || got[0].Metadata["order"] != "7" || got[0].DecryptErr != nil {
		t.Errorf("%+v", got)
	}
}

func TestOpenDialsNothingAndRepeatsNoPassword(t *testing.T) {
	t.Parallel()
	open(t, "", Options{})
	for _, url := range []string{"redis://u:canary@h:x", "canary", "http://canary"} {
		if _, err := Open(url, Options{}); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := Open("", Options{Keys: &seal.Ring{}}); err == nil || !strings.Contains(err.Error(), "FingerprintKey") {
		t.Errorf("keys without a fingerprint key: %v", err)
	}
}
