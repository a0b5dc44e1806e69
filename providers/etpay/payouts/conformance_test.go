package payouts_test

import (
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/etpay/payouts"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/etpay"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Forms(t, map[string]simulator.Options{
		providertest.AsAssumed: {}, "token, payouts and listing inside objects": {TokenField: "data.accessToken", Wrapped: true},
	}, suite)
}

func suite(o simulator.Options) providertest.Suite {
	then := func(classes ...providers.Class) []providers.Class { return classes }
	lost := sandbox.Fault{Kind: "hang_up_after"}
	return providertest.Suite{
		Simulator: func() *sandbox.Provider { return simulator.New(o, sandbox.Options{}) },
		Client: func(t *testing.T, env providertest.Env) any {
			c := config(env.Base)
			c.Wire = env.Wire
			return providertest.Ready(t, newClient(t, c))
		},
		Payout: payout, Paid: providers.Pending, Renews: true,
		Extra: []providertest.Row{
			{
				Name: "answers rejected at once", Faults: []sandbox.Fault{{Kind: "rejected_word"}}, Want: providers.Pending, Code: "rejected",
				Then: then(providers.Refused, providers.Refused),
			},
			{
				Name: "lists another amount", Faults: []sandbox.Fault{lost, {Kind: "wrong_amount"}}, Want: providers.InDoubt, Moved: 1,
				Then: then(providers.Mismatch), Finally: 1,
			},
			{
				Name: "shows another amount", Faults: []sandbox.Fault{{Kind: "wrong_amount"}}, Want: providers.Pending, Moved: 1,
				Then: then(providers.Mismatch), Finally: 1,
			},
			{
				Name: "lists an unknown word", Faults: []sandbox.Fault{lost, {Kind: "unknown_status_after", Operation: sandbox.StatusOperation}}, Want: providers.InDoubt,
				Moved: 1, Then: then(providers.InDoubt), Finally: 1,
			},
			{
				Name: "lists wrong types", Faults: []sandbox.Fault{lost, {Kind: "wrong_types_after", Operation: sandbox.StatusOperation}}, Want: providers.InDoubt,
				Moved: 1, Then: then(providertest.NoAnswer), Finally: 1,
			},
			{
				Name: "lists nothing yet", Faults: []sandbox.Fault{lost, {Kind: "not_found", Next: 1}}, Want: providers.InDoubt,
				Moved: 1, Then: then(providers.NotFound, providers.Succeeded), Finally: 1,
			},
			{
				Name: "does not know its own id any more", Faults: []sandbox.Fault{{Kind: "not_found"}}, Want: providers.Pending,
				Moved: 1, Then: then(providertest.NoAnswer), Finally: 1,
			},
			{
				Name: "ends all tokens when it is queried", Faults: []sandbox.Fault{lost, {Kind: "expire_tokens", Operation: sandbox.StatusOperation, Next: 1}},
				Want: providers.InDoubt, Moved: 1, Then: then(providers.Succeeded), Finally: 1,
			},
			{
				Name: "ends all tokens before the payout", Faults: []sandbox.Fault{{Kind: "expire_tokens", Operation: sandbox.SendOperation, Next: 1}},
				Want: providers.Pending, Moved: 1, Then: then(providers.Succeeded), Finally: 1,
			},
		},
	}
}

func config(url string) payouts.Config {
	return payouts.Config{
		URL: url, Username: "ops@example.cl", Password: "sandbox-password", MerchantCode: "cl_sandbox_cl",
		MerchantAPIToken: "sandbox-merchant-api-token", Auth: auth.Options{Account: "etpay/default"},
	}
}

func newClient(t *testing.T, c payouts.Config) *payouts.Client {
	return providertest.Open(t, payouts.New, c)
}

func payout(t *testing.T, reference string) providers.Payout {
	return providers.Payout{
		Payment: providers.Payment{
			Provider: etpay.Name, Account: "default", Reference: reference, Amount: providertest.Amount(t, "12500", "CLP"),
			Description: "Retiro <1> & más",
		},
		Recipient: providers.Recipient{Document: "12345678-K", Name: "Ana Soto Ñuñoa", Email: "ana@example.cl"},
		Bank:      providers.Bank{Code: "cl_estado", AccountNumber: "00123456789", AccountType: "vista"},
	}
}
