package pagoseguro

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

var with = mappingContext{
	now: providertest.Now, hard: []string{"Rechazo Tarjeta Robada"}, hide: []string{"Ana Ruiz", "100000000"},
}

const (
	paidBody = `{"success":true,"data":{"status":"Aprobado","code":836158,"amount":32900,"transaction_code":16526683,"date":"2020-05-29T10:28:13"},"status_code":200}`
	ended    = `{"success":false,"message":"Token Vencido, Genere uno Nuevo","status_code":401}`
	page     = `<!doctype html><title>Ingreso</title>`
	doubt    = "in_doubt"
	known    = "duplicate"
	unsent   = "not sent"
	badKey   = "credentials"
)

func dataWith(status string) string {
	return strings.Replace(paidBody, `"Aprobado"`, status, 1)
}

func no(code int, message string) string {
	return fmt.Sprintf(`{"success":false,"message":%s,"status_code":%d}`, message, code)
}

func TestWhatAChargeComesToWhen(t *testing.T) {
	t.Parallel()
	providertest.Mapping(t, providertest.MappingRows{
		{"it is approved", 200, paidBody, "succeeded", "Aprobado"},
		{"it is declined by its word", 200, dataWith(`"Rechazado"`), "refused soft", "Rechazado"},
		{"it is declined as the documentation shows", 500, no(500, `"Rechazo General"`), "refused soft", "500"},
		{"it is declined so under HTTP 200", 200, no(500, `"Rechazo General"`), "refused soft", "500"},
		{"it is declined with another such text", 500, no(500, `"Rechazada por el banco"`), "refused soft", "500"},
		{"it is declined with a text that was configured as hard", 500, no(500, `"Rechazo tarjeta robada"`), "refused hard", "500"},
		{"the server fails", 500, no(500, `"Server Error"`), doubt, "status_code_500"},
		{"the server fails, and speaks of a decline later in its text", 500, no(500, `"Error: Rechazo General"`), doubt, "status_code_500"},
		{"the server fails without a text", 500, `{"success":false,"status_code":500}`, doubt, "status_code_500"},
		{"a decline has data, which contradicts it", 500, `{"success":false,"data":{"status":"Aprobado"},"message":"Rechazo General","status_code":500}`, doubt, "status_code_500"},
		{"a decline comes from a gateway", 502, no(500, `"Rechazo General"`), doubt, "status_code_500"},
		{"a decline's text comes as 503", 503, no(503, `"Rechazo General"`), doubt, "status_code_503"},
		{"a decline is called a success", 200, `{"success":true,"message":"Rechazo General","status_code":500}`, doubt, "status_code_500"},
		{"an approval is called a failure", 200, strings.Replace(paidBody, "true", "false", 1), doubt, "status_code_200"},
		{"an approval comes as 502", 502, paidBody, doubt, "status_code_200"},
		{"an approval comes with status_code 500", 200, strings.Replace(paidBody, `"status_code":200`, `"status_code":500`, 1), doubt, "status_code_500"},
		{"the word is new", 200, dataWith(`"Pendiente"`), doubt, "unknown_status"},
		{"the word is in other letters", 200, dataWith(`"APROBADO"`), doubt, "unknown_status"},
		{"the word is no text", 200, dataWith(`true`), doubt, "unreadable"},
		{"the word is a number", 200, dataWith(`1`), doubt, "unknown_status"},
		{"there is no word", 200, `{"success":true,"data":{"amount":32900},"status_code":200}`, doubt, "unreadable"},
		{"there are no data", 200, `{"success":true,"data":null,"status_code":200}`, doubt, "unreadable"},
		{"the data are a text", 200, `{"success":true,"data":"Aprobado","status_code":200}`, doubt, "unreadable"},
		{"the data are an array", 200, `{"success":true,"data":["Aprobado"],"status_code":200}`, doubt, "unreadable"},
		{"the token has ended", 401, ended, badKey, "401"},
		{"the token has ended, under HTTP 200", 200, ended, badKey, "401"},
		{"the token has ended, in another text", 401, no(401, `"Unauthenticated."`), badKey, "401"},
		{"the token has ended, without an envelope", 401, `{"error":"token_expired"}`, badKey, "401"},
		{"the token has ended, says a page", 401, page, badKey, "401"},
		{"an approval comes as 401", 401, paidBody, doubt, "status_code_200"},
		{"another failure comes as 401", 401, no(500, `"Server Error"`), doubt, "status_code_500"},
		{"the token has ended, under HTTP 403", 403, ended, badKey, "401"},
		{"the token has ended, under HTTP 400", 400, ended, badKey, "401"},
		{"the token has ended, under HTTP 500", 500, ended, badKey, "401"},
		{"the token has ended, under HTTP 503", 503, ended, badKey, "401"},
		{"the token has ended, and yet there are data", 500, `{"success":false,"data":{"status":"Aprobado"},"message":"Token Vencido","status_code":401}`, doubt, "status_code_401"},
		{"the token has ended, and yet it is called a success", 500, `{"success":true,"message":"Token Vencido","status_code":401}`, doubt, "status_code_401"},
		{"account or key are unknown", 400, no(400, `"Account Id y/o API Key Invalidos"`), badKey, "400"},
		{"a field is wrong", 400, no(400, `{"email":["Ana Ruiz no es valido"]}`), "refused", "400"},
		{"a field is wrong, as 422", 422, no(422, `"Campos incompletos"`), "refused", "422"},
		{"something is not there", 404, no(404, `"Comercio no existe"`), "refused", "404"},
		{"the txnid was used before", 400, no(400, `"Referencia duplicada"`), known, "400"},
		{"the txnid was used before, as a field's text", 400, no(400, `{"txnid":["The txnid has already been taken."]}`), known, "400"},
		{"the txnid was used before, as 422 under HTTP 200", 200, no(422, `"La transacción ya existe"`), known, "422"},
		{"the txnid was used before, under another HTTP status", 500, no(400, `"Referencia duplicada"`), doubt, "status_code_400"},
		{"the txnid was used before, says a failing server", 500, no(500, `"Duplicate entry SO0001 for key txnid"`), doubt, "status_code_500"},
		{"the txnid is complained about", 400, no(400, `{"txnid":["formato no valido"]}`), doubt, "status_code_400"},
		{"another field was taken before", 400, no(400, `{"email":["already taken"]}`), "refused", "400"},
		{"a bare 404", 404, page, doubt, "http_404"},
		{"a bare 400", 400, "", doubt, "http_400"},
		{"a bare 403", 403, page, doubt, "http_403"},
		{"too many requests", 429, page, unsent, "throttled"},
		{"too many requests, in the envelope", 429, no(429, `"Too Many Attempts."`), unsent, "throttled"},
		{"too many requests, and an approval", 429, paidBody, doubt, "status_code_200"},
		{"a page", 200, page, doubt, "unreadable"},
		{"a redirect", 302, "", doubt, "http_302"},
		{"a bare 502", 502, page, doubt, "http_502"},
		{"cut JSON", 200, paidBody[:60], doubt, "unreadable"},
		{"nothing", 200, "", doubt, "unreadable"},
		{"null", 200, "null", doubt, "unreadable"},
		{"success as a text", 200, strings.Replace(paidBody, "true", `"true"`, 1), doubt, "unreadable"},
		{"status_code as a text", 200, strings.Replace(paidBody, `"status_code":200`, `"status_code":"200"`, 1), doubt, "unreadable"},
		{"names in other letters", 200, strings.ReplaceAll(paidBody, `"success"`, `"Success"`), doubt, "unreadable"},
		{"its word stands there twice", 200, strings.Replace(paidBody, `"status":"Aprobado"`, `"status":"Rechazado","status":"Aprobado"`, 1), doubt, "unreadable"},
		{"a decline says twice whether it succeeded", 500, strings.Replace(no(500, `"Rechazo General"`), "{", `{"success":true,`, 1), doubt, "http_500"},
		{"the end of the token says twice whether it succeeded", 401, strings.Replace(ended, "{", `{"success":true,`, 1), doubt, "http_401"},
		{"too many requests, said twice", 429, strings.Replace(no(429, `"x"`), "{", `{"success":true,`, 1), doubt, "http_429"},
		{"more than one value", 200, paidBody + paidBody, doubt, "unreadable"},
		{"text that is not UTF-8", 200, strings.Replace(paidBody, "Aprobado", "Aprob\xff", 1), doubt, "unreadable"},
		{"an id that is no id", 200, strings.Replace(paidBody, "16526683", `"a b"`, 1), doubt, "unreadable"},
	}, func(r wire.Reply) (providers.Outcome, error) {
		o, err := mapCharge(r, nil, with)
		o.Class = providers.Class(strings.TrimSpace(string(o.Class) + " " + string(o.Decline)))
		return o, err
	})
}

