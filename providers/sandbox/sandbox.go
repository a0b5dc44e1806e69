// Package sandbox holds simulated payment providers: HTTP servers that check what they receive as strictly as can be, keep a book of what
// they executed, and can be told to fail in every way that a provider may. Each provider has a path prefix of its own, with its book at
// {prefix}/_book and its faults at {prefix}/_faults.
//
// It imports no adapter: what an adapter sends is judged by the provider's description alone.
package sandbox

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Prefixes of the simulated providers.
const (
	VirtualPOSPrefix   = "/virtualpos"
	PagoSeguroPrefix   = "/pagoseguro"
	CoordinadorPrefix  = "/coordinador"
	PagandoCheckPrefix = "/pagandocheck"
	ETpayPrefix        = "/etpay"
)

// Options of a Sandbox; the zero value is usable.
type Options struct {
	VirtualPOS   VirtualPOSOptions
	PagoSeguro   PagoSeguroOptions
	Coordinador  CoordinadorOptions
	PagandoCheck PagandoCheckOptions
	ETpay        ETpayOptions
	// Now is time.Now unless set.
	Now func() time.Time
	// Limit is how many payments each provider keeps; more are answered with 503. 0 means 500,000.
	Limit int
}

// Sandbox serves all simulated providers.
type Sandbox struct {
	mux          *http.ServeMux
	virtualPOS   *Desk
	pagoSeguro   *Desk
	coordinador  *coordinador
	pagandoCheck *Desk
	etpay        *Desk
}

// New builds a sandbox; it listens nowhere.
func New(o Options) *Sandbox {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Limit <= 0 {
		o.Limit = 500_000
	}
	s := &Sandbox{mux: http.NewServeMux(), virtualPOS: newDesk(o.Now, o.Limit), pagandoCheck: newDesk(o.Now, o.Limit)}
	s.mount(VirtualPOSPrefix, s.virtualPOS, newVirtualPOS(o.VirtualPOS, s.virtualPOS))
	s.pagoSeguro = newDesk(o.Now, o.Limit)
	s.mount(PagoSeguroPrefix, s.pagoSeguro, newPagoSeguro(o.PagoSeguro, s.pagoSeguro))
	s.mount(PagandoCheckPrefix, s.pagandoCheck, newPagandoCheck(o.PagandoCheck, s.pagandoCheck))
	s.coordinador = newCoordinador(o.Coordinador, newDesk(o.Now, o.Limit))
	s.mount(CoordinadorPrefix, s.coordinador.desk, s.coordinador)
	s.etpay = newDesk(o.Now, o.Limit)
	s.mount(ETpayPrefix, s.etpay, newETpay(o.ETpay, s.etpay))
	return s
}

func (s *Sandbox) mount(prefix string, desk *Desk, provider http.Handler) {
	desk.mount(s.mux, prefix)
	s.mux.Handle(prefix+"/", http.StripPrefix(prefix, provider))
}

// VirtualPOS is the desk of the simulated VirtualPOS: its book and its faults.
func (s *Sandbox) VirtualPOS() *Desk { return s.virtualPOS }

// PagoSeguro is the desk of the simulated Pago Seguro.
func (s *Sandbox) PagoSeguro() *Desk { return s.pagoSeguro }

// PagandoCheck is the desk of the simulated Pagando Check.
func (s *Sandbox) PagandoCheck() *Desk { return s.pagandoCheck }

// ETpay is the desk of the simulated ETpay: its book holds what payers paid.
func (s *Sandbox) ETpay() *Desk { return s.etpay }

// Coordinador is the desk of the simulated Coordinador: its book and its faults.
func (s *Sandbox) Coordinador() *Desk { return s.coordinador.desk }

func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Serve answers on the listener until the context ends, then lets requests in flight finish for up to five seconds.
func (s *Sandbox) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := server.Shutdown(last)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}
