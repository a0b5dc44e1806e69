package spreadsheet

import (
	"errors"
	"regexp"
	"strings"
)

// Locale says how amounts of a file are written. The zero Locale takes amounts with a point before
// decimals and nothing else.
type Locale string

// The locales of amounts.
const (
	Chile    Locale = "es-CL"
	Colombia Locale = "es-CO"
	Mexico   Locale = "es-MX"
	// DecimalComma is that of any file whose decimals stand behind a comma.
	DecimalComma Locale = "decimal-comma"
)

// signs are what stands before decimals, and between groups of three digits.
func (l Locale) signs() (decimal, group string) {
	switch l {
	case Mexico:
		return ".", ","
	case Chile, Colombia, DecimalComma:
		return ",", "."
	default:
		return ".", ""
	}
}

// Errors of Amount.
var (
	ErrAmountUnclear   = errors.New("it cannot be told whether the sign separates thousands or decimals")
	ErrAmountNegative  = errors.New("must be above zero: negative amounts and amounts in parentheses are not paid")
	ErrAmountShortened = errors.New("a spreadsheet shortened the number")
	ErrAmountForm      = errors.New("not an amount")
)

var (
	shortened  = regexp.MustCompile(`^[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+$`)
	digitsOnly = regexp.MustCompile(`^[0-9]+$`)
	// unclear is an amount with a sign that people and programs read differently.
	unclear = regexp.MustCompile(`^[0-9]{1,3}([.,][0-9]{3})+([.,][0-9]+)?$|^[0-9]+,[0-9]+$`)
)

// Shortened reports whether a text is a number with an exponent, as spreadsheets show long numbers:
// its digits are lost.
func Shortened(text string) bool { return shortened.MatchString(strings.TrimSpace(text)) }

// Amount writes an amount as a decimal text with a point, such as "12500" or "149.50", as the
// locale reads it, and never guesses: without a locale "12.500" is ErrAmountUnclear, and "12500.50"
// is what it says. "$ 12.500" needs a locale too.
func Amount(text string, l Locale) (string, error) {
	text = strings.TrimSpace(text)
	bare := text
	if l != "" {
		bare = strings.TrimSpace(strings.TrimPrefix(text, "$"))
	}
	inner := strings.TrimSpace(strings.TrimPrefix(bare, "$"))
	switch {
	case strings.HasPrefix(inner, "-"), strings.HasSuffix(inner, "-"), strings.HasPrefix(inner, "\u2212"),
		strings.HasPrefix(inner, "(") && strings.HasSuffix(inner, ")"):
		return "", ErrAmountNegative
	case Shortened(bare):
		return "", ErrAmountShortened
	case digitsOnly.MatchString(bare):
		return bare, nil
	case l == "" && unclear.MatchString(inner):
		return "", ErrAmountUnclear
	}
	return grouped(bare, l)
}

// grouped reads an amount with the locale's signs: groups of exactly three digits, all of them or
// none.
func grouped(text string, l Locale) (string, error) {
	decimal, group := l.signs()
	whole, part, has := strings.Cut(text, decimal)
	if has && !digitsOnly.MatchString(part) {
		return "", ErrAmountForm
	}
	if group != "" && strings.Contains(whole, group) {
		groups := strings.Split(whole, group)
		if len(groups[0]) > 3 {
			return "", ErrAmountForm
		}
		for _, g := range groups[1:] {
			if len(g) != 3 {
				return "", ErrAmountForm
			}
		}
		whole = strings.Join(groups, "")
	}
	if !digitsOnly.MatchString(whole) {
		return "", ErrAmountForm
	}
	if has {
		return whole + "." + part, nil
	}
	return whole, nil
}
