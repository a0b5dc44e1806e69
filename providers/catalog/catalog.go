// Package catalog lists the providers. Adding one is its row here, its package, its simulator and
// its page: see docs/adding-a-provider.md.
package catalog

import (
	"slices"

	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/spec"
	"github.com/remesa/remesa/providers/virtualpos"
)

// Providers lists every provider that a task may name, in the order in which help lists their
// settings.
func Providers() []spec.Provider {
	return []spec.Provider{
		virtualpos.Provider(),
		pagoseguro.Provider(),
		pagandocheck.Provider(),
		etpay.Provider(),
		coordinador.Provider(),
	}
}

// Names lists the providers' names, in alphabetical order.
func Names() []string {
	var names []string
	for _, p := range Providers() {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

// Find is the provider of that name.
func Find(name string) (spec.Provider, bool) {
	for _, p := range Providers() {
		if p.Name == name {
			return p, true
		}
	}
	return spec.Provider{}, false
}
