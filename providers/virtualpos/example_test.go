package virtualpos_test

import (
	"fmt"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/virtualpos"
)

// A client dials nothing before it is used, and names a setting that is wrong.
func ExampleNew() {
	c, err := virtualpos.New(virtualpos.Config{BaseURL: "https://api.example", APIKey: "key", SecretKey: "secret"})
	var _ providers.Payer = c
	fmt.Println(c != nil, err)
	_, err = virtualpos.New(virtualpos.Config{BaseURL: "http://api.example", APIKey: "key"})
	fmt.Println(err)
	// Output:
	// true <nil>
	// REMESA_VIRTUALPOS_BASE_URL: must be https, except on loopback
}
