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
