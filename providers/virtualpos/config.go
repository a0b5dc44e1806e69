// Package virtualpos sends payouts through VirtualPOS (Chile) and asks what became of them.
package virtualpos

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"regexp"
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
	SignTef    = "tef"     // the payout that is asked about, as its create request had it
	SignAPIKey = "api_key" // nothing
)

// Config holds the settings of one account. Paths, body form and what signs a status request are not documented: each has a default,
// which is marked.
type Config struct {
	BaseURL   string
	APIKey    providers.Secret
	SecretKey providers.Secret
	// ClientCertFile and ClientKeyFile (PEM) are for hosts that ask for a client certificate; CAFile replaces the system's authorities.
	ClientCertFile, ClientKeyFile, CAFile string
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

	// Timeout, IdleTimeout and Concurrency are those of wire.Options.
	Timeout     time.Duration
	IdleTimeout time.Duration
	Concurrency int
	// Now is time.Now unless set.
	Now func() time.Time
}

const setting = "REMESA_VIRTUALPOS_"

func (c Config) withDefaults() Config {
	c.CreatePath = orDefault(c.CreatePath, "/v3/payout")
	c.StatusPath = orDefault(c.StatusPath, "/v3/payout/{id}")
	c.StatusByMerchantPath = orDefault(c.StatusByMerchantPath, "/v3/payout/merchant/{merchant_id}")
	c.Body = orDefault(c.Body, Wrapped)
	c.StatusSignature = orDefault(c.StatusSignature, SignTef)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

var headerValue = regexp.MustCompile(`^[\x21-\x7e]+$`)

// check names the setting that is wrong, and never its value.
func (c Config) check() error {
	var key error
	if !headerValue.MatchString(c.APIKey.Reveal()) {
		key = errors.New("must be set, in printable ASCII without blanks")
	}
	var secret error
	if c.SecretKey == "" {
		secret = errors.New("must be set")
	}
	for _, s := range []struct {
		name string
		err  error
	}{
		{"API_KEY", key},
		{"SECRET_KEY", secret},
		{"CREATE_PATH", wire.CheckTemplate(c.CreatePath)},
		{"STATUS_PATH", wire.CheckTemplate(c.StatusPath, "id")},
		{"STATUS_BY_MERCHANT_PATH", wire.CheckTemplate(c.StatusByMerchantPath, "merchant_id")},
		{"BODY", oneOf(c.Body, Wrapped, Flat)},
		{"STATUS_SIGNATURE", oneOf(c.StatusSignature, SignTef, SignAPIKey)},
	} {
		if s.err != nil {
			return fmt.Errorf("%s%s: %w", setting, s.name, s.err)
		}
	}
	return nil
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
	if err != nil {
		return nil, fmt.Errorf("%sBASE_URL: %w", setting, err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	w, err := wire.New(wire.Options{
		Timeout: c.Timeout, IdleTimeout: c.IdleTimeout, Concurrency: c.Concurrency,
		ClientCertFile: c.ClientCertFile, ClientKeyFile: c.ClientKeyFile, CAFile: c.CAFile,
	})
	if err != nil {
		return nil, fmt.Errorf("%sCLIENT_CERT_FILE, CLIENT_KEY_FILE or CA_FILE: %w", setting, err)
	}
	return &Client{config: c, base: base, wire: w}, nil
}

// Account is the client as an account of that name. Its identity is the host and a hash of the API key.
func (c *Client) Account(name string) providers.Account {
	return providers.Account{
		Provider: providers.VirtualPOS, Name: name, Client: c,
		Identity: identity(c.base, c.config.APIKey), Real: !wire.IsLoopback(c.base),
	}
}

func identity(base *url.URL, key providers.Secret) string {
	sum := sha256.Sum256([]byte("remesa virtualpos identity\x00" + key.Reveal()))
	return base.Host + " " + hex.EncodeToString(sum[:8])
}
