// Package virtualpos sends payouts through VirtualPOS (Chile) and queries what became of them.
package virtualpos

import (
	"cmp"
	"fmt"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// Forms of a create request's body.
const (
	Wrapped = "wrapped" // {"tef":{…}}
	Flat    = "flat"    // the tef object itself
)

// What the signature of a status request covers beside the API key.
const (
	SignTef    = "tef"     // the payout that is queried, as its create request had it
	SignAPIKey = "api_key" // nothing
)

// Config holds the settings of one account. Paths, body form and what signs a status request are
// not documented: each has a default, which is marked.
type Config struct {
	BaseURL   string
	APIKey    providers.Secret
	SecretKey providers.Secret
	// CreatePath is "/v3/payout" unless set.
	CreatePath string
	// StatusPath is "/v3/payout/{id}" unless set.
	StatusPath string
	// StatusByMerchantPath is "/v3/payout/merchant/{merchant_id}" unless set.
	StatusByMerchantPath string
	// Body is Wrapped unless set.
	Body string
	// StatusSignature is SignTef unless set.
	StatusSignature string

	// Wire bounds the exchanges, and has the certificate for hosts that ask for one.
	Wire wire.Options
	// Now is time.Now unless set.
	Now func() time.Time
}

const (
	// Name is the provider's in tasks, keys and settings.
	Name = "virtualpos"

	setting = "REMESA_VIRTUALPOS_"
)

func (c Config) withDefaults() Config {
	c.CreatePath = cmp.Or(c.CreatePath, "/v3/payout")
	c.StatusPath = cmp.Or(c.StatusPath, "/v3/payout/{id}")
	c.StatusByMerchantPath = cmp.Or(c.StatusByMerchantPath, "/v3/payout/merchant/{merchant_id}")
	c.Body = cmp.Or(c.Body, Wrapped)
	c.StatusSignature = cmp.Or(c.StatusSignature, SignTef)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func oneOf(value, a, b string) error {
	if value != a && value != b {
		return fmt.Errorf("must be %s or %s", a, b)
	}
	return nil
}

// New builds a client for one account and reads its certificate files; it dials nothing.
func New(c Config) (*Client, error) {
	c = c.withDefaults()
	base, err := wire.ParseBase(c.BaseURL)
	if err := wire.CheckSettings(setting, []wire.Setting{
		{Name: "BASE_URL", Err: err},
		{Name: "API_KEY", Err: wire.CheckPrintable(c.APIKey.Reveal())},
		{Name: "SECRET_KEY", Err: wire.CheckSet(c.SecretKey.Reveal())},
		{Name: "CREATE_PATH", Err: wire.CheckTemplate(c.CreatePath)},
		{Name: "STATUS_PATH", Err: wire.CheckTemplate(c.StatusPath, "id")},
		{Name: "STATUS_BY_MERCHANT_PATH", Err: wire.CheckTemplate(c.StatusByMerchantPath, "merchant_id")},
		{Name: "BODY", Err: oneOf(c.Body, Wrapped, Flat)},
		{Name: "STATUS_SIGNATURE", Err: oneOf(c.StatusSignature, SignTef, SignAPIKey)},
	}); err != nil {
		return nil, err
	}
	w, err := wire.New(c.Wire)
	if err != nil {
		return nil, fmt.Errorf("%sCLIENT_CERT_FILE, CLIENT_KEY_FILE or CA_FILE: %w", setting, err)
	}
	return &Client{config: c, base: base, wire: w}, nil
}
