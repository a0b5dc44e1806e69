package tasks

import (
	"strings"
	"time"

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
	all := map[string]string{}
	for _, m := range n.Members {
		if err := checkMetadata(strictjson.Join(path, m.Name), m); err != nil {
			return err
		}
		all[m.Name] = m.Value.Text
	}
	if text, err := compact(all); err != nil || len(text) > 1024 {
		return fieldError(path, "longer than 1 KiB as JSON")
	}
	return nil
}

func checkMetadata(path string, m strictjson.Member) error {
	if m.Name == "" || !fields.Printable(m.Name) {
		return fieldError(path, "a name must be printable and not empty")
	}
	if err := mustBe(path, m.Value, strictjson.String); err != nil {
		return err
	}
	if !fields.Printable(layout.Replace(m.Value.Text)) {
		return fieldError(path, "contains a control character or an invisible one")
	}
	return nil
}

// layout removes what a text of several lines may hold beside printable characters.
var layout = strings.NewReplacer("\n", "", "\r", "", "\t", "")
