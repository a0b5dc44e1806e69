package providers

import (
	"regexp"
	"strings"
	"unicode"
)

// Limits of what is kept of a provider's texts.
const (
	maxMessage = 120
	maxCode    = 40
)

var (
	longNumber = regexp.MustCompile(`\p{Nd}(?:[ .\-]?[\p{Nd}kK]){5,}`)
	mailbox    = regexp.MustCompile(`\S+@\S+`)
)

// Message makes a provider's text fit for an Outcome: one line of at most 120 characters, without the given values, without mailboxes,
// and without digits of which six or more follow one another, which could be an account or a document.
func Message(text string, hide ...string) string {
	text = printable(text)
	for _, value := range hide {
		if len(value) > 1 {
			text = strings.ReplaceAll(text, value, "[…]")
		}
	}
	text = mailbox.ReplaceAllString(text, "[…]")
	return shorten(longNumber.ReplaceAllString(text, "[…]"), maxMessage)
}

// Code makes a provider's code or status word fit for an Outcome: as Message, at most 40 characters.
func Code(text string) string {
	return shorten(longNumber.ReplaceAllString(mailbox.ReplaceAllString(printable(text), "[…]"), "[…]"), maxCode)
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
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
