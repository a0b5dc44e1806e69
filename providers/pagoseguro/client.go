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

// Client is one account at Pago Seguro. It is safe for concurrent use. It is no StatusChecker: the
// provider has no status query.
type Client struct {
	config Config
	base   *url.URL
	id     int64
	api    *auth.Client
}

const (
	loginPath  = "/pagosegurocanal/public/api/auth/accountlogin"
	cardPath   = "/pagosegurocanal/public/api/v1/hashcard"
	chargePath = "/pagosegurocanal/public/api/v1/tokenization"
)

// Close drops the idle connections.
func (c *Client) Close() { c.api.Close() }

var _ providers.Preparer = (*Client)(nil)

// Prepare makes sure that there is a token.
func (c *Client) Prepare(ctx context.Context) error { return c.api.Prepare(ctx) }

var _ providers.Charger = (*Client)(nil)

// Charge charges the card. Only a request whose token was rejected, and which was therefore not
// read, is made a second time.
func (c *Client) Charge(ctx context.Context, charge providers.Charge, _ providers.Attempt) (providers.Outcome, error) {
	now := c.config.Auth.Now()
	if expired(charge.Card, now) {
		return providers.Outcome{Class: providers.Refused, Decline: providers.Hard, Code: "card_expired", Message: "the card's last month is over"}, nil
	}
	body, err := c.encode(charge)
	if err != nil {
		return wire.Inexpressible(err), nil
	}
	with := c.mappingContext(charge, now)
	reply, err := c.post(ctx, chargePath, body, &with)
	o, err := mapCharge(reply, err, with)
	return providers.Redact(o, with.hide...), err
}

var _ providers.Tokenizer = (*Client)(nil)

// Tokenize has the provider encrypt a card. Nothing of it is kept; it may be repeated.
func (c *Client) Tokenize(ctx context.Context, number, code providers.Secret) (providers.Secret, error) {
	body, err := encodeCard(number, code)
	if err != nil {
		return "", err
	}
	with := c.mappingContext(providers.Charge{}, c.config.Auth.Now())
	reply, err := c.post(ctx, cardPath, body, &with)
	return mapTokenization(reply, err, with, number, code)
}

// post sends JSON under the account's token, and once more under its successor where it was
// refused. The tokens are added to what is hidden.
func (c *Client) post(ctx context.Context, path string, body []byte, with *mappingContext) (wire.Reply, error) {
	r, err := wire.NewRequestAt(http.MethodPost, c.base, path, body)
	if err != nil {
		return wire.Reply{}, err
	}
	return c.api.Do(ctx, r, func(r wire.Reply) auth.Refusal { return auth.Refusal{Code: tokenRefused(r)} }, &with.hide)
}

var _ providers.Checker = (*Client)(nil)

// Check logs in.
func (c *Client) Check(ctx context.Context) ([]providers.Finding, error) {
	if err := c.Prepare(ctx); err != nil {
		return nil, err
	}
	return []providers.Finding{
		{Text: "login accepted; whether the account's product is recurring charges shows with the first charge"},
		{Text: "no status query: a charge without a clear response is held for an operator"},
	}, nil
}

func (c *Client) login(ctx context.Context, _ auth.Token) (auth.Token, error) {
	body, err := wire.JSON(credentials{c.id, c.config.APIKey.Reveal()})
	if err != nil {
		return auth.Token{}, err
	}
	reply, err := c.api.Wire.Post(ctx, c.base, loginPath, body)
	return mapLogin(reply, err, c.config.Auth.Now())
}

func (c *Client) mappingContext(charge providers.Charge, now time.Time) mappingContext {
	return mappingContext{now: now, hard: c.config.HardDeclines, hide: append([]string{c.config.APIKey.Reveal()}, charge.PrivateTexts()...)}
}
