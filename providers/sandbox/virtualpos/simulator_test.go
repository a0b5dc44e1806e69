package virtualpos

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

func TestVirtualPOSTakesAProperRequest(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	if status, word := send(t, s, create("po-1")); status != 200 || word != "pagado" {
		t.Fatalf("got %d %s", status, word)
	}
	book := s.Executions()
	if len(book) != 1 {
		t.Fatalf("%d executions", len(book))
	}
	e := book[0]
	if e.Reference != "po-1" || e.Amount != "12500" || e.Currency != "CLP" || e.Beneficiary != "12345678-5 012 12345678" || e.ID == "" {
		t.Errorf("the book says %+v", e)
	}
	byID := statusQuery("po-1")
	byID.path = "/virtualpos/v3/payout/" + e.ID
	for name, r := range map[string]request{"by merchant id": statusQuery("po-1"), "by id": byID} {
		if status, word := send(t, s, r); status != 200 || word != "pagado" {
			t.Errorf("%s: got %d %s", name, status, word)
		}
	}
	keyOnly := statusQuery("po-1")
	keyOnly.payload = `{"api_key":"sandbox-api-key"}`
	if status, word := send(t, s, keyOnly); status != 200 || word != "pagado" {
		t.Errorf("signed with the API key alone: got %d %s", status, word)
	}
	if status, word := send(t, s, statusQuery("po-2")); status != 404 || word != "E-041" {
		t.Errorf("unknown: got %d %s", status, word)
	}
}

func TestVirtualPOSRefusesWhatIsNotExactlyRight(t *testing.T) {
	t.Parallel()
	const signature, shape = "E-002", "E-100"
	for _, row := range []struct {
		name  string
		spoil func(r *request)
		code  string
	}{
		{"another API key", func(r *request) { r.key = "another" }, "E-001"},
		{"a Bearer prefix", func(r *request) { r.key = "Bearer sandbox-api-key" }, "E-001"},
		{"another secret", func(r *request) { r.secret = "another" }, signature},
		{"no signature", func(r *request) { r.header = map[string]string{"Signature": ""} }, signature},
		{"an unsigned token", func(r *request) { r.jwtHeader = `{"typ":"JWT","alg":"none"}` }, signature},
		{"a header with a key id", func(r *request) { r.jwtHeader = `{"typ":"JWT","alg":"HS256","kid":"1"}` }, signature},
		{"a payload with an expiry", func(r *request) { r.payload = strings.Replace(r.payload, `"tef"`, `"exp":1,"tef"`, 1) }, signature},
		{"a payload with another API key", func(r *request) { r.payload = strings.Replace(r.payload, "sandbox-api-key", "x", 1) }, signature},
		{"a payload without tef", func(r *request) { r.payload = `{"api_key":"sandbox-api-key"}` }, signature},
		{"a payload with another amount", func(r *request) { r.payload = strings.Replace(r.payload, "12500", "12501", 1) }, signature},
		{"a payload with other escapes", func(r *request) { r.payload = strings.Replace(r.payload, "Ana", `\u0041na`, 1) }, signature},
		{"no content type", func(r *request) { r.header = map[string]string{"Content-Type": "text/plain"} }, shape},
		{"an idempotency key", func(r *request) { r.header = map[string]string{"Idempotency-Key": "1"} }, shape},
		{"an amount as text", both("12500", `"12500"`), shape},
		{"an amount as text after a blank", both(":12500", `: "12500"`), shape},
		{"an amount with decimals", both("12500", "12500.0"), shape},
		{"a bank code without its zero", both(`"012"`, "12"), shape},
		{"a RUT with dots", both("12345678-5", "12.345.678-5"), shape},
		{"an account type", both(`"bank":{`, `"bank":{"account_type":"vista",`), shape},
		{"no message", both(`"message":"Retiro",`, ""), shape},
		{"no tef around", func(r *request) { r.body = tefOf("po-1") }, shape},
		{"a second value", func(r *request) { r.body += "{}" }, shape},
	} {
		s := New(Options{}, sandbox.Options{})
		r := create("po-1")
		row.spoil(&r)
		if status, code := send(t, s, r); status < 400 || code != row.code {
			t.Errorf("%s: got %d %s, want %s", row.name, status, code, row.code)
		}
		if n := len(s.Executions()); n != 0 {
			t.Errorf("%s: money moved", row.name)
		}
		arrived := 0
		for _, n := range s.Arrivals() {
			arrived += n
		}
		if arrived != 1 {
			t.Errorf("%s: %d arrivals counted, want 1", row.name, arrived)
		}
	}
}

