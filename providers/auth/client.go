package auth

import (
	"context"
	"maps"
	"net/http"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// Client makes the requests of one account: those to its login as they are, all others under its
// token. It is safe for concurrent use.
type Client struct {
	// Wire sends without a token.
	Wire   *wire.Client
	tokens *Source
}

// NewClient builds the client of one account, and reads the certificate files; it dials nothing.
// The limits of a renewal are those of a request where o has none of its own.
func NewClient(w wire.Options, o Options) (*Client, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = w.Timeout
	}
	client, err := wire.New(w)
	if err != nil {
		return nil, err
	}
	return &Client{Wire: client, tokens: New(o)}, nil
}

// Close drops the idle connections.
func (c *Client) Close() { c.Wire.Close() }

// Prepare makes sure that there is a token. Its error is Token's.
func (c *Client) Prepare(ctx context.Context) error {
	_, err := c.tokens.Token(ctx)
	return err
}

// Do sends the request under the account's token, and once more under its successor where refused
// says that the response refuses the token before the provider read anything else. Each token is
// appended to hide: no text may repeat it. The error is the exchange's *wire.Error, or that of
// Source.Do.
func (c *Client) Do(ctx context.Context, r wire.Request, refused func(wire.Reply) Refusal, hide *[]string) (reply wire.Reply, err error) {
	denied := c.tokens.Do(ctx, func(token Token) Refusal {
		*hide = append(*hide, token.Value.Reveal())
		r.Header = maps.Clone(r.Header)
		c.tokens.o.Authorize(r.Header, token.Value)
		if reply, err = c.Wire.Do(ctx, r); err != nil {
			return Refusal{}
		}
		return refused(reply)
	})
	if denied != nil {
		return wire.Reply{}, denied
	}
	return reply, err
}

// Bearer puts a token into the header Authorization, as RFC 6750 has it.
func Bearer(h http.Header, token providers.Secret) {
	h.Set("Authorization", "Bearer "+token.Reveal())
}
