package virtualpos_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/providers/virtualpos"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	forms := map[string]struct {
		sandbox sandbox.VirtualPOSOptions
		change  func(c *virtualpos.Config)
	}{
		"as assumed": {change: func(*virtualpos.Config) {}},
		"flat body, status signed with the API key alone, not found as 200": {
			sandbox: sandbox.VirtualPOSOptions{FlatBody: true, NotFoundStatus: http.StatusOK},
			change:  func(c *virtualpos.Config) { c.Body, c.StatusSignature = virtualpos.Flat, virtualpos.SignAPIKey },
		},
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := subject(form.sandbox, form.change)
			s.OneWay = name != "as assumed"
			providertest.Run(t, s)
		})
	}
}

// Somebody paid under our reference before: the first attempt is told that it is a duplicate, and
// what is found then must say whether it is the same in everything.
func TestWhatStandsUnderOurReferenceSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		whole    bool
		theirs   func(p *providers.Payout)
		complete bool
		found    string
	}{
		{"the same in everything", true, func(*providers.Payout) {}, true, "12345678-5"},
		{"another person's", true, func(p *providers.Payout) { p.Recipient.Document = "7654321-6" }, true, "7654321-6"},
		{"another account's", true, func(p *providers.Payout) { p.Bank.AccountNumber = "99" }, true, "99"},
		{"another bank's", true, func(p *providers.Payout) { p.Bank.Code = "037" }, true, "037 00123456789"},
		{"nobody knows whose", false, func(*providers.Payout) {}, false, ""},
	} {
		s := sandbox.New(sandbox.Options{VirtualPOS: sandbox.VirtualPOSOptions{Whole: row.whole, Duplicates: sandbox.Refuse}})
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		settings := config(server.URL + sandbox.VirtualPOSPrefix)
		settings.StatusSignature = virtualpos.SignAPIKey
		c := newClient(t, settings)
		theirs, ours := payout(t, "po-1"), payout(t, "po-1")
		row.theirs(&theirs)
		if o, err := c.Pay(t.Context(), theirs, providers.Attempt{}); err != nil || o.Class != providers.Succeeded {
			t.Fatalf("%s: theirs came to %+v, %v", row.name, o, err)
		}
		o, err := c.Pay(t.Context(), ours, providers.Attempt{})
		if err != nil || o.Class != providers.Duplicate || o.Code != "duplicate_reference" {
			t.Errorf("%s: ours came to %+v, %v", row.name, o, err)
		}
		o, err = c.Status(t.Context(), providers.Query{Reference: "po-1", Amount: ours.Amount, Payout: &ours})
		if err != nil || o.Class != providers.Succeeded || o.Echo.Complete != row.complete || o.Echo.Beneficiary != row.found {
			t.Errorf("%s: found %+v, %v", row.name, o, err)
		}
	}
}

func subject(o sandbox.VirtualPOSOptions, change func(c *virtualpos.Config)) providertest.Subject {
	return providertest.Subject{
		Simulator: func() (http.Handler, *sandbox.Desk) {
			s := sandbox.New(sandbox.Options{VirtualPOS: o})
			return s, s.VirtualPOS()
		},
		Client: func(t *testing.T, env providertest.Env) any {
			c := config(env.URL + sandbox.VirtualPOSPrefix)
			c.CAFile, c.Timeout = env.CAFile, env.Timeout
			change(&c)
			return newClient(t, c)
		},
		Payout: payout,
		Extra: []providertest.Row{
			{
				Name: "answers 201 with a rejected_object", Faults: []sandbox.Fault{{Kind: "rejected_object", Code: "51"}},
				Want: providers.Refused, Code: "51", Then: []providers.Class{providers.NotFound},
			},
			{
				Name: "pays, and says so in a rejected_object, too", Faults: []sandbox.Fault{{Kind: "rejection_beside"}},
				Want: providers.Succeeded, Code: "pagado", Moved: 1, Then: []providers.Class{providers.Succeeded}, Finally: 1,
			},
			{
				Name: "pays, beside a rejected_object that rejects", Faults: []sandbox.Fault{{Kind: "rejection_beside", Code: "51"}},
				Want: providers.InDoubt, Moved: 1, Then: []providers.Class{providers.InDoubt}, Finally: 1,
			},
			{
				Name: "calls the reference a duplicate", Faults: []sandbox.Fault{{Kind: "duplicate"}},
				Want: providers.Duplicate, Code: "duplicate_reference", Then: []providers.Class{providers.NotFound},
			},
			{
				Name: "answers rechazado at once", Faults: []sandbox.Fault{{Kind: "rejected_word"}},
				Want: providers.Pending, Code: "rechazado", Then: []providers.Class{providers.Refused, providers.Refused},
			},
		},
	}
}

func config(url string) virtualpos.Config {
	return virtualpos.Config{BaseURL: url, APIKey: "sandbox-api-key", SecretKey: "sandbox-secret-key"}
}

func newClient(t *testing.T, c virtualpos.Config) *virtualpos.Client {
	t.Helper()
	client, err := virtualpos.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func payout(t *testing.T, reference string) providers.Payout {
	t.Helper()
	amount, err := providers.ParseMoney("12500", "CLP")
	if err != nil {
		t.Fatal(err)
	}
	return providers.Payout{
		Payment: providers.Payment{
			Provider: providers.VirtualPOS, Account: "default", Reference: reference, Amount: amount, Description: "Devolución <1> & más",
		},
		Recipient: providers.Recipient{Document: "12345678-5", Name: "Ana Soto Ñuñoa", Email: "ana@example.cl"},
		Bank:      providers.Bank{Code: "012", AccountNumber: "00123456789"},
	}
}
