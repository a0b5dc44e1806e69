package coordinador

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// Check logs in, reads once, and says which environment payments would be registered in: production
// and staging differ in a path only.
func (c *Client) Check(ctx context.Context) ([]providers.Finding, error) {
	found := c.environment()
	if err := c.Prepare(ctx); err != nil {
		return found, err
	}
	found = append(found, providers.Finding{Text: "login accepted"})
	if _, err := c.rowsOf(ctx, 1); err != nil {
		return found, err
	}
	return append(found, providers.Finding{Text: "the gateway answers about an instruction"}), nil
}

func (c *Client) environment() []providers.Finding {
	name := environment(c.gateway)
	found := []providers.Finding{{
		Warn: name == unknown,
		Text: fmt.Sprintf("payments would be registered in %s: %s%s", name, c.gateway.Host, c.gateway.Path),
	}}
	if test := strings.HasPrefix(c.portal.Hostname(), "stg"); name == production && test || name == staging && !test {
		found = append(found, providers.Finding{
			Warn: true, Text: fmt.Sprintf("portal and gateway are of two environments: %s gives the tokens", c.portal.Host),
		})
	}
	return found
}

// Names of the environments.
const (
	production = "PRODUCTION"
	staging    = "STAGING"
	local      = "a simulator on this machine"
	unknown    = "an UNKNOWN environment"
)

// environment reads it from the first part of the gateway's path.
func environment(gateway *url.URL) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(gateway.Path, "/"), "/")
	switch {
	case wire.IsLoopback(gateway):
		return local
	case first == "staging":
		return staging
	case first == "ppagos":
		return production
	}
	return unknown
}
