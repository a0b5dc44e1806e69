package coordinador

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// Words for what a mapping yields as an error.
const (
	notSentWord     = "not sent"
	credentialsWord = "credentials"
	noAnswerWord    = "no answer"
)

var noon = time.Date(2026, 5, 15, 12, 0, 0, 0, time.UTC)

// said is class and code of what a mapping yielded.
func said(o providers.Outcome, err error) (string, string) {
	var credentials *providers.CredentialsError
	var notSent *providers.NotSent
	switch {
	case errors.As(err, &credentials):
		return credentialsWord, credentials.Code
	case errors.As(err, &notSent):
		return notSentWord, notSent.Reason
	case err != nil:
		return noAnswerWord, ""
	}
	return string(o.Class), o.Code
}

const (
	loginPage = `<!doctype html><title>Ingreso</title>`
	cleanBody = `{"result":{"debtor":101},"errors":[],"operation":12345}`
	wrongBody = `{"result":{},"errors":["La instrucción no existe"],"operation":12346}`
)

// Every line: an answer, and what it means to a registration.
func TestRegistrationMapping(t *testing.T) {
	t.Parallel()
	const doubt, pending, refused, again = "in_doubt", "pending", "refused", "duplicate"
	for _, row := range []struct {
		name   string
		status int
		body   string
		class  string
		code   string
	}{
		{"accepted", 200, cleanBody, pending, "accepted"},
		{"accepted, with the payment's id", 200, `{"result":{"id":987},"errors":[],"operation":1}`, pending, "accepted"},
		{"accepted, without result", 200, `{"errors":[],"operation":1}`, pending, "accepted"},
		{"accepted, the operation as a text", 200, `{"result":null,"errors":[],"operation":"12345"}`, pending, "accepted"},
		{"accepted, without operation", 200, `{"result":{},"errors":[]}`, pending, "accepted"},
		{"accepted, with fields nobody knows", 200, `{"result":{},"errors":[],"operation":1,"warnings":["x"]}`, pending, "accepted"},
		{"accepted, of nothing", 200, `{"errors":[]}`, doubt, "unreadable"},
		{"accepted, of null", 200, `{"result":null,"errors":[],"operation":null}`, doubt, "unreadable"},
		{"accepted, with HTTP 201", 201, cleanBody, doubt, "http_201"},
		{"accepted, with HTTP 400", 400, cleanBody, doubt, "http_400"},
		{"accepted, with HTTP 500", 500, cleanBody, doubt, "http_500"},
		{"accepted, with HTTP 302", 302, cleanBody, doubt, "http_302"},
		{"without errors", 200, `{"result":{},"operation":1}`, doubt, "unreadable"},
		{"errors of null", 200, `{"result":{},"errors":null,"operation":1}`, doubt, "unreadable"},
		{"errors that are a text", 200, `{"result":{},"errors":"no","operation":1}`, doubt, "unreadable"},
		{"errors that are an object", 200, `{"result":{},"errors":{"amount":["x"]},"operation":1}`, doubt, "unreadable"},
		{"errors without a text", 200, `{"result":{},"errors":[null,{}],"operation":1}`, doubt, "unreadable"},

		{"errors", 200, wrongBody, refused, "errors"},
		{"errors, with HTTP 400", 400, wrongBody, refused, "errors"},
		{"errors, with HTTP 403", 403, wrongBody, refused, "errors"},
		{"errors, with HTTP 422", 422, wrongBody, refused, "errors"},
		{"errors, with a code", 200, `{"result":null,"errors":[{"code":"E-133","message":"sin saldo"}]}`, refused, "E-133"},
		{"errors, with a code among texts", 200, `{"errors":["la instrucción","invalid_instruction"]}`, refused, "invalid_instruction"},
		{"errors, by field", 200, `{"errors":[{"dtes":["no existe el DTE"]}]}`, refused, "errors"},
		{"errors of a duplicate", 200, `{"result":null,"errors":["Pago duplicado"]}`, again, "errors"},
		{"errors of a duplicate, with a code", 400, `{"errors":[{"code":"E-121","message":"Ya existe un pago para la instrucción"}]}`, again, "E-121"},
		{"errors of a duplicate, in English", 422, `{"errors":[{"non_field_errors":["PaymentExecution with this erp_a already exists."]}]}`, again, "errors"},
		{"errors of a duplicate, and yet something was made", 200, `{"result":{"id":987},"errors":["Pago duplicado"]}`, doubt, "unreadable"},
		{"errors of a duplicate, with HTTP 500", 500, `{"errors":["Pago duplicado"]}`, doubt, "http_500"},
		{"errors, and yet something was made", 200, `{"result":{"id":987},"errors":["aviso de algo"]}`, doubt, "unreadable"},
		{"errors, and yet an execution", 200, `{"result":{"execution":"987"},"errors":["aviso de algo"]}`, doubt, "unreadable"},
		{"errors beside what was registered", 200, `{"result":{"debtor":101,"creditor":202,"amount":119000},"errors":[{"code":"0","message":"Operación exitosa"}],"operation":12345}`, doubt, "unreadable"},
		{"errors beside a list", 200, `{"result":[{"id":987}],"errors":["aviso de algo"]}`, doubt, "unreadable"},
		{"errors beside a number", 200, `{"result":987,"errors":["aviso de algo"]}`, doubt, "unreadable"},
		{"errors beside a result of nothing", 200, `{"result":{"id":null,"debtor":""},"errors":["La instrucción no existe"]}`, refused, "errors"},
		{"errors beside an empty list", 200, `{"result":[],"errors":["La instrucción no existe"]}`, refused, "errors"},
		{"errors beside a result that is no text", 200, `{"result":"","errors":["La instrucción no existe"]}`, refused, "errors"},
		{"errors, with HTTP 500", 500, wrongBody, doubt, "http_500"},
		{"errors, with HTTP 201", 201, wrongBody, doubt, "http_201"},

		{"the token refused", 401, `{"detail":"expirado"}`, credentialsWord, "http_401"},
		{"the token refused, with a page", 401, loginPage, credentialsWord, "http_401"},
		{"the token refused, with errors", 401, wrongBody, credentialsWord, "http_401"},
		{"the token refused, and yet something was made", 401, `{"result":{"id":987},"errors":[]}`, doubt, "http_401"},
		{"forbidden", 403, `{"detail":"sin permiso"}`, doubt, "http_403"},
		{"forbidden, with a page", 403, loginPage, doubt, "http_403"},
		{"throttled", 429, "", notSentWord, "throttled"},
		{"throttled, and yet something was made", 429, `{"result":{"id":987},"errors":[]}`, doubt, "http_429"},
		{"a form's errors without the envelope", 400, `{"data":["requerido"]}`, doubt, "http_400"},
		{"a bare 404", 404, "404 page not found", doubt, "http_404"},
		{"a server error", 500, "", doubt, "http_500"},
		{"unavailable for a while", 503, "", doubt, "http_503"},
		{"a page", 200, loginPage, doubt, "unreadable"},
		{"nothing", 200, "", doubt, "unreadable"},
		{"no content", 204, "", doubt, "http_204"},
		{"null", 200, "null", doubt, "unreadable"},
		{"an array", 200, "[" + cleanBody + "]", doubt, "unreadable"},
		{"errors twice", 200, `{"errors":["La instrucción no existe"],"result":{},"errors":[],"operation":1}`, doubt, "unreadable"},
		{"errors twice, with HTTP 400", 400, `{"errors":[],"result":{},"errors":["La instrucción no existe"]}`, doubt, "http_400"},
		{"the token refused, with a name twice", 401, `{"detail":"a","detail":"b"}`, doubt, "http_401"},
		{"throttled, with a name twice", 429, `{"detail":"a","detail":"b"}`, doubt, "http_429"},
		{"two values", 200, cleanBody + cleanBody, doubt, "unreadable"},
		{"cut", 200, cleanBody[:len(cleanBody)-1], doubt, "unreadable"},
		{"not UTF-8", 200, strings.Replace(cleanBody, "debtor", "\xff", 1), doubt, "unreadable"},
		{"fields in other capitals", 200, `{"Result":{},"Errors":[],"Operation":1}`, doubt, "unreadable"},
	} {
		o, err := registered(wire.Reply{Status: row.status, Body: []byte(row.body)}, nil, noon, nil)
		if class, code := said(o, err); class != row.class || code != row.code {
			t.Errorf("%s: got %s %s, want %s %s", row.name, class, code, row.class, row.code)
		}
	}
}

