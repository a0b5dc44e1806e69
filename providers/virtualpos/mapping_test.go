package virtualpos

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

var with = mappingContext{
	now: providertest.Now, reference: "tef-0001", bank: "012", account: "00123456789",
	hide: []string{"Ana Soto"},
}

const (
	page         = `<!doctype html><title>Ingreso</title>`
	paidBody     = `{"status":"OK","code":200,"payout":{"id":"pyt_1","merchant_id":"tef-0001","status":"pagado","amount":12500}}`
	refusal      = `{"status":"NOK","error":{"error_code":"E-120","message":"saldo"}}`
	absent       = `{"status":"NOK","error":{"error_code":"E-041","message":"no existe"}}`
	badKey       = `{"status":"NOK","error":{"error_code":"E-001","message":"api_key"}}`
	duplicateOne = `{"status":"NOK","error":{"error_code":"E-121","message":"merchant_id Duplicado"}}`
	duplicateTwo = `{"status":"NOK","error":{"error_code":"E-122","message":"la transferencia ya existe"}}`
	orderBody    = `{"status":"OK","code":200,"payment":{"client":{},"order":{"uuid":"0123456789abcdef","status":"pagado","amount":12500,"merchant_internal_code":"tef-0001","bank":{}}}}`
)

// beside puts one more field into a response.
func beside(body, field string) string { return strings.Replace(body, "{", "{"+field+",", 1) }

// noRejection is the object that a paid payment of the sandbox carried.
const noRejection = `"rejected_object":{"code":"0","message":"Operación exitosa","doc_url":"https://docs.example/objeto-rechazo"}`

func paymentWith(word string) string { return strings.Replace(paidBody, "pagado", word, 1) }

