package providers

import (
	"regexp"
	"strings"
	"testing"
)

// Numbers that card brands publish for tests, or that have a brand's form.
var brandNumbers = []struct{ brand, number string }{
	{"Visa", "4111111111111111"}, {"Visa of 13", "4222222222222"}, {"Visa of 19", "4000000000000000006"},
	{"Mastercard", "5555555555554444"}, {"Mastercard, 2 series", "2223003122003222"}, {"American Express", "378282246310005"},
	{"Diners", "30569309025904"}, {"Discover", "6011111111111117"}, {"JCB", "3530111333300000"}, {"UnionPay", "6200000000000005"},
	{"UnionPay, 81", "8171999927660000"}, {"Maestro", "6304000000000000"}, {"Carnet", withCheck("286900000000001")},
	{"Mir", "2200770212727079"}, {"Mir of 19", withCheck("220412345678901234")}, {"RuPay, 60", withCheck("607000000000001")},
	{"RuPay, 81", withCheck("817200000000001")}, {"RuPay, 82", withCheck("820000000000001")}, {"RuPay, 508", withCheck("508500000000001")},
	{"RuPay, 353", withCheck("353000000000001")}, {"Troy", withCheck("979200000000001")}, {"Troy, 65", withCheck("650052000000001")},
	{"UATP", "135410014004955"}, {"Codensa", withCheck("590712000000001")}, {"Uzcard", withCheck("860012345678901")},
	{"Humo", withCheck("986012345678901")}, {"Borica", withCheck("220512345678901")}, {"Napas", withCheck("970412345678901")},
}

// withCheck appends the right check digit.
func withCheck(digits string) string {
	for d := '0'; d <= '9'; d++ {
		if luhn(digits + string(d)) {
			return digits + string(d)
		}
	}
	panic("no check digit fits")
}

func TestEveryBrandLooksLikeACardNumber(t *testing.T) {
	t.Parallel()
	for _, row := range brandNumbers {
		if !CardInText(row.number) {
			t.Errorf("%s passes in a text: %s", row.brand, row.number)
		}
		if !CardInID(row.number) && row.brand != "UATP" {
			t.Errorf("%s passes as an id: %s", row.brand, row.number)
		}
		last := row.number[len(row.number)-1]
		if other := row.number[:len(row.number)-1] + string('0'+(last-'0'+1)%10); CardInText(other) {
			t.Errorf("%s: %s has a wrong check digit and is refused", row.brand, other)
		}
	}
}

// The ways in which people and programs write a card number, knowingly or not.
func TestACardNumberIsFoundHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"4111 1111 1111 1111", "4111-1111-1111-1111", "4111.1111.1111.1111", "4111_1111_1111_1111", "4111 - 1111 - 1111 - 1111",
		"3782 822463 10005", "3782-822463-10005", "1354-10014-004955", "41 11 11 11 11 11 11 11", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
		"411111 1111111111", "4111\t1111\n1111\u00a01111", "4111/1111/1111/1111", "tarjeta 4111111111111111, vence 12/29",
		"Tarjeta4111111111111111", "4111111111111111x", "pago 7 4111 1111 1111 1111", "4111 1111 1111 1111 12 29",
		"４１１１１１１１１１１１１１１１", "٤١١١١١١١١١١١١١١١", "SO-4111111111111111",
		// four blanks and more, and many signs
		"4111    1111    1111    1111", "4111          1111 1111 1111", "4111.....1111.....1111.....1111", "4111 ---- 1111 ---- 1111 ---- 1111",
		"4111\r\n\r\n1111\r\n\r\n1111\r\n\r\n1111", "4111\u200b1111\u200b1111\u200b1111", "4\ufe0f\u20e31\ufe0f\u20e311111111111111",
		// letters between the groups
		"4111x1111x1111x1111", "4111X1111X1111X1111", "4111 x 1111 x 1111 x 1111", "4x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1", "4111×1111×1111×1111",
		"4111a1111b1111c1111", "3782abc822463abc10005",
		// within a word
		"a4111111111111111b1", "4111111111111111aaaaaaaa", "ref9a4111111111111111", "PAN=4111111111111111;EXP=1229", "%B4111111111111111^SOTO/ANA^2912101?",
		// other digits
		"⁴¹¹¹¹¹¹¹¹¹¹¹¹¹¹¹", "₄₁₁₁₁₁₁₁₁₁₁₁₁₁₁₁", "④①①①①①①①①①①①①①①①", "𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏", "4111 ¹¹¹¹ 1111 ①①①①",
		// glued to other digits
		"00004111111111111111", "41111111111111110000", "4111111111111111123", "41111111111111111229", "41111111111111111229123",
		"774111111111111111", "99411111111111111199", "004111 1111 1111 1111", "4111 1111 1111 11111229",
		"4111-1111-1111-1111229", "378282246310005123", "1378282246310005", "55555555555544441229", withCheck("286900000000001") + "123",
		// escaped
		"4111%201111%201111%201111", "%34%31%31%31111111111111", "4111&nbsp;1111&nbsp;1111&nbsp;1111", "&#52;111111111111111", `\u0034111111111111111`,
		"4111%25201111%25201111%25201111",
		// a time that is none
		"2026-05-15T09:00:00.4111111111111111Z",
	} {
		if !CardInText(s) {
			t.Errorf("%q passes", s)
		}
	}
}

