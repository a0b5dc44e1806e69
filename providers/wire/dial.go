package wire

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

type dialer struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	timeout time.Duration
	tls     *tls.Config
}

func (d dialer) plain(ctx context.Context, network, address string) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	raw, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: raw}, nil
}

// secure makes the handshake below the counting connection, so that its bytes are not taken for a
// request's.
func (d dialer) secure(ctx context.Context, network, address string) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	raw, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	settings := d.tls.Clone()
	if settings.ServerName, _, err = net.SplitHostPort(address); err != nil {
		raw.Close() // nothing was written to it
		return nil, err
	}
	secured := tls.Client(raw, settings)
	if err := secured.HandshakeContext(ctx); err != nil {
		raw.Close() // only handshake bytes were written to it
		return nil, err
	}
	return &conn{Conn: secured}, nil
}

// tcp dials sockets whose bytes do not outlive the exchange: unacknowledged data is given up after
// unanswered, and closing a socket throws away what it has not sent.
func tcp(unanswered time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Control: tcpUserTimeoutOption(unanswered)}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if socket, ok := c.(*net.TCPConn); ok {
			err = socket.SetLinger(0)
		}
		if err != nil {
			c.Close() // nothing was written to it
			return nil, err
		}
		return c, nil
	}
}