func TestWhatABrokenExchangeComesTo(t *testing.T) {
	t.Parallel()
	providertest.Broken(t, providertest.MoneyExchange, func(err error) (providers.Outcome, error) { return mapCharge(wire.Reply{}, err, with) })
}

func TestAnApprovalRepeatsIDAndAmount(t *testing.T) {
	t.Parallel()
	o, err := mapCharge(wire.Reply{Status: 200, Body: []byte(paidBody)}, nil, with)
	if err != nil || o.ProviderID != "16526683" || o.Echo != (providers.Echo{Amount: "32900"}) {
		t.Errorf("got %+v, %v", o, err)
	}
}

// Finance reconciles by approval code and date, which are numbers that a message would lose.
func TestAnApprovalKeepsItsCodeAndDate(t *testing.T) {
	t.Parallel()
	swap := func(old, now string) string { return strings.Replace(paidBody, old, now, 1) }
	for name, row := range map[string]struct{ body, want string }{
		"as documented":              {paidBody, "approval 836158, date 2020-05-29T10:28:13"},
		"the code as a text":         {swap("836158", `"A36158"`), "approval A36158, date 2020-05-29T10:28:13"},
		"the date with a blank":      {swap("29T10", "29 10"), "approval 836158, date 2020-05-29T10:28:13"},
		"no date":                    {swap(`,"date":"2020-05-29T10:28:13"`, ""), "approval 836158"},
		"no code":                    {swap(`"code":836158,`, ""), "date 2020-05-29T10:28:13"},
		"neither":                    {`{"success":true,"data":{"status":"Aprobado","transaction_code":7},"status_code":200}`, ""},
		"a code of another type":     {swap("836158", `{"x":1}`), "date 2020-05-29T10:28:13"},
		"a code that is a sentence":  {swap("836158", `"no se sabe"`), "date 2020-05-29T10:28:13"},
		"a code that is a card":      {swap("836158", `"4000000000000002"`), "date 2020-05-29T10:28:13"},
		"a code that is the payer's": {swap("836158", `"100000000"`), "date 2020-05-29T10:28:13"},
		"a code that is so in parts": {swap("836158", `"100-000-000"`), "date 2020-05-29T10:28:13"},
		"a date of another type":     {swap(`"2020-05-29T10:28:13"`, "1"), "approval 836158"},
		"a date that is a sentence":  {swap("2020-05-29T10:28:13", "ayer"), "approval 836158"},
	} {
		o, err := mapCharge(wire.Reply{Status: 200, Body: []byte(row.body)}, nil, with)
		if err != nil || o.Class != providers.Succeeded || o.Message != row.want {
			t.Errorf("%s: got %s %q, %v, want %q", name, o.Class, o.Message, err, row.want)
		}
	}
	declined, _ := mapCharge(wire.Reply{Status: 200, Body: []byte(dataWith(`"Rechazado"`))}, nil, with)
	if declined.Message != "" {
		t.Errorf("a decline is told as %q", declined.Message)
	}
}

