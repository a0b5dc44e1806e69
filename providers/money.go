package providers

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/govalues/decimal"
)

// Money is an exact amount in a currency. The zero value is no money.
type Money struct {
	amount   decimal.Decimal
	currency string
}

// Currency codes (ISO 4217) with the smallest and the largest number of decimals that an amount may
// carry.
var decimals = map[string][2]int{"CLP": {0, 0}, "COP": {0, 2}, "MXN": {2, 2}}

const mostWhole, mostDecimals = 13, 4 // digits of an amount

// isAmount reports a text that matches (0|[1-9][0-9]{0,12})(\.[0-9]{1,4})?
func isAmount(text string) bool {
	whole, part, pointed := strings.Cut(text, ".")
	if pointed && !isNumber(part, mostDecimals) {
		return false
	}
	return isNumber(whole, mostWhole) && (whole[0] != '0' || whole == "0")
}

// isNumber reports a text of one to most digits.
func isNumber(text string, most int) bool {
	for i := range len(text) {
		if !isDigit(text[i]) {
			return false
		}
	}
	return 0 < len(text) && len(text) <= most
}

// ParseMoney reads a decimal text such as "12500" or "149.50". It refuses signs, exponents, leading
// zeros, zero itself, more than 13 integer digits, an unknown currency, and decimals that the
// currency does not have. The error does not repeat the text.
func ParseMoney(amount, currency string) (Money, error) {
	scale, ok := decimals[currency]
	if !ok {
		return Money{}, fmt.Errorf("currency: not one of CLP, COP, MXN (upper case, ISO 4217)")
	}
	if !isAmount(amount) {
		return Money{}, fmt.Errorf("amount: not a decimal text such as \"12500\" or \"149.50\"")
	}
	d, err := decimal.Parse(amount)
	if err != nil {
		return Money{}, fmt.Errorf("amount: not a decimal text such as \"12500\" or \"149.50\"")
	}
	if d.Scale() < scale[0] || d.Scale() > scale[1] {
		return Money{}, fmt.Errorf("amount: %s takes %s decimals, not %d", currency, scaleText(scale), d.Scale())
	}
	if !d.IsPos() {
		return Money{}, fmt.Errorf("amount: must be above zero")
	}
	return Money{amount: d, currency: currency}, nil
}

func scaleText(s [2]int) string {
	if s[0] == s[1] {
		return fmt.Sprint(s[0])
	}
	return fmt.Sprintf("%d to %d", s[0], s[1])
}

// Text is the amount as it was written, for example "149.50".
func (m Money) Text() string { return m.amount.String() }

// Trimmed is the amount without trailing zeros: two texts of the same amount have one shortest
// form.
func (m Money) Trimmed() string { return m.amount.Trim(0).String() }

// Currency is the ISO 4217 code.
func (m Money) Currency() string { return m.currency }

// IsZero reports whether there is no amount.
func (m Money) IsZero() bool { return m.currency == "" }

// Equal reports whether both are the same amount of the same currency, whatever their trailing
// zeros.
func (m Money) Equal(o Money) bool { return m.currency == o.currency && m.amount.Cmp(o.amount) == 0 }

// Is reports whether a provider's decimal text is the same amount, whatever its trailing zeros.
func (m Money) Is(text string) bool {
	amount, err := decimal.Parse(text)
	return err == nil && amount.Cmp(m.amount) == 0
}

// WholeUnits is the amount in whole units; false where it has cents.
func (m Money) WholeUnits() (int64, bool) {
	if !m.amount.IsInt() {
		return 0, false
	}
	whole, _, ok := m.amount.Int64(0)
	return whole, ok
}

// Minor is the amount in the currency's smallest unit that amounts may carry: whole pesos of CLP,
// hundredths of COP and MXN.
func (m Money) Minor() int64 {
	whole, part, _ := m.amount.Int64(decimals[m.currency][1]) // ParseMoney lets no more than 15 digits pass
	for range decimals[m.currency][1] {
		whole *= 10
	}
	return whole + part
}

// MinorText is the decimal text of so many of the currency's smallest units: 14950 of MXN are
// "149.50". They may be below zero. A currency that ParseMoney refuses has none but whole units.
func MinorText(units int64, currency string) string {
	text, scale := strconv.FormatInt(units, 10), decimals[currency][1]
	if scale == 0 {
		return text
	}
	digits, negative := strings.CutPrefix(text, "-")
	digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
	sign := ""
	if negative {
		sign = "-"
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// Add sums two amounts of the same currency; the zero Money adds nothing.
func (m Money) Add(o Money) (Money, error) {
	if m.IsZero() {
		return o, nil
	}
	if m.currency != o.currency {
		return Money{}, fmt.Errorf("cannot add %s to %s", o.currency, m.currency)
	}
	sum, err := m.amount.Add(o.amount)
	return Money{amount: sum, currency: m.currency}, err
}

func (m Money) String() string { return m.Text() + " " + m.currency }
