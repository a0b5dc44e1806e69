package tasks

import (
	"regexp"
	"strings"
	"unicode"
)

// The guard against card numbers and security codes. It looks at every text, number and name of a task, metadata included, before
// anything else is said about the task, so that no error can repeat one.
//
// What looks like a card number: 13 to 19 digits with a card brand's prefix and length and a right check digit (Luhn), standing alone
// or with letters around them ("Tarjeta4111…"), in one run or in groups. Groups with a blank or an unusual sign between them count
// however they are cut; groups with only dashes, dots or underscores between them count where they are cut as cards are (groups of one
// length, or 4-6-5), because references and ids are cut with the same signs, UUIDs among them. Digits between letters (hexadecimal,
// base64) do not count. Without these two exceptions one in some thousands of ids would be refused by chance.

const noCards = "looks like a card number or a security code, which never travels in a task; use the provider's token"

// Fields that hold something else although it may look like a card number: account numbers have up to 20 digits and no common form, and
// an amount has up to 13 digits. Phones and document numbers need no exemption, as none of them has 13 digits.
var exemptFromGuard = map[string]bool{"bank.account_number": true, "amount": true}

// guard refuses a value, or anything in it, that looks like a card number or a security code.
func guard(path string, n node) error {
	if suspicious(n.text) && !exemptFromGuard[path] {
		return wrong(path, noCards)
	}
	for _, m := range n.members {
		if namesCardData(m.name) || suspicious(m.name) {
			return wrong(join(path, m.name), noCards)
		}
		if m.value.plain() && !suspicious(m.value.text) {
			continue // most values are: their paths need not be written
		}
		if err := guard(join(path, m.name), m.value); err != nil {
			return err
		}
	}
	for i, item := range n.items {
		if err := guard(element(path, i), item); err != nil {
			return err
		}
	}
	return nil
}

func suspicious(text string) bool {
	return text != "" && (looksLikeCard(text) || saysSecurityCode(text))
}

// plain reports whether a value has nothing in it.
func (n node) plain() bool { return len(n.members) == 0 && len(n.items) == 0 }

var securityCode = regexp.MustCompile(`(?i)\b(cvv2?|cvc2?|csc)\W{0,3}[0-9]{3,4}\b`)

func saysSecurityCode(s string) bool {
	lower := strings.ToLower(s)
	return (strings.Contains(lower, "cv") || strings.Contains(lower, "csc")) && securityCode.MatchString(s) // the first is cheap
}

// namesCardData reports whether a name is one for a card number or a security code, however it is written.
func namesCardData(name string) bool {
	plain := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	switch plain {
	case "pan", "pin", "csc", "cardno", "numerotarjeta", "numerodetarjeta", "númerodetarjeta", "codigodeseguridad", "códigodeseguridad":
		return true
	}
	for _, part := range []string{"cvv", "cvc", "securitycode", "cardnumber", "codigoseguridad"} {
		if strings.Contains(plain, part) {
			return true
		}
	}
	return false
}

func looksLikeCard(s string) bool {
	if !enoughDigits(s) {
		return false
	}
	for _, chain := range digitChains(s) {
		if chain.holdsCard() {
			return true
		}
	}
	return false
}

func enoughDigits(s string) bool {
	n := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n >= 13
}

// chain is a row of digit groups; separators[i] stands before groups[i].
type chain struct {
	groups, separators []string
}

const longestSeparator = 3 // characters

// digitChains cuts a text into words and returns the rows of words that are groups of digits. Letters before the digits of a word begin
// a row, letters behind them end it; a word with digits and letters in any other order is no group.
func digitChains(s string) []chain {
	var chains []chain
	open, separator := false, ""
	for _, w := range words(s) {
		if !w.alnum {
			separator = w.text
			open = open && len([]rune(w.text)) <= longestSeparator
			continue
		}
		digits, before, after, ok := onlyDigits(w.text)
		if !ok {
			open = false
			continue
		}
		if !open || before {
			chains = append(chains, chain{})
			separator = ""
		}
		last := &chains[len(chains)-1]
		last.groups, last.separators = append(last.groups, digits), append(last.separators, separator)
		open = !after
	}
	return chains
}

type word struct {
	text  string
	alnum bool
}

func words(s string) []word {
	var all []word
	start, was := 0, false
	for i, r := range s {
		is := unicode.IsLetter(r) || unicode.IsDigit(r)
		if i > 0 && is != was {
			all = append(all, word{s[start:i], was})
			start = i
		}
		was = is
	}
	return append(all, word{s[start:], was})
}

// onlyDigits returns the digits of a word that has them in one run, as ASCII, and whether letters stand before and after them.
func onlyDigits(w string) (digits string, before, after, ok bool) {
	var b strings.Builder
	for _, r := range w {
		switch digit, is := decimalDigit(r); {
		case is && after:
			return "", false, false, false
		case is:
			b.WriteByte(digit)
		case b.Len() == 0:
			before = true
		default:
			after = true
		}
	}
	return b.String(), before, after, b.Len() > 0
}

// decimalDigit reads a decimal digit of any script; Unicode keeps the ten digits of a script side by side,
// zero first.
func decimalDigit(r rune) (byte, bool) {
	if '0' <= r && r <= '9' {
		return byte(r), true
	}
	if !unicode.IsDigit(r) {
		return 0, false
	}
	zero := r
	for unicode.IsDigit(zero - 1) {
		zero--
	}
	return byte('0' + (r-zero)%10), true
}

func (c chain) holdsCard() bool {
	for i := range c.groups {
		digits := ""
		for j := i; j < len(c.groups) && len(digits)+len(c.groups[j]) <= 19; j++ {
			digits += c.groups[j]
			if isCard(digits) && (c.loose(i, j) || cutLikeCard(c.groups[i:j+1])) {
				return true
			}
		}
	}
	return false
}

// loose reports whether any sign other than those of references and ids stands between the groups i to j.
func (c chain) loose(i, j int) bool {
	for _, separator := range c.separators[i+1 : j+1] {
		if strings.Trim(separator, "-._") != "" {
			return true
		}
	}
	return false
}

func cutLikeCard(groups []string) bool {
	if len(groups) == 3 && len(groups[0]) == 4 && len(groups[1]) == 6 {
		return true // American Express, Diners
	}
	for i, g := range groups {
		last := i == len(groups)-1
		if len(g) > len(groups[0]) || len(g) < len(groups[0]) && !last {
			return false
		}
	}
	return true
}

// Card brands by prefix and length.
var brands = []struct {
	low, high         string
	shortest, longest int
}{
	{"4", "4", 13, 13}, {"4", "4", 16, 16}, {"4", "4", 18, 19}, // Visa
	{"51", "55", 16, 16}, {"2221", "2720", 16, 16}, // Mastercard
	{"34", "34", 15, 15}, {"37", "37", 15, 15}, // American Express
	{"300", "305", 14, 14}, {"36", "36", 14, 19}, {"38", "39", 14, 19}, // Diners
	{"6011", "6011", 16, 19}, {"644", "659", 16, 19}, {"62", "62", 16, 19}, // Discover, UnionPay
	{"3528", "3589", 16, 19},                                         // JCB
	{"50", "50", 13, 19}, {"56", "58", 13, 19}, {"60", "69", 13, 19}, // Maestro and regional brands
}

func isCard(digits string) bool {
	if len(digits) < 13 || !luhn(digits) {
		return false
	}
	for _, b := range brands {
		prefix := digits[:len(b.low)]
		if b.low <= prefix && prefix <= b.high && b.shortest <= len(digits) && len(digits) <= b.longest {
			return true
		}
	}
	return false
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}
