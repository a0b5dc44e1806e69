package pagandocheck

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

func seeds(f *testing.F) {
	f.Helper()
	providertest.Seed(f, []int{200, 201, 400, 401, 402, 404, 429, 502},
		paidBody, flatBody, buyerBody, switchBody, expired, badLogin, orderBody, page, "", "null", "[]", `{"code":72}`,
		failureOf("300"), failureOf("302"), failureOf(`"314"`), infoBody(`"149.50"`, "APPROVED"), infoBody("149.5", ""),
		`{"data":{"token":"tok"}}`, `{"data":"x","code":[],"key":1}`)
}

// Garbage never succeeds and never refuses: such a class needs a whole JSON object, with the words
// that mean it, under the right HTTP status; and every beginning of a response is in doubt.
func FuzzCharged(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		o, err := mapCharge(r, nil, with)
		providertest.Sane(t, o, err)
		switch o.Class {
		case providers.Pending, providers.NotFound, providers.Mismatch:
			t.Errorf("a charge yielded %s", o.Class)
		case providers.Succeeded:
			providertest.ObjectWith(t, body, "72", "success_order")
		case providers.Refused:
			providertest.ObjectWith(t, body, "71", "300", "314", "switch")
		case providers.InDoubt:
			return
		}
		if status/100 != 2 && (o.Class == providers.Succeeded || status/100 != 4) && err == nil {
			t.Errorf("HTTP %d yielded %s", status, o.Class)
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, also := mapCharge(wire.Reply{Status: status, Body: cut}, nil, with); err == nil && also == nil && o.Class != providers.InDoubt {
				t.Errorf("a beginning of the answer yielded %s", o.Class)
			}
		}
	})
}

func FuzzAsked(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		o, err := mapStatus(r, nil, with)
		providertest.Sane(t, o, err)
		switch o.Class {
		case providers.Pending, providers.NotFound, providers.Refused:
			t.Errorf("a question yielded %s", o.Class)
		case providers.Succeeded:
			providertest.ObjectWith(t, body, "approved")
			if status/100 != 2 || !strings.Contains(providertest.Unescaped(body), md5hex("secret", o.Echo.Amount, transactionOf(body))) {
				t.Errorf("HTTP %d, an approval that the password does not prove", status)
			}
			if o.Echo.Reference == "" || o.Echo.Amount == "" {
				t.Error("an approval that does not name the payment")
			}
		}
	})
}

func FuzzOrdered(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		m, err := mapOrder(r, nil, with)
		if found := m.id != "" || m.refusal != nil; found == (err != nil) {
			t.Errorf("order %q, refusal %v, error %v", m.id, m.refusal, err)
		}
		if m.id != "" {
			providertest.ObjectWith(t, body, "orderid")
		}
		if m.refusal != nil {
			providertest.Sane(t, *m.refusal, err)
			providertest.ObjectWith(t, body, "300", "314", "4025")
		}
	})
}

func FuzzLoggedIn(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		value, err := mapLogin(wire.Reply{Status: status, Body: body}, nil, with.now)
		if (value == "") == (err == nil) || strings.ContainsAny(value.Reveal(), "\r\n ") {
			t.Errorf("a token of %d characters with error %v", len(value), err)
		}
		if err == nil {
			providertest.ObjectWith(t, body, "token")
		}
	})
}

func transactionOf(body []byte) string {
	a, _ := parse(body)
	return a.info.transaction
}
