package pagandocheck

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// pagando is a client of the simulated Pagando Check, with every part of a request open to be
// spoiled.
type fixture struct {
	t     *testing.T
	s     *sandbox.Provider
	token string
	at    time.Time
}

func newFixture(t *testing.T, o Options) *fixture {
	t.Helper()
	p := &fixture{t: t, at: time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)}
	p.s = New(o, sandbox.Options{Now: func() time.Time { return p.at }})
	p.login()
	return p
}

func (p *fixture) login() { p.token = p.text(p.call("POST", "/get-token", pagandoLogin, nil), "token") }

const pagandoLogin = `{"user":"sandbox-user","password":"sandbox-password"}`

func pagandoOrderOf(reference, total string) string {
	sum := md5.Sum([]byte("sandbox-password" + reference + total))
	return fmt.Sprintf(`{"cartId":%q,"total":%q,"orderIdECommerce":%q,"originECommerce":"MAGENTO","paymentToken":%q}`,
		reference, total, reference, hex.EncodeToString(sum[:]))
}

func pagandoChargeOf(reference, orderID string) string {
	return fmt.Sprintf(`{"userId":"u-1","amount":"149.50","cardId":"cd_1","aftToken":"","agreement":"C-1","concept":"%s Plan mensual","orderId":%q}`,
		reference, orderID)
}

// call is the response's body, with the HTTP status under "http".
func (p *fixture) call(method, path, body string, header map[string]string) map[string]any {
	p.t.Helper()
	r := httptest.NewRequestWithContext(p.t.Context(), method, "/pagandocheck/v1/pagando"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+p.token)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	p.s.ServeHTTP(w, r)
	response := map[string]any{}
	d := json.NewDecoder(w.Body)
	d.UseNumber()
	_ = d.Decode(&response)
	response["http"] = w.Code
	return response
}

// text finds a field of the response's data, or of the data inside it.
func (p *fixture) text(response map[string]any, name string) string {
	p.t.Helper()
	data, _ := response["data"].(map[string]any)
	if inner, ok := data["data"].(map[string]any); ok {
		data = inner
	}
	if data[name] == nil {
		return ""
	}
	return fmt.Sprint(data[name])
}

func (p *fixture) order(reference string) string {
	p.t.Helper()
	return p.text(p.call("POST", "/orders/create-ecommerce-order", pagandoOrderOf(reference, "149.50"), nil), "orderId")
}

func (p *fixture) charge(reference, orderID string) map[string]any {
	p.t.Helper()
	return p.call("POST", "/orders/create-order", pagandoChargeOf(reference, orderID), nil)
}

func (p *fixture) info(orderID string) map[string]any {
	p.t.Helper()
	return p.call("GET", "/orders/get-order-info?orderId="+orderID, "", nil)
}

func TestPagandoCheckChargesAnOrder(t *testing.T) {
	t.Parallel()
	p := newFixture(t, Options{})
	id := p.order("pay-1")
	if id == "" || p.s.ExecutionCount("pay-1") != 0 {
		t.Fatalf("order %q, money moved %d times", id, p.s.ExecutionCount("pay-1"))
	}
	before := p.info(id)
	if p.text(before, "cartId") != "pay-1" || p.text(before, "total") != "149.50" || p.text(before, "payResponse") != "" {
		t.Errorf("before the charge: %v", before)
	}
	response := p.charge("pay-1", id)
	if fmt.Sprint(response["code"]) != "72" || response["key"] != "SUCCESS_ORDER" || p.text(response, "folio") == "" || p.text(response, "reference") == "" {
		t.Errorf("the charge: %v", response)
	}
	after := p.info(id)
	sum := md5.Sum([]byte("sandbox-password" + "149.50" + p.text(after, "transactionId")))
	if p.text(after, "payResponse") != "APPROVED" || p.text(after, "paymentToken") != hex.EncodeToString(sum[:]) {
		t.Errorf("after the charge: %v", after)
	}
	e := p.s.Executions()
	if len(e) != 1 || e[0].Reference != "pay-1" || e[0].Amount != "149.50" || e[0].Currency != "MXN" || e[0].Beneficiary != "u-1 cd_1 C-1" {
		t.Errorf("the book says %+v", e)
	}
	p.s.Reset()
	if response := p.info(id); response["key"] != "ORDER_NOT_FOUND" {
		t.Errorf("after a reset: %v", response)
	}
}

