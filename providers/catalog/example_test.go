package catalog_test

import (
	"fmt"

	"github.com/remesa/remesa/providers/catalog"
)

// Whoever must not know a provider by its name reads what it can do from its row.
func ExampleFind() {
	p, ok := catalog.Find("virtualpos")
	fmt.Println(p.Title, ok)
	for _, payments := range p.Payments {
		fmt.Println(payments.Type, payments.Currency)
	}
	_, ok = catalog.Find("nobody")
	fmt.Println(ok)
	// Output:
	// VirtualPOS true
	// payout CLP
	// false
}
