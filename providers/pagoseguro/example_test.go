package pagoseguro_test

import (
	"fmt"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/pagoseguro"
)

// A client dials nothing before it is used, and names a setting that is wrong.
func ExampleNew() {
	c, err := pagoseguro.New(pagoseguro.Config{BaseURL: "https://api.example", AccountID: "12", APIKey: "key"})
	var _ providers.Charger = c
	fmt.Println(c != nil, err)
	_, err = pagoseguro.New(pagoseguro.Config{BaseURL: "http://api.example", AccountID: "12"})
	fmt.Println(err)
	// Output:
	// true <nil>
	// REMESA_PAGOSEGURO_BASE_URL: must be https, except on loopback
}
