package virtualpos

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// response is what could be read of a reply's body. Where a field that is read has a wrong type,
// nothing was read.
type response struct {
	// envelope is the provider's word about the request, not about the payment.
	envelope envelope
	// code and message are those of the envelope's error.
	code, message string
	// rejection is the code of a rejected_object that rejects; one that says success is as if it
	// were absent.
	rejection, rejectionMessage string
	// payment is nil where the response holds none.
	payment *payment
	// namesPayment: the response holds something of a payment, also where that cannot be read. Then
	// it is no refusal of the request alone.
	namesPayment bool
}

type envelope int

const (
	noEnvelope envelope = iota
	envelopeOK
	envelopeNOK
)

type payment struct {
	id, word string
	echo     providers.Echo
	// bank and account are the bank's code and the account number as repeated.
	bank, account string
}

// object is an object of a response, in which a field without a value may hold an empty text.
type object struct{ wire.Object }

func parse(body []byte) (response, bool) {
	o, ok := wire.ReadObject(body)
	if !ok {
		return response{namesPayment: wire.HasDuplicateNames(body)}, false
	}
	var a response
	top := object{o}
	failure, rejected := top.object("error"), top.object("rejected_object")
	a.code, a.message = headerProblem(failure.Text("error_code")), failure.Text("message")
	a.rejection, a.rejectionMessage = headerProblem(rejected.TextOrNumber("code")), rejected.Text("message")
	a.payment = top.payment()
	a.namesPayment = a.payment != nil || a.rejection != ""
	a.envelope = top.envelope(a.code != "" || failure.Text("error_code") == "" && a.message != "", a.payment != nil)
	if top.Bad() {
		return response{namesPayment: top.has("payout", "tef", "payment", "rejected_object", "id", "uuid", "merchant_id")}, false
	}
	return a, true
}

// headerProblem is an error's code; none where it is zero, which says success: such an object
// stands beside payments that were paid.
func headerProblem(code string) string {
	if code = strings.TrimSpace(code); strings.Trim(code, "0") == "" {
		return ""
	}
	return code
}

// envelope reads status and code; what contradicts itself is no envelope. A payment at the top
// level has its own word in status: then there is no envelope, and the HTTP status stands for it.
func (o object) envelope(failed, paid bool) envelope {
	status, code := strings.ToUpper(o.Text("status")), o.TextOrNumber("code")
	good := code == "" || code == "200" || code == "201"
	switch {
	case status == "NOK":
		return envelopeNOK
	case failed || !good:
		return noEnvelope
	case status == "OK", status == "" && code != "", o.flat() && paid:
		return envelopeOK
	}
	return noEnvelope
}

// flat reports whether the payment's own fields stand at the top level, with its own word in
// status.
func (o object) flat() bool {
	status := strings.ToUpper(o.Text("status"))
	return o.reference() != "" && status != "" && status != "OK" && status != "NOK"
}

// payment is what the response says of a payment, wherever that stands. Places that say different
// things are no response.
func (o object) payment() *payment {
	var found *payment
	for _, place := range o.places() {
		p := place.read(place.Text("status"))
		switch {
		case found == nil, *found == payment{}:
			found = p
		case *p != payment{} && !found.matches(*p):
			o.Spoil()
		}
	}
	if found == nil && (o.id() != "" || o.reference() != "") {
		return o.read("") // the status beside it is the envelope's
	}
	return found
}

// places are the objects that are a payment. That of the payment API has its fields in an order
// within.
func (o object) places() []object {
	var all []object
	for _, name := range []string{"payout", "tef", "payment"} {
		place := o.object(name)
		if name == "payment" {
			if order := place.object("order"); order.Fields != nil {
				place = order
			}
		}
		if place.Fields != nil {
			all = append(all, place)
		}
	}
	if o.flat() {
		all = append(all, o)
	}
	return all
}

// matches reports whether another place may speak of the same payment: what both give is the same.
func (p payment) matches(q payment) bool {
	same := func(a, b string) bool { return a == "" || b == "" || a == b }
	return p.word == q.word && same(p.id, q.id) && same(p.echo.Reference, q.echo.Reference) && same(p.echo.Amount, q.echo.Amount)
}

func (o object) read(word string) *payment {
	recipient, bank := o.object("recipient"), o.object("bank")
	return &payment{
		id:      o.id(),
		word:    strings.ToLower(strings.TrimSpace(word)),
		bank:    visibleDigits(bank.TextOrNumber("sbif_code")),
		account: visibleDigits(bank.TextOrNumber("account_number")),
		echo: providers.Echo{
			Amount: o.TextOrNumber("amount"), Currency: o.Text("currency"), Reference: o.reference(),
			Beneficiary: canonicalRUT(recipient.Text("rut")),
		},
	}
}

// reference is ours, under its name in payouts or in payments.
func (o object) reference() string { return o.firstText("merchant_id", "merchant_internal_code") }

var idPattern = regexp.MustCompile(`^[\x21-\x7e]{0,128}$`)

func (o object) id() string {
	id := o.firstText("id", "uuid")
	if !idPattern.MatchString(id) {
		o.Spoil()
		return ""
	}
	return id
}

// has reports whether one of the fields has a value.
func (o object) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		raw := string(o.Fields[name])
		return raw != "" && raw != "null" && raw != noValue
	})
}

// noValue is what a field without a value holds, whatever its type.
const noValue = `""`

// either is the first of the fields that has a value.
func (o object) firstText(names ...string) string {
	for _, name := range names {
		if value := o.TextOrNumber(name); value != "" {
			return value
		}
	}
	return ""
}

func (o object) object(name string) object {
	if string(o.Fields[name]) == noValue {
		return object{}
	}
	return object{o.Object.Object(name)}
}

var (
	rutPattern = regexp.MustCompile(`^[0-9]{1,8}[0-9K]$`)
	rutSigns   = strings.NewReplacer(".", "", "-", "", " ", "")
)

// canonicalRUT gives body, dash and check digit; a text that is no complete RUT, a masked one for
// example, repeats nothing.
func canonicalRUT(text string) string {
	bare := strings.ToUpper(rutSigns.Replace(text))
	if !rutPattern.MatchString(bare) {
		return ""
	}
	return bare[:len(bare)-1] + "-" + bare[len(bare)-1:]
}

var digitsOnly = regexp.MustCompile(`^[0-9]+$`)

func visibleDigits(number string) string {
	if !digitsOnly.MatchString(number) {
		return ""
	}
	return number
}
