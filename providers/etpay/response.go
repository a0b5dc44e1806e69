package etpay

import (
	"regexp"

	"github.com/remesa/remesa/providers/etpay/internal/dialect"
	"github.com/remesa/remesa/providers/wire"
)

// session is an opened session: its token opens the payer's page, its signature key proves messages
// about it.
type session struct{ token, signature string }

// payment is one element of a status response.
type payment struct {
	token, status string
	// What follows is not known to be repeated.
	orderID, amount string
}

var (
	tokenPattern  = regexp.MustCompile(`^[\x21-\x7e]{1,512}$`)
	secretPattern = regexp.MustCompile(`^[\x20-\x7e]{1,1000}$`)
)

// parseSession wants both tokens: without the second no message about the session can be trusted.
func parseSession(body []byte) (session, bool) {
	o, ok := wire.ReadObject(body)
	s := session{token: o.Text("token"), signature: o.Text("signature_token")}
	return s, ok && !o.Bad() && tokenPattern.MatchString(s.token) && s.token != "." && s.token != ".." && secretPattern.MatchString(s.signature)
}

// parsePayments reads an array, all of whose elements must be readable.
func parsePayments(body []byte) ([]payment, bool) {
	elements, ok := wire.ReadList(body)
	if !ok {
		return nil, false
	}
	payments := make([]payment, len(elements))
	for i, raw := range elements {
		o, ok := wire.ReadObject(raw)
		p := payment{
			token: o.Text("payment_token"), status: o.Text("payment_status"), orderID: o.TextOrNumber("merchant_order_id"),
			amount: o.TextOrNumber("order_amount"),
		}
		if p.amount == "" {
			p.amount = o.TextOrNumber("amount")
		}
		if !ok || o.Bad() || !dialect.ID(p.token) || p.status == "" {
			return nil, false
		}
		payments[i] = p
	}
	return payments, true
}