// What ordinary fields hold.
func TestWhatOnlyHasManyDigitsIsNoCardNumber(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "PAY-0000000042", "1234567890123452", "20260515-0001-000123456", "41-1111111-1111111", "41111111a11111111",
		"4111 1111 1111 a1111", "4111 1111 1111b 1111", "+56 9 1234 5678", "12.345.678-5", "3100000000", "+57 310 000 0000 ext. 12",
		// ids and hashes
		"41111111-1111-1111-9111-111111111111", "5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10", "4a111111-4111-1111-1111-1111a1111111",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "507f1f77bcf86cd799439011", "abcd4111111111111111abcd41111111",
		"D41D8CD98F00B204E9800998ECF8427E",
		// times
		"2026-05-15T09:00:00.123456789Z", "2026-05-15T09:45:41.111111117Z", "2026-05-15 09:45:41.111111117", "2026-05-15T09:45:41.111111117-04:00",
		"pagado 2026-05-15T09:45:41.111111117Z", "1778841600000", "1778841600000000000", "1778841600411111111", "20260515093000123", "20260515411111111111",
		// accounts and slips
		"002010077777777771", "646180157000000004", "cuenta 00012345678901234567", "415770998000001980200000000012345390200000032900",
		"Boleta 000012345678, OC 4711, RUT 12.345.678-5", "3 x 1200 x 2440", "dimensiones 1200x2440x18",
	} {
		if CardInText(s) {
			t.Errorf("%q is refused in a text", s)
		}
		if CardInID(s) {
			t.Errorf("%q is refused as an id", s)
		}
	}
	for _, s := range []string{
		"00004111111111111111", "41111111111111110000", "SO00004111111111111111", "4111a1111b1111c1111", "135410014004955",
	} {
		if CardInID(s) {
			t.Errorf("%q is refused as an id", s)
		}
	}
}

// Chance decides about some: few enough, in texts and in ids.
func TestFewLongNumbersLookLikeACardByChance(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what   string
		digits int
		in     func(string) bool
		most   int // in a thousand
	}{
		{"ids of 12 digits", 12, CardInID, 0}, {"ids of 16 digits", 16, CardInID, 60}, {"ids of 17 to 19 digits", 18, CardInID, 40},
		{"ids of 20 digits", 20, CardInID, 0}, {"texts with 20 digits", 20, CardInText, 60}, {"texts with 30 digits", 30, CardInText, 0},
	} {
		found, seed := 0, uint64(1)
		for range 1000 {
			var b strings.Builder
			for range row.digits {
				seed = seed*6364136223846793005 + 1442695040888963407
				b.WriteByte('0' + byte(seed>>33%10))
			}
			if row.in(b.String()) {
				found++
			}
		}
		if found > row.most {
			t.Errorf("%s: %d of 1000 are refused, want at most %d", row.what, found, row.most)
		}
	}
}

