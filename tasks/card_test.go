package tasks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

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
		{"before other digits", "virtualpos", `Devolución OC 1`, pan + `1229`, "description"},
		{"in metadata, with an x between the groups", "virtualpos", `"currency"`, `"metadata":{"order":"4111x1111x1111x1111"},"currency"`, "metadata.order"},
		{"as a token, before other digits", "pagandocheck", `cd_example-000001`, pan + `123`, "card.token"},
		{"behind the second", "virtualpos", `"currency"`, `"not_before":"2026-05-15T09:00:00.` + pan + `Z","currency"`, "not_before"},
		{"percent-encoded", "pagoseguro", `Suscripción Canal`, `4111%201111%201111%201111`, "description"},
		{"a security code in Spanish", "virtualpos", `Devolución OC 1`, `código de seguridad 123`, "description"},
		{"a security code in a sentence", "pagandocheck", `CONTRATO-000812`, `cvv es 123`, "agreement"},
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

// Fields of a form of their own may have digits that pass by chance.
func TestTimesIDsAndAccountNumbersAreNoCardData(t *testing.T) {
	for _, row := range []struct{ provider, old, new string }{
		{"virtualpos", `"currency"`, `"not_before":"2026-05-15T09:45:41.111111117Z","currency"`},
		{"virtualpos", `"currency"`, `"deadline":"2026-05-15T09:45:41.111111117-04:00","currency"`},
		{"virtualpos", `tef-0001`, `00004111111111111111`},
		{"pagandocheck", `PAY-0000000042`, `41111111111111110000`},
		{"pagandocheck", `PAY-0000000042`, `41111111-1111-1111-9111-111111111111`},
		{"pagandocheck", `CONTRATO-000812`, `00004111111111111111`},
		{"virtualpos", `"account_number":"12345678"`, `"account_number":"002010077777777771"`},
		{"virtualpos", `"currency"`, `"metadata":{"uuid":"41111111-1111-1111-9111-111111111111","clabe":"002010077777777771"},"currency"`},
		{"virtualpos", `"currency"`, `"metadata":{"at":"2026-05-15T09:45:41.111111117Z","ns":"1778841600411111111"},"currency"`},
		{"virtualpos", `"currency"`, `"metadata":{"sum":"abcd4111111111111111abcd41111111","rut":"12.345.678-5","phone":"3100000000"},"currency"`},
	} {
		must(t, example(t, row.provider, row.old, row.new))
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
