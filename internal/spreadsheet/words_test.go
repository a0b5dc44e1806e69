package spreadsheet

import (
	"errors"
	"testing"
)

func TestEqualWordsFoldIntoOne(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Número de CUENTA":       "numero de cuenta",
		" Nº  Cuenta_Destino(3)": "numero cuenta destino",
		"N° de Operación.":       "numero de operacion",
		"Nro. Cuenta":            "numero cuenta",
		"E-mail":                 "e mail",
		"recipient.document":     "recipient document",
		"ÑANDÚ":                  "nandu",
		"Cód.Banco":              "cod banco",
		"Año (2026)":             "ano 2026",
		"":                       "",
		"***":                    "",
	} {
		if got := Fold(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTheNearestWordIsFound(t *testing.T) {
	t.Parallel()
	words := []string{"Monto", "Moneda", "Código de banco"}
	for text, want := range map[string]string{
		"montos": "Monto", "MONEDAS": "Moneda", "codigo banco": "Código de banco", "cod. bancos": "Código de banco",
	} {
		if got := Nearest(text, words); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestAnAmountIsReadAsItsLocaleWritesItOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		locale     Locale
		text, want string
		err        error
	}{
		{"", "12500", "12500", nil},
		{"", " 12500 ", "12500", nil},
		{"", "149.50", "149.50", nil},
		{"", "12500.5", "12500.5", nil},
		{"", "12.500", "", ErrAmountUnclear},
		{"", "12,500", "", ErrAmountUnclear},
		{"", "12,5", "", ErrAmountUnclear},
		{"", "1.234.567", "", ErrAmountUnclear},
		{"", "12.500,00", "", ErrAmountUnclear},
		{"", "12,500.00", "", ErrAmountUnclear},
		{"", "$ 12.500", "", ErrAmountUnclear},
		{"", "$12500", "", ErrAmountForm},
		{"", "1,23E+11", "", ErrAmountShortened},
		{"", "-12500", "", ErrAmountNegative},
		{"", "12500-", "", ErrAmountNegative},
		{"", "(12.500)", "", ErrAmountNegative},
		{"", "doce", "", ErrAmountForm},
		{"", "", "", ErrAmountForm},
		{Chile, "12.500", "12500", nil},
		{Chile, "13.160.000", "13160000", nil},
		{Chile, "$ 12.500", "12500", nil},
		{Chile, "$12.500,00", "12500.00", nil},
		{Chile, "12500", "12500", nil},
		{Chile, "12,500.00", "", ErrAmountForm},
		{Chile, "12.50", "", ErrAmountForm},
		{Chile, "1234.567", "", ErrAmountForm},
		{Chile, "1.2345", "", ErrAmountForm},
		{Chile, "12.500 USD", "", ErrAmountForm},
		{Chile, "-$1.500", "", ErrAmountNegative},
		{Chile, "$-1.500", "", ErrAmountNegative},
		{Chile, "1,23E+11", "", ErrAmountShortened},
		{Colombia, "32.900,50", "32900.50", nil},
		{Mexico, "12,500.00", "12500.00", nil},
		{Mexico, "$149.50", "149.50", nil},
		{Mexico, "12.500,00", "", ErrAmountForm},
		{DecimalComma, "149,50", "149.50", nil},
		{DecimalComma, "1.149,50", "1149.50", nil},
	} {
		got, err := Amount(row.text, row.locale)
		if got != row.want || !errors.Is(err, row.err) {
			t.Errorf("%q under %q: %q %v, want %q %v", row.text, row.locale, got, err, row.want, row.err)
		}
	}
}