func TestASecurityCodeIsFoundHoweverItIsNamed(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"CVV: 987", "cvv 123", "cvv=123", "cvv123", "CVV2 123", "cvc 1234", "CVC2: 123", "csc 123", "c.v.v. 123", "C V V 123", "cvn: 123",
		"cvv es 123", "el cvv de la tarjeta es el 123", "su CVV número 123", "cvv no. 123", "cvv is 123", "my card's cvv code is 123", "cvv: 1 2 3",
		"código de seguridad 123", "Código de seguridad: 123", "codigo de seguridad es 123", "CÓDIGO DE SEGURIDAD 1234", "cod. seg. 123", "cod seg 123",
		"código de seguridad de la tarjeta: 123", "codigo seguridad 123", "clave de seguridad 123", "security code 123", "the security code is 123",
		"Security-Code: 123", "card verification value 123", "código de verificación de la tarjeta 123", "123 es el cvv", "123 (cvv)", "123 cvv",
		"123 es mi código de seguridad", "cvv １２３", "cvv ¹²³", "co\u0301digo de seguridad 123",
	} {
		if !SecurityCodeInText(s) {
			t.Errorf("%q passes", s)
		}
	}
	for _, s := range []string{
		"", "cvv", "código de seguridad", "CVC Ltda factura 123", "cvv no informado", "cuenta 123", "RUT 12.345.678-5", "Servicio 123", "Av. Sucre 123",
		"CV Norte 123", "código de verificación 123456", "segunda cuota 123", "seguridad ciudadana 2026", "código 123", "código de seguridad 123456",
		"vacaciones 2026", "cvv 12", "S7CVC2345PAAAAAAAAAA", "SACVV123BBPAAAAAAAAAA", "ref SACVV123BBP", "CVV123B7", "x-A5CVC234-1", "AA123 cvvx", "Activo 123, civil 456",
	} {
		if SecurityCodeInText(s) {
			t.Errorf("%q is refused", s)
		}
	}
}

func TestNamesOfCardDataAreKnownHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"pan", "PAN", "pin", "cvv", "CVV2", "card_cvc", "Security-Code", "cardNumber", "card_no", "número de tarjeta", "NUMERO_TARJETA", "nro. tarjeta",
		"Código de seguridad", "cod_seg", "tarjeta número", "csc", "verification_value",
	} {
		if !NamesCardData(name) {
			t.Errorf("%q passes", name)
		}
	}
	for _, name := range []string{"", "pana", "panel", "spin", "invoice", "código", "tarjeta", "número", "seguridad", "card_brand"} {
		if NamesCardData(name) {
			t.Errorf("%q is refused", name)
		}
	}
}

// TestTheCheapCheckHidesNoSecurityCode: where the expressions find one, mentionsCode lets them.
func TestTheCheapCheckHidesNoSecurityCode(t *testing.T) {
	t.Parallel()
	parts := []string{
		"c", "v", "cv", "cvv", "cvc", "cvn", "csc", "cod", "codigo", "cod.", "de", "la", "seg", "seguridad", "seg.", "clave de seguridad", "codigo de verificacion",
		"tarjeta", "security", "card verification", "code", "number", "value", "is", "es", "(", "=", " ", "-", ".", "ñ", "\n", "\xff", "123", "4567", "12", "x",
	}
	found := 0
	check := func(text string) {
		if codeBehind.MatchString(text) || codeBefore.MatchString(text) {
			found++
			if !mentionsCode(text) {
				t.Fatalf("%q names a security code", text)
			}
		}
		if got, want := spacesCode(text), spaced.MatchString(text); got != want {
			t.Fatalf("spacesCode(%q) is %t, want %t", text, got, want)
		}
	}
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				check(a + b + c + " 123")
				check("4567 (" + a + b + c)
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d of the texts hold a code: the test tries too little", found)
	}
}

var spaced = regexp.MustCompile(`c[^a-z0-9]v`)
