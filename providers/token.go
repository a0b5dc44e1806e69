package providers

import "github.com/rs/zerolog"

// Token is a provider's token of a card or of its antifraud script. Unlike a Secret it travels in
// JSON as it is; it prints as REDACTED through fmt and zerolog.
type Token string

// Reveal returns the value.
func (t Token) Reveal() string { return string(t) }

func (t Token) String() string { return Secret(t).String() }

// GoString keeps %#v from printing the value.
func (t Token) GoString() string { return Secret(t).GoString() }

// MarshalZerologObject keeps zerolog from printing the value.
func (t Token) MarshalZerologObject(e *zerolog.Event) { e.Str("token", t.String()) }
