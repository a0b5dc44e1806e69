package pagandocheck

import (
	"crypto/md5" // #nosec G501 -- the provider's own proof; nothing of ours rests on it
	"encoding/hex"
	"errors"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// charge is create-order's body, in the documented order. It has no pin: a security code must not
// be kept, so the agreement stands for it.
type charge struct {
	UserID    string `json:"userId"`
	Amount    string `json:"amount"`
	CardID    string `json:"cardId"`
	AFTToken  string `json:"aftToken"`
	Agreement string `json:"agreement"`
	Concept   string `json:"concept"`
	OrderID   string `json:"orderId,omitempty"`
}

// order is create-ecommerce-order's body, with the fields that the plugin of the default origin
// sends.
type order struct {
	CartID           string `json:"cartId"`
	Total            string `json:"total"`
	OrderIDECommerce string `json:"orderIdECommerce"`
	OriginECommerce  string `json:"originECommerce"`
	PaymentToken     string `json:"paymentToken"`
}

// encodeCharge gives the same bytes for the same charge and order every time.
func encodeCharge(ch providers.Charge, orderID string) ([]byte, error) {
	for _, field := range []struct {
		missing bool
		problem string
	}{
		{ch.Amount.Currency() != "MXN", "currency: must be MXN"},
		{ch.Reference == "", "txnid: required"},
		{ch.Customer.ID == "", "customer.id: required"},
		{ch.Card.Token == "", "card.token: required"},
		{ch.Agreement == "", "agreement: required"},
	} {
		if field.missing {
			return nil, errors.New(field.problem)
		}
	}
	return wire.JSON(charge{
		UserID: ch.Customer.ID, Amount: ch.Amount.Text(), CardID: ch.Card.Token.Reveal(), AFTToken: providers.DetailsAs[Details](ch.Details).AntifraudToken.Reveal(),
		Agreement: ch.Agreement, Concept: concept(ch), OrderID: orderID,
	})
}

// concept is the only place for a reference of ours in a charge.
func concept(ch providers.Charge) string {
	if ch.Description == "" {
		return ch.Reference
	}
	return ch.Reference + " " + ch.Description
}

func encodeOrder(c Config, cart, total string) ([]byte, error) {
	return wire.JSON(order{
		CartID: cart, Total: total, OrderIDECommerce: cart, OriginECommerce: c.Origin,
		PaymentToken: md5hex(c.Password.Reveal(), cart, total),
	})
}

// md5hex is the provider's paymentToken over texts put together.
func md5hex(texts ...string) string {
	h := md5.New() // #nosec G401 -- the provider's own proof
	for _, text := range texts {
		h.Write([]byte(text))
	}
	return hex.EncodeToString(h.Sum(nil))
}
