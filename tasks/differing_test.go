package tasks

import (
	"testing"

	"github.com/remesa/remesa/idempotency"
)

func TestWhatAnUnreadablePayloadContradicts(t *testing.T) {
	registered := idempotency.Registration{
		Key: idempotency.Key{Provider: "virtualpos", Account: "default", Reference: "p"}, Type: "payout", Amount: "12500", Currency: "CLP",
	}
	for payload, field := range map[string]string{
		"": "", "no JSON": "", `{}`: "", `{"type":7}`: "",
		`{"type":"payout","provider":"virtualpos","merchant_id":"p","amount":"12500","currency":"CLP","more":1}`: "",
		`{"account":"default","amount":"12500"}`: "",
		`{"provider":"etpay"}`:                   "key",
		`{"account":"other"}`:                    "key",
		`{"merchant_id":"q"}`:                    "key",
		`{"txnid":"q"}`:                          "key",
		`{"type":"charge"}`:                      "type",
		`{"currency":"MXN","amount":"12500"}`:    "currency",
		`{"amount":"12501"}`:                     "amount",
		`{"amount":"much"}`:                      "amount",
	} {
		if got := DifferingField([]byte(payload), registered); got != field {
			t.Errorf("%s: %q, want %q", payload, got, field)
		}
	}
}
