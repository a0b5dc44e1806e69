package pagandocheck

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

var (
	_ providers.Charger  = (*Client)(nil)
	_ providers.Checker  = (*Client)(nil)
	_ providers.Preparer = (*Client)(nil)
)

// Client is one account at Pagando Check that charges in one step. It is safe for concurrent use.
type Client struct {
	config Config
	base   *url.URL
	wire   *wire.Client
	tokens *auth.Source
}

// Close drops the idle connections.
func (c *Client) Close() { c.wire.Close() }

// Prepare makes sure that there is a token.
func (c *Client) Prepare(ctx context.Context) error {
	_, err := c.tokens.Token(ctx)
	return err
}

// Charge charges the card with one POST.
func (c *Client) Charge(ctx context.Context, ch providers.Charge, _ providers.Attempt) (providers.Outcome, error) {
	body, err := encodeCharge(ch, "")
	if err != nil {
		return refusedHere(err), nil
	}
	with := c.reading(ch)
	reply, err := c.authorized(ctx, wire.Request{Method: http.MethodPost, URL: c.url(chargePath, nil), Body: body}, &with)
	o, err := charged(reply, err, with)
	return providers.Conceal(o, with.hide...), err
}

// refusedHere is a charge that was never sent, because it cannot be expressed to the provider.
func refusedHere(err error) providers.Outcome {
	return providers.Outcome{Class: providers.Refused, Code: "invalid", Message: err.Error()}
}

// Check logs in.
func (c *Client) Check(ctx context.Context) ([]providers.Finding, error) {
	found, err := c.checkLogin(ctx)
	if err != nil {
		return found, err
	}
	return append(found, providers.Finding{Warn: true, Text: "charges in one step: a charge whose answer is lost cannot be asked about and " +
		"waits for a person; " + setting + "TWO_STEP=true avoids it where the account may create orders"}), nil
}

func (c *Client) checkLogin(ctx context.Context) ([]providers.Finding, error) {
	var found []providers.Finding
	if strings.HasPrefix(c.config.Password.Reveal(), "Test ") && !wire.IsLoopback(c.base) {
		found = append(found, providers.Finding{Warn: true, Text: "the password is one for tests: charges will move no money"})
	}
	if err := c.Prepare(ctx); err != nil {
		return found, err
	}
	return append(found, providers.Finding{Text: "credentials accepted"}), nil
}

// authorized sends the request under the account's token. Where the provider refuses the token, which it does before it looks at
// anything else, the token is renewed and the request sent once more. Its errors are *wire.Error, *providers.NotSent and
// *providers.CredentialsError.
func (c *Client) authorized(ctx context.Context, r wire.Request, with *reading) (wire.Reply, error) {
	reply, err := c.once(ctx, r, with)
	var refused *providers.CredentialsError
	if !errors.As(err, &refused) || refused.Code == badCredentials || reply.Status == 0 {
		return reply, err
	}
	return c.once(ctx, r, with)
}

// once sends the request under the present token. A token that the provider refuses is not used again: the error is then a
// *providers.CredentialsError, beside the reply that said so.
func (c *Client) once(ctx context.Context, r wire.Request, with *reading) (wire.Reply, error) {
	token, err := c.tokens.Token(ctx)
	if err != nil {
		return wire.Reply{}, err
	}
	with.hide = append(with.hide, token.Value.Reveal())
	r.Header = header(r.Body)
	r.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
	reply, err := c.wire.Do(ctx, r)
	if err != nil {
		return reply, err
	}
	if code := tokenRefused(reply); code != "" {
		c.tokens.Reject(token)
		return reply, &providers.CredentialsError{Code: code}
	}
	return reply, nil
}

func header(body []byte) http.Header {
	h := http.Header{}
	h.Set("Accept", "application/json")
	if body != nil {
		h.Set("Content-Type", "application/json")
	}
	return h
}

func (c *Client) reading(ch providers.Charge) reading {
	return reading{
		now: c.config.Now(), hard: c.config.HardDeclines, uncertain: c.config.UncertainDeclines,
		hide: append([]string{c.config.Password.Reveal(), c.config.User, antifraud(ch)}, ch.Private()...),
	}
}