func TestPagandoCheckRefusesWhatIsNotExactlyRight(t *testing.T) {
	t.Parallel()
	const order, charge = "/orders/create-ecommerce-order", "/orders/create-order"
	good := map[string]func(id string) string{
		order:  func(string) string { return pagandoOrderOf("pay-1", "149.50") },
		charge: func(id string) string { return pagandoChargeOf("pay-1", id) },
	}
	for _, row := range []struct {
		name, path, from, to string
		header               map[string]string
		code                 string
	}{
		{name: "no scheme before the token", path: charge, header: map[string]string{"Authorization": "pagando-token-000001"}, code: "100"},
		{name: "another token", path: charge, header: map[string]string{"Authorization": "Bearer x"}, code: "100"},
		{name: "another token for an order", path: order, header: map[string]string{"Authorization": "Bearer x"}, code: "100"},
		{name: "a form", path: charge, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, code: "310"},
		{name: "an idempotency key", path: charge, header: map[string]string{"Idempotency-Key": "1"}, code: "310"},
		{name: "a pin", path: charge, from: `"agreement"`, to: `"pin":"123","agreement"`, code: "310"},
		{name: "no agreement", path: charge, from: `"agreement":"C-1",`, code: "310"},
		{name: "no antifraud token", path: charge, from: `"aftToken":"",`, code: "310"},
		{name: "an amount as a number", path: charge, from: `"149.50"`, to: "149.50", code: "310"},
		{name: "an amount with one decimal", path: charge, from: "149.50", to: "149.5", code: "310"},
		{name: "another amount than the order's", path: charge, from: "149.50", to: "149.51", code: "310"},
		{name: "another payment's order", path: charge, from: "pay-1 Plan", to: "pay-2 Plan", code: "310"},
		{name: "an unknown order", path: charge, from: "ord_", to: "x_", code: "310"},
		{name: "a second value", path: charge, from: `"}`, to: `"}{}`, code: "310"},
		{name: "a total that was not signed", path: order, from: "149.50", to: "149.51", code: "310"},
		{name: "a cart that was not signed", path: order, from: `"cartId":"pay-1"`, to: `"cartId":"pay-2"`, code: "310"},
		{name: "an unknown shop", path: order, from: "MAGENTO", to: "REMESA", code: "310"},
		{name: "an order with more fields", path: order, from: `{"`, to: `{"currency":"MXN","`, code: "310"},
	} {
		p := newFixture(t, Options{})
		body := strings.Replace(good[row.path](p.order("pay-1")), row.from, row.to, 1)
		response := p.call("POST", row.path, body, row.header)
		if fmt.Sprint(response["code"]) != row.code {
			t.Errorf("%s: got %v, want code %s", row.name, response, row.code)
		}
		if n := len(p.s.Executions()); n != 0 {
			t.Errorf("%s: money moved", row.name)
		}
	}
}

func TestPagandoCheckLogsIn(t *testing.T) {
	t.Parallel()
	p := newFixture(t, Options{TokenLifetime: time.Hour})
	for _, row := range []struct{ name, body, code string }{
		{"another password", strings.Replace(pagandoLogin, "sandbox-password", "x", 1), "109"},
		{"another user", strings.Replace(pagandoLogin, "sandbox-user", "x", 1), "109"},
		{"a further field", strings.Replace(pagandoLogin, `{`, `{"x":1,`, 1), "110"},
		{"the right ones", pagandoLogin, "0"},
	} {
		if response := p.call("POST", "/get-token", row.body, nil); fmt.Sprint(response["code"]) != row.code {
			t.Errorf("%s: got %v", row.name, response)
		}
	}
	if n := p.s.Logins(); n != 5 {
		t.Errorf("%d logins, want 5", n)
	}
	p.at = p.at.Add(time.Hour)
	if response := p.charge("pay-1", ""); fmt.Sprint(response["code"]) != "100" {
		t.Errorf("with a token that ended: got %v", response)
	}
	revoking := newFixture(t, Options{LoginRevokesTokens: true, TextCodes: true})
	old := revoking.token
	revoking.login()
	revoking.token = old
	if response := revoking.charge("pay-1", ""); response["code"] != "100" {
		t.Errorf("with a revoked token: got %v", response)
	}
}

