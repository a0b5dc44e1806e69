package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/remesa/remesa/internal/config"
)

// healthcheckCmd is for containers that hold nothing but this binary: no shell, no curl.
type healthcheckCmd struct {
	Ready   bool          `help:"Ask /readyz (can payments be sent?) instead of /healthz."`
	Timeout time.Duration `default:"3s" placeholder:"DURATION" help:"How long the answer may take."`
}

// Run requests /healthz or /readyz of the worker on this machine. It reads REMESA_HTTP_ADDR and
// nothing else, so it needs none of the worker's secrets.
func (cmd healthcheckCmd) Run(ctx context.Context, c *config.Config) error {
	ctx, cancel := context.WithTimeout(ctx, cmd.Timeout)
	defer cancel()
	path := "/healthz"
	if cmd.Ready {
		path = "/readyz"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+localAddress(c.Addr)+path, nil)
	if err != nil {
		return fmt.Errorf("REMESA_HTTP_ADDR: %w", err)
	}
	response, err := (&http.Transport{}).RoundTrip(request) // no proxy: it is this machine
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("healthcheck: %s: %d %q", path, response.StatusCode, text)
	}
	return nil
}

// localAddress is where this machine reaches a listener of this address; one that listens
// everywhere is reached on the loopback address.
func localAddress(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	switch ip := net.ParseIP(host); {
	case host == "", ip != nil && ip.IsUnspecified():
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}
