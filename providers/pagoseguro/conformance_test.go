package pagoseguro_test

import (
	"net/http"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/pagoseguro"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Forms(t, map[string]simulator.Options{
		providertest.AsAssumed: {}, "the HTTP status is always 200": {Always200: true}, // else it repeats status_code
	}, suite)
}

func suite(o simulator.Options) providertest.Suite {
	row := func(name, kind, code string, want providers.Class, moved int) providertest.Row {
		return providertest.Row{Name: name, Faults: []sandbox.Fault{{Kind: kind, Next: 1}}, Want: want, Code: code, Moved: moved}
	}
	expired := func(name, kind string, status int) providertest.Row {
		return providertest.Row{Name: name, Faults: []sandbox.Fault{{Kind: kind, Status: status, Next: 1}}, Want: providers.Succeeded, Moved: 1}
	}
	return providertest.Suite{
		Simulator: func() *sandbox.Provider { return simulator.New(o, sandbox.Options{}) },
		Client: func(t *testing.T, env providertest.Env) any {
			c := config(env.Base)
			c.Wire = env.Wire
			return newClient(t, c)
		},
		Charge: charge, Renews: true, DeclineCode: "500",
		Without: []string{"accepts and pays later", "accepts and declines later"}, // an approval or a decline comes at once
		Extra: []providertest.Row{
			row("answers Rechazado", "rejected_object", "Rechazado", providers.Refused, 0),
			row("answers 401 in the body alone, once", "unauthorized_in_body", "", providers.Succeeded, 1),
			expired("answers 401 in the body under HTTP 403, once", "unauthorized_in_body", http.StatusForbidden),
			expired("answers 401 in the body under HTTP 500, once", "unauthorized_in_body", http.StatusInternalServerError),
			row("ended the token's life before its time", "expire_tokens", "", providers.Succeeded, 1),
			row("moves the money, then answers with another 500", "unknown_code_after", "status_code_500", providers.InDoubt, 1),
			row("answers with a status that means nothing yet", "pending", "unknown_status", providers.InDoubt, 0),
		},
	}
}

// A provider that knows the reference says nothing of whose charge it has.
func TestARepeatedTxnIDIsADuplicate(t *testing.T) {
	t.Parallel()
	sim, url := simulate(t, simulator.Options{Duplicates: sandbox.Refuse})
	c := newClient(t, config(url))
	for _, want := range []providers.Class{providers.Succeeded, providers.Duplicate} {
		if o, err := c.Charge(t.Context(), charge(t, "SO0001"), providers.Attempt{}); err != nil || o.Class != want || o.Echo.Complete {
			t.Errorf("got %+v, %v, want %s", o, err, want)
		}
	}
	if n := sim.ExecutionCount("SO0001"); n != 1 {
		t.Errorf("money moved %d times", n)
	}
}

func config(url string) pagoseguro.Config {
	return pagoseguro.Config{BaseURL: url, AccountID: "123456789", APIKey: "sandbox-api-key"}
}

func newClient(t *testing.T, c pagoseguro.Config) *pagoseguro.Client {
	return providertest.Open(t, pagoseguro.New, c)
}

// cardToken decodes to iv, value and mac, as the provider's do.
const cardToken = "eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0="

func charge(t *testing.T, reference string) providers.Charge {
	return providers.Charge{
		Payment: providers.Payment{
			Provider: pagoseguro.Name, Account: "default", Reference: reference, Amount: providertest.Amount(t, "32900.50", "COP"), Description: "Canal <1> & más",
		},
		Customer: providers.Customer{
			Name: "Ana Ruiz Ñáñez", Email: "ana@example.com", DocumentType: 1, Document: "100000000", Phone: "3100000000",
			Address: "Calle 10 # 10-99", City: "Bogotá", FirstNames: "Ana", LastNames: "Ruiz Ñáñez",
		},
		Card: providers.Card{Token: cardToken, Brand: "MasterCard", ExpiryMonth: 6, ExpiryYear: 99, Installments: 1},
	}
}

// logins are answered with a token.
var logins = map[string]string{
	"accountlogin": `{"success":true,"data":{"access_token":"bearer-token-of-today","expires_in":3600},"status_code":200}`,
}

func TestNothingThatWasSentIsRepeated(t *testing.T) {
	t.Parallel()
	c := charge(t, "SO0001")
	c.Customer.BillingEmail = "facturas@example.com"
	for name, response := range map[string]string{
		"in the words of a decline":   `{"success":false,"message":SAID,"data":null,"status_code":422}`,
		"as the name of a field":      `{"success":false,"message":{SAID:"x"},"data":null,"status_code":422}`,
		"as the charge's word":        `{"success":true,"data":{"status":SAID,"amount":32900.50,"transaction_code":16526683},"status_code":200}`,
		"as the charge's id":          `{"success":true,"data":{"status":"Aprobado","amount":32900.50,"transaction_code":SAID},"status_code":200}`,
		"as the approval's code":      `{"success":true,"data":{"status":"Aprobado","amount":32900.50,"transaction_code":SAID,"code":SAID},"status_code":200}`,
		"as the approval's date":      `{"success":true,"data":{"status":"Aprobado","amount":32900.50,"transaction_code":SAID,"code":836158,"date":SAID},"status_code":200}`,
		"about the txnid":             `{"success":false,"message":{"txnid":SAID,SAID:"duplicado"},"data":null,"status_code":422}`,
		"in the words of a rejection": `{"success":true,"message":SAID,"data":{"status":"Rechazado","amount":32900.50,"transaction_code":1},"status_code":200}`,
	} {
		t.Run(name, providertest.RedactionTest{
			Values:   append([]string{"sandbox-api-key", "facturas@example.com"}, c.PrivateTexts()...),
			Response: providertest.RespondWith(200, response, logins),
			Call: func(t *testing.T, url string) (providers.Outcome, error) {
				return newClient(t, config(url)).Charge(t.Context(), c, providers.Attempt{})
			},
		}.Run)
	}
}

// Finance reads both, whatever numbers the customer has.
func TestAnApprovalStaysReadable(t *testing.T) {
	t.Parallel()
	c := charge(t, "SO0001")
	c.Customer.ID, c.Agreement, c.Customer.Document = "28", "13", "20200529"
	response := `{"success":true,"data":{"status":"Aprobado","amount":32900.50,"transaction_code":16526683,"code":836158,"date":"2020-05-29T10:28:13"},"status_code":200}`
	says := providertest.RespondWith(200, response, logins)
	server := providertest.Record(t, func(r *http.Request) (int, string) { return says(r, "") })
	o, err := newClient(t, config(server.URL)).Charge(t.Context(), c, providers.Attempt{})
	if err != nil || o.Class != providers.Succeeded || o.ProviderID != "16526683" {
		t.Fatalf("got %+v, %v", o, err)
	}
	if o = providers.Redact(o, c.PrivateTexts()...); o.Message != "approval 836158, date 2020-05-29T10:28:13" {
		t.Errorf("finance reads %q", o.Message)
	}
}
