package etpay_test

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/etpay/payouts"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/etpay"
)

func payoutConfig(url string) (etpay.Config, payouts.Config) {
	return config(url), payouts.Config{URL: url, Username: "ops@example.cl", Password: "sandbox-password", Auth: auth.Options{Account: "etpay/default"}}
}

func newWithPayouts(t *testing.T, c etpay.Config, p payouts.Config) *etpay.WithPayouts {
	t.Helper()
	client, err := etpay.NewWithPayouts(c, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// both is a client for sessions and payouts, with its simulator.
func newClientAndSimulator(t *testing.T) (*etpay.WithPayouts, *sandbox.Provider) {
	t.Helper()
	s := simulator.New(simulator.Options{}, sandbox.Options{})
	base := providertest.Simulate(t, s)
	c, p := payoutConfig(base)
	return newWithPayouts(t, c, p), s
}

func payout(t *testing.T, reference string) providers.Payout {
	t.Helper()
	return providers.Payout{
		Payment: providers.Payment{
			Provider: etpay.Name, Account: "default", Reference: reference, Amount: providertest.Amount(t, "12500", "CLP"),
		},
		Recipient: providers.Recipient{Document: "12345678-K", Name: "Ana Soto Ñuñoa", Email: "ana@example.cl"},
		Bank:      providers.Bank{Code: "cl_estado", AccountNumber: "00123456789", AccountType: "vista"},
	}
}

func TestSessionsGoOnBesidePayouts(t *testing.T) {
	t.Parallel()
	client, sim := newClientAndSimulator(t)
	is := func(o providers.Outcome, err error) map[string]string {
		t.Helper()
		if err != nil || o.Class != providers.Pending || o.Code != "unpaid" {
			t.Errorf("got %+v, %v; want pending unpaid", o, err)
		}
		return o.ProviderRefs
	}
	c := charge(t, "OC1")
	kept := is(client.Charge(t.Context(), c, providertest.Attempt()))
	is(client.Status(t.Context(), providers.StatusQuery{Reference: "OC1", Amount: c.Amount, Charge: &c, ProviderRefs: kept}))
	is(client.Status(t.Context(), providers.StatusQuery{Reference: "OC1", Amount: c.Amount, ProviderRefs: kept})) // its details are gone
	if n := sim.Logins(); n != 0 {
		t.Errorf("sessions logged in %d times", n)
	}
}

func TestPayoutsGoOnBesideSessions(t *testing.T) {
	t.Parallel()
	client, sim := newClientAndSimulator(t)
	if !client.SafeFirstStep() {
		t.Error("an attempt would be open before it has a token")
	}
	p := payout(t, "PO1")
	o, err := client.Pay(t.Context(), p, providertest.Attempt())
	if err != nil || o.Class != providers.Pending || o.ProviderID == "" {
		t.Fatalf("got %+v, %v", o, err)
	}
	for name, q := range map[string]providers.StatusQuery{
		"a payout": {Reference: "PO1", Amount: p.Amount, Payout: &p, ProviderID: o.ProviderID},
		"a payout whose details are gone": {
			Reference: "PO1", Amount: p.Amount, ProviderID: o.ProviderID, ProviderRefs: map[string]string{payouts.FirstAttemptRef: "2026-05-15T02:30:00Z"},
		},
	} {
		if found, err := client.Status(t.Context(), q); err != nil || found.Class != providers.Succeeded || found.ProviderID != o.ProviderID {
			t.Errorf("%s: got %+v, %v", name, found, err)
		}
	}
	if n := sim.ExecutionCount("PO1"); n != 1 {
		t.Errorf("money moved %d times", n)
	}
}

func TestSessionsAloneSayNothingOfAPayout(t *testing.T) {
	t.Parallel()
	client, _ := newClientAndSimulator(t)
	p := payout(t, "PO1")
	if _, pays := any(client.Client).(providers.Payer); pays {
		t.Error("a client without settings for payouts takes payouts")
	}
	for name, q := range map[string]providers.StatusQuery{
		"a payout":                        {Reference: "PO1", Amount: p.Amount, Payout: &p},
		"a payout whose details are gone": {Reference: "PO1", Amount: p.Amount, ProviderRefs: map[string]string{payouts.FirstAttemptRef: "2026-05-15T02:30:00Z"}},
	} {
		if o, err := client.Client.Status(t.Context(), q); err == nil {
			t.Errorf("%s: got %+v", name, o)
		}
	}
}

func TestSettingsOfBoth(t *testing.T) {
	t.Parallel()
	c, p := payoutConfig("https://api.example")
	p.Username = ""
	if _, err := etpay.NewWithPayouts(c, p); err == nil || !strings.HasPrefix(err.Error(), "REMESA_ETPAY_PAYOUTS_USERNAME:") {
		t.Errorf("without a user for payouts: %v", err)
	}
	c.MerchantCode = ""
	if _, err := etpay.NewWithPayouts(c, p); err == nil || !strings.HasPrefix(err.Error(), "REMESA_ETPAY_MERCHANT_CODE:") {
		t.Errorf("without a merchant: %v", err)
	}
}

func TestCheckOfBoth(t *testing.T) {
	t.Parallel()
	client, _ := newClientAndSimulator(t)
	found, err := client.Check(t.Context())
	if err != nil || len(found) != 4 || found[0].Text != "credentials accepted; no webhook is asked for, so payments are found by polling alone" {
		t.Fatalf("got %+v, %v", found, err)
	}
	if last := found[3]; last.Warn || last.Text != "the listing of payouts can be read" {
		t.Errorf("the last finding is %+v", last)
	}
}
