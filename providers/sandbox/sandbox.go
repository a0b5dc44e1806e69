// Package sandbox is what simulated payment providers share: HTTP servers that check what they
// receive as strictly as can be, keep a book of what they executed, and can be told to fail in
// every way that a provider may. Each provider is a package of its own below, and has a path prefix
// with its book at {prefix}/_book and its faults at {prefix}/_faults; package all lists them.
//
// Neither imports an adapter: what an adapter sends is judged by the provider's description alone.
package sandbox

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Provider is one simulated provider with its Simulator: its book and its faults.
type Provider struct {
	*Simulator
	// Name is the provider's, Prefix the path below which it is served: a slash and the name.
	Name, Prefix string
	settings     func(base string) []Setting
	mux          *http.ServeMux
}

// Setting is an environment variable.
type Setting struct{ Name, Value string }

// NewProvider serves what h answers below the prefix, and the simulator's own pages. The settings
// are those with which a worker reaches the provider, given the address of its prefix.
func NewProvider(name string, d *Simulator, h http.Handler, settings func(base string) []Setting) *Provider {
	p := &Provider{Simulator: d, Name: name, Prefix: "/" + name, settings: settings, mux: http.NewServeMux()}
	d.mountAdmin(p.mux, p.Prefix)
	p.mux.Handle(p.Prefix+"/", http.StripPrefix(p.Prefix, h))
	return p
}

func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// Settings are those with which a worker reaches the provider where url, such as
// "http://127.0.0.1:9090", serves it. They hold the credentials that the provider takes, which
// guard nothing.
func (p *Provider) Settings(url string) []Setting { return p.settings(url + p.Prefix) }

// Sandbox serves several providers.
type Sandbox struct {
	providers []*Provider
	mux       *http.ServeMux
}

// New builds a sandbox; it listens nowhere.
func New(all ...*Provider) *Sandbox {
	s := &Sandbox{providers: all, mux: http.NewServeMux()}
	for _, p := range all {
		s.mux.Handle(p.Prefix+"/", p)
	}
	return s
}

// Providers are those of the sandbox, in the order in which they were given.
func (s *Sandbox) Providers() []*Provider { return s.providers }

// Find is the provider of that name; nil where there is none.
func (s *Sandbox) Find(name string) *Provider {
	for _, p := range s.providers {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Serve answers on the listener until the context ends, then lets requests in flight finish for up
// to five seconds.
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
