package quipu_test

import (
	"fmt"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/quipu"
)

// A client dials nothing before it is used.
func ExampleNew() {
	c, err := quipu.New(quipu.Config{BaseURL: "https://api.example", ClientID: "shop", ClientSecret: "secret"})
	var _ providers.Payer = c
	fmt.Println(c != nil, err)
	// Output: true <nil>
}
