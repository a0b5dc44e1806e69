package payouts_test

import (
	"fmt"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/etpay/payouts"
)

// A client dials nothing before it is used, and names a setting that is wrong.
func ExampleNew() {
	c, err := payouts.New(payouts.Config{
		Auth: auth.Options{Account: "etpay/default"}, URL: "https://payouts.example", Username: "ops@example.cl", Password: "secret",
	})
	var _ providers.Payer = c
	fmt.Println(c != nil, err)
	_, err = payouts.New(payouts.Config{Auth: auth.Options{Account: "etpay/default"}, URL: "https://payouts.example"})
	fmt.Println(err)
	// Output:
	// true <nil>
	// REMESA_ETPAY_PAYOUTS_USERNAME: must be set
}
