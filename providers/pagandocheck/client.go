package pagandocheck

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// Client is one account at Pagando Check that charges in one step. It is safe for concurrent use.
type Client struct {
	config Config
	base   *url.URL
	api    *auth.Client
}

// Close drops the idle connections.
func (c *Client) Close() { c.api.Close() }

var _ providers.Preparer = (*Client)(nil)

// Prepare makes sure that there is a token.
func (c *Client) Prepare(ctx context.Context) error { return c.api.Prepare(ctx) }

var _ providers.Charger = (*Client)(nil)

// Charge charges the card with one POST.
func (c *Client) Charge(ctx context.Context, ch providers.Charge, _ providers.Attempt) (providers.Outcome, error) {
	body, err := encodeCharge(ch, "")
	if err != nil {
		return wire.Inexpressible(err), nil
	}
	with := c.mappingContext(ch)
	reply, err := c.post(ctx, chargePath, body, tokenRefused, &with)
	o, err := mapCharge(reply, err, with)
	return providers.Redact(o, with.hide...), err
}

var _ providers.Checker = (*Client)(nil)

// Check logs in, and queries an order that does not exist: only the refusal of its token counts.
func (c *Client) Check(ctx context.Context) ([]providers.Finding, error) {
	found, err := c.checkLogin(ctx)
	if err != nil {
		return found, err
	}
	var with mappingContext
	if _, err := c.queryOrder(ctx, checkCart, tokenRefused, &with); refusedAfterLogin(err) {
		return found, fmt.Errorf("%w: %w", errTokenRefused, err)
	}
	return append(found, providers.Finding{Warn: true, Text: "charges in one step: a charge whose response is lost cannot be queried and " +
		"is held for an operator; " + setting + "TWO_STEP=true avoids it where the account may create orders"}), nil
}

// errTokenRefused is what a login that was accepted, and whose token is not, comes to.
var errTokenRefused = errors.New("the token just obtained was refused: header or scheme? See " + setting + "TOKEN_HEADER")

// refusedAfterLogin reports a token that was refused right after its login. Refused credentials are
// another matter.
func refusedAfterLogin(err error) bool {
	var refused *providers.CredentialsError
	return errors.As(err, &refused) && refused.Code != badCredentials
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

// refusal reads why a response refuses its request's token; empty where it does not.
type refusal func(r wire.Reply) string

// post sends JSON under the account's token, and once more under its successor where refused says
// that the response refuses it, which the provider does before it reads anything else.
func (c *Client) post(ctx context.Context, path string, body []byte, refused refusal, with *mappingContext) (wire.Reply, error) {
	r, err := wire.NewRequestAt(http.MethodPost, c.base, path, body)
	if err != nil {
		return wire.Reply{}, err
	}
	return c.api.Do(ctx, r, refused.read, &with.hide)
}

// queryOrder queries an order, as post sends.
func (c *Client) queryOrder(ctx context.Context, order string, refused refusal, with *mappingContext) (wire.Reply, error) {
	r, err := wire.NewRequestAt(http.MethodGet, c.base, infoPath, nil)
	if err != nil {
		return wire.Reply{}, err
	}
	r.URL += "?" + url.Values{"orderId": {order}}.Encode()
	return c.api.Do(ctx, r, refused.read, &with.hide)
}

func (refused refusal) read(r wire.Reply) auth.Refusal {
	code := refused(r)
	return auth.Refusal{Code: code, Permanent: code == badCredentials}
}

func (c *Client) mappingContext(ch providers.Charge) mappingContext {
	return mappingContext{
		now: c.config.Auth.Now(), hard: c.config.HardDeclines, uncertain: c.config.UncertainDeclines,
		hide: append([]string{c.config.Password.Reveal(), c.config.User, providers.DetailsAs[Details](ch.Details).AntifraudToken.Reveal()}, ch.PrivateTexts()...),
	}
}
