package etpay_test

import (
	"fmt"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay"
)

// Sessions are charges: a payer pays them at the address of the outcome.
func ExampleNew() {
	c, err := etpay.New(etpay.Config{
		BaseURL: "https://api.example", PaymentURL: "https://pay.example", MerchantCode: "shop", MerchantAPIToken: "token",
	})
	var _ providers.Charger = c
	fmt.Println(c != nil, err)
	_, err = etpay.New(etpay.Config{BaseURL: "https://api.example", MerchantCode: "shop", MerchantAPIToken: "token"})
	fmt.Println(err)
	// Output:
	// true <nil>
	// REMESA_ETPAY_PAYMENT_URL: does not begin with https://
}
