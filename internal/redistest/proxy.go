package redistest

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/eventually"
)

// Proxy stands between a client and a server, and loses what a network may lose. Until a test calls
// one of its methods it passes everything on.
type Proxy struct {
	t         testing.TB
	addr      string
	target    string
	accepting sync.WaitGroup
	passing   sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	pairs    map[*pair]bool
	dropText []byte        // the reply to the next command that contains it is dropped
	dropped  chan struct{} // closed when that has happened
	open     chan struct{} // closed while bytes may pass
	replies  chan struct{} // closed while bytes from the server may pass
	ends     chan struct{} // closed while the end of one connection ends the other
	delay    time.Duration // of each piece
}

// pair is one connection of a client and the one to the server that belongs to it.
type pair struct {
	client, server net.Conn
	drop           chan struct{} // not nil: the next bytes from the server are lost, and then both connections
	closed         chan struct{}
	once           sync.Once
}

// NewProxy listens on a free port and passes everything on to the address.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open := make(chan struct{})
	close(open)
	p := &Proxy{t: t, addr: l.Addr().String(), target: target, pairs: map[*pair]bool{}, open: open, replies: open, ends: open}
	p.listen(l)
	t.Cleanup(func() {
		p.Refuse()
		p.passing.Wait()
	})
	return p
}

func (p *Proxy) listen(l net.Listener) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener = l
	p.accepting.Go(func() { p.accept(l) })
}

// Addr is host and port of the proxy.
func (p *Proxy) Addr() string { return p.addr }

// URL is the address in the form of REMESA_REDIS_URL.
func (p *Proxy) URL() string { return "redis://" + p.Addr() + "/0" }

// DropReply loses the reply to the next command that contains the text (in either case): the server
// executes it, and the client sees its connection end. The channel is closed when that has
// happened.
func (p *Proxy) DropReply(text string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropText, p.dropped = bytes.ToLower([]byte(text)), make(chan struct{})
	return p.dropped
}

// Cut ends all connections; new ones are accepted.
func (p *Proxy) Cut() {
	p.mu.Lock()
	pairs := p.pairs
	p.pairs = map[*pair]bool{}
	p.mu.Unlock()
	for c := range pairs {
		c.close()
	}
}

// Refuse ends all connections, and new ones are refused, as if nothing ran there.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	p.listener.Close()
	p.mu.Unlock()
	p.accepting.Wait()
	p.Cut()
}

// Listen ends a Refuse. It waits for the port where somebody else has it by chance.
func (p *Proxy) Listen() {
	p.t.Helper()
	eventually.NoError(p.t, timeout, func() error {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", p.addr)
		if err == nil {
			p.listen(l)
		}
		return err
	})
}

// Reset ends all connections as a crashed machine does (RST): what was on its way is lost.
func (p *Proxy) Reset() {
	p.mu.Lock()
	for c := range p.pairs {
		for _, conn := range []net.Conn{c.client, c.server} {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // it may be closed already
			}
		}
	}
	p.mu.Unlock()
	p.Cut()
}

// Delay makes each piece of what passes take that much longer.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// HalfOpen passes requests on, and keeps what the server answers.
func (p *Proxy) HalfOpen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if isClosed(p.replies) {
		p.replies = make(chan struct{})
	}
}

// Blackhole keeps connections, and accepts new ones, but lets no byte pass in either direction.
func (p *Proxy) Blackhole() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if isClosed(p.open) {
		p.open = make(chan struct{})
	}
}

// SlowClose ends all connections at the server. Their clients do not see that before a Heal: what
// they send meanwhile is read by nobody.
func (p *Proxy) SlowClose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if isClosed(p.ends) {
		p.ends = make(chan struct{})
	}
	for c := range p.pairs {
		c.server.Close()
	}
}

// Heal ends a Blackhole, a HalfOpen, a SlowClose and a Delay: what waited passes.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = 0
	for _, gate := range []chan struct{}{p.open, p.replies, p.ends} {
		if !isClosed(gate) {
			close(gate)
		}
	}
}

func isClosed(gate chan struct{}) bool {
	select {
	case <-gate:
		return true
	default:
		return false
	}
}

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		c := &pair{client: client, server: server, closed: make(chan struct{})}
		p.mu.Lock()
		p.pairs[c] = true
		p.mu.Unlock()
		p.passing.Go(func() { p.pass(c, client, server, p.request) })
		p.passing.Go(func() { p.pass(c, server, client, p.reply) })
	}
}

// pass copies one direction. check gets each piece before it is passed, and ends the pair by false.
func (p *Proxy) pass(c *pair, from, to net.Conn, check func(*pair, []byte) bool) {
	defer p.end(c)
	defer p.linger(c)
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if !p.await(c, from == c.server) || !check(c, buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// await waits until a piece may pass, and returns false where its connections end before.
func (p *Proxy) await(c *pair, reply bool) bool {
	p.mu.Lock()
	gates, delay := []chan struct{}{p.open}, p.delay
	if reply {
		gates = append(gates, p.replies)
	}
	p.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-c.closed:
			return false
		}
	}
	for _, gate := range gates {
		select {
		case <-gate:
		case <-c.closed:
			return false
		}
	}
	return true
}

// linger waits until the end of one connection may end the other.
func (p *Proxy) linger(c *pair) {
	p.mu.Lock()
	ends := p.ends
	p.mu.Unlock()
	select {
	case <-ends:
	case <-c.closed:
	}
}

func (p *Proxy) request(c *pair, data []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dropText != nil && bytes.Contains(bytes.ToLower(data), p.dropText) {
		c.drop, p.dropText = p.dropped, nil
	}
	return true
}

func (p *Proxy) reply(c *pair, _ []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.drop == nil {
		return true
	}
	close(c.drop)
	c.drop = nil
	return false
}

func (p *Proxy) end(c *pair) {
	p.mu.Lock()
	delete(p.pairs, c)
	p.mu.Unlock()
	c.close()
}

func (c *pair) close() {
	c.once.Do(func() {
		close(c.closed)
		c.client.Close()
		c.server.Close()
	})
}
