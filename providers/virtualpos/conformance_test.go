package virtualpos_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/virtualpos"
	"github.com/remesa/remesa/providers/virtualpos"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	type form struct {
		sandbox simulator.Options
		change  func(c *virtualpos.Config)
	}
	providertest.Forms(t, map[string]form{
		providertest.AsAssumed: {change: func(*virtualpos.Config) {}},
		"questions signed in full": {
			sandbox: simulator.Options{SignedQueries: true}, change: func(*virtualpos.Config) {},
		},
		"flat body, status signed with the API key alone, not found as 200": {
			sandbox: simulator.Options{FlatBody: true, NotFoundStatus: http.StatusOK},
			change:  func(c *virtualpos.Config) { c.Body, c.StatusSignature = virtualpos.Flat, virtualpos.SignAPIKey },
		},
	}, func(f form) providertest.Suite { return suite(f.sandbox, f.change) })
}

// Every line: what signs a status query and what the provider wants it to sign, and what a status
// query about a final payout comes to whose details are gone. It never speaks of the credentials.
func TestAQueryThatSignsTooLittleSaysNothingOfTheCredentials(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		signature string
		strict    bool
		key       providers.Secret
		queries   int32
		class     providers.Class
		text      string
	}{
		{"the payout is gone, and was to sign", virtualpos.SignTef, true, "sandbox-api-key", 0, "", "details are gone"},
		{"the payout is gone, and was to sign though it need not", virtualpos.SignTef, false, "sandbox-api-key", 0, "", "details are gone"},
		{"the key signs alone", virtualpos.SignAPIKey, false, "sandbox-api-key", 1, providers.Succeeded, ""},
		{"the key signs alone, which is not enough", virtualpos.SignAPIKey, true, "sandbox-api-key", 1, "", "E-002"},
		{"another key signs alone", virtualpos.SignAPIKey, false, "another", 1, "", "E-001"},
	} {
		s := simulator.New(simulator.Options{SignedQueries: row.strict}, sandbox.Options{})
		var queries atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				queries.Add(1)
			}
			s.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		settings := config(server.URL + s.Prefix)
		paid, err := newClient(t, settings).Pay(t.Context(), payout(t, "po-1"), providers.Attempt{})
		if err != nil {
			t.Fatal(err)
		}
		settings.StatusSignature, settings.APIKey = row.signature, row.key
		c := newClient(t, settings)
		for _, q := range []providers.StatusQuery{{Reference: "po-1", ProviderID: paid.ProviderID}, {Reference: "po-1"}} {
			queries.Store(0)
			o, err := c.Status(t.Context(), q)
			if o.Class != row.class || (err != nil) != (row.text != "") || err != nil && !strings.Contains(err.Error(), row.text) {
				t.Errorf("%s: got %+v, %v", row.name, o, err)
			}
			var credentials *providers.CredentialsError
			if errors.As(err, &credentials) || queries.Load() != row.queries {
				t.Errorf("%s: asked %d times, %v", row.name, queries.Load(), err)
			}
		}
	}
}

// A status query about somebody else's payout may be refused like wrong credentials, because it is
// signed over ours. It stops the account only where the credentials are refused for another status
// query, too.
func TestAQueryRefusedForItsPayoutLeavesTheAccountOpen(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		fault   string
		secret  providers.Secret
		refused bool
		text    string
	}{
		{"the payout is somebody else's", "", "sandbox-secret-key", false, "E-002"},
		{"the secret is wrong", "", "another", true, "E-002"},
		{"the provider refuses everything", "unauthorized", "sandbox-secret-key", true, "E-002"},
	} {
		s := simulator.New(simulator.Options{}, sandbox.Options{})
		base := providertest.Simulate(t, s)
		settings := config(base)
		theirs, ours := payout(t, "po-1"), payout(t, "po-1")
		theirs.Bank.AccountNumber = "99"
		if _, err := newClient(t, settings).Pay(t.Context(), theirs, providers.Attempt{}); err != nil {
			t.Fatal(err)
		}
		if row.fault != "" {
			providertest.Fault(t, s, sandbox.Fault{Kind: row.fault})
		}
		settings.SecretKey = row.secret
		_, err := newClient(t, settings).Status(t.Context(), providers.StatusQuery{Reference: "po-1", Amount: ours.Amount, Payout: &ours})
		var credentials *providers.CredentialsError
		if err == nil || errors.As(err, &credentials) != row.refused || !strings.Contains(err.Error(), row.text) {
			t.Errorf("%s: got %v", row.name, err)
		}
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
		s := simulator.New(simulator.Options{Whole: row.whole, Duplicates: sandbox.Refuse}, sandbox.Options{})
		base := providertest.Simulate(t, s)
		settings := config(base)
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
		o, err = c.Status(t.Context(), providers.StatusQuery{Reference: "po-1", Amount: ours.Amount, Payout: &ours})
		if err != nil || o.Class != providers.Succeeded || o.Echo.Complete != row.complete || o.Echo.Beneficiary != row.found {
			t.Errorf("%s: found %+v, %v", row.name, o, err)
		}
	}
}

