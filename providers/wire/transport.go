package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"sync"
	"time"
)

// maxHead is how many bytes of a response's head are read.
const maxHead = 64 << 10

// transport keeps the connections of one account. The caller of an exchange itself writes the
// request and reads the response, with net/http's own code for both. net/http's Transport hands
// them to two goroutines of the connection and back, which costs a payment twice as much, and it
// may repeat a request on its own account.
type transport struct {
	dialer      dialer
	idleTimeout time.Duration
	mostIdle    int

	mu sync.Mutex
	// idle holds the connections to each host that wait for a request, the last used one last.
	idle map[string][]*link
	// sweep closes what waited for too long; nil while nothing waits.
	sweep *time.Timer
}

// link is a connection with its buffers.
type link struct {
	*conn
	in   *bufio.Reader
	out  *bufio.Writer
	room int64 // how many bytes may still be read; it bounds a response's head
	host string
	idle time.Time
}

var errHeadTooLarge = errors.New("the answer's head is too large")

// Read reads for in, within room.
func (l *link) Read(p []byte) (int, error) {
	if l.room <= 0 {
		return 0, errHeadTooLarge
	}
	n, err := l.conn.Read(p[:min(int64(len(p)), l.room)])
	l.room -= int64(n)
	return n, err
}

// exchange sends the request once, over an idle or a new connection, and reads the response to its
// end. status is set once a head could be read. The connection is kept only where nothing about it
// is in doubt.
func (t *transport) exchange(ctx context.Context, x *exchange, req *http.Request) (reply Reply, status int, err error) {
	l, reused, err := t.connect(ctx, req.URL)
	if err != nil {
		return Reply{}, 0, err
	}
	taken := httptrace.GotConnInfo{Conn: l.conn, Reused: reused}
	x.take(taken)
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
		trace.GotConn(taken)
	}
	// When the time is over, or the caller leaves, the write or read under way ends at once.
	stop := context.AfterFunc(ctx, func() { _ = l.SetDeadline(time.Unix(1, 0)) })
	reply, status, keep, err := l.exchange(req)
	x.end()
	if !stop() || !keep || err != nil {
		l.Close() // what matters was read
		return reply, status, err
	}
	t.keep(l)
	return reply, status, nil
}

// connect returns an idle connection that is still good, or a new one.
func (t *transport) connect(ctx context.Context, u *url.URL) (l *link, reused bool, err error) {
	host := u.Scheme + "://" + u.Host
	for l := t.take(host); l != nil; l = t.take(host) {
		if l.quiet() && !expired(l.idle, t.idleTimeout) {
			return l, true, nil
		}
		l.Close() // the provider closed it, or said something that nobody asked for
	}
	dial, port := t.dialer.plain, "80"
	if u.Scheme == "https" {
		dial, port = t.dialer.secure, "443"
	}
	if u.Port() != "" {
		port = u.Port()
	}
	c, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, false, err
	}
	l = &link{conn: c, host: host}
	l.in, l.out = bufio.NewReader(l), bufio.NewWriter(c)
	return l, false, nil
}

// exchange writes the request and reads the response. keep reports whether the connection is good
// for another request.
func (l *link) exchange(req *http.Request) (reply Reply, status int, keep bool, err error) {
	if err := req.Write(l.out); err != nil {
		return Reply{}, 0, false, err
	}
	if err := l.out.Flush(); err != nil {
		return Reply{}, 0, false, err
	}
	resp, err := l.head(req) //nolint:bodyclose // closing it would read on; the connection is closed, or was read to its end
	if err != nil {
		return Reply{}, 0, false, err
	}
	reply, err = read(resp)
	return reply, resp.StatusCode, err == nil && !resp.Close && l.in.Buffered() == 0, err
}

// head reads the response's head, and skips those that only say that it will come.
func (l *link) head(req *http.Request) (*http.Response, error) {
	l.room = maxHead
	for {
		resp, err := http.ReadResponse(l.in, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			l.room = math.MaxInt64
			return resp, nil
		}
	}
}

// quiet reports whether an idle connection may take a request: the provider has neither closed it
// nor sent anything over it.
func (l *link) quiet() bool {
	c, secure := l.Conn.(*tls.Conn)
	if !secure {
		return socketQuiet(l.Conn)
	}
	return socketQuiet(c.NetConn()) && nothingDecrypted(c)
}

// nothingDecrypted reports whether a TLS connection holds nothing that arrived with the last
// response, such as the provider's word that it closes. The instant in the past keeps the socket
// from being read.
func nothingDecrypted(c *tls.Conn) bool {
	if c.SetReadDeadline(time.Unix(1, 0)) != nil {
		return false
	}
	n, err := c.Read(make([]byte, 1))
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.SetReadDeadline(time.Time{}) == nil
}

// expired reports whether a connection was idle for so long by either clock: the monotonic one
// stands still while the machine sleeps, the other can be set back.
func expired(since time.Time, timeout time.Duration) bool {
	now := time.Now()
	return now.Sub(since) >= timeout || now.Round(0).Sub(since.Round(0)) >= timeout
}

// take takes the idle connection to the host that was used last, nil where there is none.
func (t *transport) take(host string) *link {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.idle[host]
	if len(all) == 0 {
		return nil
	}
	l := all[len(all)-1]
	t.idle[host] = all[:len(all)-1]
	return l
}

// keep makes the connection wait for its next request, for idleTimeout at most.
func (t *transport) keep(l *link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idle[l.host]) >= t.mostIdle {
		l.Close() // nothing is under way
		return
	}
	if t.idle == nil {
		t.idle = map[string][]*link{}
	}
	l.idle = time.Now()
	t.idle[l.host] = append(t.idle[l.host], l)
	if t.sweep == nil {
		t.sweep = time.AfterFunc(t.idleTimeout/sweeps, t.closeExpired)
	}
}

// sweeps is how often in an idleTimeout the idle connections are looked through.
const sweeps = 4

// closeExpired closes the connections that have been idle for too long. Those of a host stand in
// the order in which they became idle.
func (t *transport) closeExpired() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep = nil
	waiting := false
	for host, all := range t.idle {
		for len(all) > 0 && expired(all[0].idle, t.idleTimeout) {
			all[0].Close() // nothing is under way
			all = all[1:]
		}
		t.idle[host] = all
		waiting = waiting || len(all) > 0
	}
	if waiting {
		t.sweep = time.AfterFunc(t.idleTimeout/sweeps, t.closeExpired)
	}
}

// closeIdle closes all idle connections.
func (t *transport) closeIdle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for host, all := range t.idle {
		for _, l := range all {
			l.Close() // nothing is under way
		}
		delete(t.idle, host)
	}
}
