package tasks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// Numbers that card brands publish for tests.
var testCards = []string{
	"4111111111111111", "4222222222222", "4000000000000000006", "5555555555554444", "2223003122003222", "378282246310005",
	"30569309025904", "6011111111111117", "3530111333300000", "6200000000000005", "6304000000000000",
}

func TestEveryBrandLooksLikeACardNumber(t *testing.T) {
	for _, number := range testCards {
		if !looksLikeCard(number) {
			t.Errorf("%s passes", number)
		}
		last := number[len(number)-1]
		if other := number[:len(number)-1] + string('0'+(last-'0'+1)%10); looksLikeCard(other) {
			t.Errorf("%s has a wrong check digit and is refused", other)
		}
	}
}

func TestACardNumberIsFoundHoweverItIsWritten(t *testing.T) {
	for _, s := range []string{
		"4111 1111 1111 1111", "4111-1111-1111-1111", "4111.1111.1111.1111", "4111_1111_1111_1111", "4111 - 1111 - 1111 - 1111",
		"3782 822463 10005", "3782-822463-10005", "41 11 11 11 11 11 11 11", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "411111 1111111111",
		"4111\t1111\n1111\u00a01111", "4111/1111/1111/1111", "tarjeta 4111111111111111, vence 12/29", "Tarjeta4111111111111111", "4111111111111111x",
		"pago 7 4111 1111 1111 1111", "4111 1111 1111 1111 12 29", "４１１１１１１１１１１１１１１１", "٤١١١١١١١١١١١١١١١", "SO-4111111111111111",
	} {
		if !looksLikeCard(s) {
			t.Errorf("%q passes", s)
		}
	}
}

func TestWhatOnlyHasManyDigitsIsNoCardNumber(t *testing.T) {
	for _, s := range []string{
		"PAY-0000000042", "1234567890123452", "20260515-0001-000123456", "00004111111111111111", "41111111111111110000",
		"41111111-1111-1111-9111-111111111111", "5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10", "a4111111111111111b1", "41111111a11111111", "41-1111111-1111111", "4111 1111 1111 a1111", "4111 1111 1111b 1111",
		"+56 9 1234 5678", "12.345.678-5", "2026-05-15T09:00:00.123456789Z", "", "1778841600000",
	} {
		if looksLikeCard(s) {
			t.Errorf("%q is refused", s)
		}
	}
}

func TestCardDataAnywhereInATaskIsRefusedAndNotRepeated(t *testing.T) {
	const pan = "4111111111111111"
	places := []struct{ says, provider, old, new, path string }{
		{"in the description", "virtualpos", `Devolución OC 1`, `Devolución ` + pan, "description"},
		{"in groups", "virtualpos", `Devolución OC 1`, `Devolución 4111 1111 1111 1111`, "description"},
		{"escaped", "virtualpos", `Devolución OC 1`, `\u0034111111111111111`, "description"},
		{"as the reference", "virtualpos", `tef-0001`, pan, "merchant_id"},
		{"in the reference", "pagoseguro", `SO0001`, `SO` + pan, "txnid"},
		{"as a name", "virtualpos", `Ana Soto`, pan, "recipient.name"},
		{"as a type of account", "etpay-payout", `vista`, pan, "bank.account_type"},
		{"as a bank", "etpay-payout", `cl_estado`, pan, "bank.code"},
		{"as a document", "pagoseguro", `"100000000"`, `"` + pan + `"`, "customer.document"},
		{"as a phone", "pagoseguro", `3100000000`, pan, "customer.phone"},
		{"as a token", "pagoseguro", `eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=`, pan, "card.token"},
		{"as an agreement", "pagandocheck", `CONTRATO-000812`, pan, "agreement"},
		{"in metadata", "virtualpos", `"currency"`, `"metadata":{"order":"x ` + pan + `"},"currency"`, "metadata.order"},
		{"as a name in metadata", "virtualpos", `"currency"`, `"metadata":{"` + pan + `":"x"},"currency"`, "metadata.?"},
		{"in a text for the payer", "etpay", `30215`, pan, "details.metadata[0].value"},
		{"as a number in an unknown field", "etpay", `"currency"`, `"x":[{"y":` + pan + `}],"currency"`, "x[0].y"},
		{"as the name of an unknown field", "etpay", `"currency"`, `"` + pan + `":1,"currency"`, "?"},
		{"as an instruction", "coordinador", `3456789`, pan, "details.instruction"},
		{"as a type", "virtualpos", `"payout"`, `"` + pan + `"`, "type"},
		{"as a provider", "virtualpos", `"virtualpos"`, `"` + pan + `"`, "provider"},
		{"as a currency", "virtualpos", `"CLP"`, `"` + pan + `"`, "currency"},
		{"a security code by its name", "pagoseguro", `"brand"`, `"cvv":"123","brand"`, "card.cvv"},
		{"a security code as a number", "pagoseguro", `"brand"`, `"CVC2":123,"brand"`, "card.CVC2"},
		{"a security code in metadata", "virtualpos", `"currency"`, `"metadata":{"Security-Code":"123"},"currency"`, "metadata.Security-Code"},
		{"a security code within a text", "virtualpos", `Devolución OC 1`, `Pago, CVV: 987`, "description"},
		{"a security code for the payer to see", "etpay", `"name":"Cuenta"`, `"name":"cvv"`, "details.metadata[0].name"},
		{"a field for the card number", "pagoseguro", `"brand"`, `"card_number":"tok","brand"`, "card.card_number"},
		{"a field named pan", "pagoseguro", `"brand"`, `"PAN":"tok","brand"`, "card.PAN"},
		{"a field named pin", "pagandocheck", `"agreement"`, `"pin":"","agreement"`, "pin"},
	}
	for _, row := range places {
		t.Run(row.says, func(t *testing.T) {
			_, err := Decode(example(t, row.provider, row.old, row.new))
			if err == nil || err.Error() != row.path+": "+noCards {
				t.Errorf("got %v, want %s", err, row.path)
			}
		})
	}
}

