// Package quipu sends payouts through Quipu, a provider that does not exist: it shows what an
// adapter consists of. Quipu has a token, an idempotency key, a status query and a webhook.
package quipu

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

var (
	_ providers.Payer         = (*Client)(nil)
	_ providers.StatusChecker = (*Client)(nil)
	_ providers.Checker       = (*Client)(nil)
	_ providers.Preparer      = (*Client)(nil)
)

// Config holds the settings of one account.
type Config struct {
	BaseURL       string
	ClientID      string
	ClientSecret  providers.Secret
	WebhookURL    string
	WebhookSecret providers.Secret

	// Wire bounds the exchanges. Auth names the account, "quipu/default" for instance, and says how
	// its token is shared and renewed; its Login is the
	// client's own.
	Wire wire.Options
	Auth auth.Options
}

// Client is one account at Quipu. It is safe for concurrent use.
type Client struct {
	config Config
	base   *url.URL
	api    *auth.Client
}

// New builds a client for one account; it dials nothing. Errors name the setting, and never its
// value.
func New(c Config) (*Client, error) {
	if c.Auth.Now == nil {
		c.Auth.Now = time.Now
	}
	base, err := wire.ParseBase(c.BaseURL)
	if err := wire.CheckSettings("REMESA_QUIPU_", []wire.Setting{
		{Name: "BASE_URL", Err: err},
		{Name: "CLIENT_ID", Err: wire.CheckSet(c.ClientID)},
		{Name: "CLIENT_SECRET", Err: wire.CheckSet(c.ClientSecret.Reveal())},
	}); err != nil {
		return nil, err
	}
	client := &Client{config: c, base: base}
	c.Auth.Login = client.login
	if client.api, err = auth.NewClient(c.Wire, c.Auth); err != nil {
		return nil, err
	}
	return client, nil
}

// Close drops the idle connections.
func (c *Client) Close() { c.api.Close() }

// Prepare makes sure that there is a token.
func (c *Client) Prepare(ctx context.Context) error { return c.api.Prepare(ctx) }

// Pay creates the transfer with one POST under the idempotency key that stays the same over all
// attempts of a payment: its reference.
func (c *Client) Pay(ctx context.Context, p providers.Payout, a providers.Attempt) (providers.Outcome, error) {
	body, err := encode(p, c.config.WebhookURL)
	if err != nil {
		return wire.Inexpressible(err), nil
	}
	r, err := wire.NewRequestAt(http.MethodPost, c.base, "/v1/transfers", body)
	if err != nil {
		return providers.Outcome{}, err
	}
	r.Header.Set("Idempotency-Key", p.Reference)
	with := c.mappingContext(p.Reference, &p)
	reply, err := c.api.Do(ctx, r, tokenRefused, &with.hide)
	o, err := mapPayout(reply, err, with)
	if o.ProviderID != "" && a.Alias != nil {
		_ = a.Alias(ctx, o.ProviderID) // without it a report finds nothing, and the payment is polled
	}
	return providers.Redact(o, with.hide...), err
}

// Status queries by Quipu's id, or by our reference where there is none or that is wanted.
func (c *Client) Status(ctx context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	path, name, value := "/v1/transfers/{id}", "id", q.ProviderID
	if q.ProviderID == "" || q.ByReference {
		path, name, value = "/v1/transfers/by-reference/{reference}", "reference", q.Reference
	}
	with := c.mappingContext(q.Reference, q.Payout)
	r, err := wire.NewRequestAt(http.MethodGet, c.base, path, nil, name, value)
	if err != nil {
		return providers.Outcome{}, err
	}
	reply, err := c.api.Do(ctx, r, tokenRefused, &with.hide)
	o, err := mapStatus(reply, err, with)
	return providers.Redact(o, with.hide...), err
}

// Check logs in.
func (c *Client) Check(ctx context.Context) ([]providers.Finding, error) {
	if err := c.Prepare(ctx); err != nil {
		return nil, err
	}
	return []providers.Finding{{Text: "login accepted"}}, nil
}

// login is the auth.Login of the account. A login moves no money: its last line may be repeated.
func (c *Client) login(ctx context.Context, _ auth.Token) (auth.Token, error) {
	body, err := wire.JSON(map[string]string{"client_id": c.config.ClientID, "client_secret": c.config.ClientSecret.Reveal()})
	if err != nil {
		return auth.Token{}, &providers.NotSent{Reason: wire.Invalid}
	}
	r, err := wire.NewRequestAt(http.MethodPost, c.base, "/oauth/token", body)
	if err != nil {
		return auth.Token{}, err
	}
	reply, err := c.api.Wire.Do(ctx, r)
	if err != nil {
		return auth.Token{}, wire.MayRepeat(err)
	}
	o, _ := wire.ReadObject(reply.Body)
	token := o.Text("access_token")
	switch {
	case reply.Status == http.StatusUnauthorized:
		return auth.Token{}, &providers.CredentialsError{Code: reply.Code()}
	case reply.Status == http.StatusTooManyRequests:
		return auth.Token{}, reply.Throttled(c.config.Auth.Now())
	case reply.Success() && !o.Bad() && wire.Printable(token):
		return auth.Token{Value: providers.Secret(token)}, nil
	}
	return auth.Token{}, &providers.NotSent{Reason: "login", Err: errors.New("login: " + reply.Code())}
}