// Every line: what became of two payouts under one reference, and what a status query about the
// second finds, by its id and by the reference.
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
		s := simulator.New(simulator.Options{}, sandbox.Options{})
		providertest.Fault(t, s, row.faults...)
		base := providertest.Simulate(t, s)
		settings := config(base)
		c := newClient(t, settings)
		p := payout(t, "po-1")
		for range 2 {
			if _, err := c.Pay(t.Context(), p, providers.Attempt{}); err != nil {
				t.Fatal(err)
			}
		}
		q := providers.StatusQuery{Reference: "po-1", Amount: p.Amount, Payout: &p, ProviderID: row.known}
		if o, err := c.Status(t.Context(), q); err != nil || o.Class != row.class || row.known != "" && o.ProviderID != row.known {
			t.Errorf("%s: by id: got %+v, %v", row.name, o, err)
		}
		q.ByReference = true
		if o, err := c.Status(t.Context(), q); err != nil || o.Class != row.then || o.ProviderID != row.found {
			t.Errorf("%s: by reference: got %+v, %v", row.name, o, err)
		}
	}
}

// A query by reference that comes to nothing is not made good by the id: it would pass for a proof
// that such queries work.
func TestAQueryByReferenceStandsForItself(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]providers.Class{"bare_404": "", "login_page": "", "not_found": providers.NotFound} {
		s := simulator.New(simulator.Options{}, sandbox.Options{})
		base := providertest.Simulate(t, s)
		c := newClient(t, config(base))
		p := payout(t, "po-1")
		paid, err := c.Pay(t.Context(), p, providers.Attempt{})
		if err != nil {
			t.Fatal(err)
		}
		providertest.Fault(t, s, sandbox.Fault{Kind: kind, Next: 1})
		q := providers.StatusQuery{Reference: "po-1", Amount: p.Amount, Payout: &p, ProviderID: paid.ProviderID, ByReference: true}
		if o, err := c.Status(t.Context(), q); o.Class != want || (err != nil) != (want == "") {
			t.Errorf("%s: got %+v, %v", kind, o, err)
		}
	}
}

func suite(o simulator.Options, change func(c *virtualpos.Config)) providertest.Suite {
	return providertest.Suite{
		Simulator: func() *sandbox.Provider { return simulator.New(o, sandbox.Options{}) },
		Client: func(t *testing.T, env providertest.Env) any {
			c := config(env.Base)
			c.Wire = env.Wire
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
	return providertest.Open(t, virtualpos.New, c)
}

func payout(t *testing.T, reference string) providers.Payout {
	return providers.Payout{
		Payment: providers.Payment{
			Provider: virtualpos.Name, Account: "default", Reference: reference, Amount: providertest.Amount(t, "12500", "CLP"), Description: "Devolución <1> & más",
		},
		Recipient: providers.Recipient{Document: "12345678-5", Name: "Ana Soto Ñuñoa", Email: "ana@example.cl"},
		Bank:      providers.Bank{Code: "012", AccountNumber: "00123456789"},
	}
}

func TestNothingThatWasSentIsRepeated(t *testing.T) {
	t.Parallel()
	p := payout(t, "tef-0001")
	values := append([]string{"sandbox-api-key", "sandbox-secret-key"}, p.PrivateTexts()...)
	pay := func(t *testing.T, url string) (providers.Outcome, error) {
		return newClient(t, config(url)).Pay(t.Context(), p, providers.Attempt{})
	}
	ask := func(t *testing.T, url string) (providers.Outcome, error) {
		return newClient(t, config(url)).Status(t.Context(), providers.StatusQuery{Reference: p.Reference, Amount: p.Amount, Payout: &p})
	}
	for name, response := range map[string]string{
		"as the code of a refusal":          `{"status":"NOK","code":400,"error":{"error_code":SAID,"message":"x"}}`,
		"in the words of a refusal":         `{"status":"NOK","code":400,"error":{"error_code":"E-9","message":SAID}}`,
		"as the code of a rejection":        `{"status":"OK","code":201,"payout":{"id":"pyt_1","status":"rechazado"},"rejected_object":{"code":SAID,"message":SAID}}`,
		"as the code of a rejected payment": `{"status":"OK","code":201,"payment":{"order":{"uuid":SAID,"status":"rechazado"}},"rejected_object":{"code":SAID,"message":SAID}}`,
		"beside a code that says success":   `{"status":"OK","code":200,"payout":{"id":SAID,"status":"pagado"},"error":{"error_code":"0","message":SAID},"rejected_object":{"code":"0","message":SAID}}`,
		"as the id of an order":             `{"status":"OK","code":200,"payment":{"order":{"uuid":SAID,"merchant_internal_code":"tef-0001","status":"pagado","amount":12500}}}`,
		"as all that is read of an order":   `{"status":"OK","code":200,"payment":{"order":{"uuid":SAID,"merchant_internal_code":SAID,"status":SAID,"amount":SAID,"currency":SAID,"bank":{"sbif_code":SAID,"account_number":SAID},"recipient":{"rut":SAID}}}}`,
		"as the reference of a rejection":   `{"status":"OK","code":201,"payout":{"id":SAID,"merchant_id":SAID,"status":"rechazado"},"rejected_object":{"code":SAID}}`,
		"as the words of a duplicate":       `{"status":"NOK","code":400,"error":{"error_code":"duplicado ya existe","message":SAID}}`,
		"as the payment's id":               `{"status":"OK","code":200,"payout":{"id":SAID,"merchant_id":"tef-0001","status":"pagado","amount":12500}}`,
		"as the payment's word":             `{"status":"OK","code":200,"payout":{"id":"pyt_1","merchant_id":"tef-0001","status":SAID,"amount":12500}}`,
	} {
		status := 200
		if strings.Contains(response, "400") {
			status = 400
		} else if strings.Contains(response, "201") {
			status = 201
		}
		redaction := providertest.RedactionTest{Values: values, Call: pay, Response: providertest.RespondWith(status, response, nil)}
		t.Run(name+" of a payout", redaction.Run)
		redaction.Call = ask
		t.Run(name+" when queried", redaction.Run)
	}
}