// Every line: a response, what it means to a create request, what it means to a status query.
func TestMapping(t *testing.T) {
	t.Parallel()
	const doubt, pending, succeeded, refused, unknown, again = "in_doubt", "pending", "succeeded", "refused", "not_found", "duplicate"
	for _, row := range []struct {
		name    string
		status  int
		body    string
		created providers.Class
		code    string
		queried providers.Class
		asCode  string
	}{
		{"paid", 200, paidBody, succeeded, "pagado", succeeded, "pagado"},
		{"paid, with HTTP 201", 201, paidBody, succeeded, "pagado", succeeded, "pagado"},
		{"completed", 200, paymentWith("completado"), succeeded, "completado", succeeded, "completado"},
		{"successful, in capitals", 200, paymentWith("EXITOSO"), succeeded, "exitoso", succeeded, "exitoso"},
		{"waiting", 200, paymentWith("pendiente"), pending, "pendiente", pending, "pendiente"},
		{"working", 200, paymentWith("procesando"), pending, "procesando", pending, "procesando"},
		{"under way", 200, paymentWith("en_proceso"), pending, "en_proceso", pending, "en_proceso"},
		{"rejected", 200, paymentWith("rechazado"), pending, "rechazado", refused, "rechazado"},
		{"failed", 200, paymentWith("fallido"), pending, "fallido", refused, "fallido"},
		{"cancelled", 200, paymentWith("cancelado"), pending, "cancelado", refused, "cancelado"},
		{"annulled", 200, paymentWith("anulado"), pending, "anulado", refused, "anulado"},
		{"an unknown word", 200, paymentWith("reversado"), doubt, "unknown_status", doubt, "unknown_status"},
		{"the envelope's OK as the word", 200, paymentWith("OK"), doubt, "unknown_status", doubt, "unknown_status"},
		{"no word", 200, paymentWith(""), doubt, "unreadable", doubt, "unreadable"},
		{"under tef", 200, strings.Replace(paidBody, "payout", "tef", 1), succeeded, "pagado", succeeded, "pagado"},
		{"without status, by code", 200, strings.Replace(paidBody, `"status":"OK",`, "", 1), succeeded, "pagado", succeeded, "pagado"},
		{"without code", 200, strings.Replace(paidBody, `"code":200,`, "", 1), succeeded, "pagado", succeeded, "pagado"},
		{"at the top level", 200, `{"id":"pyt_1","merchant_id":"tef-0001","status":"pagado"}`, succeeded, "pagado", succeeded, "pagado"},
		{"at the top level beside the envelope's status", 200, `{"status":"OK","id":"pyt_1","merchant_id":"tef-0001"}`, doubt, "unreadable", doubt, "unreadable"},
		{"an order", 200, orderBody, succeeded, "pagado", succeeded, "pagado"},
		{"an order, with the sandbox's object", 201, beside(orderBody, noRejection), succeeded, "pagado", succeeded, "pagado"},
		{"an order of another payment that is rejected", 200, strings.NewReplacer("pagado", "rechazado", "tef-0001", "tef-0002").Replace(orderBody), pending, "rechazado", doubt, "other_reference"},
		{"a payment without an order", 200, strings.Replace(paidBody, "payout", "payment", 1), succeeded, "pagado", succeeded, "pagado"},
		{"an order beside the payout that it repeats", 200, beside(paidBody, `"payment":{"order":{"uuid":"pyt_1","status":"pagado","merchant_internal_code":"tef-0001"}}`), succeeded, "pagado", succeeded, "pagado"},
		{"an order beside a payout of another word", 200, beside(paymentWith("rechazado"), `"payment":{"order":{"uuid":"pyt_1","status":"pagado"}}`), doubt, "unreadable", providertest.NoAnswer, ""},
		{"the same, with HTTP 401", 401, beside(paymentWith("rechazado"), `"payment":{"order":{"uuid":"pyt_1","status":"pagado"}}`), doubt, "http_401", providertest.NoAnswer, ""},
		{"a payment that cannot be read, with HTTP 401", 401, strings.Replace(paidBody, `"pagado"`, "true", 1), doubt, "http_401", providertest.NoAnswer, ""},
		{"a payment that cannot be read, with HTTP 429", 429, strings.Replace(paidBody, `"pagado"`, "true", 1), doubt, "http_429", providertest.NoAnswer, ""},
		{"its uuid at the top level", 200, `{"uuid":"pyt_1","merchant_internal_code":"tef-0001","status":"pagado"}`, succeeded, "pagado", succeeded, "pagado"},
		{"a word at the top level, of nothing", 200, `{"status":"pagado"}`, doubt, "unreadable", providertest.NoAnswer, ""},
		{"an envelope of nothing", 200, `{"status":"OK","code":200}`, doubt, "unreadable", doubt, "unreadable"},
		{"an envelope that contradicts itself by code", 200, strings.Replace(paidBody, `"code":200`, `"code":500`, 1), doubt, "unreadable", providertest.NoAnswer, ""},
		{"an envelope that contradicts itself by an error", 200, strings.Replace(paidBody, `"code"`, `"error":{"error_code":"E-120"},"code"`, 1), doubt, "unreadable", providertest.NoAnswer, ""},
		{"paid, in an envelope that says NOK", 200, strings.Replace(paidBody, `"OK"`, `"NOK"`, 1), doubt, "unreadable", doubt, "unreadable"},
		{"paid, with HTTP 422", 422, paidBody, doubt, "http_422", doubt, "http_422"},
		{"paid, with HTTP 401", 401, paidBody, doubt, "http_401", doubt, "http_401"},
		{"paid, with HTTP 429", 429, paidBody, doubt, "http_429", doubt, "http_429"},
		{"paid, with HTTP 502", 502, paidBody, doubt, "http_502", providertest.NoAnswer, ""},
		{"paid, with HTTP 307", 307, paidBody, doubt, "http_307", doubt, "http_307"},

		{"NOK with 400", 400, refusal, refused, "E-120", doubt, "E-120"},
		{"NOK with 409", 409, refusal, refused, "E-120", doubt, "E-120"},
		{"NOK with 422", 422, refusal, refused, "E-120", doubt, "E-120"},
		{"NOK with 404", 404, refusal, doubt, "E-120", unknown, "E-120"},
		{"NOK with 200", 200, refusal, doubt, "E-120", doubt, "E-120"},
		{"NOK with 502", 502, refusal, doubt, "http_502", providertest.NoAnswer, ""},
		{"NOK without a code", 422, `{"status":"NOK"}`, doubt, "http_422", doubt, "http_422"},
		{"NOK with an error that is a text", 422, `{"status":"NOK","error":"E-120"}`, doubt, "http_422", providertest.NoAnswer, ""},
		{"NOK beside a payment", 422, `{"status":"NOK","error":{"error_code":"E-120"},"payout":{"status":"pagado"}}`, doubt, "http_422", doubt, "http_422"},
		{"a duplicate", 409, duplicateOne, again, "duplicate_reference", doubt, "E-121"},
		{"a duplicate in other words", 422, duplicateTwo, again, "duplicate_reference", doubt, "E-122"},
		{"a duplicate in a 200", 200, duplicateOne, again, "duplicate_reference", doubt, "E-121"},
		{"a duplicate in a 404", 404, duplicateOne, again, "duplicate_reference", unknown, "E-121"},
		{"a duplicate in a 502", 502, duplicateOne, doubt, "http_502", providertest.NoAnswer, ""},
		{"a duplicate beside a payment", 409, beside(duplicateOne, `"payout":{"id":"pyt_1","status":"pagado"}`), doubt, "http_409", doubt, "http_409"},
		{"a rejected object", 201, `{"status":"OK","rejected_object":{"code":51,"message":"saldo"}}`, refused, "51", doubt, "unreadable"},
		{"a rejected object with HTTP 200", 200, `{"status":"OK","rejected_object":{"code":"51"}}`, doubt, "unreadable", doubt, "unreadable"},
		{"a rejected object without envelope", 201, `{"rejected_object":{"code":"51"}}`, doubt, "unreadable", providertest.NoAnswer, ""},
		{"a rejected object without code", 201, `{"status":"OK","rejected_object":{"message":"saldo"}}`, doubt, "unreadable", doubt, "unreadable"},
		{"a rejected object beside a payment that is paid", 201, strings.Replace(paidBody, `"code"`, `"rejected_object":{"code":"51"},"code"`, 1), doubt, "unreadable", doubt, "unreadable"},
		{"a rejected object beside a payment that is rejected", 201, strings.Replace(paymentWith("rechazado"), `"code"`, `"rejected_object":{"code":"51"},"code"`, 1), refused, "51", refused, "51"},
		{"a rejected object beside a payment that waits", 201, beside(paymentWith("pendiente"), `"rejected_object":{"code":"51"}`), doubt, "unreadable", doubt, "unreadable"},
		{"a rejected object beside a payment without a word", 201, beside(paymentWith(""), `"rejected_object":{"code":"51"}`), doubt, "unreadable", doubt, "unreadable"},
		{"a rejected object beside an order that is paid", 201, beside(orderBody, `"rejected_object":{"code":"51"}`), doubt, "unreadable", doubt, "unreadable"},
		{"a rejected object that says success, beside one that is paid", 201, beside(paidBody, noRejection), succeeded, "pagado", succeeded, "pagado"},
		{"the same, with HTTP 200", 200, beside(paidBody, noRejection), succeeded, "pagado", succeeded, "pagado"},
		{"the same, its code a number", 201, beside(paidBody, `"rejected_object":{"code":0,"message":"Operación exitosa"}`), succeeded, "pagado", succeeded, "pagado"},
		{"the same, its code of two digits", 201, beside(paidBody, `"rejected_object":{"code":" 00 "}`), succeeded, "pagado", succeeded, "pagado"},
		{"the same, without a code", 201, beside(paidBody, `"rejected_object":{"code":"","message":"","doc_url":""}`), succeeded, "pagado", succeeded, "pagado"},
		{"the same, of nothing", 201, beside(paidBody, `"rejected_object":""`), succeeded, "pagado", succeeded, "pagado"},
		{"a rejected object that says success, beside one that waits", 201, beside(paymentWith("pendiente"), noRejection), pending, "pendiente", pending, "pendiente"},
		{"a rejected object that says success, beside one that is rejected", 201, beside(paymentWith("rechazado"), noRejection), pending, "rechazado", refused, "rechazado"},
		{"a rejected object that says success, of nothing", 201, `{"status":"OK","code":201,` + noRejection + `}`, doubt, "unreadable", doubt, "unreadable"},
		{"a rejected object that says success, beside a refusal", 422, beside(refusal, noRejection), refused, "E-120", doubt, "E-120"},
		{"an error of nothing, beside one that is paid", 200, beside(paidBody, `"error":{"error_code":"","message":"","doc_url":""}`), succeeded, "pagado", succeeded, "pagado"},
		{"an error that says success, beside one that is paid", 200, beside(paidBody, `"error":{"error_code":"0","message":"Operación exitosa"}`), succeeded, "pagado", succeeded, "pagado"},
		{"an error without a code, beside one that is paid", 200, beside(paidBody, `"error":{"message":"saldo"}`), doubt, "unreadable", providertest.NoAnswer, ""},
		{"NOK with an error that says success", 422, `{"status":"NOK","error":{"error_code":"0","message":"Operación exitosa"}}`, doubt, "http_422", doubt, "http_422"},
		{"a rejected object of another payment", 201, `{"status":"OK","rejected_object":{"code":"51"},"payout":{"merchant_id":"tef-0002","status":"rechazado"}}`, doubt, "other_reference", doubt, "other_reference"},
		{"rejected, of another payment", 200, strings.Replace(paymentWith("rechazado"), "tef-0001", "tef-0002", 1), pending, "rechazado", doubt, "other_reference"},

		{"no data, with 404", 404, absent, doubt, "E-041", unknown, "E-041"},
		{"no data, with 200", 200, absent, doubt, "E-041", unknown, "E-041"},
		{"no data, with 422", 422, absent, doubt, "E-041", doubt, "E-041"},
		{"no data, E-066", 200, strings.Replace(absent, "041", "066", 1), doubt, "E-066", unknown, "E-066"},
		{"no data, E-082", 200, strings.Replace(absent, "041", "082", 1), doubt, "E-082", unknown, "E-082"},
		{"a bare 404", 404, "404 page not found", doubt, "http_404", providertest.NoAnswer, ""},
		{"a 404 with another's JSON", 404, `{"message":"no Route matched"}`, doubt, "http_404", providertest.NoAnswer, ""},

		{"refused credentials, 401", 401, badKey, providertest.Credentials, "E-001", providertest.Credentials, "E-001"},
		{"refused credentials, 400", 400, badKey, providertest.Credentials, "E-001", providertest.Credentials, "E-001"},
		{"refused credentials, 404", 404, badKey, providertest.Credentials, "E-001", providertest.Credentials, "E-001"},
		{"refused credentials, 200", 200, strings.Replace(badKey, "001", "016", 1), providertest.Credentials, "E-016", providertest.Credentials, "E-016"},
		{"refused credentials, 502", 502, badKey, doubt, "http_502", providertest.NoAnswer, ""},
		{"401 with a page", 401, page, providertest.Credentials, "http_401", providertest.Credentials, "http_401"},
		{"403 with nothing", 403, "", providertest.Credentials, "http_403", providertest.Credentials, "http_403"},
		{"401 with another code", 401, refusal, providertest.Credentials, "http_401", providertest.Credentials, "http_401"},
		{"throttled", 429, "", providertest.NoAct, "throttled", providertest.NoAct, "throttled"},
		{"throttled, with a refusal", 429, refusal, providertest.NoAct, "throttled", providertest.NoAct, "throttled"},

		{"a server error", 500, "", doubt, "http_500", providertest.NoAnswer, ""},
		{"unavailable for a while", 503, "", doubt, "http_503", providertest.NoAnswer, ""},
		{"a page", 200, page, doubt, "unreadable", providertest.NoAnswer, ""},
		{"nothing", 200, "", doubt, "unreadable", providertest.NoAnswer, ""},
		{"no content", 204, "", doubt, "unreadable", providertest.NoAnswer, ""},
		{"null", 200, "null", doubt, "unreadable", providertest.NoAnswer, ""},
		{"an array", 200, "[" + paidBody + "]", doubt, "unreadable", providertest.NoAnswer, ""},
		{"a word twice", 200, strings.Replace(paidBody, `"status":"pagado"`, `"status":"rechazado","status":"pagado"`, 1), doubt, "unreadable", providertest.NoAnswer, ""},
		{"a word twice, one escaped", 200, strings.Replace(paidBody, `"status":"pagado"`, `"st\u0061tus":"rechazado","status":"pagado"`, 1), doubt, "unreadable", providertest.NoAnswer, ""},
		{"an error twice, with 422", 422, beside(refusal, `"error":{"error_code":"E-041"}`), doubt, "http_422", providertest.NoAnswer, ""},
		{"a name twice, with 401", 401, beside(badKey, `"status":"OK"`), doubt, "http_401", providertest.NoAnswer, ""},
		{"a name twice, with 429", 429, beside(refusal, `"status":"OK"`), doubt, "http_429", providertest.NoAnswer, ""},
		{"an envelope of credentials with a name twice", 200, beside(badKey, `"status":"OK"`), doubt, "unreadable", providertest.NoAnswer, ""},
		{"two values", 200, paidBody + paidBody, doubt, "unreadable", providertest.NoAnswer, ""},
		{"cut", 200, paidBody[:len(paidBody)-1], doubt, "unreadable", providertest.NoAnswer, ""},
		{"not UTF-8", 200, strings.Replace(paidBody, `"code"`, "\"note\":\"\xff\",\"code\"", 1), doubt, "unreadable", providertest.NoAnswer, ""},
		{"a status that is no text", 200, strings.Replace(paidBody, `"pagado"`, "true", 1), doubt, "unreadable", providertest.NoAnswer, ""},
		{"an amount that is an object", 200, strings.Replace(paidBody, "12500", "{}", 1), doubt, "unreadable", providertest.NoAnswer, ""},
		{"an id that is a list", 200, strings.Replace(paidBody, `"pyt_1"`, "[1]", 1), doubt, "unreadable", providertest.NoAnswer, ""},
		{"an id with a blank", 200, strings.Replace(paidBody, "pyt_1", "pyt 1", 1), doubt, "unreadable", providertest.NoAnswer, ""},
		{"a payment that is a list", 200, `{"status":"OK","payout":[{"status":"pagado"}]}`, doubt, "unreadable", providertest.NoAnswer, ""},
		{"fields in other capitals", 200, `{"Status":"OK","Payout":{"Status":"pagado"}}`, doubt, "unreadable", providertest.NoAnswer, ""},
	} {
		r := wire.Reply{Status: row.status, Body: []byte(row.body)}
		if class, code := providertest.ClassAndCode(mapPayout(r, nil, with)); class != row.created || code != row.code {
			t.Errorf("create, %s: got %s %s, want %s %s", row.name, class, code, row.created, row.code)
		}
		if class, code := providertest.ClassAndCode(mapStatus(r, nil, with)); class != row.queried || code != row.asCode {
			t.Errorf("status, %s: got %s %s, want %s %s", row.name, class, code, row.queried, row.asCode)
		}
	}
}

