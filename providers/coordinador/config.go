// Package coordinador registers payments between companies of the Chilean electricity market in the Coordinador's portal, and asks what
// was registered. The money itself moves at a bank, outside; registering the same payment twice is what must not happen here.
package coordinador

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// Paths. Those of the portal are documented; those of the gateway are the older API's behind the documented base.
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
	// Account is provider/name, for example "coordinador/default"; workers share its token under this name.
	Account string
	// PortalURL gives tokens. GatewayURL is read and written; production and staging differ in its path only.
	PortalURL, GatewayURL string
	// Username and Password are those of a person's login at the portal; both travel with every registration.
	Username string
	Password providers.Secret
	// CAFile (PEM) replaces the system's certificate authorities.
	CAFile string

	// Shared makes one token serve all workers; nil means this process alone.
	Shared auth.Shared
	// Cooldown is how long refused credentials are not tried again; 0 means the default of auth.Options.
	Cooldown time.Duration
	// Renewed is told the reason of each renewal of the token.
	Renewed func(reason string)
	// Timeout, IdleTimeout and Concurrency are those of wire.Options.
	Timeout     time.Duration
	IdleTimeout time.Duration
	Concurrency int
	// Now is time.Now unless set.
	Now func() time.Time
}

const setting = "REMESA_COORDINADOR_"

var headerValue = regexp.MustCompile(`^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$`)

// check names the setting that is wrong, and never its value.
func (c Config) check() error {
	const printable = "must be set, in printable ASCII without blanks around it: it travels in a header"
	for _, s := range []struct{ name, value string }{{"USERNAME", c.Username}, {"PASSWORD", c.Password.Reveal()}} {
		if !headerValue.MatchString(s.value) {
			return fmt.Errorf("%s%s: %w", setting, s.name, errors.New(printable))
		}
	}
	return nil
}

func parse(name, text string) (*url.URL, error) {
	u, err := wire.ParseBase(text)
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", setting, name, err)
	}
	return u, nil
}

// New builds a client for one account; it dials nothing.
func New(c Config) (*Client, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	portal, err := parse("PORTAL_URL", c.PortalURL)
	if err != nil {
		return nil, err
	}
	gateway, err := parse("GATEWAY_URL", c.GatewayURL)
	if err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	w, err := wire.New(wire.Options{Timeout: c.Timeout, IdleTimeout: c.IdleTimeout, Concurrency: c.Concurrency, CAFile: c.CAFile})
	if err != nil {
		return nil, err
	}
	client := &Client{config: c, portal: portal, gateway: gateway, wire: w}
	client.tokens = auth.New(auth.Options{
		Account: c.Account, Login: client.login, Lifetime: tokenLife, Timeout: c.Timeout, Cooldown: c.Cooldown, Shared: c.Shared,
		Now: c.Now, Renewed: c.Renewed,
	})
	return client, nil
}
