package wire

import (
	"net"
	"sync/atomic"
)

// conn is the connection as net/http sees it, above TLS: what passes here are requests and
// responses, not the handshake.
type conn struct {
	net.Conn
	owner atomic.Pointer[exchange]
}

// Write hands bytes over only for an exchange that may still send, and counts them there.
func (c *conn) Write(p []byte) (int, error) {
	x := c.owner.Load()
	if x == nil {
		return 0, errOver
	}
	x.at(Write)
	if err := x.begin(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	x.wrote(n)
	x.at(Written)
	return n, err
}

// Read refuses bytes that come while no request waits for a response: they would be taken for the
// response to the next one (and net/http would quote them in the process's log).
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	if x := c.owner.Load(); x == nil || !x.listening() {
		return 0, errUnsolicited
	}
	return n, err
}