func pageOf(rows string, count int) string {
	return fmt.Sprintf(`{"count":%d,"next":null,"previous":null,"results":[%s]}`, count, rows)
}

const oneRow = `{"id":55,"instruction":7,"execution":987,"amount":119000,"is_net_amount":false,"dtes":[],"created_ts":"x","updated_ts":null}`

// Every line: a page of rows, and what it means after an attempt of ours, or why it is no answer.
func TestRowsMapping(t *testing.T) {
	t.Parallel()
	const none, succeeded, mismatched = "not_found", "succeeded", "mismatch"
	change := func(from, to string) string { return pageOf(strings.Replace(oneRow, from, to, 1), 1) }
	for _, row := range []struct {
		name   string
		status int
		body   string
		class  string
		code   string
	}{
		{"none", 200, pageOf("", 0), none, "not_registered"},
		{"one", 200, pageOf(oneRow, 1), succeeded, "registered"},
		{"one, its numbers as texts", 200, pageOf(`{"id":"55","instruction":"7","execution":"987","amount":"119000"}`, 1), succeeded, "registered"},
		{"one, with decimals of nothing", 200, change("119000", "119000.00"), succeeded, "registered"},
		{"one, taken for a net amount", 200, change("false", "true"), succeeded, "registered"},
		{"one, whether net is null", 200, change("false", "null"), succeeded, "registered"},
		{"one of another amount", 200, change("119000", "100000"), mismatched, "other_amount"},
		{"one of a fraction more", 200, change("119000", "119000.01"), mismatched, "other_amount"},
		{"one of less than nothing", 200, change("119000", "-119000"), mismatched, "other_amount"},
		{"one taken for a net amount, of another amount", 200, strings.Replace(change("false", "true"), "119000", "141610", 1), mismatched, "other_amount"},
		{"two", 200, pageOf(oneRow+","+strings.Replace(oneRow, "55", "56", 1), 2), mismatched, "several_rows"},

		{"one of another instruction", 200, change(`"instruction":7`, `"instruction":8`), noAnswerWord, ""},
		{"the same one twice", 200, pageOf(oneRow+","+oneRow, 2), noAnswerWord, ""},
		{"more than are counted", 200, pageOf(oneRow, 0), noAnswerWord, ""},
		{"fewer than are counted", 200, pageOf("", 1), noAnswerWord, ""},
		{"no count", 200, `{"results":[]}`, noAnswerWord, ""},
		{"a count of null", 200, `{"count":null,"results":[]}`, noAnswerWord, ""},
		{"a count below nothing", 200, `{"count":-1,"results":[]}`, noAnswerWord, ""},
		{"no results", 200, `{"count":0}`, noAnswerWord, ""},
		{"results of null", 200, `{"count":0,"results":null}`, noAnswerWord, ""},
		{"results that are an object", 200, `{"count":0,"results":{}}`, noAnswerWord, ""},
		{"a row that is a number", 200, pageOf("7", 1), noAnswerWord, ""},
		{"a row of null", 200, pageOf("null", 1), noAnswerWord, ""},
		{"a row without id", 200, change(`"id":55,`, ""), noAnswerWord, ""},
		{"a row without execution", 200, change(`"execution":987,`, ""), noAnswerWord, ""},
		{"a row without an amount", 200, change(`"amount":119000,`, ""), noAnswerWord, ""},
		{"an amount with an exponent", 200, change("119000", "1.19e5"), noAnswerWord, ""},
		{"an amount of null", 200, change("119000", "null"), noAnswerWord, ""},
		{"net as a text", 200, change("false", `"no"`), noAnswerWord, ""},
		{"a count twice", 200, `{"count":1,"count":0,"results":[]}`, noAnswerWord, ""},
		{"a row with an amount twice", 200, change(`"amount"`, `"amount":1,"amount"`), noAnswerWord, ""},
		{"an execution of zero", 200, change("987", "0"), noAnswerWord, ""},
		{"an execution that is a fraction", 200, change("987", "987.5"), noAnswerWord, ""},

		{"the token refused", 401, `{"detail":"expirado"}`, credentialsWord, "http_401"},
		{"forbidden", 403, `{"detail":"sin permiso"}`, noAnswerWord, ""},
		{"throttled", 429, pageOf("", 0), notSentWord, "throttled"},
		{"none, with HTTP 201", 201, pageOf("", 0), noAnswerWord, ""},
		{"none, with HTTP 404", 404, pageOf("", 0), noAnswerWord, ""},
		{"none, with HTTP 500", 500, pageOf("", 0), noAnswerWord, ""},
		{"a bare 404", 404, "404 page not found", noAnswerWord, ""},
		{"an API's own 404", 404, `{"detail":"No encontrado."}`, noAnswerWord, ""},
		{"a page", 200, loginPage, noAnswerWord, ""},
		{"nothing", 200, "", noAnswerWord, ""},
		{"null", 200, "null", noAnswerWord, ""},
		{"an empty array", 200, "[]", noAnswerWord, ""},
		{"cut", 200, strings.TrimSuffix(pageOf("", 0), "}"), noAnswerWord, ""},
		{"fields in other capitals", 200, `{"Count":0,"Results":[]}`, noAnswerWord, ""},
	} {
		if class, code := said(answered(wire.Reply{Status: row.status, Body: []byte(row.body)}, nil)); class != row.class || code != row.code {
			t.Errorf("%s: got %s %s, want %s %s", row.name, class, code, row.class, row.code)
		}
	}
}

