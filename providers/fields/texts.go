package fields

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Free is a text for people of at most longest characters, on one line, without control characters
// or invisible ones.
func Free(path string, longest int) Field {
	problem := fmt.Sprintf("must be one line of at most %d printable characters", longest)
	return atMost(longest, TextOf(path, problem, func(s string) bool { return utf8.RuneCountInString(s) <= longest && Printable(s) }))
}

// Without is Free without the sign that separates the values of a provider's hash.
func Without(sign rune, path string, longest int) Field {
	problem := fmt.Sprintf("must be one line of at most %d printable characters without %q", longest, sign)
	return atMost(longest, TextOf(path, problem, func(s string) bool {
		return utf8.RuneCountInString(s) <= longest && Printable(s) && !strings.ContainsRune(s, sign)
	}))
}

func atMost(longest int, f Field) Field {
	f.Longest = longest
	return f
}

// Printable reports whether a text has neither control characters nor invisible ones.
func Printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// Opaque is a provider's id or token: 1 to longest printable bytes, without blanks.
func Opaque(path string, longest int) Field {
	problem := fmt.Sprintf("must be 1 to %d printable characters without blanks", longest)
	return atMost(longest, TextOf(path, problem, func(s string) bool {
		return s != "" && len(s) <= longest && Printable(s) && !strings.ContainsFunc(s, unicode.IsSpace)
	}))
}

// Email is an e-mail address, bare.
func Email(path string) Field {
	f := TextOf(path, "must be an e-mail address such as name@example.com", func(s string) bool { return isPlainEmail(s) || isEmail(s) })
	f.Format = "email"
	return atMost(longestEmail, f)
}

const longestEmail = 254

func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= longestEmail && Printable(s) && !strings.ContainsAny(s, " |")
}

// isPlainEmail reports an address as most are, which isEmail takes as well: two words of letters,
// digits, dashes, underscores and single dots within.
func isPlainEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && len(s) <= longestEmail && isDotted(local) && isDotted(domain)
}

func isDotted(word string) bool {
	dot := true // one must not come now
	for i := range len(word) {
		switch c := word[i]; {
		case c == '.' && dot:
			return false
		case c == '.':
			dot = true
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			dot = false
		default:
			return false
		}
	}
	return !dot
}

// WebAddress is where a payer's browser is sent: https, or plain HTTP on this machine for tests,
// and no password in it.
func WebAddress(path string) Field {
	f := ID(TextOf(path, "must be an https URL of at most 2048 characters, such as https://example.cl/paid", func(s string) bool {
		u, err := url.Parse(s)
		if err != nil || len(s) > 2048 || !Printable(s) || strings.ContainsFunc(s, unicode.IsSpace) || u.User != nil || u.Hostname() == "" {
			return false
		}
		return u.Scheme == "https" || u.Scheme == "http" && onThisMachine(u.Hostname())
	}))
	f.Format = "uri"
	return atMost(2048, f)
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// RUT is a Chilean tax number with its right check digit; its canonical form is CanonicalRUT's.
func RUT(path string) Field {
	f := TextOf(path, "must be a RUT with its right check digit, such as 12345678-5", func(s string) bool {
		_, ok := CanonicalRUT(s)
		return ok
	})
	f.Canonical = func(s string) string {
		r, _ := CanonicalRUT(s)
		return r
	}
	return f
}

// Date is YYYY-MM-DD, from 1900 on.
func Date(path string) Field {
	f := TextOf(path, "must be a date such as 2026-05-15", func(s string) bool {
		_, err := time.Parse(time.DateOnly, s)
		return err == nil && s >= "1900"
	})
	f.Format = "date"
	return f
}

// referencePattern is isReference as a regular expression (ECMA 262).
const referencePattern = `^[A-Za-z0-9._-]*[A-Za-z0-9][A-Za-z0-9._-]*$`

// isReference reports whether a text has only letters, digits, dots, underscores and dashes, and a
// letter or digit among them. It is asked of every payment.
func isReference(s string) bool {
	plain := false
	for i := range len(s) {
		switch b := s[i]; {
		case 'A' <= b && b <= 'Z', 'a' <= b && b <= 'z', '0' <= b && b <= '9':
			plain = true
		case b != '.' && b != '_' && b != '-':
			return false
		}
	}
	return plain
}

// Reference is a payment's reference of at most longest characters.
func Reference(path string, longest int) Field {
	problem := fmt.Sprintf("must match [A-Za-z0-9._-]+ with a letter or digit, and at most %d characters", longest)
	f := atMost(longest, TextOf(path, problem, func(s string) bool { return len(s) <= longest && isReference(s) }))
	f.Pattern = referencePattern
	return f
}

// At is the field at another path.
func (f Field) At(path string) Field {
	f.Path = path
	return f
}