// both spoils body and signature alike.
func both(from, to string) func(r *request) {
	return func(r *request) {
		r.body, r.payload = strings.Replace(r.body, from, to, 1), strings.Replace(r.payload, from, to, 1)
	}
}

func TestVirtualPOSRefusesAQuerySignedForAnother(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	send(t, s, create("po-1"))
	other := statusQuery("po-1")
	other.payload = create("po-2").payload
	changed := statusQuery("po-1")
	changed.payload = strings.Replace(changed.payload, "12500", "12501", 1)
	foreign := statusQuery("po-1")
	foreign.key = "another"
	for name, r := range map[string]request{"another payment's tef": other, "a changed tef": changed, "another key": foreign} {
		if status, code := send(t, s, r); status != 401 {
			t.Errorf("%s: got %d %s", name, status, code)
		}
	}
}

func TestVirtualPOSMayWantQueriesSignedInFull(t *testing.T) {
	t.Parallel()
	s := New(Options{SignedQueries: true}, sandbox.Options{})
	send(t, s, create("po-1"))
	for reference, want := range map[string]string{"po-1": "pagado", "po-2": "E-041"} {
		if _, word := send(t, s, statusQuery(reference)); word != want {
			t.Errorf("%s, signed in full: got %s, want %s", reference, word, want)
		}
		bare, part := statusQuery(reference), statusQuery(reference)
		bare.payload = `{"api_key":"sandbox-api-key"}`
		part.payload = `{"api_key":"sandbox-api-key","tef":{"merchant_id":"` + reference + `"}}`
		for name, r := range map[string]request{"the API key alone": bare, "a part of the tef": part} {
			if status, word := send(t, s, r); status != 401 || word != "E-002" {
				t.Errorf("%s, signed over %s: got %d %s", reference, name, status, word)
			}
		}
	}
}

func TestVirtualPOSWaysWithDuplicates(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		way    sandbox.Duplicates
		status int
		word   string
		moved  int
	}{{sandbox.Execute, 200, "pagado", 2}, {sandbox.Same, 200, "pagado", 1}, {sandbox.Refuse, 409, "E-121", 1}} {
		s := New(Options{Duplicates: row.way}, sandbox.Options{})
		send(t, s, create("po-1"))
		if status, word := send(t, s, create("po-1")); status != row.status || word != row.word {
			t.Errorf("%q: got %d %s", row.way, status, word)
		}
		if moved := s.ExecutionCount("po-1"); moved != row.moved {
			t.Errorf("%q: money moved %d times, want %d", row.way, moved, row.moved)
		}
		if n := s.ArrivalCount("po-1"); n != 2 {
			t.Errorf("%q: %d arrivals", row.way, n)
		}
	}
}

func TestVirtualPOSRepeatsTheBeneficiaryWhereSet(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{true, false} {
		s := New(Options{Whole: whole}, sandbox.Options{})
		send(t, s, create("po-1"))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, statusQuery("po-1").build(t))
		text := w.Body.String()
		for _, part := range []string{`"rut":"12345678-5"`, `"sbif_code":"012"`, `"account_number":"12345678"`} {
			if strings.Contains(text, part) != whole {
				t.Errorf("%v: %s in %s", whole, part, text)
			}
		}
	}
}

