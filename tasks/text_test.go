package tasks

import (
	"testing"

	"pgregory.net/rapid"
)

// TestABoundOnAMapsSizeIsNeverTooLow: else a map of more than 1 KiB would be taken.
func TestABoundOnAMapsSizeIsNeverTooLow(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "plain", "\n\r\t\x00\x1f", `"\`, "\u2028\u2029", "ñ€\U0001F600", "<&>", "\x7f", "\u00e2\u2022"} {
		bounded(t, text)
	}
	rapid.Check(t, func(t *rapid.T) { bounded(t, rapid.String().Draw(t, "text")) })
}

type failer interface {
	Fatalf(format string, args ...any)
}

func bounded(t failer, text string) {
	quoted, err := compact(text)
	if bound := mostBytes(text); err != nil || len(quoted)-len(`""`) > bound {
		t.Fatalf("%q has %d bytes in JSON, and a bound of %d: %v", text, len(quoted)-2, bound, err)
	}
}
