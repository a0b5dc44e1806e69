package etpay

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
