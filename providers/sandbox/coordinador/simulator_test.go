package coordinador

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

const (
	coordinadorRows = "/coordinador/staging/api/v1/resources/payment-execution-payment-instructions/?instruction=%d&limit=%d&offset=%d"
	coordinadorPay  = "/coordinador/staging/api/v1/operations/payments/create/"
	coordinadorData = `{"debtor":101,"creditor":202,"amount":119000,"payment_dt":"2026-05-15","transaction_type":3,"actual_collector":"",` +
		`"instruction_amount_tuples":[[7,119000]],"dtes":[],"erp_a":"PAY-1","erp_b":""}`
	coordinadorUser = `{"email":"pagos@empresa.example","password":"sandbox-password"}`
)

// portalRequest is one to the simulated portal, with every part open to be spoiled.
type portalRequest struct {
	method, path, body string
	header             map[string]string
}

func (r portalRequest) send(t *testing.T, s *Simulator) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), r.method, r.path, strings.NewReader(r.body))
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	s.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

func portalToken(t *testing.T, s *Simulator, path string) string {
	t.Helper()
	r := portalRequest{"POST", "/coordinador/api/token/" + path + "/", coordinadorUser, map[string]string{"Content-Type": "application/json"}}
	var granted struct{ Access string }
	status, body := r.send(t, s)
	if json.Unmarshal([]byte(body), &granted) != nil || status != 200 || granted.Access == "" {
		t.Fatalf("%s: got %d %s", path, status, body)
	}
	return granted.Access
}

func registering(token string) portalRequest {
	return portalRequest{"POST", coordinadorPay, "data=" + url.QueryEscape(coordinadorData), map[string]string{
		"Authorization": "Bearer " + token, "username": "pagos@empresa.example", "password": "sandbox-password",
		"Content-Type": "application/x-www-form-urlencoded",
	}}
}

func listingRows(token string, instruction int64, limit, offset int) portalRequest {
	return portalRequest{"GET", fmt.Sprintf(coordinadorRows, instruction, limit, offset), "", map[string]string{"Authorization": "Bearer " + token}}
}

func TestCoordinadorTakesAProperRequest(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	token := portalToken(t, s, "obtain")
	if status, body := listingRows(token, 7, 100, 0).send(t, s); status != 200 || !strings.Contains(body, `"count":0`) {
		t.Errorf("before: got %d %s", status, body)
	}
	for range 2 { // a duplicate is executed
		if status, body := registering(token).send(t, s); status != 200 || !strings.Contains(body, `"errors":[]`) {
			t.Fatalf("got %d %s", status, body)
		}
	}
	book := s.Executions()
	if len(book) != 2 || book[0].ID != "1" || book[0].Reference != "PAY-1" || book[0].Amount != "119000" || book[0].Beneficiary != "instruction 7" {
		t.Errorf("the book says %+v", book)
	}
	if status, body := listingRows(token, 7, 100, 0).send(t, s); status != 200 || !strings.Contains(body, `"count":2`) || !strings.Contains(body, `"execution":1,"amount":119000,"is_net_amount":false`) {
		t.Errorf("after: got %d %s", status, body)
	}
	if status, body := listingRows(token, 7, 1, 1).send(t, s); status != 200 || !strings.Contains(body, `"count":2`) || strings.Contains(body, `"execution":1,`) {
		t.Errorf("the second page: got %d %s", status, body)
	}
	if status, body := listingRows(token, 8, 100, 0).send(t, s); status != 200 || !strings.Contains(body, `"count":0`) {
		t.Errorf("another instruction: got %d %s", status, body)
	}
}

func TestCoordinadorRefusesWhatIsNotExactlyRight(t *testing.T) {
	t.Parallel()
	data := func(from, to string) func(r *portalRequest) {
		return func(r *portalRequest) {
			r.body = "data=" + url.QueryEscape(strings.Replace(coordinadorData, from, to, 1))
		}
	}
	header := func(name, value string) func(r *portalRequest) {
		return func(r *portalRequest) { r.header[name] = value }
	}
	for _, row := range []struct {
		name   string
		spoil  func(r *portalRequest)
		status int
	}{
		{"no token", header("Authorization", ""), 401},
		{"another token", header("Authorization", "Bearer x"), 401},
		{"a token without Bearer", func(r *portalRequest) { r.header["Authorization"] = r.header["Authorization"][len("Bearer "):] }, 401},
		{"another username", header("username", "x"), 403},
		{"another password", header("password", "x"), 403},
		{"a JSON body", header("Content-Type", "application/json"), 415},
		{"an idempotency key", header("Idempotency-Key", "1"), 400},
		{"a second field", func(r *portalRequest) { r.body += "&x=1" }, 200},
		{"another field", func(r *portalRequest) { r.body = strings.Replace(r.body, "data=", "json=", 1) }, 200},
		{"two values", func(r *portalRequest) { r.body += url.QueryEscape("{}") }, 200},
		{"an unknown field", data(`"erp_b"`, `"note":"","erp_b"`), 200},
		{"an amount as text", data(`"amount":119000`, `"amount":"119000a"`), 200},
		{"an amount with decimals", data(`"amount":119000`, `"amount":119000.0`), 200},
		{"two amounts", data(`[[7,119000]]`, `[[7,100000]]`), 200},
		{"two instructions", data(`[[7,119000]]`, `[[7,119000],[8,119000]]`), 200},
		{"no instruction", data(`[[7,119000]]`, `[]`), 200},
		{"no creditor", data(`"creditor":202,`, ``), 200},
		{"a date without its zeros", data(`2026-05-15`, `2026-5-15`), 200},
		{"another transaction type", data(`:3,`, `:1,`), 200},
		{"a collector", data(`"actual_collector":""`, `"actual_collector":"test"`), 200},
		{"no list of DTEs", data(`"dtes":[],`, ``), 200},
		{"no reference", data(`PAY-1`, ``), 200},
	} {
		s := New(Options{}, sandbox.Options{})
		r := registering(portalToken(t, s, "obtain"))
		row.spoil(&r)
		status, body := r.send(t, s)
		if status != row.status || strings.Contains(body, `"errors":[]`) {
			t.Errorf("%s: got %d %s", row.name, status, body)
		}
		arrived := 0
		for _, n := range s.Arrivals() {
			arrived += n
		}
		if n := len(s.Executions()); n != 0 || arrived != 1 {
			t.Errorf("%s: %d executed, %d arrived", row.name, n, arrived)
		}
	}
}

