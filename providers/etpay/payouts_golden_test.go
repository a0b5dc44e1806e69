package etpay_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay"
)

// payoutGolden names the request lines and the bodies of what is sent for payouts, as their description says.
var payoutGolden = map[string]struct{ line, body string }{
	"payout-login": {
		"POST /prefix/v1/auth/login HTTP/1.1",
		`{"username":"ops@example.cl","password":"p&<1>","merchant":{"code":"cl_test_co","api_token":"tok&<1>"}}`,
	},
	"payout-create": {
		"POST /prefix/v1/payouts HTTP/1.1",
		`{"merchant_order_id":"PO700104","amount":12500,"currency":"CLP","description":"Retiro <1> & más","account":{"rut":"12345678K",` +
			`"name":"Ana Soto Ñuñoa","email":"ana@example.cl","bank_code":"cl_estado","type":"vista","number":"00123456789"}}`,
	},
	"payout-status": {"GET /prefix/v1/payouts/po%2F1 HTTP/1.1", ""},
	"payout-range":  {"GET /prefix/v1/payouts?from=2026-05-12&to=2026-05-15 HTTP/1.1", ""},
}

// api is a scripted payouts API that keeps every request's bytes, without the port of the test's server.
type api struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
}

func newAPI(t *testing.T, answer func(r *http.Request) (int, string)) *api {
	t.Helper()
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var head strings.Builder
		_ = r.Header.Write(&head)
		text := r.Method + " " + r.RequestURI + " " + r.Proto + "\nHost: " + r.Host + "\n" + strings.ReplaceAll(head.String(), "\r", "") + "\n" + string(body)
		a.mu.Lock()
		a.requests = append(a.requests, port.ReplaceAllString(text, "HOST"))
		a.mu.Unlock()
		status, said := answer(r)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, said)
	}))
	t.Cleanup(a.Close)
	return a
}

// client is one at half past ten in the evening of 14 May in Santiago, which is 15 May in UTC.
func (a *api) client(t *testing.T) *etpay.PayoutClient {
	t.Helper()
	c, p := payoutConfig(a.URL + "/prefix/")
	c.MerchantCode, c.MerchantAPIToken, p.Password = "cl_test_co", "tok&<1>", "p&<1>"
	c.Now = func() time.Time { return time.Date(2026, 5, 15, 2, 30, 0, 0, time.UTC) }
	return newPayoutClient(t, c, p)
}

func TestPayoutRequestsOnTheWire(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(r *http.Request) (int, string) {
		if strings.HasSuffix(r.URL.Path, "/login") {
			return 200, `{"token":"tok-1"}`
		}
		return http.StatusTeapot, ""
	})
	client := server.client(t)
	p := payout(t, "PO700104")
	_, _ = client.Pay(t.Context(), p, attempt())
	_, _ = client.Status(t.Context(), providers.Query{Reference: p.Reference, Amount: p.Amount, Payout: &p, ProviderID: "po/1"})
	_, _ = client.Status(t.Context(), providers.Query{
		Reference: p.Reference, Amount: p.Amount, Payout: &p, Handles: map[string]string{etpay.FirstAttempt: "2026-05-14T03:00:00Z"},
	})
	names := []string{"payout-login", "payout-create", "payout-status", "payout-range"}
	if len(server.requests) != len(names) {
		t.Fatalf("%d requests arrived", len(server.requests))
	}
	for i, name := range names {
		request := server.requests[i]
		compare(t, name, request)
		head, body, _ := strings.Cut(request, "\n\n")
		if want := payoutGolden[name]; !strings.HasPrefix(head, want.line+"\nHost: HOST\n") || body != want.body {
			t.Errorf("%s is\n%s\nwant\n%s\n%s", name, request, want.line, want.body)
		}
		if carries := strings.Contains(head, "\nAuthorization: Bearer tok-1\n"); carries == (name == "payout-login") {
			t.Errorf("%s carries a token: %t", name, carries)
		}
		if strings.Contains(head, "tok&") || strings.Contains(head, "Idempotency") {
			t.Errorf("%s has in its head\n%s", name, head)
		}
	}
}
