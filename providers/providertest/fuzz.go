package providertest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/remesa/remesa/providers"
)

// Seed adds every body under every HTTP status to what a mapping is fuzzed with.
func Seed(f *testing.F, statuses []int, bodies ...string) {
	f.Helper()
	for _, body := range bodies {
		for _, status := range statuses {
			f.Add(status, []byte(body))
		}
	}
}

// Sane holds what is true of every outcome: it has a class, or there is an error; its texts are
// short; a doubt has a code.
func Sane(t *testing.T, o providers.Outcome, err error) {
	t.Helper()
	if (err == nil) == (o.Class == "") {
		t.Errorf("class %q with error %v", o.Class, err)
	}
	if utf8.RuneCountInString(o.Message) > 120 || utf8.RuneCountInString(o.Code) > 40 || !utf8.ValidString(o.Message+o.Code+o.ProviderID) {
		t.Errorf("texts beyond their limits: %q %q", o.Code, o.Message)
	}
	if err == nil && o.Class == providers.InDoubt && o.Code == "" {
		t.Error("a doubt without a code")
	}
}

// Beginnings are responses that broke off: after one byte, in the middle, before the last byte that
// is no white space. What is true of the whole must not be concluded from them.
func Beginnings(body []byte) [][]byte {
	whole := len(bytes.TrimRight(body, " \t\r\n"))
	return [][]byte{body[:min(1, max(whole-1, 0))], body[:whole/2], body[:max(whole-1, 0)]}
}

// Unescaped is a JSON text with the escapes of its strings resolved, in small letters, before the
// text itself; what is no JSON is itself.
func Unescaped(body []byte) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return strings.ToLower(string(body))
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return strings.ToLower(b.String() + string(body))
}

// ObjectWith holds that a decision comes from a JSON object with one of the words, in small
// letters.
func ObjectWith(t *testing.T, body []byte, words ...string) {
	t.Helper()
	var object map[string]any
	if json.Unmarshal(body, &object) != nil {
		t.Error("a verdict from what is no JSON object")
	}
	text := Unescaped(body)
	for _, word := range words {
		if strings.Contains(text, word) {
			return
		}
	}
	t.Errorf("a verdict from an answer without a word that means it, any of %v", words)
}