// answered is what a status query of one page comes to.
func answered(r wire.Reply, err error) (providers.Outcome, error) {
	p, err := listed(r, err, noon)
	if err != nil {
		return providers.Outcome{}, err
	}
	if int64(len(p.rows)) != p.count {
		return providers.Outcome{}, errUnsteady
	}
	rows, err := about(p.rows, 7)
	if err != nil {
		return providers.Outcome{}, err
	}
	amount, _ := providers.ParseMoney("119000", "CLP")
	return judge(rows, amount, true), nil
}

// Every line: what a login is answered with, and what that is.
func TestLoginMapping(t *testing.T) {
	t.Parallel()
	const granting = "granted"
	for _, row := range []struct {
		name   string
		status int
		body   string
		want   string
		value  string
	}{
		{"access", 200, `{"access":"a","refresh":"r"}`, granting, "a"},
		{"token", 200, `{"token":"t"}`, granting, "t"},
		{"access_token", 201, `{"access_token":"b"}`, granting, "b"},
		{"the first that is not empty", 200, `{"access":"","token":"t","access_token":"b"}`, granting, "t"},
		{"access before the others", 200, `{"token":"t","access":"a"}`, granting, "a"},
		{"a refresh of another type", 200, `{"token":"t","refresh":7}`, granting, "t"},
		{"none", 200, `{}`, notSentWord, "login"},
		{"one that is a number", 200, `{"access":7}`, notSentWord, "login"},
		{"one with a blank", 200, `{"access":"a b"}`, notSentWord, "login"},
		{"one with a line break", 200, `{"access":"a\nX: 1"}`, notSentWord, "login"},
		{"a page", 200, loginPage, notSentWord, "login"},
		{"refused", 401, `{"detail":"no"}`, credentialsWord, "http_401"},
		{"forbidden", 403, "", credentialsWord, "http_403"},
		{"a bad request", 400, `{"non_field_errors":["no"]}`, credentialsWord, "http_400"},
		{"throttled", 429, "", notSentWord, "throttled"},
		{"a server error", 502, "", notSentWord, "login"},
		{"a token, with HTTP 500", 500, `{"access":"a"}`, notSentWord, "login"},
		{"another path", 404, "", notSentWord, "login"},
	} {
		token, err := granted(wire.Reply{Status: row.status, Body: []byte(row.body)}, nil, noon)
		class, code := said(providers.Outcome{Class: granting, Code: token.Value.Reveal()}, err)
		if class != row.want || code != row.value {
			t.Errorf("%s: got %s %s (%v)", row.name, class, code, err)
		}
	}
}

