package tasks

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers"
)

// free is a text for people of at most longest characters, on one line, without control characters
// or invisible ones.
func free(path string, longest int) field {
	problem := fmt.Sprintf("must be one line of at most %d printable characters", longest)
	return text(path, problem, func(s string) bool { return utf8.RuneCountInString(s) <= longest && printable(s) })
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// hashed is a free text that goes into Pago Seguro's hash, whose fields are separated by "|".
func hashed(path string, longest int) field {
	problem := fmt.Sprintf("must be one line of at most %d printable characters without %q", longest, '|')
	return text(path, problem, func(s string) bool {
		return utf8.RuneCountInString(s) <= longest && printable(s) && !strings.Contains(s, "|")
	})
}

func pattern(path, problem string, re *regexp.Regexp) field {
	return text(path, problem, re.MatchString)
}

// opaque is a provider's id or token: printable, without blanks.
func opaque(path string, longest int) field {
	problem := fmt.Sprintf("must be 1 to %d printable characters without blanks", longest)
	return text(path, problem, func(s string) bool {
		return s != "" && len(s) <= longest && printable(s) && !strings.ContainsFunc(s, unicode.IsSpace)
	})
}

func email(path string) field {
	return text(path, "must be an e-mail address such as name@example.com", func(s string) bool {
		a, err := mail.ParseAddress(s)
		return err == nil && a.Address == s && len(s) <= 254 && printable(s) && !strings.ContainsAny(s, " |")
	})
}

// webAddress is where a payer's browser is sent: https, or plain HTTP on this machine for tests,
// and no password in it.
func webAddress(path string) field {
	return text(path, "must be an https URL of at most 2048 characters, such as https://example.cl/paid", func(s string) bool {
		u, err := url.Parse(s)
		if err != nil || len(s) > 2048 || !printable(s) || strings.ContainsFunc(s, unicode.IsSpace) || u.User != nil || u.Hostname() == "" {
			return false
		}
		return u.Scheme == "https" || u.Scheme == "http" && onThisMachine(u.Hostname())
	})
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func rut(path string) field {
	return text(path, "must be a RUT with its right check digit, such as 12345678-5", func(s string) bool {
		_, ok := canonicalRUT(s)
		return ok
	})
}

func date(path string) field {
	return text(path, "must be a date such as 2026-05-15", func(s string) bool {
		_, err := time.Parse(time.DateOnly, s)
		return err == nil && s >= "1900"
	})
}

func instant(path string) field {
	return text(path, "must be a time in RFC 3339, such as 2026-05-15T09:00:00-04:00", func(s string) bool {
		var t time.Time
		return t.UnmarshalText([]byte(s)) == nil && representable(t)
	})
}

// representable reports whether the time can be written again in UTC, whose year must have four
// digits.
func representable(t time.Time) bool {
	return !t.IsZero() && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999
}

// metadata is a map of texts of at most 1 KiB as JSON. Its values may have several lines: they go
// to no provider.
func metadata(path string) field {
	return field{path: path, kind: textMap, check: func(path string, n node) error {
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
			return wrong(path, "longer than 1 KiB as JSON")
		}
		return nil
	}}
}

func checkMetadata(path string, m strictjson.Member) error {
	if m.Name == "" || !printable(m.Name) {
		return wrong(path, "a name must be printable and not empty")
	}
	if err := mustBe(path, m.Value, strictjson.String); err != nil {
		return err
	}
	if !printable(strings.NewReplacer("\n", "", "\r", "", "\t", "").Replace(m.Value.Text)) {
		return wrong(path, "contains a control character or an invisible one")
	}
	return nil
}

const mostShown = 10 // ETpay advises three or four

// shown is ETpay's list of named texts, each with name, value and optionally show.
func shown(path string) field {
	return field{path: path, kind: shownList, check: func(path string, n node) error {
		if err := mustBe(path, n, strictjson.Array); err != nil {
			return err
		}
		if len(n.Items) > mostShown {
			return wrong(path, fmt.Sprintf("more than %d elements", mostShown))
		}
		for i, item := range n.Items {
			if err := checkShown(strictjson.Element(path, i), item); err != nil {
				return err
			}
		}
		return nil
	}}
}

func checkShown(path string, n node) error {
	if err := mustBe(path, n, strictjson.Object); err != nil {
		return err
	}
	s := newShape(need(free(path+".name", 40)), need(free(path+".value", 100)), boolean(path+".show"))
	if err := s.checkUnder(path, n); err != nil {
		return err
	}
	if name, _ := n.Member("name"); providers.NamesCardData(name.Text) {
		return wrong(path+".name", noCards)
	}
	return nil
}
