package etpay

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// etpayShop is a client of the simulated ETpay, with every part of a request open to be spoiled.
type sessionFixture struct {
	t *testing.T
	s *sandbox.Provider
}

func newSessionFixture(t *testing.T, o Options) sessionFixture {
	t.Helper()
	return sessionFixture{t, New(o, sandbox.Options{})}
}

const etpayMerchant = `"merchant_code":"cl_sandbox_cl","merchant_api_token":"sandbox-merchant-api-token"`

func etpayOrderOf(reference string) string {
	return fmt.Sprintf(`{%s,"merchant_order_id":%q,"order_amount":50000}`, etpayMerchant, reference)
}

func etpayStatusRequestOf(reference string) string {
	return fmt.Sprintf(`{%s,"merchant_order_id":%q}`, etpayMerchant, reference)
}

func (e sessionFixture) call(path, kind, body string) (int, string) {
	e.t.Helper()
	r := httptest.NewRequestWithContext(e.t.Context(), "POST", "/etpay"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	e.s.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func (e sessionFixture) open(body string) (int, string) {
	e.t.Helper()
	code, text := e.call("/session/initialize", "application/json", body)
	var response struct{ Token, Code string }
	_ = json.Unmarshal([]byte(text), &response)
	return code, response.Token + response.Code
}

func (e sessionFixture) status(body string) string {
	e.t.Helper()
	_, text := e.call("/merchant/check_payment_status", "application/json", body)
	return text
}

func (e sessionFixture) pay(token, result string) (int, string) {
	e.t.Helper()
	return e.call("/session/"+token, "application/x-www-form-urlencoded", "result="+result)
}

func TestETpayIsStrict(t *testing.T) {
	t.Parallel()
	e := newSessionFixture(t, Options{})
	good := etpayOrderOf("OC1")
	with := func(more string) string { return strings.TrimSuffix(good, "}") + "," + more + "}" }
	for _, row := range []struct {
		name, body string
		status     int
		response   string
	}{
		{"an order", good, 200, "ses_000001"},
		{"the same again: another session", good, 200, "ses_000002"},
		{
			"an order with everything", with(`"customer_email":"a@b.cl","metadata":[{"name":"a","value":"b","show":true}],"user_bank_code":"cl_estado",` +
				`"user_rut":"12345678K","is_rut_block":true,"payment_webhook_url":"https://example.cl/x"`), 200, "ses_000003",
		},
		{"an unknown field", with(`"currency":"CLP"`), 400, "invalid_request"},
		{"an amount as text", strings.Replace(good, "50000", `"50000"`, 1), 400, "invalid_request"},
		{"an amount with cents", strings.Replace(good, "50000", "50000.0", 1), 400, "invalid_request"},
		{"the order id of the provider's own example", strings.Replace(good, "OC1", "OC-700104", 1), 200, "ses_000004"},
		{"an order id that begins with a dash", strings.Replace(good, "OC1", "-OC1", 1), 400, "invalid_request"},
		{"a way back that is no URL", with(`"payment_completed_url":"x"`), 400, "invalid_request"},
		{"no order id", strings.Replace(good, "OC1", "", 1), 400, "invalid_request"},
		{"a RUT with a dash", with(`"user_rut":"12345678-5"`), 400, "invalid_request"},
		{"a RUT in block, and no RUT", with(`"is_rut_block":true`), 400, "invalid_request"},
		{"an unknown bank", with(`"user_bank_code":"cl_luna"`), 400, "invalid_request"},
		{"metadata that is an object", with(`"metadata":{"a":"b"}`), 400, "invalid_request"},
		{"metadata without show", with(`"metadata":[{"name":"a","value":"b"}]`), 400, "invalid_request"},
		{"a webhook that is no URL", with(`"payment_webhook_url":"x"`), 400, "invalid_request"},
		{"another merchant", strings.Replace(good, "cl_sandbox_cl", "cl_other_cl", 1), 401, "unauthorized"},
		{"another token", strings.Replace(good, "sandbox-merchant-api-token", "x", 1), 401, "unauthorized"},
		{"no JSON", "x", 401, "unauthorized"},
	} {
		if code, response := e.open(row.body); code != row.status || response != row.response {
			t.Errorf("%s: %d %s, want %d %s", row.name, code, response, row.status, row.response)
		}
	}
	if n := len(e.s.Executions()); n != 0 {
		t.Errorf("opening sessions moved money %d times", n)
	}
}

func TestETpaysPayers(t *testing.T) {
	t.Parallel()
	e := newSessionFixture(t, Options{})
	e.open(etpayOrderOf("OC1"))
	e.open(etpayOrderOf("OC1"))
	e.open(etpayOrderOf("OC2"))
	steps := []struct{ token, result, want string }{
		{"", "", `[]`},
		{"ses_000001", "error", `[{"payment_status":"error","payment_token":"etp_000001"}]`},
		{"ses_000003", "success", `[{"payment_status":"error","payment_token":"etp_000001"}]`},
		{"ses_000001", "success", `[{"payment_status":"error","payment_token":"etp_000001"},{"payment_status":"success","payment_token":"etp_000003"}]`},
		{
			"ses_000002", "success", `[{"payment_status":"error","payment_token":"etp_000001"},{"payment_status":"success","payment_token":"etp_000003"},` +
				`{"payment_status":"success","payment_token":"etp_000004"}]`,
		},
	}
	for i, step := range steps {
		if step.token != "" {
			if code, text := e.pay(step.token, step.result); code != 200 || !strings.Contains(text, `"payment":"ey`) {
				t.Fatalf("step %d: the payer was answered %d %s", i, code, text)
			}
		}
		if got := e.status(etpayStatusRequestOf("OC1")); got != step.want {
			t.Errorf("step %d: the answer is\n%s\nwant\n%s", i, got, step.want)
		}
	}
	if n := e.s.ExecutionCount("OC1"); n != 2 {
		t.Errorf("money moved %d times", n)
	}
	byPayment := fmt.Sprintf(`{%s,"payment_token":"etp_000002"}`, etpayMerchant)
	if got := e.status(byPayment); got != `[{"payment_status":"success","payment_token":"etp_000002"}]` {
		t.Errorf("asked by payment: %s", got)
	}
	bySession := fmt.Sprintf(`{%s,"session_token":"ses_000002"}`, etpayMerchant)
	if got := e.status(bySession); got != `[{"payment_status":"success","payment_token":"etp_000004"}]` {
		t.Errorf("asked by session: %s", got)
	}
	if got := e.status("{" + etpayMerchant + "}"); !strings.Contains(got, "no filter") {
		t.Errorf("asked by nothing: %s", got)
	}
	if code, _ := e.pay("ses_000009", "success"); code != http.StatusNotFound {
		t.Errorf("an unknown session was answered %d", code)
	}
	if code, _ := e.pay("ses_000001", "maybe"); code != http.StatusBadRequest {
		t.Errorf("an unknown result was answered %d", code)
	}
}

func TestNobodyPaysInASessionWhoseTokenNobodyHas(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"hang_up_after", "late", "delayed", "cut_json_after", "bad_gateway_after"} {
		e := newSessionFixture(t, Options{})
		if err := e.s.AddFaults(sandbox.Fault{Kind: kind}); err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() { _ = recover() }() // a hang-up is a panic that net/http would catch
			e.open(etpayOrderOf("OC1"))
		}()
		for range 2 {
			if got := e.status(etpayStatusRequestOf("OC1")); got != "[]" {
				t.Errorf("%s: %s", kind, got)
			}
		}
	}
}

func TestETpayTellsWebhooksOnThisMachineOnly(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{"127.0.0.1": true, "::1": true, "localhost": true, "10.0.0.1": false, "example.cl": false, "": false} {
		if got := onThisMachine(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}

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
