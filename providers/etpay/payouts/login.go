package payouts

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// credentials is the documented object of a login for payouts.
type credentials struct {
	Username string   `json:"username"`
	Password string   `json:"password"`
	Merchant merchant `json:"merchant"`
}

type merchant struct {
	Code     string `json:"code"`
	APIToken string `json:"api_token"`
}

// login is the auth.Login of the account: refused credentials are tried once.
func (c *Client) login(ctx context.Context, _ auth.Token) (auth.Token, error) {
	body, err := wire.JSON(credentials{ // #nosec G117 -- this is the login
		Username: c.config.Username, Password: c.config.Password.Reveal(),
		Merchant: merchant{Code: c.config.MerchantCode, APIToken: c.config.MerchantAPIToken.Reveal()},
	})
	if err != nil {
		return auth.Token{}, &providers.NotSent{Reason: wire.Invalid}
	}
	reply, err := c.api.Wire.Post(ctx, c.base, loginPath, body)
	token, err := mapLogin(reply, err, c.config.Auth.Now())
	if err != nil {
		return auth.Token{}, err
	}
	return auth.Token{Value: token, Expires: auth.JWTExpires(token, c.config.Auth.Now())}, nil
}

// mapLogin says what a login came to. A login moves no money: its last line may be repeated.
func mapLogin(r wire.Reply, err error, now time.Time) (providers.Secret, error) {
	if err != nil {
		return "", wire.MayRepeat(err)
	}
	switch r.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity:
		return "", &providers.CredentialsError{Code: r.Code()}
	case http.StatusTooManyRequests:
		return "", r.Throttled(now)
	case http.StatusOK, http.StatusCreated:
		if token, ok := readToken(r.Body); ok {
			return token, nil
		}
	}
	return "", &providers.NotSent{Reason: "login", Err: errors.New("login: " + r.Code())}
}

// readToken takes the first of the names under which a token may stand.
func readToken(body []byte) (providers.Secret, bool) {
	o, ok := wire.ReadObject(body)
	if !ok {
		return "", false
	}
	for _, in := range []wire.Object{o, inner(o, wrapperField)} {
		for _, name := range tokenNames {
			if value := in.Text(name); value != "" {
				return providers.Secret(value), !in.Bad() && wire.Printable(value)
			}
		}
	}
	return "", false
}