func TestMappingOfBrokenExchanges(t *testing.T) {
	t.Parallel()
	providertest.Broken(t, providertest.MoneyExchange, func(err error) (providers.Outcome, error) { return mapPayout(wire.Reply{}, err, with) })
	providertest.Broken(t, providertest.StatusExchange, func(err error) (providers.Outcome, error) { return mapStatus(wire.Reply{}, err, with) })
}

func TestThrottlingSaysHowLong(t *testing.T) {
	t.Parallel()
	providertest.Throttled(t, map[string]func(r wire.Reply) error{
		"create": func(r wire.Reply) error { _, err := mapPayout(r, nil, with); return err },
		"status": func(r wire.Reply) error { _, err := mapStatus(r, nil, with); return err },
	})
}

func TestEchoRepeatsWhatTheProviderSaid(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, payout string
		id           string
		want         providers.Echo
	}{
		{"all", `"id":"p","merchant_id":"m","amount":12500,"currency":"CLP","recipient":{"rut":"12.345.678-k"}`, "p", providers.Echo{Amount: "12500", Currency: "CLP", Reference: "m", Beneficiary: "12345678-K"}},
		{"nothing", ``, "", providers.Echo{}},
		{"numbers for texts", `"id":7,"merchant_id":8`, "7", providers.Echo{Reference: "8"}},
		{"an amount as text", `"amount":"12500"`, "", providers.Echo{Amount: "12500"}},
		{"an amount in another form", `"amount":1.25e4`, "", providers.Echo{Amount: "1.25e4"}},
		{"a masked RUT", `"recipient":{"rut":"12.***.***-5"}`, "", providers.Echo{}},
		{"our account alone", `"bank":{"account_number":"00123456789"}`, "", providers.Echo{Beneficiary: "00123456789"}},
		{"a masked account", `"bank":{"account_number":"***6789"}`, "", providers.Echo{}},
		{"our bank and account", `"bank":{"sbif_code":"012","account_number":"00123456789"}`, "", providers.Echo{Beneficiary: "00123456789"}},
		{"our bank, its zero lost", `"bank":{"sbif_code":12,"account_number":"00123456789"}`, "", providers.Echo{Beneficiary: "00123456789"}},
		{"another bank", `"bank":{"sbif_code":"037","account_number":"00123456789"}`, "", providers.Echo{Beneficiary: "037 00123456789"}},
		{"another bank, and our RUT", `"bank":{"sbif_code":"037"},"recipient":{"rut":"12345678-5"}`, "", providers.Echo{Beneficiary: "037 "}},
		{"the bank's name", `"bank":{"sbif_code":"BANCOESTADO"},"recipient":{"rut":"12345678-5"}`, "", providers.Echo{Beneficiary: "12345678-5"}},
		{"everything", wholeRow, "p", wholeEcho("12345678-5")},
		{"everything, of another person", strings.Replace(wholeRow, "12345678-5", "7654321-6", 1), "p", wholeEcho("7654321-6")},
		{"everything, of another account", strings.Replace(wholeRow, "00123456789", "99", 1), "p", wholeEcho("99")},
		{"everything, of another bank", strings.Replace(wholeRow, "012", "037", 1), "p", wholeEcho("037 00123456789")},
		{"everything but the bank", strings.Replace(wholeRow, `"sbif_code":"012",`, "", 1), "p", partEcho(func(*providers.Echo) {})},
		{"everything but the person", strings.Replace(wholeRow, "12345678-5", "***", 1), "p", partEcho(func(e *providers.Echo) { e.Beneficiary = "00123456789" })},
		{"everything but the account", strings.Replace(wholeRow, "00123456789", "***6789", 1), "p", partEcho(func(*providers.Echo) {})},
		{"everything but the amount", strings.Replace(wholeRow, `"amount":12500,`, "", 1), "p", partEcho(func(e *providers.Echo) { e.Amount = "" })},
		{"everything but the reference", strings.Replace(wholeRow, `"merchant_id":"tef-0001",`, "", 1), "p", partEcho(func(e *providers.Echo) { e.Reference = "" })},
		{"our account and a RUT", `"bank":{"account_number":"00123456789"},"recipient":{"rut":"123456785"}`, "", providers.Echo{Beneficiary: "12345678-5"}},
		{"another account and a RUT", `"bank":{"account_number":"99"},"recipient":{"rut":"12345678-5"}`, "", providers.Echo{Beneficiary: "99"}},
		{"fields without a value", `"id":"","uuid":"","merchant_id":"","amount":"","currency":"","recipient":"","bank":""`, "", providers.Echo{}},
		{"a uuid and the merchant's code", `"uuid":"0123456789abcdef","merchant_internal_code":"m"`, "0123456789abcdef", providers.Echo{Reference: "m"}},
		{"nulls", `"id":null,"merchant_id":null,"amount":null,"recipient":null`, "", providers.Echo{}},
	} {
		body := strings.TrimSuffix(`{"status":"OK","payout":{"status":"pagado",`+row.payout, ",") + "}}"
		o, err := mapStatus(wire.Reply{Status: 200, Body: []byte(body)}, nil, with)
		if err != nil || o.Class != providers.Succeeded || o.Echo != row.want || o.ProviderID != row.id {
			t.Errorf("%s: got %s %q %+v, %v; want %q %+v", row.name, o.Class, o.ProviderID, o.Echo, err, row.id, row.want)
		}
	}
}

