// Package pagoseguro charges tokenized cards through Pago Seguro (Colombia). It cannot ask what became of a charge: the provider has no
// status query.
package pagoseguro

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// Config holds the settings of one account.
type Config struct {
	// BaseURL is the host; /pagosegurocanal/public/… is added.
	BaseURL   string
	AccountID string
	APIKey    providers.Secret
	// HardDeclines are the messages of declines that will not pass later either; every other decline may.
	HardDeclines []string
	// Name is the account's name here, "default" unless set.
	Name string
	// CAFile replaces the system's authorities.
	CAFile string

	// Shared, Cooldown and Renewed are those of auth.Options.
	Shared   auth.Shared
	Cooldown time.Duration
	Renewed  func(reason string)

	// Timeout, IdleTimeout and Concurrency are those of wire.Options.
	Timeout     time.Duration
	IdleTimeout time.Duration
	Concurrency int
	// Now is time.Now unless set.
	Now func() time.Time
}

const setting = "REMESA_PAGOSEGURO_"

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "default"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// New builds a client for one account; it dials nothing. Errors name the setting, and never its value.
func New(c Config) (*Client, error) {
	c = c.withDefaults()
	base, err := wire.ParseBase(c.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("%sBASE_URL: %w", setting, err)
	}
	id, err := strconv.ParseInt(c.AccountID, 10, 64)
	if err != nil || id <= 0 || strconv.FormatInt(id, 10) != c.AccountID {
		return nil, errors.New(setting + "ACCOUNT_ID: must be a whole number")
	}
	if c.APIKey == "" {
		return nil, errors.New(setting + "API_KEY: must be set")
	}
	w, err := wire.New(wire.Options{Timeout: c.Timeout, IdleTimeout: c.IdleTimeout, Concurrency: c.Concurrency, CAFile: c.CAFile})
	if err != nil {
		return nil, fmt.Errorf("%sBASE_URL: %w", setting, err)
	}
	return newClient(c, base, id, w)
}

func newClient(c Config, base *url.URL, id int64, w *wire.Client) (*Client, error) {
	client := &Client{config: c, base: base, id: id, wire: w}
	o := auth.Options{
		Account: providers.PagoSeguro + "/" + c.Name, Login: client.login, Lifetime: tokenLife, Timeout: c.Timeout, Cooldown: c.Cooldown,
		Shared: c.Shared, Renewed: c.Renewed, Now: c.Now,
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	client.tokens = auth.New(o)
	return client, nil
}

// tokenLife is the one of the documentation's examples, for an answer that does not say.
const tokenLife = time.Hour