func TestPagandoCheckFaults(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		fault     sandbox.Fault
		code, key string
		moved     int
		response  string
		http      int
	}{
		{fault: sandbox.Fault{Kind: "decline"}, code: "4051", key: "SWITCH_4051"},
		{fault: sandbox.Fault{Kind: "decline", Code: "SWITCH_4025"}, code: "4025", key: "SWITCH_4025"},
		{fault: sandbox.Fault{Kind: "decline", Code: "71"}, code: "71", key: "NEED_3DS"},
		{fault: sandbox.Fault{Kind: "decline", Code: "300"}, code: "300", key: "ORDER_ERROR"},
		{fault: sandbox.Fault{Kind: "pending", Delay: sandbox.Duration(time.Minute)}, code: "302", key: "TRY_LATER"},
		{fault: sandbox.Fault{Kind: "rejected_word"}, code: "302", key: "TRY_LATER", response: "REJECTED"},
		{fault: sandbox.Fault{Kind: "unauthorized"}, code: "<nil>", key: "<nil>", http: 401},
		{fault: sandbox.Fault{Kind: "unauthorized_in_body"}, code: "100", key: "API_KEY_EXPIRED"},
		{fault: sandbox.Fault{Kind: "unauthorized_in_body", Code: `"100"`}, code: "100", key: "API_KEY_EXPIRED"},
		{fault: sandbox.Fault{Kind: "unauthorized_in_body", Code: "109"}, code: "109", key: "INVALID_CREDENTIALS"},
		{fault: sandbox.Fault{Kind: "expire_tokens"}, code: "100", key: "API_KEY_EXPIRED"},
		{fault: sandbox.Fault{Kind: "unknown_status_after"}, code: "9000", key: "EN_LA_LUNA", moved: 1, response: "APPROVED"},
		{fault: sandbox.Fault{Kind: "unknown_code_after"}, code: "777", key: "ALGO", moved: 1, response: "APPROVED"},
		{fault: sandbox.Fault{Kind: "wrong_types_after"}, code: "true", key: "SUCCESS_ORDER", moved: 1, response: "APPROVED"},
	} {
		p := newFixture(t, Options{})
		id := p.order("pay-1")
		row.fault.Operation, row.fault.Next = sandbox.SendOperation, 1
		if err := p.s.AddFaults(row.fault); err != nil {
			t.Fatal(err)
		}
		name := row.fault.Kind + " " + row.fault.Code
		response := p.charge("pay-1", id)
		if fmt.Sprint(response["code"]) != row.code || fmt.Sprint(response["key"]) != row.key {
			t.Errorf("%s: got %v", name, response)
		}
		if response["http"] != max(row.http, http.StatusOK) {
			t.Errorf("%s: HTTP %v", name, response["http"])
		}
		if n := p.s.ExecutionCount("pay-1"); n != row.moved {
			t.Errorf("%s: money moved %d times", name, n)
		}
		p.login()
		if got := p.text(p.info(id), "payResponse"); got != row.response {
			t.Errorf("%s: then the order's payResponse is %q, want %q", name, got, row.response)
		}
	}
}

func TestPagandoCheckWays(t *testing.T) {
	t.Parallel()
	closed := newFixture(t, Options{NoOrders: true})
	if id := closed.order("pay-1"); id != "" {
		t.Errorf("an account without a shop made order %s", id)
	}
	flat := newFixture(t, Options{FlatIDs: true, NumberTotals: true, TextCodes: true})
	response := flat.charge("pay-1", flat.order("pay-1"))
	if data, _ := response["data"].(map[string]any); data["folio"] == nil || response["code"] != "72" {
		t.Errorf("got %v", response)
	}
	for _, row := range []struct {
		way   sandbox.Duplicates
		code  string
		moved int
	}{{sandbox.Execute, "72", 2}, {sandbox.Same, "72", 1}, {sandbox.Refuse, "4025", 1}} {
		p := newFixture(t, Options{Duplicates: row.way})
		id := p.order("pay-1")
		p.charge("pay-1", id)
		if response := p.charge("pay-1", id); fmt.Sprint(response["code"]) != row.code {
			t.Errorf("%q: got %v", row.way, response)
		}
		if n := p.s.ExecutionCount("pay-1"); n != row.moved {
			t.Errorf("%q: money moved %d times, want %d", row.way, n, row.moved)
		}
		if n := p.s.ArrivalCount("pay-1"); n != 2 {
			t.Errorf("%q: %d arrivals", row.way, n)
		}
	}
}
