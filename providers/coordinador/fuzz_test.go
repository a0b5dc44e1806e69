package coordinador

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

func seeds(f *testing.F) {
	f.Helper()
	providertest.Seed(f, []int{200, 201, 400, 401, 403, 404, 422, 429, 502},
		cleanBody, wrongBody, loginPage, "", "null", "[]", pageOf("", 0), pageOf(oneRow, 1), pageOf(oneRow+","+oneRow, 2),
		`{"errors":[{"code":"x"}]}`, `{"result":{"id":1},"errors":["x"]}`, `{"access":"a.b.c"}`)
}

// Garbage is never accepted and never refused: either needs a whole JSON object with errors that
// are a list, under the right HTTP status; and every beginning of such a response is in doubt. No
// response to a registration is a success by itself.
func FuzzRegistered(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		o, err := mapRegistration(r, nil, providertest.Now, nil)
		providertest.Sane(t, o, err)
		switch {
		case err != nil:
			if status != 401 && status != 429 {
				t.Errorf("HTTP %d proves that nothing was done: %v", status, err)
			}
			return
		case o.Class == providers.InDoubt:
			return
		case o.Class != providers.Pending && o.Class != providers.Refused:
			t.Errorf("a registration came to %s", o.Class)
		case o.Class == providers.Pending && status != 200, status != 200 && status/100 != 4:
			t.Errorf("HTTP %d came to %s", status, o.Class)
		}
		var envelope map[string]any
		_ = json.Unmarshal(body, &envelope)
		if all, ok := envelope["errors"].([]any); !ok || (len(all) > 0) != (o.Class == providers.Refused) {
			t.Errorf("%s from errors %v", o.Class, envelope["errors"])
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, err := mapRegistration(wire.Reply{Status: status, Body: cut}, nil, providertest.Now, nil); err == nil && o.Class != providers.InDoubt {
				t.Errorf("a beginning of the answer came to %s", o.Class)
			}
		}
	})
}

// Garbage is no response: whatever is found, or not, needs a whole JSON object that counts its
// results, and HTTP 200.
func FuzzAsked(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o, err := mapBoth(wire.Reply{Status: status, Body: body}, nil)
		providertest.Sane(t, o, err)
		if err != nil {
			return
		}
		var page map[string]any
		_ = json.Unmarshal(body, &page)
		results, ok := page["results"].([]any)
		if status != 200 || !ok || page["count"] == nil {
			t.Fatalf("HTTP %d came to %s", status, o.Class)
		}
		if n := len(results); (n == 0) != (o.Class == providers.NotFound) || o.Class == providers.Refused || o.Class == providers.Pending {
			t.Errorf("%d results came to %s", n, o.Class)
		}
		if o.Class == providers.Succeeded && (o.ProviderID == "" || !strings.Contains(string(body), o.ProviderID)) {
			t.Errorf("succeeded as %q", o.ProviderID)
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, err := mapBoth(wire.Reply{Status: status, Body: cut}, nil); err == nil {
				t.Errorf("a beginning of the answer came to %s", o.Class)
			}
		}
	})
}

// A login yields a token that can travel in a header, or an error.
func FuzzGranted(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		token, err := mapLogin(wire.Reply{Status: status, Body: body}, nil, providertest.Now)
		if (err == nil) == (token.Value == "") || err == nil && status != 200 && status != 201 {
			t.Errorf("HTTP %d: %v", status, err)
		}
		if strings.ContainsAny(token.Value.Reveal(), " \r\n\x00") || !utf8.ValidString(token.Value.Reveal()) {
			t.Error("the token cannot travel in a header")
		}
	})
}
