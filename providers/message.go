package providers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what is kept of a provider's texts.
const (
	maxMessage = 120
	maxCode    = 40
	// maxRead is how much of a text is read, in bytes: far more than is kept, also after much of it
	// was hidden.
	maxRead = 4096
)

var (
	longNumber  = regexp.MustCompile(`[\p{Nd}\p{No}](?:[^\p{L}\p{N}]{0,2}[\p{Nd}\p{No}kK]){5,}`)
	mailbox     = regexp.MustCompile(`\S+@\S+`)
	signedToken = regexp.MustCompile(tokenStart + `[A-Za-z0-9+/_=.-]{8,}`)
)

// tokenStart is how the base64 of a JSON object begins.
const tokenStart = "eyJ"

// Message makes a provider's text fit for an Outcome: one line of at most 120 characters, without
// the given values in whatever form (see redactor), without mailboxes and signed tokens, and
// without digits of which six or more follow one another, also with other signs between them, which
// could be an account, a document or a card.
func Message(text string, hide ...string) string {
	if text == "" {
		return ""
	}
	return newRedactor(hide).words(text, maxMessage)
}

// Code makes a provider's code or status word fit for an Outcome: as Message, at most 40
// characters.
func Code(text string, hide ...string) string { return newRedactor(hide).words(text, maxCode) }

// List joins texts that are fit for an Outcome: as many as fit into a message, and how many do not.
func List(texts []string) string {
	var b strings.Builder
	for i, text := range texts {
		if b.Len()+len(text) > maxMessage-20 {
			fmt.Fprintf(&b, "; %d more", len(texts)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(text)
	}
	return b.String()
}

func (h redactor) words(text string, most int) string {
	text = printable(text[:min(len(text), maxRead)])
	if text == "" {
		return ""
	}
	return shorten(h.text(text), most)
}

// ID makes a provider's id fit for an Outcome. One that repeats a value, a mailbox or a card number
// is replaced by a name that stays the same for the same id, so that two ids remain two; who knows
// neither the id nor the account's secret, which is the first value, learns nothing from it. No
// provider can be queried by such a name, see IsHiddenID.
func ID(id string, hide ...string) string { return newRedactor(hide).id(id) }

func (h redactor) id(id string) string {
	if id == "" || IsHiddenID(id) {
		return id
	}
	if open := unescape(id); !h.reveals(id) && (open == id || !h.reveals(open)) {
		return id
	}
	key := ""
	if len(h.values) > 0 {
		key = h.values[0].text
	}
	sum := hmac.New(sha256.New, []byte(key))
	sum.Write([]byte(id)) // a hash takes everything
	return hiddenPrefix + hex.EncodeToString(sum.Sum(nil)[:4]) + hiddenSuffix
}

const hiddenPrefix, hiddenSuffix = "[hidden-", "]"

// IsHiddenID reports whether an id is the name that ID gave to one.
func IsHiddenID(id string) bool {
	return len(id) == len(hiddenPrefix)+8+len(hiddenSuffix) && strings.HasPrefix(id, hiddenPrefix) && strings.HasSuffix(id, hiddenSuffix)
}

func (h redactor) reveals(id string) bool {
	return strings.Contains(id, "@") && mailbox.MatchString(id) || CardInID(id) || len(h.find(id, false)) > 0
}

func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.TrimSpace(text)
}

// shorten cuts between characters.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) > most {
		return string([]rune(text)[:most-1]) + "…"
	}
	return text
}
