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

func (d dialer) plain(ctx context.Context, network, address string) (net.Conn, error) {
	return d.open(ctx, network, address, func(_ context.Context, raw net.Conn, _ string) (net.Conn, error) { return raw, nil })
}

// secure makes the handshake below the counting connection, so that its bytes are not taken for a
// request's.
func (d dialer) secure(ctx context.Context, network, address string) (net.Conn, error) {
	return d.open(ctx, network, address, d.handshake)
}

func (d dialer) handshake(ctx context.Context, raw net.Conn, address string) (_ net.Conn, err error) {
	settings := d.tls.Clone()
	if settings.ServerName, _, err = net.SplitHostPort(address); err != nil {
		return nil, err
	}
	secured := tls.Client(raw, settings)
	return secured, secured.HandshakeContext(ctx)
}

func (d dialer) open(ctx context.Context, network, address string,
	prepare func(ctx context.Context, raw net.Conn, address string) (net.Conn, error),
) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	raw, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	prepared, err := prepare(ctx, raw, address)
	if err != nil {
		raw.Close() // at most handshake bytes were written to it
		return nil, err
	}
	return &conn{Conn: prepared}, nil
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