func TestVirtualPOSPathsAndFormsAreOptions(t *testing.T) {
	t.Parallel()
	s := New(Options{
		APIKey: "k", SecretKey: "s", CreatePath: "/pay", StatusPath: "/pay/{id}/x", StatusByMerchantPath: "/by/{merchant_id}", FlatBody: true, NotFoundStatus: 200,
	}, sandbox.Options{})
	r := create("po-1")
	r.path, r.body, r.key, r.secret = "/virtualpos/pay", tefOf("po-1"), "k", "s"
	r.payload = strings.Replace(r.payload, "sandbox-api-key", "k", 1)
	if status, word := send(t, s, r); status != 200 || word != "pagado" {
		t.Errorf("create: got %d %s", status, word)
	}
	r.method, r.path, r.body = "GET", "/virtualpos/by/po-1", ""
	if status, word := send(t, s, r); status != 200 || word != "pagado" {
		t.Errorf("status: got %d %s", status, word)
	}
	r.path, r.payload = "/virtualpos/by/po-2", `{"api_key":"k"}`
	if status, word := send(t, s, r); status != 200 || word != "E-041" {
		t.Errorf("not found: got %d %s", status, word)
	}
}

func TestABoundedSandboxSaysThatItIsFull(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{Limit: 2})
	for _, reference := range []string{"po-1", "po-2"} {
		if status, _ := send(t, s, create(reference)); status != 200 {
			t.Fatalf("%s: got %d", reference, status)
		}
	}
	if status, _ := send(t, s, create("po-3")); status != 503 {
		t.Errorf("the third: got %d, want 503", status)
	}
	if n := len(s.Executions()); n != 2 {
		t.Errorf("%d executions", n)
	}
}

// clock is moved by the test.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// request is one to the simulated VirtualPOS, with every part open to be spoiled.
type request struct {
	method, path, body string
	key, secret        string
	jwtHeader, payload string
	header             map[string]string
}

func tefOf(reference string) string {
	return fmt.Sprintf(`{"merchant_id":%q,"message":"Retiro","amount":12500,"recipient":{"rut":"12345678-5","name":"Ana Soto","email":"ana@example.cl"},"bank":{"sbif_code":"012","account_number":"12345678"}}`, reference)
}

func create(reference string) request {
	return request{
		method: "POST", path: "/virtualpos/v3/payout", body: `{"tef":` + tefOf(reference) + `}`,
		key: "sandbox-api-key", secret: "sandbox-secret-key", jwtHeader: `{"typ":"JWT","alg":"HS256"}`,
		payload: `{"api_key":"sandbox-api-key","tef":` + tefOf(reference) + `}`,
	}
}

func statusQuery(reference string) request {
	r := create(reference)
	r.method, r.path, r.body = "GET", "/virtualpos/v3/payout/merchant/"+reference, ""
	return r
}

func (r request) build(t *testing.T) *http.Request {
	t.Helper()
	text := base64.RawURLEncoding.EncodeToString([]byte(r.jwtHeader)) + "." + base64.RawURLEncoding.EncodeToString([]byte(r.payload))
	mac := hmac.New(sha256.New, []byte(r.secret))
	mac.Write([]byte(text))
	req := httptest.NewRequestWithContext(t.Context(), r.method, r.path, strings.NewReader(r.body))
	req.Header.Set("Authorization", r.key)
	req.Header.Set("Signature", text+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	req.Header.Set("Content-Type", "application/json")
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	return req
}

// send returns the response's status and its words: the error code, or the payment's status.
func send(t *testing.T, s *sandbox.Provider, r request) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r.build(t))
	var a struct {
		Error  map[string]any `json:"error"`
		Payout map[string]any `json:"payout"`
	}
	if w.Body.Len() > 1<<20 || json.Unmarshal(w.Body.Bytes(), &a) != nil {
		return w.Code, w.Body.String()
	}
	if a.Error != nil {
		return w.Code, fmt.Sprint(a.Error["error_code"])
	}
	return w.Code, fmt.Sprint(a.Payout["status"])
}

func sendPlain(t *testing.T, s *sandbox.Provider, method, path, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(text)
}
