package providers

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMessagesCarryNoPersonalData(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ in, want string }{
		{"Saldo insuficiente", "Saldo insuficiente"},
		{"cuenta 12345678 no existe", "cuenta […] no existe"},
		{"RUT 12.345.678-5 no existe", "RUT […] no existe"},
		{"RUT 12345678-K", "RUT […]"},
		{"tarjeta 4111 1111 1111 1111 rechazada", "tarjeta […] rechazada"},
		{"monto 12500", "monto 12500"},
		{"cuenta ١٢٣٤٥٦٧", "cuenta […]"},
		{"avisar a ana@example.cl", "avisar a […]"},
		{"Ana Soto no es titular", "[…] no es titular"},
		{"dos\nlineas\x00\xff", "dos lineas"},
		{"", ""},
	} {
		if got := Message(row.in, "Ana Soto", ""); got != row.want {
			t.Errorf("%q: got %q, want %q", row.in, got, row.want)
		}
	}
	long := Message(strings.Repeat("ñ", 500))
	if utf8.RuneCountInString(long) != 120 || !utf8.ValidString(long) {
		t.Errorf("%d characters", utf8.RuneCountInString(long))
	}
}

func TestCodesAreShortAndCarryNoNumbersOfPeople(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"E-041": "E-041", " rechazado ": "rechazado", "12345678": "[…]", "a@b": "[…]", "a\nb": "a b",
	} {
		if got := Code(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := Code(strings.Repeat("x", 100)); utf8.RuneCountInString(got) != 40 {
		t.Errorf("got %q", got)
	}
}

func TestAListSaysHowManyDoNotFit(t *testing.T) {
	t.Parallel()
	for want, texts := range map[string][]string{
		"":     nil,
		"a":    {"a"},
		"a; b": {"a", "b"},
		strings.Repeat("x", 60) + "; " + strings.Repeat("y", 30) + "; 2 more": {strings.Repeat("x", 60), strings.Repeat("y", 30), strings.Repeat("z", 30), "w"},
	} {
		if got := List(texts); got != want || len(got) > maxMessage {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
