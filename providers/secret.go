package providers

import (
	"fmt"
	"io"

	"github.com/rs/zerolog"
)

// Secret is a text that prints as REDACTED wherever it is formatted, marshalled or logged. Reveal
// is the only way to its value.
type Secret string

const redacted = "REDACTED"

// Reveal returns the value. Call it where the secret is put on the wire or into the sealed payload,
// nowhere else.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format keeps every verb from printing the value: for a verb that no text takes, such as %d, fmt
// would not ask String.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		text = s.GoString()
	}
	_, _ = io.WriteString(f, text)
}

// GoString keeps %#v from printing the value.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText keeps JSON and every other text encoding from printing the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalZerologObject keeps zerolog from printing the value.
func (s Secret) MarshalZerologObject(e *zerolog.Event) { e.Str("secret", s.String()) }
