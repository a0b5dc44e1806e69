package wire

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// provider is an HTTP server that counts the requests it saw.
type provider struct {
	*httptest.Server
	arrived atomic.Int64
	caFile  string
}

func serve(t *testing.T, secure bool, handler http.HandlerFunc) *provider {
	t.Helper()
	p := &provider{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.arrived.Add(1)
		handler(w, r)
	}))
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		p.StartTLS()
		p.caFile = filepath.Join(t.TempDir(), "ca.pem")
		writePEM(t, p.caFile, "CERTIFICATE", p.Certificate().Raw)
	} else {
		p.Start()
	}
	t.Cleanup(p.Close)
	return p
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func client(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func post(url string) Request {
	return Request{Method: "POST", URL: url, Body: []byte(`{"amount":1}`)}
}

// failed insists on an *Error and returns it.
func failed(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	return e
}

func ok(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, "ok")
}

func drop(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	panic(http.ErrAbortHandler)
}

// faultySocket is a socket of which the test can say how many more bytes it takes, and whether its
// end is noticed.
type faultySocket struct {
	net.Conn
	budget *atomic.Int64
	read   *atomic.Int64
}

var errDead = &net.OpError{Op: "write", Net: "tcp", Err: errors.New("socket is dead")}

func (f faultySocket) Write(p []byte) (int, error) {
	left := f.budget.Add(-int64(len(p)))
	if left >= 0 {
		return f.Conn.Write(p)
	}
	fits := max(0, int64(len(p))+left)
	n, _ := f.Conn.Write(p[:fits])
	return n, errDead
}

func (f faultySocket) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	f.read.Add(int64(n))
	return n, err
}

const unlimited = 1 << 40

// network dials faulty sockets that share one budget.
type network struct {
	budget, read, dialled atomic.Int64
}

func newNetwork() *network {
	n := &network{}
	n.budget.Store(unlimited)
	return n
}

func (n *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.dialled.Add(1)
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return faultySocket{Conn: c, budget: &n.budget, read: &n.read}, nil
}

// everyway runs a test on plain and TLS connections, fresh and reused ones.
func everyway(t *testing.T, run func(t *testing.T, secure, reused bool)) {
	t.Helper()
	for _, way := range []struct {
		name           string
		secure, reused bool
	}{{"plain, fresh", false, false}, {"plain, reused", false, true}, {"TLS, fresh", true, false}, {"TLS, reused", true, true}} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			run(t, way.secure, way.reused)
		})
	}
}

// warm leaves an idle connection behind.
func warm(t *testing.T, c *Client, url string) {
	t.Helper()
	if _, err := c.Do(t.Context(), Request{Method: "GET", URL: url + "/warm"}); err != nil {
		t.Fatalf("warming up: %v", err)
	}
}

// afterWarm serves the warming request well and all others with handler.
func afterWarm(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/warm" {
			ok(w, r)
			return
		}
		handler(w, r)
	}
}

func requireClientCert(p *tls.Config) { p.ClientAuth = tls.RequireAnyClientCert }