func TestMappingOfBrokenExchanges(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name             string
		err              error
		registered, code string
		asked            string
	}{
		{"nothing left", &wire.Error{Reason: wire.Connect}, notSentWord, "connect", notSentWord},
		{"no time was left", &wire.Error{Reason: wire.NoTime}, notSentWord, "no_time", notSentWord},
		{"the time ran out", &wire.Error{Sent: true, Reason: wire.Timeout}, "in_doubt", "timeout", noAnswerWord},
		{"the answer was too large", &wire.Error{Sent: true, Reason: wire.TooLarge, Status: 200}, "in_doubt", "too_large", noAnswerWord},
		{"the answer of a 401 broke off", &wire.Error{Sent: true, Reason: wire.EOF, Status: 401}, "in_doubt", "eof", noAnswerWord},
		{"an unknown error", errors.New("boom"), "in_doubt", "unreadable", noAnswerWord},
		{"no token", &providers.NotSent{Reason: "token"}, notSentWord, "token", notSentWord},
		{"credentials refused", &providers.CredentialsError{Code: "http_401"}, credentialsWord, "http_401", credentialsWord},
	} {
		if class, code := said(registered(wire.Reply{}, row.err, noon, nil)); class != row.registered || code != row.code {
			t.Errorf("registration, %s: got %s %s, want %s %s", row.name, class, code, row.registered, row.code)
		}
		if class, _ := said(answered(wire.Reply{}, row.err)); class != row.asked {
			t.Errorf("status, %s: got %s, want %s", row.name, class, row.asked)
		}
	}
}

