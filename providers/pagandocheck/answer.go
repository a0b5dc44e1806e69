package pagandocheck

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/remesa/remesa/providers/wire"
)

// answer is what could be read of a reply's body. Where a field that is looked at has a wrong type,
// nothing was read.
type answer struct {
	// kind, key, message and code are those of the envelope; code is the text of a number or of a
	// string.
	kind, key, message, code string
	// failed: the answer calls itself an error.
	failed bool
	// unclear: it says two things of one, and could name a charge.
	unclear bool
	// ids are those of a charge that was made, by name, in the order of idNames.
	ids []named
	// buyerOrder is data.object.id, the order that waits for its buyer.
	buyerOrder string
	// orderID and token are those of a new order and of a login.
	orderID, token string
	info           info
}

type named struct{ name, value string }

// info is what get-order-info says of an order.
type info struct {
	// found: at least one of its fields is there.
	found                                            bool
	cart, total, transaction, response, paymentToken string
}

// idNames are the ids of a charge, the one that is kept first.
var idNames = []string{"folio", "reference", "transactionNumber", "orderNumber"}

// object is a JSON object whose fields are read by exact name. bad is set by the first field of a
// wrong type.
type object struct {
	fields map[string]json.RawMessage
	bad    *bool
}

func parse(body []byte) (answer, bool) {
	if wire.Ambiguous(body) {
		return answer{unclear: true}, false
	}
	var bad bool
	top := object{bad: &bad}
	if !utf8.Valid(body) || json.Unmarshal(body, &top.fields) != nil || top.fields == nil {
		return answer{}, false
	}
	a := answer{kind: top.text("type"), key: strings.TrimSpace(top.text("key")), message: top.text("message"), code: top.textOrNumber("code")}
	data := top.data()
	inner := data.object("data") // on some answers the data is a second envelope
	a.failed = top.flag("error") || data.flag("error") || inner.flag("error")
	a.buyerOrder = data.object("object").textOrNumber("id")
	a.orderID, a.token = either("orderId", data, inner), either("token", data, inner)
	for _, name := range idNames {
		if value := either(name, data, inner); value != "" {
			a.ids = append(a.ids, named{name, value})
		}
	}
	a.info = data.info()
	if !a.info.found {
		a.info = inner.info()
	}
	if bad || !a.sane() {
		return answer{}, false
	}
	return a, true
}

var idPattern = regexp.MustCompile(`^[\x21-\x7e]{0,128}$`)

// sane: ids are short, printable and without blanks.
func (a answer) sane() bool {
	for _, id := range a.ids {
		if !idPattern.MatchString(id.value) {
			return false
		}
	}
	return idPattern.MatchString(a.buyerOrder) && idPattern.MatchString(a.orderID)
}

// data is the answer's data; a text or a list in its place holds nothing that is known, and is no
// wrong type.
func (o object) data() object {
	raw := strings.TrimSpace(string(o.fields["data"]))
	if !strings.HasPrefix(raw, "{") {
		return object{bad: o.bad}
	}
	return o.object("data")
}

func (o object) info() info {
	i := info{
		cart: o.textOrNumber("cartId"), total: o.textOrNumber("total"), transaction: o.textOrNumber("transactionId"),
		response: strings.TrimSpace(o.text("payResponse")), paymentToken: o.text("paymentToken"),
	}
	i.found = i.cart != "" || i.total != "" || i.transaction != "" || i.response != "" || i.paymentToken != ""
	return i
}

func either(name string, objects ...object) string {
	for _, o := range objects {
		if value := o.textOrNumber(name); value != "" {
			return value
		}
	}
	return ""
}

func (o object) object(name string) object {
	inner := object{bad: o.bad}
	o.decode(name, &inner.fields)
	return inner
}

func (o object) text(name string) string {
	var s string
	o.decode(name, &s)
	return s
}

func (o object) flag(name string) bool {
	var b bool
	o.decode(name, &b)
	return b
}

// textOrNumber is a string's content or a number's own digits, as the answer has them.
func (o object) textOrNumber(name string) string {
	if raw := o.fields[name]; len(raw) > 0 && raw[0] == '"' {
		return o.text(name)
	}
	var n json.Number
	o.decode(name, &n)
	return n.String()
}

func (o object) decode(name string, into any) {
	if raw, found := o.fields[name]; found && json.Unmarshal(raw, into) != nil {
		*o.bad = true
	}
}
