// Package etpay opens payment sessions at ETpay (Chile), in which a payer pays from a bank account,
// and asks what became of them. An account that sends payouts, too, has those of package payouts
// beside its sessions.
package etpay

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// Config holds the settings of one account. ETpay hands out its addresses to each merchant: there are no defaults.
type Config struct {
	// BaseURL is the API, PaymentURL where payers are sent; both may carry a path prefix.
	BaseURL, PaymentURL string
	MerchantCode        string
	MerchantAPIToken    providers.Secret
	// WebhookURL is where ETpay reports the end of a session; empty leaves it to what the merchant's account says.
	WebhookURL string
	// CAFile (PEM) replaces the system's certificate authorities.
	CAFile string

	// Timeout, IdleTimeout and Concurrency are those of wire.Options.
	Timeout     time.Duration
	IdleTimeout time.Duration
	Concurrency int
	// Now is time.Now unless set.
	Now func() time.Time
}

const setting = "REMESA_ETPAY_"

var printable = regexp.MustCompile(`^[\x21-\x7e]+$`)

// check names the setting that is wrong, and never its value.
func (c Config) check() error {
	switch {
	case !printable.MatchString(c.MerchantCode):
		return errors.New(setting + "MERCHANT_CODE: must be set, in printable ASCII without blanks")
	case !printable.MatchString(c.MerchantAPIToken.Reveal()):
		return errors.New(setting + "MERCHANT_API_TOKEN: must be set, in printable ASCII without blanks")
	case c.WebhookURL == "":
		return nil
	}
	if _, err := url.ParseRequestURI(c.WebhookURL); err != nil {
		return errors.New(setting + "WEBHOOK_URL: not a URL")
	}
	return nil
}

// New builds a client for one account; it dials nothing.
func New(c Config) (*Client, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	base, err := wire.ParseBase(c.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("%sBASE_URL: %w", setting, err)
	}
	payment, err := wire.ParseBase(c.PaymentURL)
	if err != nil {
		return nil, fmt.Errorf("%sPAYMENT_URL: %w", setting, err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	w, err := wire.New(wire.Options{Timeout: c.Timeout, IdleTimeout: c.IdleTimeout, Concurrency: c.Concurrency, CAFile: c.CAFile})
	if err != nil {
		return nil, err
	}
	return &Client{config: c, base: base, payment: payment, wire: w}, nil
}
