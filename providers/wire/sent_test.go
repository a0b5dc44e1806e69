package wire

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/eventually"
)

func TestNothingWasSentWhereNoConnectionCameAbout(t *testing.T) {
	t.Parallel()
	closed := httpURLOfNobody(t)
	untrusted := serve(t, true, ok)
	noTLS := serve(t, false, ok)
	unknown := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "pay.example", IsNotFound: true}
	}
	silent := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	other, _ := selfSigned(t)
	for _, row := range []struct {
		name, url string
		options   Options
	}{
		{"the name is unknown", "http://pay.example", Options{Dial: unknown}},
		{"the port is closed", closed, Options{}},
		{"the certificate is not trusted", untrusted.URL, Options{}},
		{"the certificate is of another authority", untrusted.URL, Options{CAFile: other}},
		{"the server does not speak TLS", strings.Replace(noTLS.URL, "http:", "https:", 1), Options{}},
		{"the other side does not answer", "http://pay.example", Options{Dial: silent, ConnectTimeout: time.Millisecond}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := client(t, row.options).Do(t.Context(), post(row.url))
			e := failed(t, err)
			if e.Sent || e.Reason != Connect {
				t.Errorf("sent %v, reason %s; want nothing sent, connect", e.Sent, e.Reason)
			}
			if e.Err == nil || !strings.Contains(e.Error(), e.Err.Error()) {
				t.Errorf("%v does not say why", e)
			}
		})
	}
}

func httpURLOfNobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // the point is that nobody listens
	return "http://" + l.Addr().String()
}

func TestNothingWasSentWhereTheCallerLeftWhileConnecting(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := client(t, Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	_, err := c.Do(ctx, post("http://127.0.0.1:1"))
	if e := failed(t, err); e.Sent || e.Reason != Cancelled {
		t.Errorf("sent %v, reason %s; want nothing sent, cancelled", e.Sent, e.Reason)
	}
}

func TestSentOnceTheRequestArrived(t *testing.T) {
	t.Parallel()
	everyway(t, func(t *testing.T, secure, reused bool) {
		rows := []struct {
			name     string
			response http.HandlerFunc
			reason   string
		}{
			{"the provider hangs up", drop, EOF},
			{"the answer is cut", cut, EOF},
			{"the answer is not HTTP", garbage, Unreadable},
			{"the answer's head is beyond the limit", largeHead, Unreadable},
			{"the answer's length is a lie beyond the limit", announces10MB, TooLarge},
		}
		for _, row := range rows {
			p := serve(t, secure, afterWarm(row.response))
			c := client(t, Options{CAFile: p.caFile})
			if reused {
				warm(t, c, p.URL)
			}
			_, err := c.Do(t.Context(), post(p.URL))
			e := failed(t, err)
			if !e.Sent || e.Reason != row.reason {
				t.Errorf("%s: sent %v, reason %s; want sent, %s", row.name, e.Sent, e.Reason, row.reason)
			}
			if strings.Contains(e.Error(), "4111") {
				t.Errorf("%s: the error quotes the answer: %v", row.name, e)
			}
		}
	})
}

func cut(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, "4111")
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func garbage(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(c, "4111 1111 this is no status line\r\n\r\n")
	_ = c.Close()
}

func largeHead(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("X-Large", strings.Repeat("4111", 32<<10))
}

func announces10MB(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Length", "10485760")
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

func TestSentWhereTheCallerLeftAfterTheRequestArrived(t *testing.T) {
	t.Parallel()
	everyway(t, func(t *testing.T, secure, reused bool) {
		ctx, cancel := context.WithCancel(t.Context())
		p := serve(t, secure, afterWarm(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			cancel()
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // a response could still win the race against the client's leaving
		}))
		c := client(t, Options{CAFile: p.caFile})
		if reused {
			warm(t, c, p.URL)
		}
		_, err := c.Do(ctx, post(p.URL))
		if e := failed(t, err); !e.Sent || e.Reason != Cancelled {
			t.Errorf("sent %v, reason %s; want sent, cancelled", e.Sent, e.Reason)
		}
	})
}

func TestSentWhereTheTimeRanOut(t *testing.T) {
	t.Parallel()
	everyway(t, func(t *testing.T, secure, reused bool) {
		p := serve(t, secure, afterWarm(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // a response could still win the race against the client's leaving
		}))
		c := client(t, Options{CAFile: p.caFile})
		if reused {
			warm(t, c, p.URL)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Do(ctx, post(p.URL))
		if e := failed(t, err); !e.Sent || e.Reason != Timeout {
			t.Errorf("sent %v, reason %s; want sent, timeout", e.Sent, e.Reason)
		}
	})
}

// The socket dies after a number of bytes, counted from the moment at which the request took its
// connection: before that a TLS handshake has passed, which must not count.
func TestBytesDecideWhatWasSent(t *testing.T) {
	t.Parallel()
	everyway(t, func(t *testing.T, secure, reused bool) {
		for _, row := range []struct {
			name   string
			budget int64
			sent   bool
		}{
			{"death before byte 0", 0, false},
			{"death after byte 1", 1, !secure}, // one byte of a TLS record is nothing that the other side could read
			{"death after the head", 4200, true},
			{"death after the body", unlimited, true},
		} {
			p := serve(t, secure, afterWarm(drop))
			n := newNetwork()
			c := client(t, Options{CAFile: p.caFile, Dial: n.dial})
			if reused {
				warm(t, c, p.URL)
			}
			before := p.arrived.Load()
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				GotConn: func(httptrace.GotConnInfo) { n.budget.Store(row.budget) },
			})
			r := post(p.URL)
			r.Body = []byte(strings.Repeat("x", 20000))
			_, err := c.Do(ctx, r)
			if e := failed(t, err); e.Sent != row.sent {
				t.Errorf("%s: sent %v, want %v (%v)", row.name, e.Sent, row.sent, e)
			}
			if n := p.arrived.Load() - before; n > 1 || !row.sent && n > 0 {
				t.Errorf("%s: %d requests arrived", row.name, n)
			}
		}
	})
}

