package etpay

import (
	"encoding/json"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

// Garbage never opens a session and never refuses: the one needs both tokens in a whole JSON
// object, the other an error in one.
func FuzzOpened(f *testing.F) {
	providertest.Seed(f, []int{200, 201, 400, 401, 404, 409, 422, 429, 502},
		openedBody, badRequest, page, "", "null", "[]", `{"code":7}`, `{"token":"a"}`)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		s, o, err := mapSession(wire.Reply{Status: status, Body: body}, nil, with)
		var fields map[string]any
		whole := json.Unmarshal(body, &fields) == nil
		switch {
		case s != nil && (!whole || fields["token"] != s.token || fields["signature_token"] != s.signature || status != 200 && status != 201):
			t.Errorf("HTTP %d opened %+v", status, *s)
		case s != nil || err != nil:
		case o.Class != providers.Refused || !whole || status < 400 || status > 422:
			t.Errorf("HTTP %d came to %s", status, o.Class)
		}
	})
}

// Garbage never succeeds, and never says that nobody paid: every such response is a whole array of
// payments.
func FuzzAsked(f *testing.F) {
	providertest.Seed(f, []int{200, 400, 401, 429, 502},
		"[]", array(try("p1", "success")), array(try("p1", "success"), try("p2", "success")), array(try("p1", "error")), page, "", "null", badRequest)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o, err := mapStatus(wire.Reply{Status: status, Body: body}, nil, providers.StatusQuery{Reference: "OC1"}, now)
		if err != nil {
			return
		}
		var items []map[string]any
		if json.Unmarshal(body, &items) != nil || status != 200 {
			t.Fatalf("HTTP %d came to %s from what is no array", status, o.Class)
		}
		paid := map[string]bool{}
		for _, item := range items {
			if item["payment_status"] == "success" {
				paid[item["payment_token"].(string)] = true
			}
		}
		switch o.Class {
		case providers.Succeeded:
			if !paid[o.ProviderID] || (len(paid) > 1) != (o.SecondID != "") || o.SecondID != "" && (!paid[o.SecondID] || o.SecondID == o.ProviderID) {
				t.Errorf("%q and %q of %v", o.ProviderID, o.SecondID, paid)
			}
		case providers.Pending:
			if len(paid) > 0 {
				t.Errorf("%v were paid, and it is pending", paid)
			}
		case providers.InDoubt:
		default:
			t.Errorf("came to %s", o.Class)
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, err := mapStatus(wire.Reply{Status: status, Body: cut}, nil, providers.StatusQuery{}, now); err == nil {
				t.Errorf("a beginning of the answer came to %s", o.Class)
			}
		}
	})
}

// Garbage is no message.
func FuzzVerify(f *testing.F) {
	e := Expected{ProviderRefs: map[string]string{SessionTokenRef: "ses-1", SignatureTokenRef: "key-1"}, Reference: "OC1", Now: at(now)}
	for _, token := range []string{"", "a.b.c", forge(hs256, `{"session_token":"ses-1"}`, "other"), forge(`{"alg":"none"}`, `{"session_token":"ses-1"}`, "")} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		_, _ = MessageSession(token)
		if m, err := Verify(token, e); err == nil {
			t.Errorf("%q was taken: %+v", token, m)
		}
	})
}
