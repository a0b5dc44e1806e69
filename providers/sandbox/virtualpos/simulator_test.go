package virtualpos

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
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

// outcome is what a client saw of a request, and what the book says.
type outcome struct {
	status int
	word   string
}

// attempt makes the request; a connection that was hung up has status 0.
func attempt(t *testing.T, s *sandbox.Provider, r request) (o outcome) {
	t.Helper()
	defer func() {
		if err, ok := recover().(error); ok && errors.Is(err, http.ErrAbortHandler) {
			o = outcome{}
		}
	}()
	status, word := send(t, s, r)
	return outcome{status, word}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	delay := sandbox.Duration(time.Minute)
	for _, row := range []struct {
		fault   sandbox.Fault
		created outcome // its word is a part of the response
		moved   int
		queried []outcome
	}{
		{sandbox.Fault{Kind: "decline"}, outcome{422, "E-120"}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "decline", Code: "E-133"}, outcome{422, "E-133"}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "rejected_object"}, outcome{201, ""}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "duplicate"}, outcome{409, "E-121"}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "rejected_word"}, outcome{200, "rechazado"}, 0, []outcome{{200, "rechazado"}}},
		{sandbox.Fault{Kind: "rejected_later", Polls: 1}, outcome{200, "pendiente"}, 0, []outcome{{200, "pendiente"}, {200, "rechazado"}}},
		{sandbox.Fault{Kind: "pending", Polls: 2}, outcome{200, "pendiente"}, 0, []outcome{{200, "pendiente"}, {200, "pendiente"}, {200, "pagado"}}},
		{sandbox.Fault{Kind: "unauthorized"}, outcome{401, "E-001"}, 0, nil},
		{sandbox.Fault{Kind: "unauthorized_in_body"}, outcome{200, ""}, 0, nil}, // for providers with tokens
		{sandbox.Fault{Kind: "expire_tokens"}, outcome{200, ""}, 0, nil},
		{sandbox.Fault{Kind: "throttled", RetryAfter: "7"}, outcome{429, ""}, 0, nil},
		{sandbox.Fault{Kind: "hang_up_before"}, outcome{}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "hang_up_after"}, outcome{}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "slow_before", Delay: 1}, outcome{200, ""}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "slow_after", Delay: 1}, outcome{200, "pagado"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "bad_gateway_before"}, outcome{502, "<html>"}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "bad_gateway_after"}, outcome{502, "<html>"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "html_before"}, outcome{200, "<html>"}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "html_after"}, outcome{200, "<html>"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "cut_json_after"}, outcome{200, "{"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "cut_body_after"}, outcome{}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "huge_after"}, outcome{200, " "}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "name_twice_after"}, outcome{200, "pagado"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "wrong_types_after"}, outcome{200, "true"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "unknown_status_after"}, outcome{200, "en_la_luna"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "unknown_code_after"}, outcome{200, "E-777"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "rejection_beside"}, outcome{201, "pagado"}, 1, []outcome{{201, "pagado"}}},
		{sandbox.Fault{Kind: "redirect"}, outcome{307, ""}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "late"}, outcome{}, 0, []outcome{{404, "E-041"}, {200, "pagado"}}},
		{sandbox.Fault{Kind: "delayed", Delay: delay}, outcome{}, 0, []outcome{{404, "E-041"}, {404, "E-041"}}},
		{sandbox.Fault{Kind: "bare_404"}, outcome{200, "pagado"}, 1, []outcome{{404, "404 page"}}},
		{sandbox.Fault{Kind: "login_page"}, outcome{200, "pagado"}, 1, []outcome{{200, "<html>"}}},
		{sandbox.Fault{Kind: "not_found"}, outcome{200, "pagado"}, 1, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "wrong_amount"}, outcome{200, "pagado"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "latency", Delay: 1}, outcome{200, "pagado"}, 1, []outcome{{200, "pagado"}}},
	} {
		c := &clock{at: time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)}
		s := New(Options{}, sandbox.Options{Now: c.now})
		if err := s.AddFaults(row.fault); err != nil {
			t.Fatal(err)
		}
		name := row.fault.Kind
		check(t, name+", create", attempt(t, s, create("po-1")), row.created)
		if moved := s.ExecutionCount("po-1"); moved != row.moved {
			t.Errorf("%s: money moved %d times, want %d", name, moved, row.moved)
		}
		for _, want := range row.queried {
			check(t, name+", status", attempt(t, s, statusQuery("po-1")), want)
		}
	}
}

func check(t *testing.T, name string, got, want outcome) {
	t.Helper()
	part := strings.Replace(want.word, "<html>", "<!doctype html>", 1)
	if got.status != want.status || !strings.Contains(got.word, part) {
		t.Errorf("%s: got %d %.60q, want %d %q", name, got.status, got.word, want.status, want.word)
	}
}

