package tasks

import (
	"strings"
	"time"
	"unicode"

	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers/fields"
)

func instant(path string) fields.Field {
	return fields.TextOf(path, "must be a time in RFC 3339, such as 2026-05-15T09:00:00-04:00", func(s string) bool {
		var t time.Time
		return t.UnmarshalText([]byte(s)) == nil && representable(t)
	})
}

// representable reports whether the time can be written again in UTC, whose year must have four
// digits.
func representable(t time.Time) bool {
	return !t.IsZero() && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999
}

// checkTextMap checks a map of texts of at most 1 KiB as JSON. Its values may have several lines:
// they go to no provider.
func checkTextMap(path string, n node) error {
	if err := mustBe(path, n, strictjson.Object); err != nil {
		return err
	}
	bound := len(`{}`)
	for i := range n.Members {
		m := &n.Members[i]
		if err := checkMetadata(path, m); err != nil {
			return err
		}
		bound += len(`"":"",`) + mostBytes(m.Name) + mostBytes(m.Value.Text)
	}
	if bound > longestTextMap && textMapSize(n) > longestTextMap {
		return fieldError(path, "longer than 1 KiB as JSON")
	}
	return nil
}

// longestTextMap is how many bytes a map of texts may have as JSON.
const longestTextMap = 1024

// mostBytes is how many bytes a text has in JSON at the most, without its quotes. Only quotes,
// backslashes, control characters and the two line separators of Unicode, which begin with the byte
// 0xE2, are longer there; none becomes longer than six bytes for each of its own.
func mostBytes(text string) int {
	most := len(text)
	for i := range len(text) {
		if b := text[i]; b < ' ' || b == '"' || b == '\\' || b == 0xE2 {
			most += 5
		}
	}
	return most
}

// textMapSize is the length of a map of texts as JSON.
func textMapSize(n node) int {
	all := map[string]string{}
	for _, m := range n.Members {
		all[m.Name] = m.Value.Text
	}
	text, err := compact(all)
	if err != nil {
		return longestTextMap + 1
	}
	return len(text)
}

// checkMetadata checks a member of the map at path.
func checkMetadata(path string, m *strictjson.Member) error {
	if m.Name == "" || !fields.Printable(m.Name) {
		return fieldError(strictjson.Join(path, m.Name), "a name must be printable and not empty")
	}
	if m.Value.Kind != strictjson.String {
		return mustBe(strictjson.Join(path, m.Name), m.Value, strictjson.String)
	}
	if strings.ContainsFunc(m.Value.Text, func(r rune) bool { return !unicode.IsGraphic(r) && r != '\n' && r != '\r' && r != '\t' }) {
		return fieldError(strictjson.Join(path, m.Name), "contains a control character or an invisible one")
	}
	return nil
}
