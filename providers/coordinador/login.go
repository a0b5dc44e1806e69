package coordinador

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// login is the auth.Login of the account: a token that has lapsed and may still be refreshed is
// refreshed, else one is obtained. Wrong passwords may lock the account, so refused credentials are
// tried once, and a portal that once refused to refresh is not tried again.
func (c *Client) login(ctx context.Context, old auth.Token) (auth.Token, error) {
	now := c.config.Auth.Now()
	if !c.noRefresh.Load() && old.Value != "" && !old.Expires.IsZero() && now.After(old.Expires) && now.Before(old.RefreshUntil) {
		token, err := c.postLogin(ctx, refreshPath, old.Refresh)
		if err == nil {
			return token, nil
		}
		if errors.As(err, new(*providers.CredentialsError)) {
			c.noRefresh.Store(true)
		}
	}
	return c.postLogin(ctx, obtainPath, "")
}

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Refresh  string `json:"refresh,omitempty"`
}

func (c *Client) postLogin(ctx context.Context, path string, refresh providers.Secret) (auth.Token, error) {
	body, err := json.Marshal(credentials{c.config.Username, c.config.Password.Reveal(), refresh.Reveal()}) // #nosec G117 -- this is the login
	if err != nil {
		return auth.Token{}, &providers.NotSent{Reason: wire.Invalid}
	}
	reply, err := c.api.Wire.Post(ctx, c.portal, path, body)
	return mapLogin(reply, err, c.config.Auth.Now())
}

// mapLogin says what a login came to. A login moves no money: its last line may be repeated.
func mapLogin(r wire.Reply, err error, now time.Time) (auth.Token, error) {
	switch {
	case err != nil:
		return auth.Token{}, wire.MayRepeat(err)
	case r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden || r.Status == http.StatusBadRequest:
		return auth.Token{}, &providers.CredentialsError{Code: statusCode(r)}
	case r.Status == http.StatusTooManyRequests:
		return auth.Token{}, r.Throttled(now)
	case r.Status == http.StatusOK || r.Status == http.StatusCreated:
		if token, ok := readToken(r.Body, now); ok {
			return token, nil
		}
	}
	return auth.Token{}, &providers.NotSent{Reason: "login", Err: fmt.Errorf("login: %s", statusCode(r))}
}

// readToken takes the first of the names under which a token may stand: the portal's page does not
// name the field.
func readToken(body []byte, now time.Time) (auth.Token, bool) {
	o, ok := wire.ReadObject(body)
	if !ok {
		return auth.Token{}, false
	}
	for _, name := range []string{"access", "token", "access_token"} {
		value := o.Text(name)
		if o.Bad() || value != "" && !wire.Printable(value) {
			return auth.Token{}, false
		}
		if value == "" {
			continue
		}
		token := auth.Token{Value: providers.Secret(value), Expires: auth.JWTExpires(providers.Secret(value), now), RefreshUntil: refreshUntil(value)}
		token.Refresh = providers.Secret(o.Text("refresh")) // what is no text is none
		return token, true
	}
	return auth.Token{}, false
}

// refreshUntil reads refresh_exp, by which a lapsed token can still be refreshed; zero where there
// is none.
func refreshUntil(token string) time.Time {
	part := strings.Split(token, ".")
	if len(part) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part[1], "="))
	var claims struct {
		Until int64 `json:"refresh_exp"`
	}
	if err != nil || wire.HasDuplicateNames(payload) || json.Unmarshal(payload, &claims) != nil || claims.Until <= 0 {
		return time.Time{}
	}
	return time.Unix(claims.Until, 0)
}

// statusCode is the word for a response that says nothing else: its HTTP status, or that it could
// not be read. The portal knows one status for success; any other is worth naming.
func statusCode(r wire.Reply) string {
	if r.Status == http.StatusOK {
		return wire.Unreadable
	}
	return fmt.Sprintf("http_%d", r.Status)
}
