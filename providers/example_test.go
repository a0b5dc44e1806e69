package providers_test

import (
	"context"
	"fmt"

	"github.com/remesa/remesa/providers"
)

// bank is the smallest provider: it can send payouts, and cannot be queried.
type bank struct{}

var _ providers.Payer = bank{}

func (bank) Pay(_ context.Context, p providers.Payout, _ providers.Attempt) (providers.Outcome, error) {
	if p.Amount.Currency() != "CLP" {
		// Nothing was sent: an outcome without money, and no error.
		return providers.Outcome{Class: providers.Refused, Code: "currency"}, nil
	}
	return providers.Outcome{Class: providers.Succeeded, ProviderID: "pyt_1"}, nil
}

func ExamplePayer() {
	amount, err := providers.ParseMoney("12500", "CLP")
	if err != nil {
		fmt.Println(err)
		return
	}
	p := providers.Payout{Payment: providers.Payment{Provider: "bank", Reference: "tef-0001", Amount: amount}}
	o, err := bank{}.Pay(context.Background(), p, providers.Attempt{})
	fmt.Println(o.Class, o.ProviderID, err)
	// Output: succeeded pyt_1 <nil>
}

func ExampleRegistry() {
	registry := providers.Registry{}
	registry.Add(providers.Account{Provider: "bank", Name: "default", Client: bank{}})
	account, found := registry.Find("bank", "default")
	_, pays := account.Client.(providers.Payer)
	_, queried := account.Client.(providers.StatusChecker)
	fmt.Println(registry.Providers(), found, pays, queried)
	// Output: [bank] true true false
}

func ExampleParseMoney() {
	for _, text := range []string{"149.50", "149.505", "1,5", "-3"} {
		m, err := providers.ParseMoney(text, "MXN")
		if err != nil {
			fmt.Println("refused")
			continue
		}
		fmt.Println(m)
	}
	// Output:
	// 149.50 MXN
	// refused
	// refused
	// refused
}

func ExampleMessage() {
	text := "Cuenta 0012-3456-78 de Ana Ruiz no existe"
	fmt.Println(providers.Message(text, "12345678", "Ana Ruiz"))
	// Output: Cuenta […] de […] no existe
}

func ExampleSecret() {
	key := providers.Secret("hunter2")
	fmt.Printf("%v %+v %q\n", key, key, key)
	fmt.Println(key.Reveal() == "hunter2")
	// Output:
	// REDACTED REDACTED "REDACTED"
	// true
}