func TestTextsOfTheProviderAreScrubbed(t *testing.T) {
	t.Parallel()
	for _, message := range []string{`"Rechazo de Ana Ruiz, cc 100000000, ana@example.com"`, `{"email":["ana@example.com"]}`} {
		o, err := mapCharge(wire.Reply{Status: 500, Body: []byte(no(500, message))}, nil, with)
		providertest.TextsStayHidden(t, o.Class, o, err, "Ana", "100000000", "ana@")
	}
}

func TestThrottlingSaysHowLong(t *testing.T) {
	t.Parallel()
	providertest.Throttled(t, map[string]func(r wire.Reply) error{
		"charge": func(r wire.Reply) error { _, err := mapCharge(r, nil, with); return err },
		"login":  func(r wire.Reply) error { _, err := mapLogin(r, nil, with.now); return err },
	})
}

func TestWhatALogin(t *testing.T) {
	t.Parallel()
	jwt := "h." + base64.RawURLEncoding.EncodeToString([]byte(`{"iat":1588083109,"exp":1588083409}`)) + ".s"
	yes := func(token, life string) string {
		return fmt.Sprintf(`{"success":true,"data":{"access_token":%q,"token_type":"bearer","expires_in":%s},"status_code":200}`, token, life)
	}
	for _, row := range []struct {
		comesToWhen string
		status      int
		body        string
		life        time.Duration
		class       string
	}{
		{"the token says that it ends before expires_in", 200, yes(jwt, "3600"), 5 * time.Minute, ""},
		{"expires_in is shorter", 200, yes(jwt, "60"), time.Minute, ""},
		{"only expires_in says it", 200, yes("opaque", "3600"), time.Hour, ""},
		{"only the token says it", 200, yes(jwt, "null"), 5 * time.Minute, ""},
		{"nothing says it", 200, yes("opaque", "null"), 0, ""},
		{"account or key are refused", 400, no(400, `"Account Id y/o API Key Invalidos"`), 0, badKey},
		{"they are refused under HTTP 200", 200, no(400, `"Account Id y/o API Key Invalidos"`), 0, badKey},
		{"they are refused as 401", 401, no(401, `"x"`), 0, badKey},
		{"they are refused under another HTTP status", 401, no(400, `"Account Id y/o API Key Invalidos"`), 0, badKey},
		{"they are refused under HTTP 500", 500, no(400, `"Account Id y/o API Key Invalidos"`), 0, badKey},
		{"they are refused by a page", 403, page, 0, badKey},
		{"the server fails", 500, no(500, `"Server Error"`), 0, "login: no answer: http_500"},
		{"the gateway fails", 503, page, 0, "login: no answer: http_503"},
		{"there is a page", 200, page, 0, "login: no answer: unreadable"},
		{"the token could not be a header", 200, yes("a\nb", "3600"), 0, "login: no answer: unreadable"},
		{"the token stands there twice", 200, strings.Replace(yes("tok", "3600"), `"access_token"`, `"access_token":"t2","access_token"`, 1), 0, "login: no answer: unreadable"},
		{"there is no token", 200, yes("", "3600"), 0, "login: no answer: unreadable"},
		{"the token is a number", 200, `{"success":true,"data":{"access_token":[1]},"status_code":200}`, 0, "login: no answer: unreadable"},
	} {
		token, err := mapLogin(wire.Reply{Status: row.status, Body: []byte(row.body)}, nil, with.now)
		class := ""
		if err != nil {
			got, _ := providertest.ClassAndCode(providers.Outcome{}, err)
			if class = string(got); got == providertest.NoAnswer {
				class = err.Error()
			}
		}
		life := time.Duration(0)
		if !token.Expires.IsZero() {
			life = token.Expires.Sub(with.now)
		}
		if class != row.class || life != row.life || (err == nil) == (token.Value == "") {
			t.Errorf("comes to when %s: got %s for %s, want %s for %s", row.comesToWhen, class, life, row.class, row.life)
		}
	}
}

