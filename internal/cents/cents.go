// Package cents holds amounts as whole hundredths: exact, and small enough for a million of them in
// memory. No currency that is moved here has more than two decimals.
package cents

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Amount is a number of hundredths of a currency's unit; it may be negative.
type Amount int64

var errForm = errors.New("not a decimal text with at most 13 digits and two decimals, such as 12500 or 149.50")

const most = 13 // digits before the decimal point, as everywhere

// Parse reads a decimal text such as "12500", "149.5" or "-149.50". It refuses exponents, blanks,
// separators of groups, and a third decimal that is not zero. The error does not repeat the text.
func Parse(text string) (Amount, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, part, dotted := strings.Cut(digits, ".")
	part, rest := part[:min(len(part), 2)], part[min(len(part), 2):]
	if len(whole) == 0 || len(whole) > most || dotted && part == "" || strings.Trim(rest, "0") != "" || !onlyDigits(whole) || !onlyDigits(part) {
		return 0, errForm
	}
	n, err := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	if err != nil {
		return 0, errForm
	}
	if negative {
		n = -n
	}
	return Amount(n), nil
}

func onlyDigits(text string) bool {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// String is the amount with two decimals, or none where they are zero.
func (a Amount) String() string { return text(big.NewInt(int64(a))) }

// Abs is the amount without its sign.
func (a Amount) Abs() Amount { return max(a, -a) }

// Sum is an exact sum of any number of amounts; its zero value is zero. A copy shares its digits.
type Sum struct{ total *big.Int }

// Add adds an amount.
func (s *Sum) Add(a Amount) {
	if s.total == nil {
		s.total = new(big.Int)
	}
	s.total.Add(s.total, big.NewInt(int64(a)))
}

// String is the sum with two decimals, or none where they are zero.
func (s Sum) String() string {
	if s.total == nil {
		return "0"
	}
	return text(s.total)
}

func text(n *big.Int) string {
	whole, part := new(big.Int).QuoRem(new(big.Int).Abs(n), big.NewInt(100), new(big.Int))
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	if part.Sign() == 0 {
		return sign + whole.String()
	}
	return fmt.Sprintf("%s%s.%02d", sign, whole, part.Int64())
}
