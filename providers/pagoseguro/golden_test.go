package pagoseguro_test

import (
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/providertest"
)

var golden = providertest.Golden{
	"login": "83e54f2baa4af035", "charge": "9e0647c2f8051827", "charge-whole": "0a0b2b04855b9241", "card": "2e8dc9c7b5e3df0a",
}

func TestRequestsOnTheWire(t *testing.T) {
	t.Parallel()
	whole := charge(t, "PAY0000000042")
	whole.Amount, whole.Customer.BillingEmail = providertest.Amount(t, "32900.00", "COP"), "pagos@example.com"
	pay := func(p providers.Charge) func(c *pagoseguro.Client) {
		return func(c *pagoseguro.Client) { _, _ = c.Charge(t.Context(), p, providers.Attempt{}) }
	}
	for name, send := range map[string]func(c *pagoseguro.Client){
		"login":        func(c *pagoseguro.Client) { _ = c.Prepare(t.Context()) },
		"charge":       pay(charge(t, "SO0001")),
		"charge-whole": pay(whole),
		"card":         func(c *pagoseguro.Client) { _, _ = c.Tokenize(t.Context(), "4000000000000002", "012") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verify(t, name, record(t, name, send))
		})
	}
}

// record is the bytes of the last request that came over the wire.
func record(t *testing.T, name string, send func(c *pagoseguro.Client)) string {
	t.Helper()
	server := providertest.Record(t, func(r *http.Request) (int, string) {
		if strings.HasSuffix(r.URL.Path, "/accountlogin") {
			return http.StatusOK, `{"success":true,"data":{"access_token":"header.payload.signature","expires_in":3600},"status_code":200}`
		}
		return http.StatusOK, ""
	})
	c := config(server.URL + "/prefix/")
	c.APIKey = "ps_test_këy&<1>"
	send(newClient(t, c))
	want := 2
	if name == "login" {
		want = 1
	}
	requests := server.Requests()
	if len(requests) != want {
		t.Fatalf("%d requests arrived, want %d", len(requests), want)
	}
	return requests[want-1]
}

// verify checks a request against its file, and without any code of the adapter: the hash over the
// very texts that the body has.
func verify(t *testing.T, name, request string) {
	t.Helper()
	golden.Compare(t, name, request)
	if bearer := strings.Contains(request, "\nAuthorization: Bearer header.payload.signature\n"); bearer != (name != "login") {
		t.Errorf("a bearer token: %t", bearer)
	}
	if strings.HasPrefix(name, "charge") {
		verifyHash(t, name, request)
	}
}

func verifyHash(t *testing.T, name, request string) {
	t.Helper()
	_, body, _ := strings.Cut(request, "\n\n")
	var sent map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &sent); err != nil || len(sent) != 20 {
		t.Fatalf("%d fields, %v", len(sent), err)
	}
	text := func(field string) string {
		var s string
		if json.Unmarshal(sent[field], &s) != nil {
			return string(sent[field])
		}
		return s
	}
	if billing := map[string]string{"charge": "ana@example.com", "charge-whole": "pagos@example.com"}[name]; text("billingEmail") != billing {
		t.Errorf("the bill goes to %s, want %s", sent["billingEmail"], billing)
	}
	amount := map[string]string{"charge": "32900.5", "charge-whole": "32900"}[name]
	if text("amount") != amount {
		t.Errorf("the amount is %s, want %s", sent["amount"], amount)
	}
	line := text("key") + "|" + text("txnid") + "|" + amount + "|" + text("productinfo") + "|" + text("firstname") + "|" + text("email") +
		"|/payment/process||||||||||" + "ps_test_këy&<1>"
	if strings.Count(line, "|") != 16 {
		t.Fatalf("%d separators", strings.Count(line, "|"))
	}
	sum := sha512.Sum512([]byte(line))
	if text("hash") != hex.EncodeToString(sum[:]) {
		t.Error("the hash is not SHA-512 over the body's own texts")
	}
}