func TestACardIsExpiredWhenItsMonthIsOverInBogota(t *testing.T) {
	t.Parallel()
	card := providers.Card{ExpiryMonth: 12, ExpiryYear: 26}
	for _, row := range []struct {
		at   time.Time
		want bool
	}{
		{time.Date(2027, 1, 1, 4, 59, 59, 0, time.UTC), false}, {time.Date(2027, 1, 1, 5, 0, 0, 0, time.UTC), true},
	} {
		if got := expired(card, row.at); got != row.want {
			t.Errorf("at %s: %t", row.at, got)
		}
	}
	if expired(providers.Card{}, with.now) {
		t.Error("a card without a month counts as expired")
	}
}

// The example of the documentation's formula, made with sha512sum over the line that it describes.
func TestTheHashIsTheDocumentedOne(t *testing.T) {
	t.Parallel()
	c := &Client{id: 123456789, config: Config{APIKey: "demo-api-key"}}
	const want = "a7c4556fd429f0e923a2f3197775ecf385e001c54b76718c318bf80b5fb8c4834502c30e10fbba986cf8b1b18c3ac4c2e37a9720c5fbb470a94e609eaaec27e5"
	if got := c.hash("PAY0000000042", "32900", "Suscripcion mensual", "Ana Ruiz", "ana.ruiz@example.com"); got != want {
		t.Errorf("got %s", got)
	}
}

