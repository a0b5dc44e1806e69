package coordinador

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/govalues/decimal"
)

var wholeNumber = regexp.MustCompile(`^[0-9]{1,18}$`)

// wholeNumberOf reads a whole number, also one that is written as a text: the portal writes some of
// its numbers either way.
func wholeNumberOf(raw json.RawMessage) (int64, bool) {
	s := unquoted(raw)
	if !wholeNumber.MatchString(s) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

var decimalNumber = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,3})?$`)

func amount(raw json.RawMessage) (decimal.Decimal, bool) {
	s := unquoted(raw)
	if !decimalNumber.MatchString(s) {
		return decimal.Decimal{}, false
	}
	d, err := decimal.Parse(s)
	return d.Trim(0), err == nil
}

func unquoted(raw json.RawMessage) string {
	s := string(raw)
	if len(s) > 1 && strings.HasPrefix(s, `"`) && strings.HasSuffix(s, `"`) {
		return s[1 : len(s)-1]
	}
	return s
}

// texts lists the texts and numbers of a JSON value in their order, without the names of fields.
func texts(raw json.RawMessage) []string {
	var all []string
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	for inner := []nesting{{}}; ; {
		token, err := d.Token()
		if err != nil {
			return all
		}
		top := &inner[len(inner)-1]
		if top.object {
			top.name = !top.name
		}
		switch value := token.(type) {
		case json.Delim:
			if value == '{' || value == '[' {
				inner = append(inner, nesting{object: value == '{'})
				continue
			}
			inner = inner[:len(inner)-1]
		case string:
			if !top.name && strings.TrimSpace(value) != "" {
				all = append(all, value)
			}
		case json.Number:
			all = append(all, value.String())
		}
	}
}

// nesting is where in a JSON value its reader stands: name is set right after the name of a field.
type nesting struct{ object, name bool }
