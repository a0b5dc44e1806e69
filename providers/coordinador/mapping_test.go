package coordinador

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

const (
	loginPage = `<!doctype html><title>Ingreso</title>`
	cleanBody = `{"result":{"debtor":101},"errors":[],"operation":12345}`
	wrongBody = `{"result":{},"errors":["La instrucción no existe"],"operation":12346}`
)

// Every line: a response, and what it means to a registration.
func TestRegistrationMapping(t *testing.T) {
	t.Parallel()
	const doubt, pending, refused, again = "in_doubt", "pending", "refused", "duplicate"
	providertest.Mapping(t, providertest.MappingRows{
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

		{"the token refused", 401, `{"detail":"expirado"}`, providertest.Credentials, "http_401"},
		{"the token refused, with a page", 401, loginPage, providertest.Credentials, "http_401"},
		{"the token refused, with errors", 401, wrongBody, providertest.Credentials, "http_401"},
		{"the token refused, and yet something was made", 401, `{"result":{"id":987},"errors":[]}`, doubt, "http_401"},
		{"forbidden", 403, `{"detail":"sin permiso"}`, doubt, "http_403"},
		{"forbidden, with a page", 403, loginPage, doubt, "http_403"},
		{"throttled", 429, "", providertest.NoAct, "throttled"},
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
	}, func(r wire.Reply) (providers.Outcome, error) {
		return mapRegistration(r, nil, providertest.Now, nil)
	})
}

func pageOf(rows string, count int) string {
	return fmt.Sprintf(`{"count":%d,"next":null,"previous":null,"results":[%s]}`, count, rows)
}

const oneRow = `{"id":55,"instruction":7,"execution":987,"amount":119000,"is_net_amount":false,"dtes":[],"created_ts":"x","updated_ts":null}`

// Every line: a page of rows, and what it means after an attempt of ours, or why it is no response.
func TestRowsMapping(t *testing.T) {
	t.Parallel()
	const none, succeeded, mismatched = "not_found", "succeeded", "mismatch"
	change := func(from, to string) string { return pageOf(strings.Replace(oneRow, from, to, 1), 1) }
	providertest.Mapping(t, providertest.MappingRows{
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

		{"one of another instruction", 200, change(`"instruction":7`, `"instruction":8`), providertest.NoAnswer, ""},
		{"the same one twice", 200, pageOf(oneRow+","+oneRow, 2), providertest.NoAnswer, ""},
		{"more than are counted", 200, pageOf(oneRow, 0), providertest.NoAnswer, ""},
		{"fewer than are counted", 200, pageOf("", 1), providertest.NoAnswer, ""},
		{"no count", 200, `{"results":[]}`, providertest.NoAnswer, ""},
		{"a count of null", 200, `{"count":null,"results":[]}`, providertest.NoAnswer, ""},
		{"a count below nothing", 200, `{"count":-1,"results":[]}`, providertest.NoAnswer, ""},
		{"no results", 200, `{"count":0}`, providertest.NoAnswer, ""},
		{"results of null", 200, `{"count":0,"results":null}`, providertest.NoAnswer, ""},
		{"results that are an object", 200, `{"count":0,"results":{}}`, providertest.NoAnswer, ""},
		{"a row that is a number", 200, pageOf("7", 1), providertest.NoAnswer, ""},
		{"a row of null", 200, pageOf("null", 1), providertest.NoAnswer, ""},
		{"a row without id", 200, change(`"id":55,`, ""), providertest.NoAnswer, ""},
		{"a row without execution", 200, change(`"execution":987,`, ""), providertest.NoAnswer, ""},
		{"a row without an amount", 200, change(`"amount":119000,`, ""), providertest.NoAnswer, ""},
		{"an amount with an exponent", 200, change("119000", "1.19e5"), providertest.NoAnswer, ""},
		{"an amount of null", 200, change("119000", "null"), providertest.NoAnswer, ""},
		{"net as a text", 200, change("false", `"no"`), providertest.NoAnswer, ""},
		{"a count twice", 200, `{"count":1,"count":0,"results":[]}`, providertest.NoAnswer, ""},
		{"a row with an amount twice", 200, change(`"amount"`, `"amount":1,"amount"`), providertest.NoAnswer, ""},
		{"an execution of zero", 200, change("987", "0"), providertest.NoAnswer, ""},
		{"an execution that is a fraction", 200, change("987", "987.5"), providertest.NoAnswer, ""},

		{"the token refused", 401, `{"detail":"expirado"}`, providertest.Credentials, "http_401"},
		{"forbidden", 403, `{"detail":"sin permiso"}`, providertest.NoAnswer, ""},
		{"throttled", 429, pageOf("", 0), providertest.NoAct, "throttled"},
		{"none, with HTTP 201", 201, pageOf("", 0), providertest.NoAnswer, ""},
		{"none, with HTTP 404", 404, pageOf("", 0), providertest.NoAnswer, ""},
		{"none, with HTTP 500", 500, pageOf("", 0), providertest.NoAnswer, ""},
		{"a bare 404", 404, "404 page not found", providertest.NoAnswer, ""},
		{"an API's own 404", 404, `{"detail":"No encontrado."}`, providertest.NoAnswer, ""},
		{"a page", 200, loginPage, providertest.NoAnswer, ""},
		{"nothing", 200, "", providertest.NoAnswer, ""},
		{"null", 200, "null", providertest.NoAnswer, ""},
		{"an empty array", 200, "[]", providertest.NoAnswer, ""},
		{"cut", 200, strings.TrimSuffix(pageOf("", 0), "}"), providertest.NoAnswer, ""},
		{"fields in other capitals", 200, `{"Count":0,"Results":[]}`, providertest.NoAnswer, ""},
	}, func(r wire.Reply) (providers.Outcome, error) { return mapBoth(r, nil) })
}

