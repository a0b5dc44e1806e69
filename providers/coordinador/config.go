// Package coordinador registers payments between companies of the Chilean electricity market in the
// Coordinador's portal, and queries what was registered. The money itself moves at a bank, outside;
// registering the same payment twice is what must not happen here.
package coordinador

import (
	"errors"
	"regexp"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// Paths. Those of the portal are documented; those of the gateway are the older API's behind the
// documented base.
const (
	obtainPath   = "/api/token/obtain/"
	refreshPath  = "/api/token/refresh/"
	registerPath = "/v1/operations/payments/create/"
	rowsPath     = "/v1/resources/payment-execution-payment-instructions/"
)

// tokenLife is that of a token which does not say when it ends. The documented example fits a day.
const tokenLife = time.Hour

// Config holds the settings of one account.
type Config struct {
	// Account is provider/name, for example "coordinador/default"; workers share its token under
	// this name.
	Account string
	// PortalURL gives tokens. GatewayURL is read and written; production and staging differ in its
	// path only.
	PortalURL, GatewayURL string
	// Username and Password are those of a person's login at the portal; both travel with every
	// registration.
	Username string
	Password providers.Secret
	// CAFile (PEM) replaces the system's certificate authorities.
	CAFile string

	// Shared makes one token serve all workers; nil means this process alone.
	Shared auth.Shared
	// Cooldown is how long refused credentials are not tried again; 0 means the default of
	// auth.Options.
	Cooldown time.Duration
	// Renewed gets the reason of each renewal of the token.
	Renewed func(reason string)
	// Timeout, IdleTimeout and Concurrency are those of wire.Options.
	Timeout, IdleTimeout time.Duration
	Concurrency          int
	// Now is time.Now unless set.
	Now func() time.Time
}

const setting = "REMESA_COORDINADOR_"

var headerValue = regexp.MustCompile(`^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$`)

// checkHeader says of a value what a header cannot carry.
func checkHeader(value string) error {
	if !headerValue.MatchString(value) {
		return errors.New("must be set, in printable ASCII without blanks around it: it travels in a header")
	}
	return nil
}

// New builds a client for one account; it dials nothing.
func New(c Config) (*Client, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	portal, portalErr := wire.ParseBase(c.PortalURL)
	gateway, gatewayErr := wire.ParseBase(c.GatewayURL)
	if err := wire.CheckSettings(setting, []wire.Setting{
		{Name: "PORTAL_URL", Err: portalErr},
		{Name: "GATEWAY_URL", Err: gatewayErr},
		{Name: "USERNAME", Err: checkHeader(c.Username)},
		{Name: "PASSWORD", Err: checkHeader(c.Password.Reveal())},
	}); err != nil {
		return nil, err
	}
	client := &Client{config: c, portal: portal, gateway: gateway}
	var err error
	client.api, err = auth.NewClient(
		wire.Options{Timeout: c.Timeout, IdleTimeout: c.IdleTimeout, Concurrency: c.Concurrency, CAFile: c.CAFile},
		auth.Options{Account: c.Account, Login: client.login, Lifetime: tokenLife, Cooldown: c.Cooldown, Shared: c.Shared, Now: c.Now, Renewed: c.Renewed},
	)
	if err != nil {
		return nil, err
	}
	return client, nil
}
