package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/internal/shell"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// sum is an exact sum of any number of amounts. Its zero value is zero. It must not be copied after
// something was added to it.
type sum struct{ cents *big.Int }

const decimalsOfSum = 2 // no currency has more

func (s *sum) add(m providers.Money) { s.addText(m.Text()) }

// addText adds a decimal text as intake accepts them.
func (s *sum) addText(amount string) {
	if s.cents == nil {
		s.cents = new(big.Int)
	}
	s.cents.Add(s.cents, cents(amount))
}

// cents reads a decimal text with at most two decimals.
func cents(text string) *big.Int {
	whole, part, _ := strings.Cut(text, ".")
	n, ok := new(big.Int).SetString(whole+(part + "00")[:decimalsOfSum], 10)
	if !ok {
		panic("enqueue: an amount that is no decimal text") // ParseMoney lets none pass
	}
	return n
}

func (s sum) equal(o sum) bool { return s.text() == o.text() }

// text is the sum with two decimals, or none where they are zero.
func (s sum) text() string {
	if s.cents == nil {
		return "0"
	}
	whole, part := new(big.Int).QuoRem(s.cents, big.NewInt(100), new(big.Int))
	if part.Sign() == 0 {
		return whole.String()
	}
	return fmt.Sprintf("%s.%02d", whole, part.Int64())
}

var sumForm = regexp.MustCompile(`^[0-9]{1,30}(\.[0-9]{1,2})?$`)

func parseSum(currency, amount string) (sum, error) {
	if _, err := providers.ParseMoney("1", currency); err != nil && strings.HasPrefix(err.Error(), "currency") {
		return sum{}, err
	}
	if !sumForm.MatchString(amount) {
		return sum{}, errors.New("must be CUR=AMOUNT, such as CLP=1250000 or MXN=149.50")
	}
	return sum{cents(amount)}, nil
}

// parseSums reads CUR=AMOUNT of a flag, each currency once.
func parseSums(flag string, texts []string) (map[string]sum, error) {
	sums := map[string]sum{}
	for _, text := range texts {
		currency, amount, _ := strings.Cut(text, "=")
		s, err := parseSum(currency, amount)
		if err != nil {
			return nil, usage("%s: %w", flag, err)
		}
		if _, given := sums[currency]; given {
			return nil, usage("%s: given twice for %s", flag, currency)
		}
		sums[currency] = s
	}
	return sums, nil
}

// totals count lines by result, and payments by result, provider and currency.
type totals map[totalKey]*total

// totalKey without provider and currency is that of all lines of a result.
type totalKey struct{ result, provider, currency string }

type total struct {
	lines int
	sum   sum
}

func (t totals) add(result string, of counted) {
	t.at(totalKey{result: result}).lines++
	m := of.Amount()
	if m.IsZero() {
		return
	}
	total := t.at(totalKey{result, of.Provider(), m.Currency()})
	total.lines++
	total.sum.add(m)
}

func (t totals) at(k totalKey) *total {
	if t[k] == nil {
		t[k] = &total{}
	}
	return t[k]
}

func (t totals) lines(result string) int {
	if of := t[totalKey{result: result}]; of != nil {
		return of.lines
	}
	return 0
}

// text is a line for all, and one for each provider and currency.
func (t totals) text(l i18n.Locale, paint shell.Paint) string {
	words := l.CLI.Submit
	var all []string
	var b strings.Builder
	for _, k := range slices.SortedFunc(maps.Keys(t), compareKeys) {
		of := t[k]
		n := countOf(l, of.lines)
		if k.provider == "" {
			all = append(all, inColour(paint, k.result, n.Text+" "+words.Results[k.result].Of(n)))
			continue
		}
		sum := of.sum.text()
		fmt.Fprintf(&b, "\n  %-12s %s  %-9s %9s  %s", k.provider, k.currency, words.Results[k.result].Of(n), n.Text, words.Sum(sum, l.Money(sum, k.currency)))
	}
	return strings.Join(all, ", ") + b.String()
}

// inColour is a text about lines in the colour of their result.
func inColour(p shell.Paint, result, text string) string {
	switch result {
	case intake.Invalid, string(tasks.Conflict):
		return p.Bad(text)
	case string(tasks.Enqueued), string(billing.Added), intake.Valid:
		return p.Good(text)
	}
	return text
}

func compareKeys(a, b totalKey) int {
	return cmp.Or(cmp.Compare(a.provider, b.provider), cmp.Compare(a.currency, b.currency), cmp.Compare(rank(a.result), rank(b.result)))
}

func rank(result string) int {
	return slices.Index([]string{string(tasks.Enqueued), string(billing.Added), intake.Valid, string(tasks.Duplicate), string(tasks.Conflict), intake.Invalid}, result)
}
