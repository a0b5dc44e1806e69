package etpay

import (
	"errors"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay/internal/dialect"
	"github.com/remesa/remesa/providers/wire"
)

// order is the documented object of session/initialize, in the documented order.
type order struct {
	MerchantCode     string      `json:"merchant_code"`
	MerchantAPIToken string      `json:"merchant_api_token"`
	OrderID          string      `json:"merchant_order_id"`
	Amount           int64       `json:"order_amount"`
	CustomerEmail    string      `json:"customer_email,omitempty"`
	Metadata         []NamedText `json:"metadata,omitempty"`
	UserBankCode     string      `json:"user_bank_code,omitempty"`
	UserRUT          string      `json:"user_rut,omitempty"`
	// RUTBlock keeps the payer from changing the RUT: whose account pays is part of what the
	// charge means. It goes with a RUT alone.
	RUTBlock        *bool  `json:"is_rut_block,omitempty"`
	CompletedURL    string `json:"payment_completed_url,omitempty"`
	CancellationURL string `json:"payment_cancellation_url,omitempty"`
	WebhookURL      string `json:"payment_webhook_url,omitempty"`
}

// statusRequest is the object of check_payment_status, by one of its filters. The other is left
// out, as it must be.
type statusRequest struct {
	MerchantCode     string `json:"merchant_code"`
	MerchantAPIToken string `json:"merchant_api_token"`
	OrderID          string `json:"merchant_order_id,omitempty"`
	SessionToken     string `json:"session_token,omitempty"`
}

func (c *Client) encodeOrder(charge providers.Charge) ([]byte, error) {
	amount, whole := charge.Amount.WholeUnits()
	if charge.Amount.Currency() != "CLP" || !whole {
		return nil, errors.New("amount: must be whole CLP")
	}
	if !dialect.OrderID(charge.Reference) {
		return nil, errors.New("txnid: " + dialect.OrderIDForm)
	}
	d := providers.DetailsAs[Details](charge.Details)
	rut := dialect.BareRUT(charge.Customer.Document)
	if rut == "" && d.RUTBlock != nil && *d.RUTBlock {
		return nil, errors.New("details.is_rut_block: needs customer.document")
	}
	return wire.JSON(order{
		MerchantCode: c.config.MerchantCode, MerchantAPIToken: c.config.MerchantAPIToken.Reveal(),
		OrderID: charge.Reference, Amount: amount, CustomerEmail: charge.Customer.Email, Metadata: d.Metadata,
		UserBankCode: d.UserBankCode, UserRUT: rut, RUTBlock: rutBlock(d, rut), CompletedURL: d.CompletedURL, CancellationURL: d.CancellationURL,
		WebhookURL: c.config.WebhookURL,
	})
}

// rutBlock is what the task says of the RUT; that it cannot be changed, where it says nothing.
func rutBlock(d Details, rut string) *bool {
	locked := true
	switch {
	case rut == "":
		return nil
	case d.RUTBlock != nil:
		return d.RUTBlock
	}
	return &locked
}

func (c *Client) encodeStatusRequest(q statusRequest) ([]byte, error) {
	if q.SessionToken == "" && !dialect.OrderID(q.OrderID) {
		return nil, errors.New("reference: " + dialect.OrderIDForm)
	}
	q.MerchantCode, q.MerchantAPIToken = c.config.MerchantCode, c.config.MerchantAPIToken.Reveal()
	return wire.JSON(q)
}

// mappingContext is what the mapping of an opened session knows beside the reply: texts that no
// outcome may repeat.
func (c *Client) mappingContext(charge *providers.Charge, mayBeOurs bool) mappingContext {
	return mappingContext{now: c.config.Now(), mayBeOurs: mayBeOurs, hide: c.privateTexts(charge)}
}

// shortestShown is the length of a text for the payer from which on it may be a number of the
// payer's.
const shortestHiddenText = 4

// privateTexts lists what no text about a charge may repeat; its details are gone where it is nil.
func (c *Client) privateTexts(charge *providers.Charge) []string {
	hide := []string{c.config.MerchantAPIToken.Reveal()}
	if charge == nil {
		return hide
	}
	hide = append(append(hide, charge.PrivateTexts()...), dialect.BareRUT(charge.Customer.Document))
	for _, m := range providers.DetailsAs[Details](charge.Details).Metadata {
		if len(m.Value) >= shortestHiddenText {
			hide = append(hide, m.Value)
		}
	}
	return hide
}
