package pagandocheck_test

import (
	"fmt"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/pagandocheck"
)

// In two steps a charge has an order that a status query finds; whether the account may, worker
// check says.
func ExampleNewTwoStep() {
	c, err := pagandocheck.NewTwoStep(pagandocheck.Config{BaseURL: "https://api.example", User: "shop", Password: "secret"})
	var _ providers.StatusChecker = c
	fmt.Println(c != nil, err)
	_, err = pagandocheck.New(pagandocheck.Config{BaseURL: "http://api.example", User: "shop"})
	fmt.Println(err)
	// Output:
	// true <nil>
	// REMESA_PAGANDOCHECK_BASE_URL: must be https, except on loopback
}
