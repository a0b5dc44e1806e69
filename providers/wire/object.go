package wire

import (
	"encoding/json"
	"unicode/utf8"
)

// Object is a JSON object of a response. Its fields are read by exact name, which the standard
// decoder into a struct would not do; one that is absent or null reads as the zero value. The zero
// Object has no fields.
type Object struct {
	// Fields are those of the object; nil where there is none.
	Fields map[string]json.RawMessage
	bad    *bool
}

// ReadObject reads a JSON object: valid UTF-8, and with no name twice at any depth. It reports
// whether the text was one; the Object has no fields where it was not.
func ReadObject(text []byte) (Object, bool) {
	o := Object{bad: new(bool)}
	if !utf8.Valid(text) || !json.Valid(text) || duplicateNames(text) {
		return o, false
	}
	o.Fields = members(text)
	return o, o.Fields != nil
}

// ReadList reads a JSON array: valid UTF-8, and with no name twice at any depth. It reports whether
// the text was one.
func ReadList(text []byte) ([]json.RawMessage, bool) {
	var items []json.RawMessage
	if !utf8.Valid(text) || HasDuplicateNames(text) || json.Unmarshal(text, &items) != nil {
		return nil, false
	}
	return items, items != nil
}

// Bad reports whether a field of a wrong type was read, of this object or of one that Object took
// from it: then what was read is not to be believed.
func (o Object) Bad() bool { return o.bad != nil && *o.bad }

// Spoil makes the object Bad, for a field whose type is right and whose value cannot be.
func (o Object) Spoil() { *o.bad = true }

// Text is a field's string.
func (o Object) Text(name string) string {
	text, ok := Text(o.Fields[name])
	if !ok {
		o.Spoil()
	}
	return text
}

// TextOrNumber is a field's string, or its number's own digits as the response has them.
func (o Object) TextOrNumber(name string) string {
	text, ok := TextOrNumber(o.Fields[name])
	if !ok {
		o.Spoil()
	}
	return text
}

// Flag is a field's boolean.
func (o Object) Flag(name string) bool {
	var b bool
	o.read(name, &b)
	return b
}

// Object is a field's object. What is Bad in it is Bad in both.
func (o Object) Object(name string) Object {
	raw, found := o.Fields[name]
	inner := Object{Fields: members(raw), bad: o.bad}
	if found && inner.Fields == nil && string(raw) != null {
		o.Spoil()
	}
	return inner
}

const null = "null"

func (o Object) read(name string, into any) {
	if raw, found := o.Fields[name]; found && json.Unmarshal(raw, into) != nil {
		o.Spoil()
	}
}

// TextOrNumber is the content of a JSON string, or a JSON number's own digits; empty where the
// value is absent or null. It reports whether the value was one of these.
func TextOrNumber(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 {
		return "", true
	}
	if raw[0] == '"' {
		return Text(raw)
	}
	var n json.Number
	err := json.Unmarshal(raw, &n)
	return n.String(), err == nil
}

// Text is the content of a JSON string; empty where the value is absent or null. It reports whether
// the value was one of these.
func Text(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 {
		return "", true
	}
	if text, ok := plainText(raw); ok {
		return text, true
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// plainText is the content of a JSON string of ASCII without an escape, as most are.
func plainText(raw json.RawMessage) (string, bool) {
	last := len(raw) - 1
	if last < 1 || raw[0] != '"' || raw[last] != '"' {
		return "", false
	}
	for _, c := range raw[1:last] {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return "", false
		}
	}
	return string(raw[1:last]), true
}
