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
	// PortalURL gives tokens. GatewayURL is read and written; production and staging differ in its
	// path only.
	PortalURL, GatewayURL string
	// Username and Password are those of a person's login at the portal; both travel with every
	// registration.
	Username string
	Password providers.Secret
	// Wire bounds the exchanges. Auth names the account, "coordinador/default" for instance, and
	// says how its token is shared and renewed; its Login and Lifetime are the client's own.
	Wire wire.Options
	Auth auth.Options
}

const (
	// Name is the provider's in tasks, keys and settings.
	Name = "coordinador"

	setting = "REMESA_COORDINADOR_"
)

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
	if c.Auth.Now == nil {
		c.Auth.Now = time.Now
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
	c.Auth.Login, c.Auth.Lifetime = client.login, tokenLife
	var err error
	if client.api, err = auth.NewClient(c.Wire, c.Auth); err != nil {
		return nil, err
	}
	return client, nil
}