func TestAccountNumbersAndAmountsMayPassTheCheckDigitByChance(t *testing.T) {
	must(t, example(t, "virtualpos", `"account_number":"12345678"`, `"account_number":"4111111111111111"`))
	must(t, example(t, "etpay-payout", `"account_number":"12345678"`, `"account_number":"4111111111111111"`))
	must(t, example(t, "coordinador", `"119000"`, `"4222222222222"`))
	if _, err := Decode(example(t, "virtualpos", `"bank":`, `"bank.account_number":"4111111111111111","bank":`)); err == nil {
		t.Error("the exemption holds outside of bank")
	}
}

// The values that must not turn up where a task is printed.
var canaries = []string{"canary-token", "canary-antifraud", "12345678-5", "87654321", "Canary"}

func TestNothingOfAPaymentIsPrinted(t *testing.T) {
	payout := must(t, example(t, "virtualpos", `"account_number":"12345678"`, `"account_number":"87654321"`, `Ana Soto`, `Canary`))
	charge := must(t, example(t, "pagandocheck", `cd_example-000001`, `canary-token`, `,"agreement"`, `,"details":{"antifraud_token":"canary-antifraud"},"agreement"`))
	card := Card{Token: "canary-token"}
	domain, _ := charge.Charge()
	for _, v := range []any{payout, *payout.payout, payout.payout, charge, *charge.charge, charge.charge, card, card.Token, &card, domain.Card} {
		var log bytes.Buffer
		logger := zerolog.New(&log)
		if _, plain := v.(Card); !plain && v != any(&card) {
			logger.Info().Interface("v", v).Send()
		}
		logger.Info().Any("token", card.Token).Object("o", card.Token).Stringer("s", card.Token).Send()
		out := fmt.Sprintf("%v %+v %#v %s", v, v, v, v) + log.String()
		for _, canary := range canaries {
			if strings.Contains(out, canary) {
				t.Errorf("%T prints %s: %s", v, canary, out)
			}
		}
	}
	if got := fmt.Sprintf("%#v %v %+v", payout, charge, payout.payout); got != "payout virtualpos/tef-0001 charge pagandocheck/PAY-0000000042 payout virtualpos/tef-0001" {
		t.Errorf("tasks print as %s", got)
	}
	if text, err := json.Marshal(card); err != nil || !strings.Contains(string(text), "canary-token") {
		t.Errorf("the token does not travel: %s", text)
	}
}
