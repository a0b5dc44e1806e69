package etpay_test

import (
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/etpay"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Forms(t, map[string]simulator.Options{providertest.AsAssumed: {}, "order and amount repeated": {Echoes: true}}, suite)
}

func suite(o simulator.Options) providertest.Suite {
	return providertest.Suite{
		Simulator: func() *sandbox.Provider { return simulator.New(o, sandbox.Options{}) },
		Client: func(t *testing.T, env providertest.Env) any {
			c := config(env.Base)
			c.Wire = env.Wire
			return newClient(t, c)
		},
		Charge: charge, Sessions: true,
		Extra: []providertest.Row{
			{
				Name: "opens a session, and the payer's first try fails at once", Faults: []sandbox.Fault{{Kind: "rejected_word"}},
				Want: providers.Pending, Then: []providers.Class{providers.Pending},
			},
			{
				Name: "says an unknown word of a payment", Faults: []sandbox.Fault{{Kind: "pending"}, {Kind: "unknown_status_after", Operation: sandbox.StatusOperation}},
				Want: providers.Pending, Then: []providers.Class{providers.Pending}, Finally: 1,
			},
			{
				Name: "answers the status query with wrong types", Faults: []sandbox.Fault{{Kind: "pending"}, {Kind: "wrong_types_after", Operation: sandbox.StatusOperation}},
				Want: providers.Pending, Then: []providers.Class{providertest.NoAnswer}, Finally: 1,
			},
		},
	}
}

func config(url string) etpay.Config {
	return etpay.Config{BaseURL: url, PaymentURL: url, MerchantCode: "cl_sandbox_cl", MerchantAPIToken: "sandbox-merchant-api-token"}
}

func newClient(t *testing.T, c etpay.Config) *etpay.Client {
	return providertest.Open(t, etpay.New, c)
}

func charge(t *testing.T, reference string) providers.Charge {
	return providers.Charge{
		Payment: providers.Payment{
			Provider: etpay.Name, Account: "default", Reference: reference, Amount: providertest.Amount(t, "50000", "CLP"), Description: "Cuenta gas",
		},
		Details: etpay.Details{UserBankCode: "cl_estado", Metadata: []etpay.NamedText{
			{Name: "Cuenta <1> & más", Value: "30215", Show: true}, {Name: "Interno", Value: "x"},
		}},
		Customer: providers.Customer{Email: "ana@example.cl", Document: "12345678-K"},
	}
}
