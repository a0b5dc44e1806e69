package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
)

func TestAReplyIsReturnedWhateverItsStatus(t *testing.T) {
	t.Parallel()
	everyway(t, func(t *testing.T, secure, reused bool) {
		for _, status := range []int{200, 201, 301, 307, 308, 404, 429, 502} {
			p := serve(t, secure, afterWarm(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, r.Proto+" "+r.Method)
			}))
			c := client(t, Options{CAFile: p.caFile})
			if reused {
				warm(t, c, p.URL)
			}
			before := p.arrived.Load()
			reply, err := c.Do(t.Context(), post(p.URL))
			if err != nil {
				t.Fatalf("%d: %v", status, err)
			}
			if reply.Status != status || string(reply.Body) != "HTTP/1.1 POST" || reply.Header.Get("Retry-After") != "7" {
				t.Errorf("%d: got %d %q", status, reply.Status, reply.Body)
			}
			if n := p.arrived.Load() - before; n != 1 {
				t.Errorf("%d: %d requests arrived, want 1: a redirect must not be followed", status, n)
			}
		}
	})
}

func TestTheBodyIsReadUpToTheLimitOnly(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		size   int
		chunks bool
		fits   bool
	}{
		{"exactly the limit", MaxBody, false, true},
		{"one byte more", MaxBody + 1, false, false},
		{"10 MB announced", 10 << 20, false, false},
		{"exactly the limit in chunks", MaxBody, true, true},
		{"10 MB in chunks", 10 << 20, true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := serve(t, false, large(row.size, row.chunks))
			n := newNetwork()
			reply, err := client(t, Options{Dial: n.dial}).Do(t.Context(), post(p.URL))
			if row.fits {
				if err != nil || len(reply.Body) != row.size {
					t.Fatalf("got %d bytes, %v", len(reply.Body), err)
				}
				return
			}
			if e := failed(t, err); !e.Sent || e.Reason != TooLarge || e.Status != 200 {
				t.Errorf("sent %v, reason %s, status %d; want sent, too_large, 200", e.Sent, e.Reason, e.Status)
			}
			if n.read.Load() > MaxBody+64<<10 {
				t.Errorf("%d bytes were read of an answer that is too large", n.read.Load())
			}
		})
	}
}

func large(size int, chunks bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if chunks {
			w.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(w, strings.Repeat("x", size))
	}
}

func TestBytesWithoutARequestAreNoResponse(t *testing.T) {
	t.Parallel()
	near, far := tcpPair(t)
	idle := &conn{Conn: near}
	ended := &exchange{late: func() bool { return false }, bytes: 4}
	ended.end()
	idle.owner.Store(ended)
	if _, err := io.WriteString(far, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if n, err := idle.Read(make([]byte, 64)); n != 0 || err == nil {
		t.Errorf("an idle connection passed on %d bytes, %v", n, err)
	}
}

func TestAnExchangeListensNoLongerThanItLasts(t *testing.T) {
	t.Parallel()
	p := serve(t, false, ok)
	var used *conn
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { used, _ = i.Conn.(*conn) }})
	if _, err := client(t, Options{}).Do(ctx, post(p.URL)); err != nil {
		t.Fatal(err)
	}
	if used == nil || used.owner.Load().listening() {
		t.Error("the idle connection still takes bytes for an answer")
	}
}

// The response is there before the request left: it belongs to something else.
func TestAResponseToNothingIsNoResponse(t *testing.T) {
	t.Parallel()
	near, far := tcpPair(t)
	if _, err := io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
		t.Fatal(err)
	}
	c := client(t, Options{Dial: func(context.Context, string, string) (net.Conn, error) { return silentConn{near}, nil }})
	_, err := c.Do(t.Context(), post("http://127.0.0.1:1"))
	if e := failed(t, err); e.Sent {
		t.Errorf("got %v, want nothing sent", e)
	}
}

// silentConn takes no byte.
type silentConn struct{ net.Conn }

func (silentConn) Write([]byte) (int, error) { return 0, errDead }

func TestTheWordOfAReply(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{199: "http_199", 200: Unreadable, 201: Unreadable, 299: Unreadable, 300: "http_300", 502: "http_502"} {
		r := Reply{Status: status}
		if r.Code() != want || r.Success() != (want == Unreadable) {
			t.Errorf("HTTP %d: success %t, %s, want %s", status, r.Success(), r.Code(), want)
		}
	}
	err := Reply{Status: 429, Header: http.Header{"Retry-After": {"7"}}}.Throttled(time.Now())
	var e *providers.NotSent
	if !errors.As(err, &e) || e.Reason != "throttled" || e.RetryAfter != 7*time.Second {
		t.Errorf("got %v", err)
	}
	if o := Inexpressible(errors.New("amount: must be whole CLP")); o.Class != providers.Refused || o.Code != "invalid" || o.Message != "amount: must be whole CLP" {
		t.Errorf("got %+v", o)
	}
}
