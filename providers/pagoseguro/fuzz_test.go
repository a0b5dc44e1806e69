package pagoseguro

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

func seeds(f *testing.F) {
	f.Helper()
	providertest.Seed(f, []int{200, 201, 302, 400, 401, 404, 422, 429, 500, 502},
		paidBody, ended, page, "", "null", "[]", dataWith(`"Rechazado"`), no(500, `"Rechazo General"`), no(400, `{"email":["x"]}`),
		no(400, `"Referencia duplicada"`), `{"success":true,"data":{"access_token":"abc","expires_in":3600},"status_code":200}`,
		`{"success":true,"data":"ZXhhbXBsZQ==","status_code":200}`)
}

// Garbage never succeeds and never refuses: that needs a whole envelope with the words that mean
// it, under the right HTTP status. No part of an envelope decides.
func FuzzCharged(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o, err := mapCharge(wire.Reply{Status: status, Body: body}, nil, with)
		providertest.Sane(t, o, err)
		if o.Class == providers.NotFound || o.Class == providers.Mismatch || o.Class == providers.Pending {
			t.Errorf("a charge yielded %s", o.Class)
		}
		if err == nil && o.Class != providers.InDoubt {
			means(t, status, body, o)
		}
	})
}

// means reads the envelope once more, in another way.
func means(t *testing.T, status int, body []byte, o providers.Outcome) {
	t.Helper()
	var e map[string]any
	if json.Unmarshal(body, &e) != nil {
		t.Fatalf("%s from what is no JSON object", o.Class)
	}
	yes, code := e["success"] == true, e["status_code"]
	data, _ := e["data"].(map[string]any)
	message, _ := e["message"].(string)
	switch {
	case o.Class == providers.Succeeded && yes && code == 200.0 && data["status"] == "Aprobado" && status/100 == 2:
	case o.Class == providers.Refused && yes && code == 200.0 && data["status"] == "Rechazado" && status/100 == 2:
	case o.Class == providers.Refused && !yes && code == 500.0 && strings.HasPrefix(message, "Rechaz") && (status == 200 || status == 500):
	case (o.Class == providers.Refused || o.Class == providers.Duplicate) && !yes && (code == 400.0 || code == 404.0 || code == 422.0) && (status == 200 || code == float64(status)):
	default:
		t.Errorf("HTTP %d yielded %s", status, o.Class)
	}
	for _, cut := range providertest.Beginnings(body) {
		if o, err := mapCharge(wire.Reply{Status: status, Body: cut}, nil, with); err == nil && o.Class != providers.InDoubt {
			t.Errorf("a beginning of the answer yielded %s", o.Class)
		}
	}
}

func FuzzLoggedIn(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		token, err := mapLogin(wire.Reply{Status: status, Body: body}, nil, with.now)
		if (err == nil) == (token.Value == "") {
			t.Fatalf("token %t with error %v", token.Value != "", err)
		}
		if err == nil && (status/100 != 2 || !json.Valid(body) || strings.ContainsAny(token.Value.Reveal(), "\r\n ")) {
			t.Errorf("HTTP %d yielded a token", status)
		}
	})
}

func FuzzTokenized(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		card, err := mapTokenization(wire.Reply{Status: status, Body: body}, nil, with, "4000000000000000", "123")
		if (err == nil) == (card == "") {
			t.Fatalf("card %t with error %v", card != "", err)
		}
		if err != nil && strings.Contains(err.Error(), "4000000000000000") {
			t.Error("the error repeats the card's number")
		}
		if err == nil && (status/100 != 2 || !json.Valid(body)) {
			t.Errorf("HTTP %d yielded a card", status)
		}
	})
}
