package pagandocheck

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/remesa/remesa/providers/wire"
)

// response is what could be read of a reply's body. Where a field that is read has a wrong type,
// nothing was read.
type response struct {
	// kind, key, message and code are those of the envelope; code is the text of a number or of a
	// string.
	kind, key, message, code string
	// failed: the response calls itself an error.
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

func parse(body []byte) (response, bool) {
	top, ok := wire.ReadObject(body)
	if !ok {
		return response{unclear: wire.HasDuplicateNames(body)}, false
	}
	a := response{kind: top.Text("type"), key: strings.TrimSpace(top.Text("key")), message: top.Text("message"), code: top.TextOrNumber("code")}
	data := dataOf(top)
	inner := data.Object("data") // in some responses the data is a second envelope
	a.failed = top.Flag("error") || data.Flag("error") || inner.Flag("error")
	a.buyerOrder = data.Object("object").TextOrNumber("id")
	a.orderID, a.token = firstText("orderId", data, inner), firstText("token", data, inner)
	for _, name := range idNames {
		if value := firstText(name, data, inner); value != "" {
			a.ids = append(a.ids, named{name, value})
		}
	}
	a.info = readInfo(data)
	if !a.info.found {
		a.info = readInfo(inner)
	}
	if top.Bad() || !a.validIDs() {
		return response{}, false
	}
	return a, true
}

var idPattern = regexp.MustCompile(`^[\x21-\x7e]{0,128}$`)

// validIDs: ids are short, printable and without blanks.
func (a response) validIDs() bool {
	for _, id := range a.ids {
		if !idPattern.MatchString(id.value) {
			return false
		}
	}
	return idPattern.MatchString(a.buyerOrder) && idPattern.MatchString(a.orderID)
}

// dataOf is the response's data; a text or a list in its place holds nothing that is known, and is
// no wrong type.
func dataOf(o wire.Object) wire.Object {
	if !bytes.HasPrefix(o.Fields["data"], []byte("{")) {
		return wire.Object{}
	}
	return o.Object("data")
}

func readInfo(o wire.Object) info {
	i := info{
		cart: o.TextOrNumber("cartId"), total: o.TextOrNumber("total"), transaction: o.TextOrNumber("transactionId"),
		response: strings.TrimSpace(o.Text("payResponse")), paymentToken: o.Text("paymentToken"),
	}
	i.found = i.cart != "" || i.total != "" || i.transaction != "" || i.response != "" || i.paymentToken != ""
	return i
}

func firstText(name string, objects ...wire.Object) string {
	for _, o := range objects {
		if value := o.TextOrNumber(name); value != "" {
			return value
		}
	}
	return ""
}
