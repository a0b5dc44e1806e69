// Package listen bounds the connections that a listener holds, per address and in all. Without a
// bound, anybody who opens connections to a page could take the file descriptors that the process
// needs for Redis and the providers.
package listen

import (
	"net"
	"net/netip"
	"sync"
)

// Limits of a listener's connections; zero is the default.
type Limits struct {
	// PerAddress is how many one address may hold at a time, 64 by default: a proxy before the
	// listener is one address, too.
	PerAddress int
	// All is how many there may be at a time, 256 by default.
	All int
	// Refused, if set, is called for each connection that was closed at once; limit is PerAddress
	// or InAll.
	Refused func(from netip.Addr, limit string)
}

// The limits, as Refused names them.
const (
	PerAddress = "per address"
	InAll      = "in all"
)

const (
	perAddress = 64
	inAll      = 256
)

// Limit wraps a listener: it closes at once each connection beyond the limits, and never makes a
// client wait for a place. The limit per address comes first, so that no address takes all places.
func Limit(l net.Listener, o Limits) net.Listener {
	if o.PerAddress <= 0 {
		o.PerAddress = perAddress
	}
	if o.All <= 0 {
		o.All = inAll
	}
	if o.Refused == nil {
		o.Refused = func(netip.Addr, string) {}
	}
	return &limited{Listener: l, Limits: o, held: map[netip.Addr]int{}}
}

type limited struct {
	net.Listener
	Limits

	mu   sync.Mutex
	all  int
	held map[netip.Addr]int // no entry is zero
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := CountedAddress(c.RemoteAddr().String())
		limit := l.acquire(from)
		if limit == "" {
			return &conn{Conn: c, done: func() { l.release(from) }}, nil
		}
		reset(c)
		l.Refused(from, limit)
	}
}

// acquire takes a place, or returns the limit that leaves none.
func (l *limited) acquire(from netip.Addr) (limit string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.held[from] >= l.PerAddress:
		return PerAddress
	case l.all >= l.All:
		return InAll
	}
	l.held[from]++
	l.all++
	return ""
}

func (l *limited) release(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.held[from]--; l.held[from] == 0 {
		delete(l.held, from)
	}
}

// reset leaves nothing behind for the kernel to keep.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// conn gives its place back when it is closed, once.
type conn struct {
	net.Conn
	once sync.Once
	done func()
}

// Close implements net.Conn.
func (c *conn) Close() error {
	defer c.once.Do(c.done)
	return c.Conn.Close()
}

// CountedAddress is the address that limits count: without port and zone, and for IPv6 the network
// of 64 bits, which is one customer's. It is the zero Addr where hostPort is no address.
func CountedAddress(hostPort string) netip.Addr {
	ap, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		return netip.Addr{}
	}
	a := ap.Addr().Unmap().WithZone("")
	if a.Is6() {
		network, err := a.Prefix(64)
		if err == nil {
			a = network.Addr()
		}
	}
	return a
}
