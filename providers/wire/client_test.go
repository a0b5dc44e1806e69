package wire

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/eventually"
)

func tcpPair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // one connection is all it is for
	if near, err = tcp(time.Second)(t.Context(), "tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	return near, far
}

func TestConnectionsAreKeptForTheConcurrency(t *testing.T) {
	t.Parallel()
	const together = 16
	gate := newGate(together)
	p := serve(t, false, func(w http.ResponseWriter, r *http.Request) { gate.wait(); ok(w, r) })
	n := newNetwork()
	c := client(t, Options{Concurrency: together, Dial: n.dial, IdleTimeout: time.Minute})
	for range 5 {
		gate.reset()
		var all sync.WaitGroup
		for range together {
			all.Go(func() {
				if _, err := c.Do(t.Context(), post(p.URL)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	if got := n.dialled.Load(); got > 2*together {
		t.Errorf("%d connections for %d at once: they are not reused", got, together)
	}
}

// requestGate holds requests until so many are there.
type requestGate struct {
	n    int
	mu   sync.Mutex
	here int
	open chan struct{}
}

func newGate(n int) *requestGate { return &requestGate{n: n, open: make(chan struct{})} }

func (g *requestGate) reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.here, g.open = 0, make(chan struct{})
}

func (g *requestGate) wait() {
	g.mu.Lock()
	g.here++
	if g.here == g.n {
		close(g.open)
	}
	open := g.open
	g.mu.Unlock()
	<-open
}

func TestIdleConnectionsAreDropped(t *testing.T) {
	t.Parallel()
	var closed atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := client(t, Options{IdleTimeout: 10 * time.Millisecond})
	if _, err := c.Do(t.Context(), post(s.URL)); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, 10*time.Second, "the idle connection was dropped", func() bool { return closed.Load() == 1 })
}

func TestAClientCertificateIsShown(t *testing.T) {
	t.Parallel()
	certFile, keyFile := selfSigned(t)
	var shown atomic.Pointer[x509.Certificate]
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown.Store(r.TLS.PeerCertificates[0])
		ok(w, r)
	}))
	s.StartTLS()
	t.Cleanup(s.Close)
	requireClientCert(s.TLS)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, caFile, "CERTIFICATE", s.Certificate().Raw)

	if _, err := client(t, Options{CAFile: caFile, ClientCertFile: certFile, ClientKeyFile: keyFile}).Do(t.Context(), post(s.URL)); err != nil {
		t.Fatal(err)
	}
	if got := shown.Load(); got == nil || got.Subject.CommonName != "remesa test" {
		t.Errorf("the server was not shown the certificate")
	}
}

func TestBadCertificateFilesAreNamed(t *testing.T) {
	t.Parallel()
	certFile, keyFile := selfSigned(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, want string
		options    Options
	}{
		{"a certificate without its key", "belong together", Options{ClientCertFile: certFile}},
		{"a key without its certificate", "belong together", Options{ClientKeyFile: keyFile}},
		{"a certificate file that is missing", "client certificate: ", Options{ClientCertFile: certFile + "x", ClientKeyFile: keyFile}},
		{"a CA file that is missing", "certificate authorities: ", Options{CAFile: certFile + "x"}},
		{"a CA file without a certificate", "certificate authorities: no PEM", Options{CAFile: empty}},
	} {
		if _, err := New(row.options); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", row.name, err, row.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "1e9": 0, "999999999": 24 * time.Hour,
		"Fri, 15 May 2026 09:00:30 GMT": 30 * time.Second,
		"Fri, 15 May 2026 08:00:00 GMT": 0,
		"Fri, 15 May 2099 08:00:00 GMT": 24 * time.Hour,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
