package payouts

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

func seed(f *testing.F) {
	f.Helper()
	providertest.Seed(f, []int{200, 201, 202, 400, 401, 403, 404, 409, 422, 429, 502},
		made("pending"), made("paid"), made("rejected"), `{"data":`+made("paid")+`}`, array(made("paid")), `{"data":`+array(made("paid"))+`,"total":1}`,
		"[]", page, "", "null", badRequest, `{"code":"x","message":"already exists"}`, `{"token":"a.b.c"}`, `{"data":{"token":"t"}}`)
}

// Garbage is never accepted and never refused: either needs a whole JSON object under the right
// HTTP status; the one an id and a known word, the other an error and nothing that was made. No
// response to a new payout is a success by itself.
func FuzzCreated(f *testing.F) {
	seed(f)
	with := testContext(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o, err := mapPayout(wire.Reply{Status: status, Body: body}, nil, with)
		if err != nil {
			if status != 401 && status != 403 && status != 429 {
				t.Errorf("HTTP %d proves that nothing was done: %v", status, err)
			}
			return
		}
		var fields map[string]any
		whole := json.Unmarshal(body, &fields) == nil
		switch o.Class {
		case providers.InDoubt:
			return
		case providers.Pending:
			if !whole || status < 200 || status > 202 || o.ProviderID == "" {
				t.Errorf("HTTP %d was accepted as %q", status, o.ProviderID)
			}
		case providers.Refused:
			if !whole || status != 400 && status != 422 || fields["id"] != nil || o.ProviderID != "" {
				t.Errorf("HTTP %d refused %q", status, o.ProviderID)
			}
		case providers.Duplicate:
			if !whole || status != 400 && status != 409 && status != 422 || fields["id"] != nil || o.ProviderID != "" {
				t.Errorf("HTTP %d called %q a duplicate", status, o.ProviderID)
			}
		default:
			t.Errorf("a new payout came to %s", o.Class)
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, err := mapPayout(wire.Reply{Status: status, Body: cut}, nil, with); err == nil && o.Class != providers.InDoubt {
				t.Errorf("a beginning of the answer came to %s", o.Class)
			}
		}
	})
}

// Garbage is no response about a payout: every outcome needs a whole object that repeats id,
// reference and amount.
func FuzzAskedAbout(f *testing.F) {
	seed(f)
	with := testContext(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o, err := mapPayoutStatus(wire.Reply{Status: status, Body: body}, nil, "etp-1", with)
		if err != nil {
			return
		}
		if !json.Valid(body) || status != 200 || o.Class == providers.NotFound {
			t.Fatalf("HTTP %d came to %s", status, o.Class)
		}
		if o.Class == providers.Succeeded && (o.ProviderID != "etp-1" || !with.amount.Is(o.Echo.Amount)) {
			t.Errorf("%+v", o)
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, err := mapPayoutStatus(wire.Reply{Status: status, Body: cut}, nil, "etp-1", with); err == nil {
				t.Errorf("a beginning of the answer came to %s", o.Class)
			}
		}
	})
}

// Garbage is no listing: neither what is found nor what is absent.
func FuzzListed(f *testing.F) {
	seed(f)
	with := testContext(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o, err := mapLookup(t, wire.Reply{Status: status, Body: body}, nil)
		if err != nil {
			return
		}
		if !json.Valid(body) || status != 200 {
			t.Fatalf("HTTP %d came to %s", status, o.Class)
		}
		if o.Class == providers.NotFound && strings.Contains(string(body), `"next"`) && !strings.HasPrefix(strings.TrimSpace(string(body)), "[") {
			t.Error("absent from one page of several")
		}
		if o.Class == providers.Succeeded && (o.ProviderID == "" || o.Echo.Reference != with.reference || !with.amount.Is(o.Echo.Amount)) {
			t.Errorf("%+v", o)
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, err := mapLookup(t, wire.Reply{Status: status, Body: cut}, nil); err == nil {
				t.Errorf("a beginning of the answer came to %s", o.Class)
			}
		}
	})
}

// A login yields a token that can travel in a header, or an error.
func FuzzGranted(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		token, err := mapLogin(wire.Reply{Status: status, Body: body}, nil, now)
		if (err == nil) == (token == "") || err == nil && status != 200 && status != 201 {
			t.Errorf("HTTP %d: %v", status, err)
		}
		if token != "" && !wire.Printable(token.Reveal()) {
			t.Error("the token cannot travel in a header")
		}
	})
}
