package etpay

import (
	"encoding/json"
	"regexp"
	"unicode/utf8"

	"github.com/remesa/remesa/providers/wire"
)

// session is an opened session: its token opens the payer's page, its signature key proves messages
// about it.
type session struct{ token, signature string }

// payment is one element of a status answer.
type payment struct {
	token, status string
	// What follows is not known to be repeated.
	orderID, amount string
}

// failure is an error in JSON.
type failure struct{ code, message string }

// object is a JSON object whose fields are read by exact name; a field of a wrong type makes the
// whole unreadable.
type object struct {
	fields map[string]json.RawMessage
	bad    bool
}

var (
	tokenPattern  = regexp.MustCompile(`^[\x21-\x7e]{1,512}$`)
	idPattern     = regexp.MustCompile(`^[\x21-\x7e]{1,256}$`)
	secretPattern = regexp.MustCompile(`^[\x20-\x7e]{1,1000}$`)
)

// parseSession wants both tokens: without the second no message about the session can be trusted.
func parseSession(body []byte) (session, bool) {
	o, ok := readObject(body)
	s := session{token: o.text("token"), signature: o.text("signature_token")}
	return s, ok && !o.bad && tokenPattern.MatchString(s.token) && s.token != "." && s.token != ".." && secretPattern.MatchString(s.signature)
}

// parsePayments reads an array, all of whose elements must be readable.
func parsePayments(body []byte) ([]payment, bool) {
	var elements []json.RawMessage
	if !utf8.Valid(body) || wire.Ambiguous(body) || json.Unmarshal(body, &elements) != nil || elements == nil {
		return nil, false
	}
	payments := make([]payment, len(elements))
	for i, raw := range elements {
		o, ok := readObject(raw)
		p := payment{
			token: o.text("payment_token"), status: o.text("payment_status"), orderID: o.textOrNumber("merchant_order_id"),
			amount: o.textOrNumber("order_amount"),
		}
		if p.amount == "" {
			p.amount = o.textOrNumber("amount")
		}
		if !ok || o.bad || !idPattern.MatchString(p.token) || p.status == "" {
			return nil, false
		}
		payments[i] = p
	}
	return payments, true
}

// parseFailure reads an error under one of the names that such texts have; of ETpay's own only
// message is known.
func parseFailure(body []byte) (failure, bool) {
	o, ok := readObject(body)
	var f failure
	for _, name := range []string{"code", "error_code"} {
		f.code = firstOf(f.code, o.textOrNumber(name))
	}
	for _, name := range []string{"message", "error", "detail"} {
		f.message = firstOf(f.message, o.text(name))
	}
	return f, ok && !o.bad && (f.code != "" || f.message != "")
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func readObject(body []byte) (*object, bool) {
	o := &object{}
	return o, utf8.Valid(body) && !wire.Ambiguous(body) && json.Unmarshal(body, &o.fields) == nil && o.fields != nil
}

func (o *object) text(name string) string {
	var s string
	o.decode(name, &s)
	return s
}

func (o *object) textOrNumber(name string) string {
	if raw := o.fields[name]; len(raw) > 0 && raw[0] == '"' {
		return o.text(name)
	}
	var n json.Number
	o.decode(name, &n)
	return n.String()
}

func (o *object) decode(name string, into any) {
	if raw, found := o.fields[name]; found && json.Unmarshal(raw, into) != nil {
		o.bad = true
	}
}