// mapBoth is what a status query of one page comes to.
func mapBoth(r wire.Reply, err error) (providers.Outcome, error) {
	p, err := mapRows(r, err, providertest.Now)
	if err != nil {
		return providers.Outcome{}, err
	}
	if int64(len(p.rows)) != p.count {
		return providers.Outcome{}, errUnsteady
	}
	rows, err := forInstruction(p.rows, 7)
	if err != nil {
		return providers.Outcome{}, err
	}
	amount, _ := providers.ParseMoney("119000", "CLP")
	return outcomeOfRows(rows, amount, true), nil
}

// Every line: the response to a login, and what that is.
func TestLoginMapping(t *testing.T) {
	t.Parallel()
	const granting = "granted"
	providertest.Mapping(t, providertest.MappingRows{
		{"access", 200, `{"access":"a","refresh":"r"}`, granting, "a"},
		{"token", 200, `{"token":"t"}`, granting, "t"},
		{"access_token", 201, `{"access_token":"b"}`, granting, "b"},
		{"the first that is not empty", 200, `{"access":"","token":"t","access_token":"b"}`, granting, "t"},
		{"access before the others", 200, `{"token":"t","access":"a"}`, granting, "a"},
		{"a refresh of another type", 200, `{"token":"t","refresh":7}`, granting, "t"},
		{"none", 200, `{}`, providertest.NoAct, "login"},
		{"one that is a number", 200, `{"access":7}`, providertest.NoAct, "login"},
		{"one with a blank", 200, `{"access":"a b"}`, providertest.NoAct, "login"},
		{"one with a line break", 200, `{"access":"a\nX: 1"}`, providertest.NoAct, "login"},
		{"a page", 200, loginPage, providertest.NoAct, "login"},
		{"refused", 401, `{"detail":"no"}`, providertest.Credentials, "http_401"},
		{"forbidden", 403, "", providertest.Credentials, "http_403"},
		{"a bad request", 400, `{"non_field_errors":["no"]}`, providertest.Credentials, "http_400"},
		{"throttled", 429, "", providertest.NoAct, "throttled"},
		{"a server error", 502, "", providertest.NoAct, "login"},
		{"a token, with HTTP 500", 500, `{"access":"a"}`, providertest.NoAct, "login"},
		{"another path", 404, "", providertest.NoAct, "login"},
	}, func(r wire.Reply) (providers.Outcome, error) {
		token, err := mapLogin(r, nil, providertest.Now)
		return providers.Outcome{Class: granting, Code: token.Value.Reveal()}, err
	})
}

func TestMappingOfBrokenExchanges(t *testing.T) {
	t.Parallel()
	providertest.Broken(t, providertest.MoneyExchange, func(err error) (providers.Outcome, error) {
		return mapRegistration(wire.Reply{}, err, providertest.Now, nil)
	})
	providertest.Broken(t, providertest.StatusExchange, func(err error) (providers.Outcome, error) { return mapBoth(wire.Reply{}, err) })
}

func TestThrottlingSaysHowLong(t *testing.T) {
	t.Parallel()
	providertest.Throttled(t, map[string]func(r wire.Reply) error{
		"registration": func(r wire.Reply) error { _, err := mapRegistration(r, nil, providertest.Now, nil); return err },
		"question":     func(r wire.Reply) error { _, err := mapRows(r, nil, providertest.Now); return err },
		"login":        func(r wire.Reply) error { _, err := mapLogin(r, nil, providertest.Now); return err },
	})
}