func TestCoordinadorStatusQueriesAreCheckedToo(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	token := portalToken(t, s, "obtain")
	plain := listingRows(token, 7, 100, 0)
	for name, row := range map[string]struct {
		path   string
		token  string
		status int
	}{
		"another token": {plain.path, "x", 401},
		"no limit":      {strings.Replace(plain.path, "limit", "top", 1), token, 400},
		"a limit of 0":  {strings.Replace(plain.path, "100", "0", 1), token, 400},
		"no number":     {strings.Replace(plain.path, "=7", "=x", 1), token, 400},
	} {
		r := portalRequest{"GET", row.path, "", map[string]string{"Authorization": "Bearer " + row.token}}
		if status, body := r.send(t, s); status != row.status {
			t.Errorf("%s: got %d %s", name, status, body)
		}
	}
}

func TestCoordinadorTokensEnd(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)
	s := New(Options{}, sandbox.Options{Now: func() time.Time { return at }})
	token := portalToken(t, s, "obtain")
	at = at.Add(24*time.Hour - time.Second)
	if status, _ := listingRows(token, 7, 100, 0).send(t, s); status != 200 {
		t.Errorf("shortly before its end: got %d", status)
	}
	at = at.Add(time.Second)
	if status, _ := listingRows(token, 7, 100, 0).send(t, s); status != 401 {
		t.Errorf("at its end: got %d", status)
	}
	second := portalToken(t, s, "refresh")
	if err := s.AddFaults(sandbox.Fault{Kind: "expire_tokens", Next: 1}); err != nil {
		t.Fatal(err)
	}
	if status, _ := listingRows(second, 7, 100, 0).send(t, s); status != 401 {
		t.Errorf("expired: got %d", status)
	}
	if s.Logins() != 2 || s.Refreshed() != 1 {
		t.Errorf("%d logins, %d refreshed", s.Logins(), s.Refreshed())
	}
}

func TestCoordinadorLoginIsStrict(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		body, kind string
		fault      string
		status     int
	}{
		"another password": {strings.Replace(coordinadorUser, "sandbox-", "x", 1), "application/json", "", 401},
		"another user":     {strings.Replace(coordinadorUser, "pagos", "x", 1), "application/json", "", 401},
		"no JSON":          {"email=x", "application/json", "", 401},
		"a form":           {coordinadorUser, "application/x-www-form-urlencoded", "", 415},
		"told to refuse":   {coordinadorUser, "application/json", "unauthorized", 401},
		"told to fail":     {coordinadorUser, "application/json", "bad_gateway_before", 502},
	} {
		s := New(Options{}, sandbox.Options{})
		if row.fault != "" {
			if err := s.AddFaults(sandbox.Fault{Kind: row.fault, Operation: sandbox.LoginOperation}); err != nil {
				t.Fatal(err)
			}
		}
		r := portalRequest{"POST", "/coordinador/api/token/obtain/", row.body, map[string]string{"Content-Type": row.kind}}
		if status, body := r.send(t, s); status != row.status || strings.Contains(body, "eyJ") {
			t.Errorf("%s: got %d %s", name, status, body)
		}
		if s.Logins() != 1 {
			t.Errorf("%s: %d logins counted", name, s.Logins())
		}
	}
}

func TestCoordinadorFaultsKnowPrechecksFromStatusQueries(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	token := portalToken(t, s, "obtain")
	if err := s.AddFaults(sandbox.Fault{Kind: "bare_404"}, sandbox.Fault{Kind: "throttled", Operation: sandbox.StepOperation, Next: 1}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{http.StatusTooManyRequests, http.StatusOK} {
		if status, _ := listingRows(token, 7, 100, 0).send(t, s); status != want {
			t.Errorf("look %d: got %d", i, status)
		}
	}
	registering(token).send(t, s)
	if status, _ := listingRows(token, 7, 100, 0).send(t, s); status != http.StatusNotFound {
		t.Errorf("asked: got %d", status)
	}
}

func TestCoordinadorForgetsWithItsBook(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	token := portalToken(t, s, "obtain")
	s.AddRow(7, "5")
	registering(token).send(t, s)
	s.Reset()
	if _, body := listingRows(token, 7, 100, 0).send(t, s); !strings.Contains(body, `"count":0`) {
		t.Errorf("got %s", body)
	}
}
