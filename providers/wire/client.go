package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// Options of a Client; the zero value is usable.
type Options struct {
	// Timeout bounds one exchange from dialling to the body's end; 0 means 20 s.
	Timeout time.Duration
	// ConnectTimeout bounds dialling and the TLS handshake; 0 means 10 s.
	ConnectTimeout time.Duration
	// IdleTimeout is how long a connection may wait for its next request; 0 means 15 s. It has to
	// be shorter than the provider's own, or requests are written to connections that the provider
	// is just closing.
	IdleTimeout time.Duration
	// Concurrency is how many exchanges run at once, and so how many connections are kept; 0 means
	// 64.
	Concurrency int
	// ClientCertFile and ClientKeyFile (PEM) are for providers that ask for a client certificate.
	ClientCertFile, ClientKeyFile string
	// CAFile (PEM) replaces the system's certificate authorities.
	CAFile string
	// Dial opens a connection; nil means TCP with the socket options that keep bytes from arriving
	// minutes later.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// New builds a Client and reads the certificate files; it dials nothing.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	security, err := o.tls()
	if err != nil {
		return nil, err
	}
	d := dialer{dial: o.Dial, timeout: o.ConnectTimeout, tls: security}
	return &Client{timeout: o.Timeout, transport: &transport{dialer: d, idleTimeout: o.IdleTimeout, mostIdle: o.Concurrency}}, nil
}

func (o Options) withDefaults() Options {
	o.Timeout = orDefault(o.Timeout, 20*time.Second)
	o.ConnectTimeout = orDefault(o.ConnectTimeout, 10*time.Second)
	o.IdleTimeout = orDefault(o.IdleTimeout, 15*time.Second)
	o.Concurrency = orDefault(o.Concurrency, 64)
	if o.Dial == nil {
		o.Dial = tcp(o.Timeout)
	}
	return o
}

func orDefault[T int | time.Duration](value, otherwise T) T {
	if value <= 0 {
		return otherwise
	}
	return value
}

func (o Options) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if (o.ClientCertFile == "") != (o.ClientKeyFile == "") {
		return nil, errors.New("client certificate: certificate and key file belong together, one is missing")
	}
	if o.ClientCertFile != "" {
		pair, err := tls.LoadX509KeyPair(o.ClientCertFile, o.ClientKeyFile)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if o.CAFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("certificate authorities: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("certificate authorities: no PEM certificate in the file")
	}
	return c, nil
}
