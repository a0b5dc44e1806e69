// Package catalog lists the providers. Adding one is its row here, its package, its simulator and
// its page: see docs/adding-a-provider.md.
package catalog

import (
	"slices"
	"sync"

	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/spec"
	"github.com/remesa/remesa/providers/virtualpos"
)

// rows are made once: a row compiles the patterns of its fields, and tasks are decoded by the
// thousand.
var rows = sync.OnceValue(func() []spec.Provider {
	return []spec.Provider{
		virtualpos.Provider(),
		pagoseguro.Provider(),
		pagandocheck.Provider(),
		etpay.Provider(),
		coordinador.Provider(),
	}
})

var names = sync.OnceValue(func() []string {
	var all []string
	for _, p := range rows() {
		all = append(all, p.Name)
	}
	slices.Sort(all)
	return all
})

// Providers lists every provider that a task may name, in the order in which help lists their
// settings.
func Providers() []spec.Provider { return slices.Clone(rows()) }

// Names lists the providers' names, in alphabetical order.
func Names() []string { return slices.Clone(names()) }

// Find is the provider of that name.
func Find(name string) (spec.Provider, bool) {
	for _, p := range rows() {
		if p.Name == name {
			return p, true
		}
	}
	return spec.Provider{}, false
}