// The provider closes connections just as they are reused. Whatever the race yields, an exchange
// that counts as not sent never arrived.
func TestStaleIdleConnectionsNeverHideAnArrival(t *testing.T) {
	t.Parallel()
	everyway(t, func(t *testing.T, secure, _ bool) {
		var arrived sync.Map
		p := serve(t, secure, func(w http.ResponseWriter, r *http.Request) {
			arrived.Store(r.URL.Path, true)
			_, _ = io.Copy(io.Discard, r.Body)
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			_ = c.Close()
		})
		c := client(t, Options{CAFile: p.caFile})
		for i := range 50 {
			path := "/" + strings.Repeat("i", i+1)
			_, err := c.Do(t.Context(), post(p.URL+path))
			if err == nil {
				continue
			}
			if _, seen := arrived.Load(path); seen && !failed(t, err).Sent {
				t.Fatalf("request %d arrived and counts as not sent", i)
			}
		}
	})
}

func TestNetHTTPNeverSendsASecondTime(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"POST", "GET"} {
		everyway(t, func(t *testing.T, secure, _ bool) {
			p := serve(t, secure, afterWarm(drop))
			c := client(t, Options{CAFile: p.caFile})
			warm(t, c, p.URL)
			r := post(p.URL)
			r.Method = method
			if method == "GET" {
				r.Body = nil
			}
			r.Header = http.Header{"Idempotency-Key": {"a"}, "X-Idempotency-Key": {"a"}}
			_, err := c.Do(t.Context(), r)
			if e := failed(t, err); !e.Sent {
				t.Errorf("%s: counts as not sent", method)
			}
			if n := p.arrived.Load(); n != 2 {
				t.Errorf("%s: %d requests arrived with the warming one, want 2", method, n)
			}
		})
	}
}

func TestARequestCannotBeRepeatedByItsMaking(t *testing.T) {
	t.Parallel()
	r := post("http://127.0.0.1:1/")
	r.Header = http.Header{"Idempotency-Key": {"a"}, "X-Idempotency-Key": {"a"}, "Signature": {"s"}}
	req, err := build(t.Context(), &exchange{}, r)
	if err != nil {
		t.Fatal(err)
	}
	if req.GetBody != nil {
		t.Error("GetBody is set: net/http could send the body again")
	}
	if req.Header.Get("Idempotency-Key") != "a" || req.Header.Get("X-Idempotency-Key") != "a" {
		t.Error("an idempotency key that the adapter set is lost")
	}
	if req.Header.Get("Signature") != "s" || r.Header.Get("Idempotency-Key") != "a" {
		t.Error("the caller's header was lost or changed")
	}
	if req.ContentLength != int64(len(r.Body)) {
		t.Errorf("content length %d", req.ContentLength)
	}
}

func TestASecondConnectionIsRefusedOnceBytesLeft(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	first, second := &conn{Conn: near}, &conn{Conn: near}
	x := &exchange{late: func() bool { return false }}
	x.take(httptrace.GotConnInfo{Conn: first})
	if n, err := first.Write([]byte("POST")); n != 4 || err != nil {
		t.Fatalf("first write: %d, %v", n, err)
	}
	x.take(httptrace.GotConnInfo{Conn: second})
	if n, err := second.Write([]byte("POST")); n != 0 || err == nil {
		t.Errorf("second connection took %d bytes, %v", n, err)
	}
}

func TestNothingLeavesOnceAnExchangeCountsAsNotSent(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	c := &conn{Conn: countingConn{written: &written}}
	x := &exchange{late: func() bool { return false }}
	x.take(httptrace.GotConnInfo{Conn: c})
	if x.end() {
		t.Fatal("sent before the first write")
	}
	if _, err := c.Write([]byte("POST")); err == nil || written.Load() != 0 {
		t.Errorf("%d bytes left after the end", written.Load())
	}
	if _, err := (&conn{Conn: countingConn{written: &written}}).Write([]byte("x")); err == nil {
		t.Error("a connection that nobody took was written to")
	}
}

func TestAWriteUnderWayCountsAsSent(t *testing.T) {
	t.Parallel()
	near, _ := net.Pipe() // nobody reads: the write hangs
	c := &conn{Conn: near}
	x := &exchange{late: func() bool { return false }}
	x.take(httptrace.GotConnInfo{Conn: c})
	done := make(chan struct{})
	go func() { _, _ = c.Write([]byte("POST")); close(done) }()
	eventually.True(t, 10*time.Second, "the write began", func() bool { x.mu.Lock(); defer x.mu.Unlock(); return x.writing })
	if !x.end() {
		t.Error("counts as not sent while its write was under way")
	}
	_ = near.Close()
	<-done
}

type countingConn struct {
	net.Conn
	written *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) {
	c.written.Add(int64(len(p)))
	return len(p), nil
}
