package pagandocheck

import (
	"crypto/md5" // #nosec G501 -- the provider's own proof
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/remesa/remesa/providers/sandbox"
)

// sentOrder is create-ecommerce-order's body, with the fields of the plugin that sends the fewest.
// Decoding refuses every other.
type sentOrder struct {
	CartID           string `json:"cartId"`
	Total            string `json:"total"`
	OrderIDECommerce string `json:"orderIdECommerce"`
	OriginECommerce  string `json:"originECommerce"`
	PaymentToken     string `json:"paymentToken"`
}

// sentCharge is create-order's body for a card on file. Decoding refuses every other field, a pin
// before all.
type sentCharge struct {
	UserID    string  `json:"userId"`
	Amount    string  `json:"amount"`
	CardID    string  `json:"cardId"`
	AFTToken  *string `json:"aftToken"`
	Agreement string  `json:"agreement"`
	Concept   string  `json:"concept"`
	OrderID   string  `json:"orderId"`
}

var pesos = regexp.MustCompile(`^(0|[1-9][0-9]*)\.[0-9]{2}$`)

func (o sentOrder) check(password string) string {
	switch {
	case o.CartID == "" || o.OrderIDECommerce == "":
		return "cartId or orderIdECommerce: missing"
	case !pesos.MatchString(o.Total):
		return "total: not pesos with two decimals"
	case !slices.Contains([]string{"PRESTASHOP", "WOOCOMERCE", "MAGENTO"}, o.OriginECommerce):
		return "originECommerce: unknown"
	case o.PaymentToken != md5hex(password+o.CartID+o.Total):
		return "paymentToken: not the one of cartId and total"
	}
	return ""
}

// reference is ours: the first word of the concept.
func (c sentCharge) reference() string {
	first, _, _ := strings.Cut(c.Concept, " ")
	return first
}

func (c sentCharge) check(p *simulator) string {
	switch {
	case c.UserID == "" || c.CardID == "" || c.Agreement == "" || c.AFTToken == nil:
		return "userId, cardId, agreement or aftToken: missing"
	case !pesos.MatchString(c.Amount):
		return "amount: not pesos with two decimals"
	case c.OrderID == "":
		return ""
	}
	known, found := p.cart(c.OrderID)
	switch {
	case !found:
		return "orderId: unknown"
	case known.total != c.Amount || known.reference != c.reference():
		return "orderId: of another cart or total"
	}
	return ""
}

func (c sentCharge) order() sandbox.Order {
	return sandbox.Order{Execution: sandbox.Execution{
		Reference: c.reference(), Amount: c.Amount, Currency: "MXN", Beneficiary: c.UserID + " " + c.CardID + " " + c.Agreement,
	}}
}

func md5hex(text string) string {
	sum := md5.Sum([]byte(text)) // #nosec G401 -- the provider's own proof
	return hex.EncodeToString(sum[:])
}