func TestThrottlingSaysHowLong(t *testing.T) {
	t.Parallel()
	r := wire.Reply{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"30"}}}
	_, registering := registered(r, nil, noon, nil)
	_, asking := listed(r, nil, noon)
	_, loggingIn := granted(r, nil, noon)
	for _, err := range []error{registering, asking, loggingIn} {
		var e *providers.NotSent
		if !errors.As(err, &e) || e.RetryAfter != 30*time.Second {
			t.Errorf("got %v, want 30 s", err)
		}
	}
}

func TestTextsOfThePortalAreScrubbed(t *testing.T) {
	t.Parallel()
	body := `{"errors":[{"code":"E-12345678","message":["La cuenta 00123456789 de pagos@empresa.example, clave s3creta"]}]}`
	o, err := registered(wire.Reply{Status: 200, Body: []byte(body)}, nil, noon, []string{"s3creta"})
	if err != nil || o.Class != providers.Refused || !strings.Contains(o.Message, "La cuenta") {
		t.Fatalf("got %+v, %v", o, err)
	}
	for _, secret := range []string{"00123456789", "pagos@", "s3creta", "12345678"} {
		if strings.Contains(o.Code+o.Message, secret) {
			t.Errorf("%q is left in %q %q", secret, o.Code, o.Message)
		}
	}
}

func TestTextsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	got := strings.Join(texts([]byte(`["a",{"x":"b","y":{"z":["c",{"w":1}]},"v":"d"},[[" ","e"]],null,true,"f"]`)), " ")
	if got != "a b c 1 d e f" {
		t.Errorf("got %q", got)
	}
}

func TestATokensLifeIsInIt(t *testing.T) {
	t.Parallel()
	body := `{"access":"e30.eyJ1c2VyX2lkIjo3LCJleHAiOjE3NzkwMDAwMDAsInJlZnJlc2hfZXhwIjoxNzc5NTE4NDAwfQ.c2ln","refresh":"r"}`
	token, ok := readToken([]byte(body), noon)
	if !ok || token.Expires.Unix() != 1779000000 || token.RefreshUntil.Unix() != 1779518400 || token.Refresh != "r" {
		t.Errorf("got expires %v, refresh until %v", token.Expires, token.RefreshUntil)
	}
	for _, body := range []string{`{"access":"t1","access":"t2"}`, `{"access":"t1","refresh":"r1","refresh":"r2"}`} {
		if token, ok := readToken([]byte(body), noon); ok {
			t.Errorf("%s: got %+v", body, token)
		}
	}
	// The first one's payload has its name twice.
	for _, value := range []string{"e30.eyJyZWZyZXNoX2V4cCI6MTc3OTUxODQwMCwicmVmcmVzaF9leHAiOjE3Nzk1MTg0MDF9.c2ln", "opaque", "a.b.c", "e30.e30.c2ln", "e30.bm90IGpzb24.c2ln"} {
		token, ok := readToken([]byte(`{"access":"`+value+`"}`), noon)
		if !ok || !token.Expires.IsZero() || !token.RefreshUntil.IsZero() {
			t.Errorf("%s: got expires %v, refresh until %v", value, token.Expires, token.RefreshUntil)
		}
	}
}
