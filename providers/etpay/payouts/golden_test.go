package payouts_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay/payouts"
	"github.com/remesa/remesa/providers/providertest"
)

var golden = providertest.Golden{
	"login":  "b01c2fed22c9590f",
	"create": "085c667c563bf130",
	"status": "896c96a0c69ff99d",
	"range":  "bab1bff210630226",
}

// described are the request lines and the bodies of what is sent, as their description says.
var described = map[string]struct{ line, body string }{
	"login": {
		"POST /prefix/v1/auth/login HTTP/1.1",
		`{"username":"ops@example.cl","password":"p&<1>","merchant":{"code":"cl_test_co","api_token":"tok&<1>"}}`,
	},
	"create": {
		"POST /prefix/v1/payouts HTTP/1.1",
		`{"merchant_order_id":"PO700104","amount":12500,"currency":"CLP","description":"Retiro <1> & más","account":{"rut":"12345678K",` +
			`"name":"Ana Soto Ñuñoa","email":"ana@example.cl","bank_code":"cl_estado","type":"vista","number":"00123456789"}}`,
	},
	"status": {"GET /prefix/v1/payouts/po%2F1 HTTP/1.1", ""},
	"range":  {"GET /prefix/v1/payouts?from=2026-05-12&to=2026-05-15 HTTP/1.1", ""},
}

// recorded is a client at half past ten in the evening of 14 May in Santiago, which is 15 May in
// UTC.
func recorded(t *testing.T, url string) *payouts.Client {
	t.Helper()
	c := config(url + "/prefix/")
	c.MerchantCode, c.MerchantAPIToken, c.Password = "cl_test_co", "tok&<1>", "p&<1>"
	c.Auth.Now = func() time.Time { return time.Date(2026, 5, 15, 2, 30, 0, 0, time.UTC) }
	return newClient(t, c)
}

func TestRequestsOnTheWire(t *testing.T) {
	t.Parallel()
	server := providertest.Record(t, func(r *http.Request) (int, string) {
		if strings.HasSuffix(r.URL.Path, "/login") {
			return 200, `{"token":"tok-1"}`
		}
		return http.StatusTeapot, ""
	})
	client := recorded(t, server.URL)
	p := payout(t, "PO700104")
	_, _ = client.Pay(t.Context(), p, providertest.Attempt())
	_, _ = client.Status(t.Context(), providers.StatusQuery{Reference: p.Reference, Amount: p.Amount, Payout: &p, ProviderID: "po/1"})
	_, _ = client.Status(t.Context(), providers.StatusQuery{
		Reference: p.Reference, Amount: p.Amount, Payout: &p, ProviderRefs: map[string]string{payouts.FirstAttemptRef: "2026-05-14T03:00:00Z"},
	})
	names := []string{"login", "create", "status", "range"}
	requests := server.Requests()
	if len(requests) != len(names) {
		t.Fatalf("%d requests arrived", len(requests))
	}
	for i, name := range names {
		request := requests[i]
		golden.Compare(t, name, request)
		head, body, _ := strings.Cut(request, "\n\n")
		if want := described[name]; !strings.HasPrefix(head, want.line+"\nHost: HOST\n") || body != want.body {
			t.Errorf("%s is\n%s\nwant\n%s\n%s", name, request, want.line, want.body)
		}
		if carries := strings.Contains(head, "\nAuthorization: Bearer tok-1\n"); carries == (name == "login") {
			t.Errorf("%s carries a token: %t", name, carries)
		}
		if strings.Contains(head, "tok&") || strings.Contains(head, "Idempotency") {
			t.Errorf("%s has in its head\n%s", name, head)
		}
	}
}