func TestTextsOfThePortalAreScrubbed(t *testing.T) {
	t.Parallel()
	body := `{"errors":[{"code":"E-12345678","message":["La cuenta 00123456789 de pagos@empresa.example, clave s3creta"]}]}`
	o, err := mapRegistration(wire.Reply{Status: 200, Body: []byte(body)}, nil, providertest.Now, []string{"s3creta"})
	providertest.TextsStayHidden(t, providers.Refused, o, err, "00123456789", "pagos@", "s3creta", "12345678")
	if !strings.Contains(o.Message, "La cuenta") {
		t.Errorf("got %q", o.Message)
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
	token, ok := readToken([]byte(body), providertest.Now)
	if !ok || token.Expires.Unix() != 1779000000 || token.RefreshUntil.Unix() != 1779518400 || token.Refresh != "r" {
		t.Errorf("got expires %v, refresh until %v", token.Expires, token.RefreshUntil)
	}
	for _, body := range []string{`{"access":"t1","access":"t2"}`, `{"access":"t1","refresh":"r1","refresh":"r2"}`} {
		if token, ok := readToken([]byte(body), providertest.Now); ok {
			t.Errorf("%s: got %+v", body, token)
		}
	}
	// The first one's payload has its name twice.
	for _, value := range []string{"e30.eyJyZWZyZXNoX2V4cCI6MTc3OTUxODQwMCwicmVmcmVzaF9leHAiOjE3Nzk1MTg0MDF9.c2ln", "opaque", "a.b.c", "e30.e30.c2ln", "e30.bm90IGpzb24.c2ln"} {
		token, ok := readToken([]byte(`{"access":"`+value+`"}`), providertest.Now)
		if !ok || !token.Expires.IsZero() || !token.RefreshUntil.IsZero() {
			t.Errorf("%s: got expires %v, refresh until %v", value, token.Expires, token.RefreshUntil)
		}
	}
}

func seeds(f *testing.F) {
	f.Helper()
	providertest.Seed(f, []int{200, 201, 400, 401, 403, 404, 422, 429, 502},
		cleanBody, wrongBody, loginPage, "", "null", "[]", pageOf("", 0), pageOf(oneRow, 1), pageOf(oneRow+","+oneRow, 2),
		`{"errors":[{"code":"x"}]}`, `{"result":{"id":1},"errors":["x"]}`, `{"access":"a.b.c"}`)
}

// Garbage is never accepted and never refused: either needs a whole JSON object with errors that
// are a list, under the right HTTP status; and every beginning of such a response is in doubt. No
// response to a registration is a success by itself.
func FuzzRegistration(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		o, err := mapRegistration(r, nil, providertest.Now, nil)
		providertest.Sane(t, o, err)
		switch {
		case err != nil:
			if status != 401 && status != 429 {
				t.Errorf("HTTP %d proves that nothing was done: %v", status, err)
			}
			return
		case o.Class == providers.InDoubt:
			return
		case o.Class != providers.Pending && o.Class != providers.Refused:
			t.Errorf("a registration came to %s", o.Class)
		case o.Class == providers.Pending && status != 200, status != 200 && status/100 != 4:
			t.Errorf("HTTP %d came to %s", status, o.Class)
		}
		var envelope map[string]any
		_ = json.Unmarshal(body, &envelope)
		if all, ok := envelope["errors"].([]any); !ok || (len(all) > 0) != (o.Class == providers.Refused) {
			t.Errorf("%s from errors %v", o.Class, envelope["errors"])
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, err := mapRegistration(wire.Reply{Status: status, Body: cut}, nil, providertest.Now, nil); err == nil && o.Class != providers.InDoubt {
				t.Errorf("a beginning of the answer came to %s", o.Class)
			}
		}
	})
}

// Garbage is no response: whatever is found, or not, needs a whole JSON object that counts its
// results, and HTTP 200.
func FuzzStatus(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o, err := mapBoth(wire.Reply{Status: status, Body: body}, nil)
		providertest.Sane(t, o, err)
		if err != nil {
			return
		}
		var page map[string]any
		_ = json.Unmarshal(body, &page)
		results, ok := page["results"].([]any)
		if status != 200 || !ok || page["count"] == nil {
			t.Fatalf("HTTP %d came to %s", status, o.Class)
		}
		if n := len(results); (n == 0) != (o.Class == providers.NotFound) || o.Class == providers.Refused || o.Class == providers.Pending {
			t.Errorf("%d results came to %s", n, o.Class)
		}
		if o.Class == providers.Succeeded && (o.ProviderID == "" || !strings.Contains(string(body), o.ProviderID)) {
			t.Errorf("succeeded as %q", o.ProviderID)
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, err := mapBoth(wire.Reply{Status: status, Body: cut}, nil); err == nil {
				t.Errorf("a beginning of the answer came to %s", o.Class)
			}
		}
	})
}

// A login yields a token that can travel in a header, or an error.
func FuzzLogin(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		token, err := mapLogin(wire.Reply{Status: status, Body: body}, nil, providertest.Now)
		if (err == nil) == (token.Value == "") || err == nil && status != 200 && status != 201 {
			t.Errorf("HTTP %d: %v", status, err)
		}
		if strings.ContainsAny(token.Value.Reveal(), " \r\n\x00") || !utf8.ValidString(token.Value.Reveal()) {
			t.Error("the token cannot travel in a header")
		}
	})
}
