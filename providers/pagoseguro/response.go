package pagoseguro

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/remesa/remesa/providers/wire"
)

// response is the provider's envelope as far as it could be read. Where a field that is read has a
// wrong type, nothing was read.
type response struct {
	success bool
	// code is the envelope's status_code.
	code    int
	message string
	// onTxnID is what an object of messages says of the txnid, in small letters. It is judged,
	// and never repeated.
	onTxnID string
	// data is nil where there is none; text is set instead where it is a text.
	data map[string]json.RawMessage
	text string
	// unclear: it says two things of one. Then it refuses nothing either, whatever its HTTP status.
	unclear bool
}

// parse reads an envelope: an object with at least success and status_code.
func parse(body []byte) (response, bool) {
	o, ok := wire.ReadObject(body)
	if !ok {
		return response{unclear: wire.HasDuplicateNames(body)}, false
	}
	var a response
	top := o.Fields
	success, code := presentField(top["success"]), presentField(top["status_code"])
	if success == nil || code == nil || json.Unmarshal(success, &a.success) != nil || json.Unmarshal(code, &a.code) != nil {
		return response{}, false
	}
	return a, a.readMessage(presentField(top["message"])) && a.readData(presentField(top["data"]))
}

// presentField is a field that is there and not null.
func presentField(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// readMessage takes a text, or of an object the names of the fields that it complains about: its
// texts may repeat their values.
func (a *response) readMessage(raw json.RawMessage) bool {
	if raw == nil {
		return true
	}
	if raw[0] != '{' {
		return json.Unmarshal(raw, &a.message) == nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return false
	}
	a.onTxnID = strings.ToLower(string(fields["txnid"]))
	a.message = "refused fields: " + strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
	return true
}

func (a *response) readData(raw json.RawMessage) bool {
	switch {
	case raw == nil:
		return true
	case raw[0] == '"':
		return json.Unmarshal(raw, &a.text) == nil
	}
	return json.Unmarshal(raw, &a.data) == nil
}

// empty reports that there are no data, which a refusal has none of.
func (a response) empty() bool { return len(a.data) == 0 && a.text == "" }

// field is a text or a number of the data as it was written; false where it has another type.
func (a response) field(name string) (string, bool) {
	return wire.TextOrNumber(a.data[name])
}

var idPattern = regexp.MustCompile(`^[\x21-\x7e]{0,64}$`)

var (
	tokenPattern = regexp.MustCompile(`^[\x21-\x7e]+$`)
	cardPattern  = regexp.MustCompile(`^[A-Za-z0-9+/=_-]+$`)
)

// matchesForm reports a text of that form and of a length that a header or a task can carry.
func matchesForm(text string, form *regexp.Regexp, longest int) bool {
	return len(text) <= longest && form.MatchString(text)
}
