package quipu_test

import (
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/quipu"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/quipu"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Suite{
		Simulator: func() *sandbox.Provider { return simulator.New(simulator.Options{}, sandbox.Options{}) },
		Client: func(t *testing.T, env providertest.Env) any {
			c := config(env.Base)
			c.Wire = env.Wire
			return providertest.Open(t, quipu.New, c)
		},
		Payout: payout,
		Renews: true,
	})
}

func config(url string) quipu.Config {
	return quipu.Config{BaseURL: url, ClientID: "sandbox-client", ClientSecret: "sandbox-client-secret", Auth: auth.Options{Account: "quipu/default"}}
}

func payout(t *testing.T, reference string) providers.Payout {
	t.Helper()
	return providers.Payout{
		Payment: providers.Payment{
			Provider: quipu.Name, Account: "default", Reference: reference, Amount: providertest.Amount(t, "12500", "CLP"), Description: "Devolución <1>",
		},
		Recipient: providers.Recipient{Document: "12345678-5", Name: "Ana Soto"},
		Bank:      providers.Bank{Code: "012", AccountNumber: "00123456789"},
		Details:   quipu.Details{Purpose: "Devolución"},
	}
}
