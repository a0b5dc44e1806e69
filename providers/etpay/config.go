// Package etpay opens payment sessions at ETpay (Chile), in which a payer pays from a bank account,
// and queries what became of them. An account that sends payouts, too, has those of package payouts
// beside its sessions.
package etpay

import (
	"errors"
	"net/url"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// Config holds the settings of one account. ETpay hands out its addresses to each merchant: there
// are no defaults.
type Config struct {
	// BaseURL is the API, PaymentURL where payers are sent; both may carry a path prefix.
	BaseURL, PaymentURL string
	MerchantCode        string
	MerchantAPIToken    providers.Secret
	// WebhookURL is where ETpay reports the end of a session; empty leaves it to what the
	// merchant's account says.
	WebhookURL string
	// Wire bounds the exchanges.
	Wire wire.Options
	// Now is time.Now unless set.
	Now func() time.Time
}

const (
	// Name is the provider's in tasks, keys and settings.
	Name = "etpay"

	setting = "REMESA_ETPAY_"
)

// New builds a client for one account; it dials nothing.
func New(c Config) (*Client, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	base, baseErr := wire.ParseBase(c.BaseURL)
	payment, paymentErr := wire.ParseBase(c.PaymentURL)
	if err := wire.CheckSettings(setting, []wire.Setting{
		{Name: "BASE_URL", Err: baseErr},
		{Name: "PAYMENT_URL", Err: paymentErr},
		{Name: "MERCHANT_CODE", Err: wire.CheckPrintable(c.MerchantCode)},
		{Name: "MERCHANT_API_TOKEN", Err: wire.CheckPrintable(c.MerchantAPIToken.Reveal())},
		{Name: "WEBHOOK_URL", Err: checkWebhook(c.WebhookURL)},
	}); err != nil {
		return nil, err
	}
	w, err := wire.New(c.Wire)
	if err != nil {
		return nil, err
	}
	return &Client{config: c, base: base, payment: payment, wire: w}, nil
}

func checkWebhook(address string) error {
	if _, err := url.ParseRequestURI(address); err != nil && address != "" {
		return errors.New("not a URL")
	}
	return nil
}
