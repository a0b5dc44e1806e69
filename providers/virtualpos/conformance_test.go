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

// Every line: what became of two payouts under one reference, and what a question about the second
// finds, by its id and by the reference.
func TestASecondPayoutUnderOurReferenceIsFound(t *testing.T) {
	t.Parallel()
	const first, second = "pyt_000001", "pyt_000002"
	for _, row := range []struct {
		name        string
		faults      []sandbox.Fault
		known       string
		class, then providers.Class // by id, by reference
		found       string
	}{
		{"both are paid, the second is known", nil, second, providers.Succeeded, providers.Succeeded, first},
		{"both are paid, the first is known", nil, first, providers.Succeeded, providers.Succeeded, first},
		{"both are paid, none is known", nil, "", providers.Succeeded, providers.Succeeded, first},
		{"the first is rejected", []sandbox.Fault{{Kind: "rejected_word", Next: 1}}, second, providers.Succeeded, providers.Succeeded, second},
		{"the first is rejected, and none is known", []sandbox.Fault{{Kind: "rejected_word", Next: 1}}, "", providers.Refused, providers.Refused, first},
		{"the first waits", []sandbox.Fault{{Kind: "pending", Next: 1, Polls: 9}}, second, providers.Succeeded, providers.Pending, first},
		{"the known one was rejected after all", []sandbox.Fault{{Kind: "rejected_word"}}, second, providers.Refused, providers.Refused, second},
	} {
		s := sandbox.New(sandbox.Options{})
		if err := s.VirtualPOS().AddFaults(row.faults...); err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		settings := config(server.URL + sandbox.VirtualPOSPrefix)
		c := newClient(t, settings)
		p := payout(t, "po-1")
		for range 2 {
			if _, err := c.Pay(t.Context(), p, providers.Attempt{}); err != nil {
				t.Fatal(err)
			}
		}
		q := providers.Query{Reference: "po-1", Amount: p.Amount, Payout: &p, ProviderID: row.known}
		if o, err := c.Status(t.Context(), q); err != nil || o.Class != row.class || row.known != "" && o.ProviderID != row.known {
			t.Errorf("%s: by id: got %+v, %v", row.name, o, err)
		}
		q.ByReference = true
		if o, err := c.Status(t.Context(), q); err != nil || o.Class != row.then || o.ProviderID != row.found {
			t.Errorf("%s: by reference: got %+v, %v", row.name, o, err)
		}
	}
}

// A look by reference that comes to nothing is not made good by the id: it would pass for a proof
// that such looks work.
func TestALookByReferenceStandsForItself(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]providers.Class{"bare_404": "", "login_page": "", "not_found": providers.NotFound} {
		s := sandbox.New(sandbox.Options{})
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		c := newClient(t, config(server.URL+sandbox.VirtualPOSPrefix))
		p := payout(t, "po-1")
		paid, err := c.Pay(t.Context(), p, providers.Attempt{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.VirtualPOS().AddFaults(sandbox.Fault{Kind: kind, Next: 1}); err != nil {
			t.Fatal(err)
		}
		q := providers.Query{Reference: "po-1", Amount: p.Amount, Payout: &p, ProviderID: paid.ProviderID, ByReference: true}
		if o, err := c.Status(t.Context(), q); o.Class != want || (err != nil) != (want == "") {
			t.Errorf("%s: got %+v, %v", kind, o, err)
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
