package pagoseguro

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

const (
	pagoSeguroBase  = "/pagoseguro/pagosegurocanal/public/api"
	pagoSeguroLogin = `{"account_id":123456789,"api_key":"sandbox-api-key"}`
	// Made with sha512sum over 123456789|SO0001|32900|Canal|Ana
	// Ruiz|ana@example.com|/payment/process||||||||||sandbox-api-key
	pagoSeguroHash = "27aeaa94e8a3d5ad99355b88581813a35965e319541d5370877c22c5a3d3d5a6c9ede2998b7038cceeaca9d6169c057e8f69b40c105e5905755d20e4f64ce64c"
)

var pagoSeguroCharge = `{"key":123456789,"txnid":"SO0001","amount":32900,"productinfo":"Canal","firstname":"Ana Ruiz","email":"ana@example.com","hash":"` +
	pagoSeguroHash + `","quota":1,"brand":"MasterCard","expiryMonth":6,"expiryYear":31,"card":"eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=",` +
	`"typeIdentification":1,"billingNumberIdentifier":"100000000","billingAddress":"Calle 10","billingNames":"Ana","billingLastNames":"Ruiz",` +
	`"billingEmail":"ana@example.com","city":"Bogotá","callerPhoneNumber":3100000000}`

// envelope is a response of the simulated Pago Seguro.
type pagoSeguroEnvelope struct {
	Success    bool            `json:"success"`
	Data       json.RawMessage `json:"data"`
	Message    any             `json:"message"`
	StatusCode int             `json:"status_code"`
}

func posted(t *testing.T, s *sandbox.Provider, path, token, body string) (int, pagoSeguroEnvelope) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "POST", pagoSeguroBase+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var e pagoSeguroEnvelope
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("%s: %v in %q", path, err, w.Body)
	}
	return w.Code, e
}

func loggedIn(t *testing.T, s *sandbox.Provider) string {
	t.Helper()
	_, e := posted(t, s, "/auth/accountlogin", "", pagoSeguroLogin)
	var data struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(e.Data, &data); err != nil || data.Token == "" {
		t.Fatalf("no token: %+v, %v", e, err)
	}
	return data.Token
}

func TestPagoSeguroTakesAProperCharge(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	token := loggedIn(t, s)
	status, e := posted(t, s, "/v1/tokenization", token, pagoSeguroCharge)
	if status != 200 || !e.Success || !strings.Contains(string(e.Data), `"Aprobado"`) || !strings.Contains(string(e.Data), `"transaction_code":16000001`) {
		t.Fatalf("got %d %+v %s", status, e, e.Data)
	}
	book := s.Executions()
	if len(book) != 1 || book[0].Reference != "SO0001" || book[0].Amount != "32900" || book[0].Currency != "COP" || book[0].ID != "16000001" {
		t.Errorf("the book says %+v", book)
	}
	status, e = posted(t, s, "/v1/hashcard", token, `{"number":4000000000000002,"code":"012"}`)
	var card string
	if status != 200 || json.Unmarshal(e.Data, &card) != nil || !isSealedCard(card) {
		t.Errorf("hashcard: got %d %+v", status, e)
	}
}

