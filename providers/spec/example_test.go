package spec_test

import (
	"fmt"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/spec"
	"github.com/remesa/remesa/providers/virtualpos"
)

// What a provider can do is read from the types of its clients.
func ExampleCan() {
	p := virtualpos.Provider()
	fmt.Println(spec.Can[providers.Payer](p), spec.Can[providers.Charger](p))
	// Output: true false
}
