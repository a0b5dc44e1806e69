package sandbox

import (
	"crypto/md5" // #nosec G501 -- the provider's own proof
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// pagandoOrder is create-ecommerce-order's body, with the fields of the plugin that sends the fewest. Decoding refuses every other.
type pagandoOrder struct {
	CartID           string `json:"cartId"`
	Total            string `json:"total"`
	OrderIDECommerce string `json:"orderIdECommerce"`
	OriginECommerce  string `json:"originECommerce"`
	PaymentToken     string `json:"paymentToken"`
}

// pagandoCharge is create-order's body for a card on file. Decoding refuses every other field, a pin before all.
type pagandoCharge struct {
	UserID    string  `json:"userId"`
	Amount    string  `json:"amount"`
	CardID    string  `json:"cardId"`
	AFTToken  *string `json:"aftToken"`
	Agreement string  `json:"agreement"`
	Concept   string  `json:"concept"`
	OrderID   string  `json:"orderId"`
}

var pesos = regexp.MustCompile(`^(0|[1-9][0-9]*)\.[0-9]{2}$`)

// readStrict reads a JSON object of exactly the fields that into has; it says what is wrong, or nothing.
func readStrict(w http.ResponseWriter, r *http.Request, into any) string {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		return "the body cannot be read"
	}
	if err := strictJSON(body, into); err != nil {
		return "the body has an unknown field or a wrong type"
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return "Content-Type is not application/json"
	}
	if r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != "" {
		return "there is no Idempotency-Key here"
	}
	return ""
}

func (o pagandoOrder) check(password string) string {
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
func (c pagandoCharge) reference() string {
	first, _, _ := strings.Cut(c.Concept, " ")
	return first
}

func (c pagandoCharge) check(p *pagandoCheck) string {
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

func (c pagandoCharge) order() order {
	return order{Execution: Execution{
		Reference: c.reference(), Amount: c.Amount, Currency: "MXN", Beneficiary: c.UserID + " " + c.CardID + " " + c.Agreement,
	}}
}

func md5hex(text string) string {
	sum := md5.Sum([]byte(text)) // #nosec G401 -- the provider's own proof
	return hex.EncodeToString(sum[:])
}