func seeds(f *testing.F) {
	f.Helper()
	providertest.Seed(f, []int{200, 201, 302, 400, 401, 404, 422, 429, 500, 502},
		paidBody, ended, page, "", "null", "[]", dataWith(`"Rechazado"`), no(500, `"Rechazo General"`), no(400, `{"email":["x"]}`),
		no(400, `"Referencia duplicada"`), `{"success":true,"data":{"access_token":"abc","expires_in":3600},"status_code":200}`,
		`{"success":true,"data":"ZXhhbXBsZQ==","status_code":200}`)
}

// Garbage never succeeds and never refuses: that needs a whole envelope with the words that mean
// it, under the right HTTP status. No part of an envelope decides.
func FuzzCharge(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o, err := mapCharge(wire.Reply{Status: status, Body: body}, nil, with)
		providertest.Sane(t, o, err)
		if o.Class == providers.NotFound || o.Class == providers.Mismatch || o.Class == providers.Pending {
			t.Errorf("a charge yielded %s", o.Class)
		}
		if err == nil && o.Class != providers.InDoubt {
			means(t, status, body, o)
		}
	})
}

// means reads the envelope once more, in another way.
func means(t *testing.T, status int, body []byte, o providers.Outcome) {
	t.Helper()
	var e map[string]any
	if json.Unmarshal(body, &e) != nil {
		t.Fatalf("%s from what is no JSON object", o.Class)
	}
	yes, code := e["success"] == true, e["status_code"]
	data, _ := e["data"].(map[string]any)
	message, _ := e["message"].(string)
	switch {
	case o.Class == providers.Succeeded && yes && code == 200.0 && data["status"] == "Aprobado" && status/100 == 2:
	case o.Class == providers.Refused && yes && code == 200.0 && data["status"] == "Rechazado" && status/100 == 2:
	case o.Class == providers.Refused && !yes && code == 500.0 && strings.HasPrefix(message, "Rechaz") && (status == 200 || status == 500):
	case (o.Class == providers.Refused || o.Class == providers.Duplicate) && !yes && (code == 400.0 || code == 404.0 || code == 422.0) && (status == 200 || code == float64(status)):
	default:
		t.Errorf("HTTP %d yielded %s", status, o.Class)
	}
	for _, cut := range providertest.Beginnings(body) {
		if o, err := mapCharge(wire.Reply{Status: status, Body: cut}, nil, with); err == nil && o.Class != providers.InDoubt {
			t.Errorf("a beginning of the answer yielded %s", o.Class)
		}
	}
}

func FuzzLogin(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		token, err := mapLogin(wire.Reply{Status: status, Body: body}, nil, with.now)
		if (err == nil) == (token.Value == "") {
			t.Fatalf("token %t with error %v", token.Value != "", err)
		}
		if err == nil && (status/100 != 2 || !json.Valid(body) || strings.ContainsAny(token.Value.Reveal(), "\r\n ")) {
			t.Errorf("HTTP %d yielded a token", status)
		}
	})
}

func FuzzTokenization(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		card, err := mapTokenization(wire.Reply{Status: status, Body: body}, nil, with, "4000000000000000", "123")
		if (err == nil) == (card == "") {
			t.Fatalf("card %t with error %v", card != "", err)
		}
		if err != nil && strings.Contains(err.Error(), "4000000000000000") {
			t.Error("the error repeats the card's number")
		}
		if err == nil && (status/100 != 2 || !json.Valid(body)) {
			t.Errorf("HTTP %d yielded a card", status)
		}
	})
}
