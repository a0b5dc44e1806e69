// Package auth keeps one provider token per account: cached, renewed ahead of its end and after a
// rejection, by one renewal at a time; where workers share a store, by one renewal for all of them.
package auth

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/remesa/remesa/providers"
)

// Token is what a login yields. Its texts print as REDACTED.
type Token struct {
	Value providers.Secret
	// Expires is the end of its life; zero where the provider does not say: then Options.Lifetime
	// counts from the login.
	Expires time.Time
	// Refresh and RefreshUntil are for providers that renew without a login.
	Refresh      providers.Secret
	RefreshUntil time.Time
}

// Login obtains a token. It returns a *providers.CredentialsError where the provider refuses the
// credentials, and any other error where nothing is known about them. old is the token before, or
// none; its Refresh may be used. ctx is the renewal's own, never a payment's.
type Login func(ctx context.Context, old Token) (Token, error)

// Reasons that Options.Renewed is called with.
const (
	ReasonFirst     = "first"    // there was no token
	ReasonAhead     = "ahead"    // the token was near its end, or past it
	ReasonRejected  = "rejected" // the provider rejected the token
	FromOtherWorker = "shared"   // another worker had renewed it; there was no login
	ReasonRefused   = "refused"  // the provider refused the credentials
	ReasonFailed    = "failed"   // the login came to nothing
)

// Options of a Source. Account and Login are required.
type Options struct {
	// Account is provider/name, for example "acme/default".
	Account string
	Login   Login
	// Lifetime is that of a token which does not say when it ends; 0 means ten minutes.
	Lifetime time.Duration
	// Timeout bounds one renewal, waiting for another worker's included; 0 means 20 s.
	Timeout time.Duration
	// Cooldown is how long refused credentials are not tried again, and the longest wait after
	// failed logins; 0 means 30 s.
	Cooldown time.Duration
	// Shared makes one renewal serve all workers; nil means this process alone.
	Shared Shared
	// LoginRevokesTokens says that each login ends the older token's life. Workers that log in by
	// themselves would chase one another: such an account works with Shared only.
	LoginRevokesTokens bool
	// Now is time.Now unless set, Random yields numbers in [0,1).
	Now    func() time.Time
	Random func() float64
	// Renewed is called with what each renewal came to, one of the reasons above.
	Renewed func(reason string)
	// Obtained, if set, is called with each new token's beginning, and when it will be renewed.
	Obtained func(since, renewal time.Time)
	// Authorize puts a token into the header of a request that a Client makes; Bearer unless set.
	Authorize func(h http.Header, token providers.Secret)
}

// ErrSharingRequired refuses an account whose logins revoke older tokens, where the workers share
// none.
var ErrSharingRequired = errors.New("each login at this provider revokes the older token, so that workers must share one: set REMESA_TOKEN_KEY")

// Check says at start what would keep the account from working.
func (o Options) Check() error {
	if o.LoginRevokesTokens && o.Shared == nil {
		return ErrSharingRequired
	}
	return nil
}

func (o Options) withDefaults() Options {
	o.Lifetime = orDefault(o.Lifetime, 10*time.Minute)
	o.Timeout = orDefault(o.Timeout, 20*time.Second)
	o.Cooldown = orDefault(o.Cooldown, 30*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.Renewed == nil {
		o.Renewed = func(string) {}
	}
	if o.Authorize == nil {
		o.Authorize = Bearer
	}
	return o
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
