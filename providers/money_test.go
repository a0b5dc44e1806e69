package providers

import (
	"strings"
	"testing"
)

func TestParseMoney(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ amount, currency, wrong string }{
		{"12500", "CLP", ""},
		{"1", "CLP", ""},
		{"9999999999999", "CLP", ""},
		{"149.50", "MXN", ""},
		{"32900", "COP", ""},
		{"32900.5", "COP", ""},
		{"149.5", "MXN", "amount: MXN takes 2 decimals, not 1"},
		{"12500.0", "CLP", "amount: CLP takes 0 decimals, not 1"},
		{"1.234", "COP", "amount: COP takes 0 to 2 decimals, not 3"},
		{"0", "CLP", "amount: must be above zero"},
		{"0.00", "MXN", "amount: must be above zero"},
		{"-1", "CLP", "amount: not a decimal text"},
		{"+1", "CLP", "amount: not a decimal text"},
		{"1e3", "CLP", "amount: not a decimal text"},
		{"007", "CLP", "amount: not a decimal text"},
		{"1,5", "CLP", "amount: not a decimal text"},
		{"1.", "MXN", "amount: not a decimal text"},
		{" 1", "CLP", "amount: not a decimal text"},
		{"١", "CLP", "amount: not a decimal text"},
		{"10000000000000", "CLP", "amount: not a decimal text"},
		{"", "CLP", "amount: not a decimal text"},
		{"1", "clp", "currency: not one of"},
		{"1", "USD", "currency: not one of"},
		{"1", "", "currency: not one of"},
	} {
		m, err := ParseMoney(row.amount, row.currency)
		if row.wrong == "" {
			if err != nil || m.Text() != row.amount || m.Currency() != row.currency || m.IsZero() {
				t.Errorf("%q %q: got %v, %v", row.amount, row.currency, m, err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), row.wrong) || !m.IsZero() {
			t.Errorf("%q %q: got %v, %v, want %q", row.amount, row.currency, m, err, row.wrong)
		}
	}
}

func TestMoneyComparesByAmount(t *testing.T) {
	t.Parallel()
	a, b := money(t, "32900", "COP"), money(t, "32900.00", "COP")
	if !a.Equal(b) || a.Trimmed() != b.Trimmed() || b.Text() != "32900.00" {
		t.Errorf("%v and %v are the same amount; shortest %s and %s", a, b, a.Trimmed(), b.Trimmed())
	}
	if a.Equal(money(t, "32900", "CLP")) || a.Equal(money(t, "32901", "COP")) {
		t.Error("another currency or amount is equal")
	}
	if whole, ok := b.WholeUnits(); !ok || whole != 32900 {
		t.Errorf("whole: %d, %v", whole, ok)
	}
	if whole, ok := money(t, "149.50", "MXN").WholeUnits(); ok {
		t.Errorf("149.50 counts as the whole number %d", whole)
	}
}

func TestMoneyComparesWithAProvidersText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"149.50": true, "149.5": true, "149.500": true, "149.51": false, "-149.50": false, "149,50": false, "": false} {
		if got := money(t, "149.50", "MXN").Is(text); got != want {
			t.Errorf("%q: got %t", text, got)
		}
	}
}

func TestMoneyAddsWithinACurrency(t *testing.T) {
	t.Parallel()
	sum, err := Money{}.Add(money(t, "0.10", "MXN"))
	if err != nil {
		t.Fatal(err)
	}
	if sum, err = sum.Add(money(t, "0.20", "MXN")); err != nil || sum.Text() != "0.30" {
		t.Errorf("got %v, %v, want 0.30", sum, err)
	}
	if _, err := sum.Add(money(t, "1", "CLP")); err == nil {
		t.Error("pesos were added to pesos of another country")
	}
}

func money(t *testing.T, amount, currency string) Money {
	t.Helper()
	m, err := ParseMoney(amount, currency)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