const wholeRow = `"id":"p","merchant_id":"tef-0001","amount":12500,"recipient":{"rut":"12345678-5"},"bank":{"sbif_code":"012","account_number":"00123456789"}`

// wholeEcho is what a response repeats that leaves nothing of the payment's meaning out.
func wholeEcho(beneficiary string) providers.Echo {
	return providers.Echo{Amount: "12500", Reference: "tef-0001", Beneficiary: beneficiary, Complete: true}
}

func partEcho(less func(e *providers.Echo)) providers.Echo {
	e := wholeEcho("12345678-5")
	e.Complete = false
	less(&e)
	return e
}

// Without the payout's details nothing of the beneficiary can be compared: then no response is
// complete.
func TestNothingIsCompleteWithoutThePayout(t *testing.T) {
	t.Parallel()
	gone := with
	gone.bank, gone.account = "", ""
	body := `{"status":"OK","payout":{"status":"pagado",` + wholeRow + `}}`
	o, err := mapStatus(wire.Reply{Status: 200, Body: []byte(body)}, nil, gone)
	if err != nil || o.Class != providers.Succeeded || o.Echo.Complete {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestTextsOfTheProviderAreScrubbed(t *testing.T) {
	t.Parallel()
	body := `{"status":"NOK","error":{"error_code":"E-12345678","message":"La cuenta 00123456789 de Ana Soto (ana@example.cl) no existe"}}`
	o, err := mapPayout(wire.Reply{Status: 422, Body: []byte(body)}, nil, with)
	providertest.TextsStayHidden(t, providers.Refused, o, err, "00123456789", "Ana", "ana@", "12345678")
}

func seeds(f *testing.F) {
	f.Helper()
	providertest.Seed(f, []int{200, 201, 400, 401, 404, 422, 429, 502},
		paidBody, refusal, absent, badKey, duplicateOne, page, "", "null", "[]", `{"status":"OK"}`,
		paymentWith("rechazado"), `{"status":"OK","rejected_object":{"code":"51"}}`, `{"id":1,"merchant_id":"x","status":"pagado"}`)
}

// Garbage never succeeds and never refuses: such a class needs a whole JSON object, with the words
// that mean it, under the right HTTP status; and every beginning of a response is in doubt.
func FuzzPayout(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		o, err := mapPayout(r, nil, with)
		holds(t, r, o, err)
		if err == nil && o.Class == providers.NotFound {
			t.Error("a create request yielded not found")
		}
		if decided(o) && status/100 != 2 && !(o.Class == providers.Refused && (status == 400 || status == 409 || status == 422)) {
			t.Errorf("HTTP %d yielded %s", status, o.Class)
		}
	})
}

