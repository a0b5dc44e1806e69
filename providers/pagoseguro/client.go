package pagoseguro

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

var (
	_ providers.Charger   = (*Client)(nil)
	_ providers.Preparer  = (*Client)(nil)
	_ providers.Checker   = (*Client)(nil)
	_ providers.Tokenizer = (*Client)(nil)
)

// Client is one account at Pago Seguro. It is safe for concurrent use. It is no StatusChecker:
// there is nobody to ask.
type Client struct {
	config Config
	base   *url.URL
	id     int64
	wire   *wire.Client
	tokens *auth.Source
}

const (
	loginPath  = "/pagosegurocanal/public/api/auth/accountlogin"
	cardPath   = "/pagosegurocanal/public/api/v1/hashcard"
	chargePath = "/pagosegurocanal/public/api/v1/tokenization"
)

// Close drops the idle connections.
func (c *Client) Close() { c.wire.Close() }

// Prepare makes sure that there is a token.
func (c *Client) Prepare(ctx context.Context) error {
	_, err := c.tokens.Token(ctx)
	return err
}

// Charge charges the card. Only a request whose token was rejected, and which was therefore not
// looked at, is made a second time.
func (c *Client) Charge(ctx context.Context, charge providers.Charge, _ providers.Attempt) (providers.Outcome, error) {
	now := c.config.Now()
	if expired(charge.Card, now) {
		return providers.Outcome{Class: providers.Refused, Decline: providers.Hard, Code: "card_expired", Message: "the card's last month is over"}, nil
	}
	body, err := c.encode(charge)
	if err != nil {
		return providers.Outcome{Class: providers.Refused, Code: "invalid", Message: err.Error()}, nil
	}
	with := c.reading(charge, now)
	reply, err := c.authorized(ctx, chargePath, body, &with)
	o, err := charged(reply, err, with)
	return providers.Conceal(o, with.hide...), err
}

// Tokenize has the provider encrypt a card. Nothing of it is kept; it may be repeated.
func (c *Client) Tokenize(ctx context.Context, number, code providers.Secret) (providers.Secret, error) {
	body, err := encodeCard(number, code)
	if err != nil {
		return "", err
	}
	with := c.reading(providers.Charge{}, c.config.Now())
	reply, err := c.authorized(ctx, cardPath, body, &with)
	return tokenized(reply, err, with, number, code)
}

// authorized posts under the account's token, and once more under its successor where it was
// refused. The tokens are noted among what is hidden.
func (c *Client) authorized(ctx context.Context, path string, body []byte, with *reading) (reply wire.Reply, err error) {
	refused := c.tokens.Do(ctx, func(token auth.Token) auth.Refusal {
		with.hide = append(with.hide, token.Value.Reveal())
		reply, err = c.post(ctx, path, token.Value, body)
		if err != nil {
			return auth.Refusal{}
		}
		return auth.Refusal{Code: tokenRefused(reply)}
	})
	if refused != nil {
		return wire.Reply{}, refused
	}
	return reply, err
}

// Check logs in.
func (c *Client) Check(ctx context.Context) ([]providers.Finding, error) {
	if err := c.Prepare(ctx); err != nil {
		return nil, err
	}
	return []providers.Finding{
		{Text: "login accepted; whether the account's product is recurring charges shows with the first charge"},
		{Text: "no status query: a charge without a clear answer is held for a person"},
	}, nil
}

func (c *Client) login(ctx context.Context, _ auth.Token) (auth.Token, error) {
	body, err := plainJSON(credentials{c.id, c.config.APIKey.Reveal()})
	if err != nil {
		return auth.Token{}, err
	}
	reply, err := c.post(ctx, loginPath, "", body)
	return loggedIn(reply, err, c.config.Now())
}

func (c *Client) post(ctx context.Context, path string, token providers.Secret, body []byte) (wire.Reply, error) {
	address, err := wire.Join(c.base, path)
	if err != nil {
		return wire.Reply{}, &wire.Error{Reason: wire.Invalid}
	}
	header := http.Header{}
	header.Set("Accept", "application/json")
	header.Set("Content-Type", "application/json")
	if token != "" {
		header.Set("Authorization", "Bearer "+token.Reveal())
	}
	return c.wire.Do(ctx, wire.Request{Method: http.MethodPost, URL: address, Header: header, Body: body})
}

func (c *Client) reading(charge providers.Charge, now time.Time) reading {
	return reading{now: now, hard: c.config.HardDeclines, hide: append([]string{c.config.APIKey.Reveal()}, charge.Private()...)}
}
