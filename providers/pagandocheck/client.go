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
	reply, err := c.authorized(ctx, wire.Request{Method: http.MethodPost, URL: c.url(chargePath, nil), Body: body}, tokenRefused, &with)
	o, err := charged(reply, err, with)
	return providers.Conceal(o, with.hide...), err
}

// refusedHere is a charge that was never sent, because it cannot be expressed to the provider.
func refusedHere(err error) providers.Outcome {
	return providers.Outcome{Class: providers.Refused, Code: "invalid", Message: err.Error()}
}

// Check logs in, and asks about an order that does not exist: only the refusal of its token counts.
func (c *Client) Check(ctx context.Context) ([]providers.Finding, error) {
	found, err := c.checkLogin(ctx)
	if err != nil {
		return found, err
	}
	var with reading
	address := c.url(infoPath, url.Values{"orderId": {checkCart}})
	if _, err := c.authorized(ctx, wire.Request{Method: http.MethodGet, URL: address}, tokenRefused, &with); refusedAnew(err) {
		return found, fmt.Errorf("%w: %w", errTokenRefused, err)
	}
	return append(found, providers.Finding{Warn: true, Text: "charges in one step: a charge whose answer is lost cannot be asked about and " +
		"waits for a person; " + setting + "TWO_STEP=true avoids it where the account may create orders"}), nil
}

// errTokenRefused is what a login that was accepted, and whose token is not, comes to.
var errTokenRefused = errors.New("the token just obtained was refused: header or scheme? See " + setting + "TOKEN_HEADER")

// refusedAnew reports a token that was refused right after its login. Refused credentials are
// another matter.
func refusedAnew(err error) bool {
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

// refusal reads why an answer refuses its request's token; empty where it does not.
type refusal func(r wire.Reply) string

// authorized sends the request under the account's token, and once more under its successor where
// refused says that the answer refuses it, which the provider does before it looks at anything
// else. Its errors are *wire.Error, *providers.NotSent and *providers.CredentialsError.
func (c *Client) authorized(ctx context.Context, r wire.Request, refused refusal, with *reading) (reply wire.Reply, err error) {
	denied := c.tokens.Do(ctx, func(token auth.Token) auth.Refusal {
		with.hide = append(with.hide, token.Value.Reveal())
		r.Header = header(r.Body)
		c.config.authorize(r.Header, token.Value)
		if reply, err = c.wire.Do(ctx, r); err != nil {
			return auth.Refusal{}
		}
		code := refused(reply)
		return auth.Refusal{Code: code, Final: code == badCredentials}
	})
	if denied != nil {
		return wire.Reply{}, denied
	}
	return reply, err
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
		hide: append([]string{c.config.Password.Reveal(), c.config.User, providers.DetailsAs[Details](ch.Details).AntifraudToken.Reveal()}, ch.Private()...),
	}
}
