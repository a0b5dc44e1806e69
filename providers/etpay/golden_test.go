package etpay_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The hash of each golden file stands here too, so that a file cannot be regenerated without
// anybody's noticing.
var golden = map[string]string{
	"initialize":       "28aa76172855eece",
	"initialize-whole": "7b0bb0463bdf4687",
	"initialize-least": "23e051a1aa1bd677",
	"status":           "8813a1be53763376",
	"payout-login":     "b01c2fed22c9590f",
	"payout-create":    "085c667c563bf130",
	"payout-status":    "896c96a0c69ff99d",
	"payout-range":     "bab1bff210630226",
}

// bodies stand here as well, as the provider describes them.
var bodies = map[string]string{
	"initialize": `{"merchant_code":"cl_test_co","merchant_api_token":"tok&<1>","merchant_order_id":"OC700104","order_amount":50000,` +
		`"customer_email":"ana@example.cl","metadata":[{"name":"Cuenta <1> & más","value":"30215","show":true},` +
		`{"name":"Interno","value":"x","show":false}],"user_bank_code":"cl_estado","user_rut":"12345678K","is_rut_block":true,` +
		`"payment_webhook_url":"https://example.cl/webhooks/etpay?a=1&b=2"}`,
	"initialize-whole": `{"merchant_code":"cl_test_co","merchant_api_token":"tok&<1>","merchant_order_id":"OC-700104","order_amount":50000,` +
		`"user_rut":"12345678K","is_rut_block":false,"payment_completed_url":"https://tienda.example/ok?a=1&b=2",` +
		`"payment_cancellation_url":"https://tienda.example/no"}`,
	"initialize-least": `{"merchant_code":"cl_test_co","merchant_api_token":"tok&<1>","merchant_order_id":"OC700104","order_amount":50000}`,
	"status":           `{"merchant_code":"cl_test_co","merchant_api_token":"tok&<1>","merchant_order_id":"OC700104"}`,
}

func TestRequestsOnTheWire(t *testing.T) {
	t.Parallel()
	c := charge(t, "OC700104")
	least := c
	least.Details, least.Customer = etpay.Details{}, providers.Customer{}
	whole := c
	whole.Reference, whole.Customer.Email = "OC-700104", ""
	whole.Details = etpay.Details{
		RUTBlock: new(bool), CompletedURL: "https://tienda.example/ok?a=1&b=2", CancellationURL: "https://tienda.example/no",
	}
	for name, send := range map[string]func(t *testing.T, c etpay.Config){
		"initialize": func(t *testing.T, s etpay.Config) {
			s.WebhookURL = "https://example.cl/webhooks/etpay?a=1&b=2"
			_, _ = newClient(t, s).Charge(t.Context(), c, again())
		},
		"initialize-whole": func(t *testing.T, s etpay.Config) { _, _ = newClient(t, s).Charge(t.Context(), whole, again()) },
		"initialize-least": func(t *testing.T, s etpay.Config) { _, _ = newClient(t, s).Charge(t.Context(), least, again()) },
		"status": func(t *testing.T, s etpay.Config) {
			q := providers.Query{Reference: "OC700104", Amount: c.Amount, ProviderID: "pay_1", Charge: &c}
			_, _ = newClient(t, s).Status(t.Context(), q)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := record(t, send)
			compare(t, name, got)
			withoutCredentials(t, name, got)
		})
	}
}

// attempt is one that nothing is kept of.
func attempt() providers.Attempt {
	return providers.Attempt{
		Note:  func(context.Context, map[string]string, bool) error { return nil },
		Alias: func(context.Context, string) error { return nil },
	}
}

// again is an attempt after one that may have been paid: it does not look first.
func again() providers.Attempt {
	a := attempt()
	a.MayHaveLeft = true
	return a
}

var port = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

// record is the bytes of the one request that came over the wire, without the port of the test's
// server.
func record(t *testing.T, send func(t *testing.T, c etpay.Config)) string {
	t.Helper()
	requests := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var head strings.Builder
		_ = r.Header.Write(&head)
		requests <- r.Method + " " + r.RequestURI + " " + r.Proto + "\nHost: " + r.Host + "\n" + strings.ReplaceAll(head.String(), "\r", "") + "\n" + string(body)
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	c := config(server.URL + "/prefix/")
	c.MerchantCode, c.MerchantAPIToken = "cl_test_co", "tok&<1>"
	send(t, c)
	if len(requests) != 1 {
		t.Fatalf("%d requests arrived", len(requests))
	}
	return port.ReplaceAllString(<-requests, "HOST")
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".http")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the request is\n%s\nwant\n%s", got, want)
	}
	sum := sha256.Sum256([]byte(got))
	if hash := hex.EncodeToString(sum[:8]); hash != golden[name] {
		t.Errorf("the request's hash is %s, want %s", hash, golden[name])
	}
}

// withoutCredentials holds that a session's credentials are in the body, and the body is the one
// that was described.
func withoutCredentials(t *testing.T, name, got string) {
	t.Helper()
	head, body, _ := strings.Cut(got, "\n\n")
	if body != bodies[name] {
		t.Errorf("the body is\n%s\nwant\n%s", body, bodies[name])
	}
	if strings.Contains(head, "Authorization") || strings.Contains(head, "tok&") {
		t.Errorf("credentials in the head:\n%s", head)
	}
}
