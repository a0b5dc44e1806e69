package etpay

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// etpayAPI is a client of the simulated payouts API, with every part of a request open to be
// spoiled.
type payoutFixture struct {
	t     *testing.T
	s     *sandbox.Provider
	token string
}

const etpayLogin = `{"username":"ops@example.cl","password":"sandbox-password","merchant":{"code":"cl_sandbox_cl","api_token":"sandbox-merchant-api-token"}}`

const etpayPayoutBody = `{"merchant_order_id":"PO1","amount":12500,"currency":"CLP","description":"Retiro","account":{"rut":"123456785","name":"Ana Soto",` +
	`"email":"ana@example.cl","bank_code":"cl_estado","type":"vista","number":"12345678"}}`

func newPayoutFixture(t *testing.T, o sandbox.Options) *payoutFixture {
	t.Helper()
	a := &payoutFixture{t: t, s: New(Options{}, o)}
	status, text := a.call("POST", "/v1/auth/login", etpayLogin)
	var response struct{ Token string }
	if err := json.Unmarshal([]byte(text), &response); err != nil || status != 200 || response.Token == "" {
		t.Fatalf("the login was answered %d %s", status, text)
	}
	a.token = response.Token
	return a
}

func (a *payoutFixture) call(method, path, body string) (int, string) {
	a.t.Helper()
	r := httptest.NewRequestWithContext(a.t.Context(), method, "/etpay"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+a.token)
	w := httptest.NewRecorder()
	a.s.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestETpayPayoutsAreStrict(t *testing.T) {
	t.Parallel()
	a := newPayoutFixture(t, sandbox.Options{})
	for _, row := range []struct{ name, old, now, response string }{
		{"a reference that begins with a dash", "PO1", "-PO1", "merchant_order_id"},
		{"an amount as a text", "12500", `"12500"`, "amount"},
		{"no amount", "12500", "0", "amount"},
		{"another currency", "CLP", "MXN", "currency"},
		{"a document with a dash", "123456785", "12345678-5", "account.rut"},
		{"a document with a small k", "123456785", "12345678k", "account.rut"},
		{"no name", "Ana Soto", "", "name missing"},
		{"an empty e-mail address", "ana@example.cl", "", "email empty"},
		{"an unknown bank", "cl_estado", "012", "bank_code"},
		{"no bank", "cl_estado", "", "bank_code"},
		{"another type of account", "vista", "checking", "account.type"},
		{"an account with a dash", `"12345678"`, `"1234-5678"`, "account.number"},
		{"an unknown field", `"currency"`, `"x":1,"currency"`, "unknown field"},
		{"a field inside of an unknown name", `"rut"`, `"document"`, "unknown field"},
		{"two values", `"12345678"}}`, `"12345678"}}{}`, "unknown field"},
	} {
		if !strings.Contains(etpayPayoutBody, row.old) {
			t.Fatalf("%s: nothing to replace", row.name)
		}
		status, text := a.call("POST", "/v1/payouts", strings.Replace(etpayPayoutBody, row.old, row.now, 1))
		if status != http.StatusBadRequest || !strings.Contains(text, row.response) {
			t.Errorf("%s: answered %d %s", row.name, status, text)
		}
	}
	if n := len(a.s.Executions()); n != 0 {
		t.Errorf("money moved %d times", n)
	}
}

func TestETpayLoginsAreStrict(t *testing.T) {
	t.Parallel()
	a := newPayoutFixture(t, sandbox.Options{})
	for _, row := range []struct {
		name, old, now string
		status         int
	}{
		{"another user", "ops@", "eve@", 401},
		{"another password", "sandbox-password", "x", 401},
		{"another merchant", "cl_sandbox_cl", "cl_other_cl", 401},
		{"another merchant's token", "sandbox-merchant-api-token", "x", 401},
		{"an unknown field", `"username"`, `"x":1,"username"`, 400},
	} {
		if status, text := a.call("POST", "/v1/auth/login", strings.Replace(etpayLogin, row.old, row.now, 1)); status != row.status {
			t.Errorf("%s: answered %d %s", row.name, status, text)
		}
	}
	if n := a.s.Logins(); n != 6 {
		t.Errorf("%d logins were counted", n)
	}
}

func TestETpayPayoutsNeedATokenThatLives(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 15, 12, 0, 0, 0, time.UTC)
	a := newPayoutFixture(t, sandbox.Options{Now: func() time.Time { return at }})
	good := a.token
	calls := map[string]func() int{
		"create": func() int { status, _ := a.call("POST", "/v1/payouts", etpayPayoutBody); return status },
		"list":   func() int { status, _ := a.call("GET", "/v1/payouts?from=2026-05-14&to=2026-05-16", ""); return status },
		"show":   func() int { status, _ := a.call("GET", "/v1/payouts/etp_000001", ""); return status },
	}
	for _, name := range []string{"create", "list", "show"} {
		a.token = "x"
		if status := calls[name](); status != 401 {
			t.Errorf("%s with another token: %d", name, status)
		}
		a.token = good
		if status := calls[name](); status/100 != 2 {
			t.Errorf("%s: %d", name, status)
		}
	}
	at = at.Add(time.Hour)
	for name, call := range calls {
		if status := call(); status != 401 {
			t.Errorf("%s after the token's end: %d", name, status)
		}
	}
}

func TestETpayBooksPayoutsAndListsThemByTheirDay(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 15, 2, 30, 0, 0, time.UTC) // the evening of the 14th in Santiago
	a := newPayoutFixture(t, sandbox.Options{Now: func() time.Time { return at }})
	for range 2 {
		if status, text := a.call("POST", "/v1/payouts", etpayPayoutBody); status != 201 || !strings.Contains(text, `"status":"processing"`) {
			t.Fatalf("answered %d %s", status, text)
		}
	}
	book := a.s.Executions()
	if len(book) != 2 || book[0].Reference != "PO1" || book[0].Amount != "12500" || book[0].Beneficiary != "123456785 cl_estado vista 12345678" {
		t.Errorf("the book has %+v", book)
	}
	for query, want := range map[string]int{
		"from=2026-05-14&to=2026-05-14": 2, "from=2026-05-15&to=2026-05-15": 0, "from=2026-05-01&to=2026-05-31": 2,
		"from=2026-05-15&to=2026-05-14": -1, "from=2026-05-14": -1, "from=x&to=y": -1, "from=2026-05-14&to=2026-05-14&page=1": -1,
	} {
		status, text := a.call("GET", "/v1/payouts?"+query, "")
		if got := strings.Count(text, `"paid"`); want >= 0 && (status != 200 || got != want) || want < 0 && status != 400 {
			t.Errorf("%s: answered %d %s", query, status, text)
		}
	}
	if status, text := a.call("GET", "/v1/payouts/etp_000002", ""); status != 200 || !strings.Contains(text, `"id":"etp_000002"`) {
		t.Errorf("answered %d %s", status, text)
	}
	if status, _ := a.call("GET", "/v1/payouts/PO1", ""); status != 404 {
		t.Errorf("our own reference was answered %d", status)
	}
	a.s.Reset()
	if _, text := a.call("GET", "/v1/payouts?from=2026-05-01&to=2026-05-31", ""); text != "[]" {
		t.Errorf("after its end the book lists %s", text)
	}
}
