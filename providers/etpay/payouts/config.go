// Package payouts sends payouts at ETpay (Chile) and queries what became of them. Their API is
// assumed: assumed.go says what, and each assumption that turns out otherwise leaves payouts in
// doubt.
package payouts

import (
	"cmp"
	"net/url"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// Config holds the settings of one account for payouts.
type Config struct {
	// URL is the payouts API; it may carry a path prefix.
	URL      string
	Username string
	Password providers.Secret
	// MerchantCode and MerchantAPIToken are those of the account's sessions.
	MerchantCode     string
	MerchantAPIToken providers.Secret
	// CreatePath, StatusPath (with {id}) and RangePath are assumed unless set.
	CreatePath, StatusPath, RangePath string

	// Wire bounds the exchanges. Auth names the account, "etpay/default" for instance, and says how
	// its token is shared and renewed; its Login is the
	// client's own.
	Wire wire.Options
	Auth auth.Options
}

const setting = "REMESA_ETPAY_PAYOUTS_"

func (c Config) withDefaults() Config {
	c.CreatePath = cmp.Or(c.CreatePath, createPath)
	c.StatusPath = cmp.Or(c.StatusPath, statusPath)
	c.RangePath = cmp.Or(c.RangePath, rangePath)
	if c.Auth.Now == nil {
		c.Auth.Now = time.Now
	}
	return c
}

// Client sends payouts from one merchant account at ETpay. It is safe for concurrent use.
type Client struct {
	config Config
	base   *url.URL
	days   *time.Location
	api    *auth.Client
}

// New builds a client for one account; it dials nothing.
func New(c Config) (*Client, error) {
	c = c.withDefaults()
	base, err := wire.ParseBase(c.URL)
	if err := wire.CheckSettings(setting, []wire.Setting{
		{Name: "URL", Err: err},
		{Name: "USERNAME", Err: wire.CheckSet(c.Username)},
		{Name: "PASSWORD", Err: wire.CheckSet(c.Password.Reveal())},
		{Name: "CREATE_PATH", Err: wire.CheckTemplate(c.CreatePath)},
		{Name: "STATUS_PATH", Err: wire.CheckTemplate(c.StatusPath, "id")},
		{Name: "RANGE_PATH", Err: wire.CheckTemplate(c.RangePath)},
	}); err != nil {
		return nil, err
	}
	days, err := time.LoadLocation(listingDays)
	if err != nil {
		return nil, err
	}
	client := &Client{config: c, base: base, days: days}
	c.Auth.Login = client.login
	if client.api, err = auth.NewClient(c.Wire, c.Auth); err != nil {
		return nil, err
	}
	return client, nil
}
