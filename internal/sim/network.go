package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// conn is a connection to a provider. What is written to it travels to the provider as soon as a
// request is whole, and the response travels back; the driver decides when, and what gets lost.
type conn struct {
	world   *world
	process *process
	id      string
	ctx     context.Context
	cancel  context.CancelFunc

	mu     sync.Mutex
	filled *sync.Cond
	in     []byte // from the client, not yet a whole request
	out    []byte // to the client, not yet read
	err    error  // at the end of out
}

// dial opens a connection for a process.
func (w *world) dial(p *process) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		key, _ := ctx.Value(servedKey{}).(*idempotency.Key)
		if w.stop(p, dialPoint, key, "connects to "+providerAt(address)) == lose {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}
		w.mu.Lock()
		w.conns++
		c := &conn{world: w, process: p, id: "connection " + strconv.Itoa(w.conns)}
		w.mu.Unlock()
		c.filled = sync.NewCond(&c.mu)
		c.ctx, c.cancel = context.WithCancel(context.Background())
		p.opened(c)
		return c, nil
	}
}

func (c *conn) Write(b []byte) (int, error) {
	v := c.world.stop(c.process, writePoint, nil, c.id+": bytes go out")
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil, v == lose:
		c.breakLocked(syscall.ECONNRESET)
		return 0, syscall.ECONNRESET
	case v == cut:
		c.breakLocked(syscall.ECONNRESET)
		return len(b) / 2, syscall.ECONNRESET
	}
	c.in = append(c.in, b...)
	request, rest, err := parse(c.in)
	if err != nil {
		return 0, err
	}
	if request != nil {
		c.in = rest
		go c.exchange(request)
	}
	return len(b), nil
}

// parse reads a request, if it is whole.
func parse(text []byte) (*http.Request, []byte, error) {
	head := bytes.Index(text, []byte("\r\n\r\n"))
	if head < 0 {
		return nil, text, nil
	}
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
	if err != nil {
		return nil, nil, err
	}
	end := head + 4 + int(request.ContentLength)
	if request.ContentLength < 0 || len(text) < end {
		return nil, text, nil
	}
	request.Body = io.NopCloser(bytes.NewReader(text[head+4 : end]))
	return request, text[end:], nil
}

// exchange takes a request to the provider and the response back. It goes on when the process that
// sent it is dead.
func (c *conn) exchange(r *http.Request) {
	provider := strings.Split(r.URL.Path, "/")[1]
	name := fmt.Sprintf("%s: %s %s", c.id, r.Method, provider)
	if c.world.stop(nil, requestPoint, nil, name+" arrives") == lose {
		c.break_(io.EOF)
		return
	}
	if c.world.isDown(provider) {
		c.break_(io.EOF)
		return
	}
	text, whole := c.world.serve(provider, r.WithContext(c.ctx))
	if c.world.stop(nil, replyPoint, nil, name+" is answered") == lose {
		c.break_(syscall.ECONNRESET)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.out = append(c.out, text...)
	if !whole {
		c.err = io.EOF
	}
	c.filled.Broadcast()
}

// serve has the provider answer; whole is false where it hangs up.
func (w *world) serve(provider string, r *http.Request) (text []byte, whole bool) {
	before := w.arrivals(provider)
	a := &answer{header: http.Header{}}
	func() {
		defer func() {
			if p := recover(); p != nil && !isAbort(p) {
				panic(p)
			} else if p == nil {
				whole = true
			}
		}()
		w.sandbox.ServeHTTP(a, r)
	}()
	w.judgeArrivals(provider, before)
	if !whole && !a.flushed {
		return nil, false
	}
	return a.text(), whole
}

// answer is a response on its way into the connection.
type answer struct {
	header  http.Header
	status  int
	body    bytes.Buffer
	flushed bool
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

func (a *answer) Flush() { a.flushed = true }

func (a *answer) text() []byte {
	a.WriteHeader(http.StatusOK)
	if a.header.Get("Content-Length") == "" {
		a.header.Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
	_ = a.header.Write(&b)
	b.WriteString("\r\n")
	b.Write(a.body.Bytes())
	return b.Bytes()
}

func (c *conn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.out) == 0 && c.err == nil {
		c.filled.Wait()
	}
	if len(c.out) == 0 {
		return 0, c.err
	}
	n := copy(b, c.out)
	c.out = c.out[n:]
	return n, nil
}

func (c *conn) break_(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.breakLocked(err)
}

func (c *conn) breakLocked(err error) {
	if c.err == nil {
		c.err = err
		c.filled.Broadcast()
		c.cancel()
	}
}

func (c *conn) Close() error {
	c.break_(net.ErrClosed)
	return nil
}

var errUnsupported = errors.New("no deadlines here")

func (c *conn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *conn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *conn) SetDeadline(time.Time) error      { return errUnsupported }
func (c *conn) SetReadDeadline(time.Time) error  { return errUnsupported }
func (c *conn) SetWriteDeadline(time.Time) error { return errUnsupported }

// arrivals is how many requests that can move money came in for each payment of a provider.
func (w *world) arrivals(provider string) map[string]int {
	return w.sandbox.Find(provider).Arrivals()
}

// judgeArrivals requires that the store knew of each request that can move money before it was
// sent.
func (w *world) judgeArrivals(provider string, before map[string]int) {
	for reference, n := range w.arrivals(provider) {
		if n == before[reference] {
			continue
		}
		k := idempotency.Key{Provider: provider, Account: idempotency.DefaultAccount, Reference: reference}
		w.store.judgeIntent(w, k)
	}
}

// isAbort reports whether a handler gave up its connection on purpose.
func isAbort(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}
