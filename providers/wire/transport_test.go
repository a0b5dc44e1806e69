package wire

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/eventually"
)

// What the provider closed while it was idle takes no request: written there it would be in doubt.
func TestAConnectionThatTheProviderClosedIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	everyway(t, func(t *testing.T, secure, _ bool) {
		p := serve(t, secure, ok)
		c := client(t, Options{CAFile: p.caFile})
		for i := range 20 {
			if _, err := c.Do(t.Context(), post(p.URL)); err != nil {
				t.Fatalf("request %d: %v", i, err)
			}
			idle := allIdle(c)
			if len(idle) != 1 {
				t.Fatalf("%d idle connections, want 1", len(idle))
			}
			p.CloseClientConnections()
			eventually.True(t, 10*time.Second, "the end arrived", func() bool { return !idle[0].quiet() })
		}
		if n := p.arrived.Load(); n != 20 {
			t.Errorf("%d requests arrived, want 20", n)
		}
	})
}

func allIdle(c *Client) []*link {
	c.transport.mu.Lock()
	defer c.transport.mu.Unlock()
	var found []*link
	for _, all := range c.transport.idle {
		found = append(found, all...)
	}
	return found
}

// The provider's word that it closes may come with the response, in one piece: then nothing shows
// at the socket.
func TestATLSConnectionThatWasEndedIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	p := serve(t, true, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		raw, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(raw, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		_ = raw.(*tls.Conn).CloseWrite() // the socket stays open
	})
	c := client(t, Options{CAFile: p.caFile})
	for i := range 5 {
		if _, err := c.Do(t.Context(), post(p.URL)); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		for _, l := range allIdle(c) {
			eventually.True(t, 10*time.Second, "the end arrived", func() bool { return !l.quiet() })
		}
	}
	if n := p.arrived.Load(); n != 5 {
		t.Errorf("%d requests arrived, want 5", n)
	}
}

func TestAConnectionOverWhichSomethingCameIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		p := serve(t, secure, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			raw, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = io.WriteString(raw, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			_, _ = io.WriteString(raw, "HTTP/1.1 500 Of another\r\nContent-Length: 0\r\n\r\n")
		})
		c := client(t, Options{CAFile: p.caFile})
		for i := range 20 {
			if r, err := c.Do(t.Context(), post(p.URL)); err != nil || r.Status != http.StatusOK {
				t.Fatalf("request %d: %d, %v", i, r.Status, err)
			}
			for _, l := range allIdle(c) {
				eventually.True(t, 10*time.Second, "the other answer arrived", func() bool { return !l.quiet() })
			}
		}
	}
}

func TestAConnectionThatTheProviderWillCloseIsNotKept(t *testing.T) {
	t.Parallel()
	p := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		ok(w, r)
	})
	n := newNetwork()
	c := client(t, Options{Dial: n.dial})
	for range 3 {
		if _, err := c.Do(t.Context(), post(p.URL)); err != nil {
			t.Fatal(err)
		}
	}
	if n.dialled.Load() != 3 {
		t.Errorf("%d connections for 3 requests", n.dialled.Load())
	}
}

func TestAHeadThatAnnouncesTheResponseIsNoResponse(t *testing.T) {
	t.Parallel()
	p := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		ok(w, r)
	})
	n := newNetwork()
	c := client(t, Options{Dial: n.dial})
	for range 3 {
		r, err := c.Do(t.Context(), post(p.URL))
		if err != nil || r.Status != http.StatusOK || string(r.Body) != "ok" {
			t.Errorf("got %d %q, %v", r.Status, r.Body, err)
		}
	}
	if n.dialled.Load() != 1 {
		t.Errorf("%d connections, want 1", n.dialled.Load())
	}
}

// A provider that never comes to its response is read no further than a head's limit.
func TestHeadsWithoutEndAreNotReadForEver(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		for err == nil {
			_, err = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
		}
	}()
	_, err = client(t, Options{}).Do(t.Context(), post("http://"+l.Addr().String()))
	if e := failed(t, err); e.Sent && e.Reason != Unreadable && e.Reason != Reset {
		t.Errorf("sent %v, reason %s", e.Sent, e.Reason)
	}
}

func TestAHeaderWithAControlCharacterIsNotSent(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	p := serve(t, false, func(w http.ResponseWriter, r *http.Request) { arrived.Add(1); ok(w, r) })
	for _, value := range []string{"a\r\nX-Other: b", "a\nb", "a\x00", "\x7f"} {
		r := post(p.URL)
		r.Header = http.Header{"Signature": {value}}
		_, err := client(t, Options{}).Do(t.Context(), r)
		if e := failed(t, err); e.Sent || e.Reason != Invalid || arrived.Load() != 0 {
			t.Errorf("%q: sent %v, reason %s, %d arrived", value, e.Sent, e.Reason, arrived.Load())
		}
	}
}

func TestABodyOfAnyLengthIsReadWhole(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 4096, common, common + 1} {
		for _, chunks := range []bool{false, true} {
			p := serve(t, false, large(size, chunks))
			n := newNetwork()
			c := client(t, Options{Dial: n.dial})
			for range 2 {
				r, err := c.Do(t.Context(), post(p.URL))
				if err != nil || string(r.Body) != strings.Repeat("x", size) {
					t.Errorf("%d bytes, in chunks %v: got %d, %v", size, chunks, len(r.Body), err)
				}
			}
			if n.dialled.Load() != 1 {
				t.Errorf("%d bytes, in chunks %v: %d connections for 2 requests", size, chunks, n.dialled.Load())
			}
		}
	}
}
