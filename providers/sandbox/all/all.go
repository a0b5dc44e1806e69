// Package all lists the simulated providers.
package all

import (
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/providers/sandbox/coordinador"
	"github.com/remesa/remesa/providers/sandbox/etpay"
	"github.com/remesa/remesa/providers/sandbox/pagandocheck"
	"github.com/remesa/remesa/providers/sandbox/pagoseguro"
	"github.com/remesa/remesa/providers/sandbox/virtualpos"
)

// Options are those of each simulator, and of the core of all of them; the zero value is usable.
type Options struct {
	VirtualPOS   virtualpos.Options
	PagoSeguro   pagoseguro.Options
	Coordinador  coordinador.Options
	PagandoCheck pagandocheck.Options
	ETpay        etpay.Options
	Core         sandbox.Options
}

// Sandbox serves all simulated providers.
type Sandbox struct {
	*sandbox.Sandbox
	// Coordinador can be given rows that nobody registered through it.
	Coordinador *coordinador.Simulator
}

// New builds a sandbox of all simulated providers; it listens nowhere.
func New(o Options) *Sandbox {
	portal := coordinador.New(o.Coordinador, o.Core)
	return &Sandbox{Coordinador: portal, Sandbox: sandbox.New(
		virtualpos.New(o.VirtualPOS, o.Core),
		pagoseguro.New(o.PagoSeguro, o.Core),
		portal.Provider,
		pagandocheck.New(o.PagandoCheck, o.Core),
		etpay.New(o.ETpay, o.Core),
	)}
}
