package etpay

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// Payouts holds the settings of an account that sends payouts as well.
type Payouts struct {
	// URL is the payouts API; it may carry a path prefix.
	URL      string
	Username string
	Password providers.Secret
	// CreatePath, StatusPath (with {id}) and RangePath are assumed unless set.
	CreatePath, StatusPath, RangePath string

	// Account is provider/name, for example "etpay/default"; workers share its token under this name.
	Account string
	// Shared makes one token serve all workers; nil means this process alone.
	Shared auth.Shared
	// Cooldown is how long refused credentials are not tried again; 0 means the default of auth.Options.
	Cooldown time.Duration
	// Renewed is told the reason of each renewal of the token.
	Renewed func(reason string)
}

func (p Payouts) withDefaults() Payouts {
	for _, path := range []struct {
		value     *string
		otherwise string
	}{{&p.CreatePath, createPayoutPath}, {&p.StatusPath, payoutPath}, {&p.RangePath, listPayoutsPath}} {
		if *path.value == "" {
			*path.value = path.otherwise
		}
	}
	return p
}

// check names the setting that is wrong, and never its value.
func (p Payouts) check() error {
	switch {
	case p.Username == "":
		return errors.New(setting + "PAYOUTS_USERNAME: must be set")
	case p.Password == "":
		return errors.New(setting + "PAYOUTS_PASSWORD: must be set")
	}
	for _, path := range []struct {
		name, value string
		holds       []string
	}{{"CREATE_PATH", p.CreatePath, nil}, {"STATUS_PATH", p.StatusPath, []string{"id"}}, {"RANGE_PATH", p.RangePath, nil}} {
		if err := wire.CheckTemplate(path.value, path.holds...); err != nil {
			return fmt.Errorf("%sPAYOUTS_%s: %w", setting, path.name, err)
		}
	}
	return nil
}

// PayoutClient is one merchant account at ETpay that opens sessions and sends payouts. It is safe for concurrent use.
type PayoutClient struct {
	*Client
	payouts Payouts
	url     *url.URL
	days    *time.Location
	tokens  *auth.Source
}

// NewWithPayouts builds a client for one account that sends payouts as well; it dials nothing.
func NewWithPayouts(c Config, p Payouts) (*PayoutClient, error) {
	p = p.withDefaults()
	sessions, err := New(c)
	if err != nil {
		return nil, err
	}
	base, err := wire.ParseBase(p.URL)
	if err != nil {
		return nil, fmt.Errorf("%sPAYOUTS_URL: %w", setting, err)
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	days, err := time.LoadLocation(payoutDays)
	if err != nil {
		return nil, err
	}
	client := &PayoutClient{Client: sessions, payouts: p, url: base, days: days}
	client.tokens = auth.New(auth.Options{
		Account: p.Account, Login: client.login, Timeout: c.Timeout, Cooldown: p.Cooldown, Shared: p.Shared,
		Now: sessions.config.Now, Renewed: p.Renewed,
	})
	return client, nil
}

// Account is the client as an account of that name.
func (c *PayoutClient) Account(name string) providers.Account {
	a := c.Client.Account(name)
	a.Client, a.Identity = c, a.Identity+" "+c.url.Host+" "+c.payouts.Username
	a.Real = a.Real || !wire.IsLoopback(c.url)
	return a
}