func TestPagoSeguroRefusesWhatIsNotExactlyRight(t *testing.T) {
	t.Parallel()
	swap := func(from, to string) string { return strings.Replace(pagoSeguroCharge, from, to, 1) }
	for name, body := range map[string]string{
		"another account":               swap("123456789", "123456788"),
		"the account as a text":         swap("123456789", `"123456789"`),
		"another amount":                swap("32900", "32901"),
		"the amount as a text":          swap(":32900", `:"32900"`),
		"the amount with zeros":         swap(":32900", ":32900.00"),
		"another product":               swap("Canal", "Kanal"),
		"a hash in upper case":          swap(pagoSeguroHash, strings.ToUpper(pagoSeguroHash)),
		"a txnid of 21":                 swap("SO0001", strings.Repeat("a", 21)),
		"37 instalments":                swap(`"quota":1`, `"quota":37`),
		"a month of 13":                 swap(`"expiryMonth":6`, `"expiryMonth":13`),
		"a year of four digits":         swap(`"expiryYear":31`, `"expiryYear":2031`),
		"a card that hashcard made not": swap("eyJpdiI6", "AAAA"),
		"a document type of 4":          swap(`"typeIdentification":1`, `"typeIdentification":4`),
		"a document as a number":        swap(`"100000000"`, "100000000"),
		"a phone as a text":             swap("3100000000", `"3100000000"`),
		"a phone of 8 digits":           swap("3100000000", "31000000"),
		"no city":                       swap(`"city":"Bogotá",`, ""),
		"a field of its own":            swap(`"quota"`, `"cvv":"1","quota"`),
		"a second value":                pagoSeguroCharge + "{}",
	} {
		s := New(Options{}, sandbox.Options{})
		status, e := posted(t, s, "/v1/tokenization", loggedIn(t, s), body)
		if status != 400 || e.Success || e.StatusCode != 400 {
			t.Errorf("%s: got %d %+v", name, status, e)
		}
		if len(s.Executions()) != 0 || len(s.Arrivals()) != 1 {
			t.Errorf("%s: %d executions, %d arrivals", name, len(s.Executions()), len(s.Arrivals()))
		}
	}
}

func TestPagoSeguroTokens(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"another key": `{"account_id":123456789,"api_key":"x"}`, "the account as a text": `{"account_id":"123456789","api_key":"sandbox-api-key"}`,
		"one field more": `{"account_id":123456789,"api_key":"sandbox-api-key","x":1}`, "no JSON": "x",
	} {
		s := New(Options{}, sandbox.Options{})
		if status, e := posted(t, s, "/auth/accountlogin", "", body); status != 400 || e.StatusCode != 400 || s.Logins() != 1 {
			t.Errorf("%s: got %d %+v", name, status, e)
		}
	}
	at := time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name    string
		revokes bool
		fault   string
		passes  time.Duration
		taken   bool
	}{
		{"a token", false, "", 0, true},
		{"a token after another login", false, "", 0, true},
		{"a token after another login, which revokes it", true, "", 0, false},
		{"a token whose time is over", false, "", time.Hour, false},
		{"a token that ended before its time", false, "expire_tokens", 0, false},
	} {
		s := New(Options{LoginRevokesTokens: row.revokes}, sandbox.Options{Now: func() time.Time { return at }})
		if row.fault != "" {
			if err := s.AddFaults(sandbox.Fault{Kind: row.fault, Next: 1}); err != nil {
				t.Fatal(err)
			}
		}
		token := loggedIn(t, s)
		if strings.Contains(row.name, "another") {
			loggedIn(t, s)
		}
		at = at.Add(row.passes)
		for _, path := range []string{"/v1/tokenization", "/v1/hashcard"} {
			body := pagoSeguroCharge
			if path == "/v1/hashcard" {
				body = `{"number":4000000000000002,"code":"012"}`
			}
			status, e := posted(t, s, path, token, body)
			if taken := status == 200 && e.Success; taken != row.taken || !taken && fmt.Sprintf("%d %d %v", status, e.StatusCode, e.Message) != "401 401 Token Vencido, Genere uno Nuevo" {
				t.Errorf("%s, %s: got %d %+v", row.name, path, status, e)
			}
		}
	}
}

func TestPagoSeguroMaySendEveryEnvelopeWith200(t *testing.T) {
	t.Parallel()
	s := New(Options{Always200: true}, sandbox.Options{})
	if status, e := posted(t, s, "/v1/tokenization", "x", pagoSeguroCharge); status != 200 || e.StatusCode != 401 {
		t.Errorf("got %d %+v", status, e)
	}
}