func TestDelayedMoneyMovesWithoutAStatusQuery(t *testing.T) {
	t.Parallel()
	c := &clock{at: time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)}
	s := New(Options{}, sandbox.Options{Now: c.now})
	if err := s.AddFaults(sandbox.Fault{Kind: "delayed", Delay: sandbox.Duration(time.Minute)}, sandbox.Fault{Kind: "late"}); err != nil {
		t.Fatal(err)
	}
	attempt(t, s, create("po-1"))
	c.at = c.at.Add(59 * time.Second)
	if n := s.ExecutionCount("po-1"); n != 0 {
		t.Fatalf("moved %d times before its time", n)
	}
	c.at = c.at.Add(time.Second)
	if n := s.ExecutionCount("po-1"); n != 1 {
		t.Errorf("moved %d times at its time, want 1", n)
	}
}

func TestAFaultAppliesToWhatItNames(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	if err := s.AddFaults(
		sandbox.Fault{Kind: "decline", Reference: "demo-decline-"},
		sandbox.Fault{Kind: "decline", Amount: "666"},
		sandbox.Fault{Kind: "unauthorized", Next: 1, Reference: "once-"},
		sandbox.Fault{Kind: "bad_gateway_before", Operation: sandbox.StatusOperation, Reference: "asked-"},
	); err != nil {
		t.Fatal(err)
	}
	expensive := create("po-2")
	both("12500", "666")(&expensive)
	for _, row := range []struct {
		name string
		r    request
		want outcome
	}{
		{"another reference", create("po-1"), outcome{200, "pagado"}},
		{"the reference", create("demo-decline-1"), outcome{422, "E-120"}},
		{"the amount", expensive, outcome{422, "E-120"}},
		{"the first", create("once-1"), outcome{401, "E-001"}},
		{"the second", create("once-1"), outcome{200, "pagado"}},
		{"another operation", create("asked-1"), outcome{200, "pagado"}},
		{"the operation", statusQuery("asked-1"), outcome{502, "<html>"}},
	} {
		check(t, row.name, attempt(t, s, row.r), row.want)
	}
	if left := s.Faults(); len(left) != 3 {
		t.Errorf("%d faults left, want 3: the used one is gone", len(left))
	}
	s.ClearFaults()
	check(t, "cleared", attempt(t, s, create("demo-decline-2")), outcome{200, "pagado"})
}

func TestBookAndFaultsOverHTTP(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	if status, text := sendPlain(t, s, "POST", "/virtualpos/_faults", `{"kind":"decline","reference":"d-","delay":"1.5s"}`); status != 200 || !strings.Contains(text, `"delay":"1.5s"`) {
		t.Fatalf("got %d %s", status, text)
	}
	if status, _ := sendPlain(t, s, "POST", "/virtualpos/_faults", `[{"kind":"late","next":2},{"kind":"latency","delay":"1ms"}]`); status != 200 {
		t.Fatalf("got %d", status)
	}
	for name, body := range map[string]string{
		"an unknown kind": `{"kind":"x"}`, "an unknown field": `{"kind":"late","x":1}`, "an operation": `{"kind":"late","operation":"x"}`,
		"a number below zero": `{"kind":"late","next":-1}`, "no JSON": `x`, "a bad delay": `{"kind":"late","delay":"soon"}`,
	} {
		if status, text := sendPlain(t, s, "POST", "/virtualpos/_faults", body); status != 400 {
			t.Errorf("%s: got %d %s", name, status, text)
		}
	}
	var faults []sandbox.Fault
	_, text := sendPlain(t, s, "GET", "/virtualpos/_faults", "")
	if err := json.Unmarshal([]byte(text), &faults); err != nil || len(faults) != 3 {
		t.Errorf("got %s, %v", text, err)
	}
	if status, _ := sendPlain(t, s, "DELETE", "/virtualpos/_faults", ""); status != 204 || len(s.Faults()) != 0 {
		t.Errorf("delete: got %d", status)
	}

	send(t, s, create("po-1"))
	var book sandbox.Book
	_, text = sendPlain(t, s, "GET", "/virtualpos/_book", "")
	if err := json.Unmarshal([]byte(text), &book); err != nil || len(book.Executions) != 1 || book.Arrivals["po-1"] != 1 {
		t.Errorf("got %s, %v", text, err)
	}
	sendPlain(t, s, "DELETE", "/virtualpos/_book", "")
	if _, text = sendPlain(t, s, "GET", "/virtualpos/_book", ""); !strings.Contains(text, `"executions":[]`) {
		t.Errorf("after delete: %s", text)
	}
}

func TestSlowEndsWhenTheClientLeaves(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	if err := s.AddFaults(sandbox.Fault{Kind: "slow_after"}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	defer server.Close() // blocks until the handler returned
	req := create("po-1").build(t)
	out, err := http.NewRequestWithContext(t.Context(), req.Method, server.URL+req.URL.Path, req.Body)
	if err != nil {
		t.Fatal(err)
	}
	out.Header = req.Header
	client := &http.Client{Timeout: 200 * time.Millisecond}
	if resp, err := client.Do(out); err == nil {
		resp.Body.Close()
		t.Error("got an answer")
	}
}
