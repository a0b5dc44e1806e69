package virtualpos

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/remesa/remesa/providers"
)

// answer is what could be read of a reply's body. Where a field that is looked at has a wrong type, nothing was read.
type answer struct {
	// envelope is the provider's word about the request, not about the payment.
	envelope envelope
	// code and message are those of the envelope's error.
	code, message string
	// rejection is the code of a rejected_object.
	rejection, rejectionMessage string
	// payment is nil where the answer holds none.
	payment *payment
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
	// account is the account number as repeated.
	account string
}

// object is a JSON object whose fields are read by exact name. bad is set by the first field of a wrong type.
type object struct {
	fields map[string]json.RawMessage
	bad    *bool
}

func parse(body []byte) (answer, bool) {
	var bad bool
	top := object{bad: &bad}
	if !utf8.Valid(body) || json.Unmarshal(body, &top.fields) != nil || top.fields == nil {
		return answer{}, false
	}
	var a answer
	failure, rejected := top.object("error"), top.object("rejected_object")
	a.code, a.message = failure.text("error_code"), failure.text("message")
	a.rejection, a.rejectionMessage = rejected.textOrNumber("code"), rejected.text("message")
	a.payment = top.payment()
	a.envelope = top.envelope(failure.fields != nil, a.payment != nil)
	if bad {
		return answer{}, false
	}
	return a, true
}

// envelope reads status and code; what contradicts itself is no envelope. A payment at the top level has its own word in status: then
// there is no envelope, and the HTTP status stands for it.
func (o object) envelope(failed, paid bool) envelope {
	status, code := strings.ToUpper(o.text("status")), o.textOrNumber("code")
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

// flat reports whether the payment's own fields stand at the top level, with its own word in status.
func (o object) flat() bool {
	status := strings.ToUpper(o.text("status"))
	return o.textOrNumber("merchant_id") != "" && status != "" && status != "OK" && status != "NOK"
}

func (o object) payment() *payment {
	for _, name := range []string{"payout", "tef"} {
		if inner := o.object(name); inner.fields != nil {
			return inner.read(inner.text("status"))
		}
	}
	switch {
	case o.flat():
		return o.read(o.text("status"))
	case o.textOrNumber("id") != "" || o.textOrNumber("merchant_id") != "":
		return o.read("") // the status beside it is the envelope's
	}
	return nil
}

func (o object) read(word string) *payment {
	recipient, bank := o.object("recipient"), o.object("bank")
	return &payment{
		id:      o.id(),
		word:    strings.ToLower(strings.TrimSpace(word)),
		account: unmasked(bank.textOrNumber("account_number")),
		echo: providers.Echo{
			Amount: o.textOrNumber("amount"), Currency: o.text("currency"), Reference: o.textOrNumber("merchant_id"),
			Beneficiary: canonicalRUT(recipient.text("rut")),
		},
	}
}

var idPattern = regexp.MustCompile(`^[\x21-\x7e]{0,128}$`)

func (o object) id() string {
	id := o.textOrNumber("id")
	if !idPattern.MatchString(id) {
		*o.bad = true
		return ""
	}
	return id
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

var rutPattern = regexp.MustCompile(`^[0-9]{1,8}[0-9K]$`)

// canonicalRUT gives body, dash and check digit; a text that is no complete RUT, a masked one for example, repeats nothing.
func canonicalRUT(text string) string {
	bare := strings.ToUpper(strings.NewReplacer(".", "", "-", "", " ", "").Replace(text))
	if !rutPattern.MatchString(bare) {
		return ""
	}
	return bare[:len(bare)-1] + "-" + bare[len(bare)-1:]
}

var digitsOnly = regexp.MustCompile(`^[0-9]+$`)

func unmasked(account string) string {
	if !digitsOnly.MatchString(account) {
		return ""
	}
	return account
}