func FuzzStatus(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		o, err := mapStatus(r, nil, with)
		holds(t, r, o, err)
		if decided(o) && status/100 != 2 {
			t.Errorf("HTTP %d yielded %s", status, o.Class)
		}
		if o.Class == providers.NotFound && (!strings.Contains(providertest.Unescaped(body), "nok") || status/100 != 2 && status != 404) {
			t.Errorf("HTTP %d without NOK yielded not found", status)
		}
	})
}

func decided(o providers.Outcome) bool {
	return o.Class == providers.Succeeded || o.Class == providers.Refused || o.Class == providers.Pending
}

// holds what is true of every outcome.
func holds(t *testing.T, r wire.Reply, o providers.Outcome, err error) {
	t.Helper()
	providertest.Sane(t, o, err)
	if !decided(o) {
		return
	}
	providertest.ObjectWith(t, r.Body, meaning[o.Class]...)
	for _, cut := range providertest.Beginnings(r.Body) {
		r := wire.Reply{Status: r.Status, Body: cut}
		if o, err := mapPayout(r, nil, with); err == nil && decided(o) {
			t.Errorf("a beginning of the answer yielded %s", o.Class)
		}
		if o, err := mapStatus(r, nil, with); err == nil && decided(o) {
			t.Errorf("a beginning of the answer yielded %s to a status query", o.Class)
		}
	}
}

// meaning are the words that mean a class.
var meaning = map[providers.Class][]string{
	providers.Succeeded: {"pagado", "completado", "exitoso"},
	providers.Pending:   {"pendiente", "procesando", "en_proceso", "rechazado", "fallido", "cancelado", "anulado"},
	providers.Refused:   {"rechazado", "fallido", "cancelado", "anulado", "nok", "rejected_object"},
}
