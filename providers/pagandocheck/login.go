package pagandocheck

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// tokenLifetime is the documented one; the response does not carry it.
const tokenLifetime = 24 * time.Hour

// login exchanges user and password for a token.
func (c *Client) login(ctx context.Context, _ auth.Token) (auth.Token, error) {
	body, err := wire.JSON(map[string]string{"user": c.config.User, "password": c.config.Password.Reveal()})
	if err != nil {
		return auth.Token{}, errors.New("login cannot be written as JSON")
	}
	reply, err := c.api.Wire.Post(ctx, c.base, loginPath, body)
	value, err := mapLogin(reply, err, c.config.Auth.Now(), c.config.Password.Reveal(), c.config.User)
	if err != nil {
		return auth.Token{}, err
	}
	return auth.Token{Value: value, Expires: auth.JWTExpires(value, c.config.Auth.Now())}, nil
}

// mapLogin reads the response to a login; a login moves no money and may be repeated whatever
// became of it.
func mapLogin(r wire.Reply, err error, now time.Time, hide ...string) (providers.Secret, error) {
	if err != nil {
		return "", wire.MayRepeat(err)
	}
	a, readable := parse(r.Body)
	switch {
	case r.Status == http.StatusTooManyRequests:
		return "", r.Throttled(now)
	case r.Status >= 500:
		return "", loginFailed(r.Code())
	case a.code == badCredentials, a.code == expiredKey:
		return "", &providers.CredentialsError{Code: a.code}
	case r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden:
		return "", &providers.CredentialsError{Code: r.Code()}
	case !r.Success() || !readable || a.failed || !wire.Printable(a.token):
		return "", loginFailed(a.codeOr(r.Code(), hide...))
	}
	return providers.Secret(a.token), nil
}

func loginFailed(code string) error {
	return &providers.NotSent{Reason: "no_token", Err: fmt.Errorf("login was answered with %s", code)}
}
