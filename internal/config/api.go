package config

import (
	"crypto/tls"
	"errors"
	"net"
)

// API says where `enqueue serve` listens.
type API struct {
	APIAddr        string  `name:"api-addr" default:"127.0.0.1:8090" placeholder:"HOST:PORT" help:"Address of the HTTP interface of enqueue serve."`
	APICertFile    string  `name:"api-cert-file" placeholder:"FILE" help:"Its certificate, PEM, with what leads to its authority: it then speaks TLS."`
	APICertKeyFile string  `name:"api-cert-key-file" placeholder:"FILE" help:"The certificate's private key, PEM." private:""`
	APIAllowPlain  bool    `name:"api-allow-plain" help:"Speak plain HTTP on more than loopback: a proxy speaks TLS, and the way from it is private."`
	APIMetricsAddr string  `name:"api-metrics-addr" placeholder:"HOST:PORT" help:"Address of /metrics of enqueue serve, a listener of its own; without it there is none."`
	APIRate        float64 `name:"api-rate" default:"100" placeholder:"N" help:"Requests a second that one key may make, in each process; a streamed file counts as one."`
}

// ErrPlain means that keys and payments would cross the network in the clear.
var ErrPlain = errors.New("REMESA_API_ADDR: not on loopback, and without TLS: set REMESA_API_CERT_FILE and REMESA_API_CERT_KEY_FILE, listen on 127.0.0.1, " +
	"or set REMESA_API_ALLOW_PLAIN=true where a proxy speaks TLS and the way from it is private")

// RefusePlain returns ErrPlain where others than this machine could listen in.
func (a *API) RefusePlain() error {
	host, _, err := net.SplitHostPort(a.APIAddr)
	if err == nil && isLoopback(host) || a.APICertFile != "" || a.APIAllowPlain {
		return nil
	}
	return ErrPlain
}

// TLS is the interface's; nil where it speaks plain HTTP.
func (a *API) TLS() (*tls.Config, error) {
	if a.APICertFile == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(a.APICertFile, a.APICertKeyFile)
	if err != nil {
		return nil, problem("REMESA_API_CERT_FILE", "this certificate and the key of REMESA_API_CERT_KEY_FILE cannot be used: they must be PEM, and belong together")
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}, nil
}

func (a *API) complete() []error {
	var problems []error
	if !isListenAddr(a.APIAddr) {
		problems = append(problems, problem("REMESA_API_ADDR", "must be HOST:PORT, such as 127.0.0.1:8090 (found %s)", shapeOf(a.APIAddr)))
	}
	if a.APIMetricsAddr != "" && !isListenAddr(a.APIMetricsAddr) {
		problems = append(problems, problem("REMESA_API_METRICS_ADDR", "must be HOST:PORT, such as 127.0.0.1:8091 (found %s)", shapeOf(a.APIMetricsAddr)))
	}
	if (a.APICertFile == "") != (a.APICertKeyFile == "") {
		problems = append(problems, problem("REMESA_API_CERT_FILE", "needs REMESA_API_CERT_KEY_FILE, and the other way round"))
	}
	if a.APIRate < 1 || a.APIRate > 1_000_000 {
		problems = append(problems, problem("REMESA_API_RATE", "must be between 1 and 1000000"))
	}
	return problems
}
