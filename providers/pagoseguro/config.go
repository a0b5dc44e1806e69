// Package pagoseguro charges tokenized cards through Pago Seguro (Colombia). It cannot query what
// became of a charge: the provider has no status query.
package pagoseguro

import (
	"cmp"
	"errors"
	"fmt"
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
	// HardDeclines are the messages of declines that will not pass later either; every other
	// decline may.
	HardDeclines []string
	// Wire bounds the exchanges. Auth names the account, "pagoseguro/default" unless set, and says
	// how its token is shared and renewed; its Login and Lifetime are the client's own.
	Wire wire.Options
	Auth auth.Options
}

const (
	// Name is the provider's in tasks, keys and settings.
	Name = "pagoseguro"

	setting = "REMESA_PAGOSEGURO_"
)

func (c Config) withDefaults() Config {
	c.Auth.Account = cmp.Or(c.Auth.Account, Name+"/default")
	if c.Auth.Now == nil {
		c.Auth.Now = time.Now
	}
	return c
}

// New builds a client for one account; it dials nothing. Errors name the setting, and never its
// value.
func New(c Config) (*Client, error) {
	c = c.withDefaults()
	base, err := wire.ParseBase(c.BaseURL)
	id, idErr := accountID(c.AccountID)
	if err := wire.CheckSettings(setting, []wire.Setting{
		{Name: "BASE_URL", Err: err}, {Name: "ACCOUNT_ID", Err: idErr}, {Name: "API_KEY", Err: wire.CheckSet(c.APIKey.Reveal())},
	}); err != nil {
		return nil, err
	}
	client := &Client{config: c, base: base, id: id}
	c.Auth.Login, c.Auth.Lifetime = client.login, tokenLife
	if client.api, err = auth.NewClient(c.Wire, c.Auth); err != nil {
		return nil, fmt.Errorf("%sBASE_URL: %w", setting, err)
	}
	return client, nil
}

func accountID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 || strconv.FormatInt(id, 10) != text {
		return 0, errors.New("must be a whole number")
	}
	return id, nil
}

// tokenLife is the one of the documentation's examples, for a response that does not say.
const tokenLife = time.Hour
