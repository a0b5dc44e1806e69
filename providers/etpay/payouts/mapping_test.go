package payouts

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

var now = providertest.Now

const (
	page       = `<!doctype html><title>Ingreso</title>`
	badRequest = `{"message":"order_amount is wrong"}`
)

func array(items ...string) string { return "[" + strings.Join(items, ",") + "]" }

func testContext(t testing.TB) payoutContext {
	t.Helper()
	return payoutContext{
		now: now, reference: "PO1", amount: providertest.Amount(t, "12500", "CLP"), document: "12345678-5",
		bank: providers.Bank{Code: "cl_estado", AccountNumber: "00123456789", AccountType: "vista"}, hide: []string{"Ana Soto", "00123456789"},
	}
}

const payee = `{"rut":"123456785","bank_code":"cl_estado","type":"vista","number":"00123456789"}`

// made is a payout in a response, with that word.
func made(word string) string {
	return `{"id":"etp-1","merchant_order_id":"PO1","status":"` + word + `","amount":12500,"currency":"CLP","account":` + payee + `}`
}

// other is made with one text replaced.
func other(word, old, now string) string { return strings.Replace(made(word), old, now, 1) }

func TestWhatANewPayoutComesTo(t *testing.T) {
	t.Parallel()
	const doubt, pending, refused, known = "in_doubt", "pending", "refused", "duplicate"
	for _, row := range []struct {
		name   string
		status int
		body   string
		want   providers.Class
		code   string
		id     string
	}{
		{"accepted", 201, made("pending"), pending, "pending", "etp-1"},
		{"accepted, with HTTP 200", 200, made("processing"), pending, "processing", "etp-1"},
		{"accepted, with HTTP 202", 202, made("pending"), pending, "pending", "etp-1"},
		{"approved, which is not paid", 201, made("approved"), pending, "approved", "etp-1"},
		{"paid, which may be the request's own word: queried", 201, made("PAID"), pending, "paid", "etp-1"},
		{"success beside an id: queried", 200, `{"status":"success","id":7}`, pending, "success", "7"},
		{"rejected at once: accepted only when queried", 201, made("rejected"), pending, "rejected", "etp-1"},
		{"inside an object", 201, `{"status":"success","data":` + made("pending") + `}`, pending, "pending", "etp-1"},
		{"an unknown word", 201, made("en_la_luna"), doubt, "unknown_status", "etp-1"},
		{"no word", 201, `{"id":"etp-1"}`, doubt, "unreadable", "etp-1"},
		{"no id", 201, `{"status":"pending","merchant_order_id":"PO1"}`, doubt, "unreadable", ""},
		{"an id that is a list", 201, other("pending", `"etp-1"`, "[7]"), doubt, "unreadable", ""},
		{"an id that is a way up", 201, other("pending", "etp-1", ".."), doubt, "unreadable", ""},
		{"a word that is a number", 201, other("pending", `"pending"`, "1"), doubt, "unreadable", ""},
		{"another's payout", 201, other("pending", "PO1", "PO2"), doubt, "unknown_status", ""},
		{"fields in other capitals", 201, `{"ID":"etp-1","Status":"pending"}`, doubt, "unreadable", ""},
		{"a payout with HTTP 500", 500, made("pending"), doubt, "http_500", "etp-1"},
		{"a payout with HTTP 401", 401, made("pending"), doubt, "http_401", "etp-1"},
		{"a payout with HTTP 429", 429, made("pending"), doubt, "http_429", "etp-1"},
		{"a payout with HTTP 400", 400, made("rejected"), doubt, "http_400", "etp-1"},
		{"an id twice", 201, other("pending", `"id"`, `"id":"etp-2","id"`), doubt, "unreadable", ""},
		{"a refusal with a name twice", 422, `{"code":"x","code":"NO_FUNDS"}`, doubt, "http_422", ""},
		{"401 with a name twice", 401, `{"message":"x","message":"y"}`, doubt, "http_401", ""},
		{"429 with a name twice", 429, `{"message":"x","message":"y"}`, doubt, "http_429", ""},
		{"an array", 201, "[" + made("pending") + "]", doubt, "unreadable", ""},
		{"cut", 201, made("pending")[:60], doubt, "unreadable", ""},
		{"a page", 200, page, doubt, "unreadable", ""},
		{"nothing", 200, "", doubt, "unreadable", ""},
		{"an error with HTTP 200", 200, `{"code":"E1","message":"no"}`, doubt, "unreadable", ""},

		{"400 with a message", 400, `{"message":"amount is wrong"}`, refused, "http_400", ""},
		{"422 with a code", 422, `{"code":"NO_FUNDS","message":"saldo insuficiente"}`, refused, "NO_FUNDS", ""},
		{"400 that calls itself an error", 400, `{"status":"error","message":"account.rut is wrong"}`, refused, "http_400", ""},
		{"400 that calls itself pending", 400, `{"status":"pending","message":"x"}`, doubt, "http_400", ""},
		{"400 with a word that nobody knows", 400, `{"status":"NOK","message":"x"}`, doubt, "http_400", ""},
		{"400 that names something made", 400, `{"id":null,"data":{"id":[1]},"message":"x"}`, doubt, "http_400", ""},
		{"400 about a duplicate", 400, `{"code":"DUPLICATE_ORDER","message":"x"}`, known, "DUPLICATE_ORDER", ""},
		{"422 about one that exists", 422, `{"message":"merchant_order_id already exists"}`, known, "http_422", ""},
		{"400 about one that exists, in Spanish", 400, `{"message":"la orden ya existe"}`, known, "http_400", ""},
		{"400 with a page", 400, page, doubt, "http_400", ""},
		{"400 with nothing", 400, "", doubt, "http_400", ""},
		{"400 that says nothing", 400, `{"ok":false}`, doubt, "http_400", ""},
		{"402 with a code", 402, `{"code":"NO_FUNDS"}`, doubt, "http_402", ""},
		{"409 with a code", 409, `{"code":"x"}`, known, "x", ""},
		{"409 with a page", 409, page, doubt, "http_409", ""},
		{"409 that names something made", 409, `{"id":"etp-9","code":"x"}`, doubt, "http_409", "etp-9"},
		{"409 that calls itself pending", 409, `{"status":"pending","code":"x"}`, doubt, "http_409", ""},
		{"404 about a duplicate", 404, `{"message":"duplicate"}`, doubt, "http_404", ""},
		{"500 about a duplicate", 500, `{"message":"duplicate key"}`, doubt, "http_500", ""},
		{"404 with another's JSON", 404, `{"message":"no Route matched"}`, doubt, "http_404", ""},
		{"a bare 404", 404, "404 page not found", doubt, "http_404", ""},
		{"a redirect", 307, "", doubt, "http_307", ""},
		{"502", 502, page, doubt, "http_502", ""},
		{"503 with a code", 503, `{"code":"x"}`, doubt, "http_503", ""},
		{"401", 401, "", providertest.Credentials, "http_401", ""},
		{"403 with JSON", 403, `{"message":"Forbidden"}`, providertest.Credentials, "http_403", ""},
		{"429", 429, "", providertest.NoAct, "throttled", ""},
	} {
		o, err := mapPayout(wire.Reply{Status: row.status, Body: []byte(row.body)}, nil, testContext(t))
		if got, code := providertest.ClassAndCode(o, err); got != row.want || code != row.code || o.ProviderID != row.id {
			t.Errorf("%s: got %s %s %q, want %s %s %q", row.name, got, code, o.ProviderID, row.want, row.code, row.id)
		}
	}
}

func TestANewPayoutWithoutAResponse(t *testing.T) {
	t.Parallel()
	providertest.Broken(t, providertest.MoneyExchange, func(err error) (providers.Outcome, error) { return mapPayout(wire.Reply{}, err, testContext(t)) })
	providertest.Broken(t, providertest.StatusExchange, func(err error) (providers.Outcome, error) {
		return mapPayoutStatus(wire.Reply{}, err, "etp-1", testContext(t))
	})
	providertest.Broken(t, providertest.StatusExchange, func(err error) (providers.Outcome, error) { return mapLookup(t, wire.Reply{}, err) })
}

func TestThrottlingSaysHowLong(t *testing.T) {
	t.Parallel()
	providertest.Throttled(t, map[string]func(r wire.Reply) error{
		"payout":  func(r wire.Reply) error { _, err := mapPayout(r, nil, testContext(t)); return err },
		"by id":   func(r wire.Reply) error { _, err := mapPayoutStatus(r, nil, "etp-1", testContext(t)); return err },
		"listing": func(r wire.Reply) error { _, err := mapListing(r, nil, now); return err },
		"login":   func(r wire.Reply) error { _, err := mapLogin(r, nil, now); return err },
	})
}

func TestARefusalRepeatsNothingOfTheBeneficiary(t *testing.T) {
	t.Parallel()
	body := `{"code":"E-9","message":"rechazada: Ana Soto, cuenta 00123456789, ana@example.cl"}`
	o, err := mapPayout(wire.Reply{Status: 422, Body: []byte(body)}, nil, testContext(t))
	if err != nil || o.Class != providers.Refused || o.Message != "rechazada: […], cuenta […], […]" {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestWhatAQueryByIDComesTo(t *testing.T) {
	t.Parallel()
	providertest.Mapping(t, providertest.MappingRows{
		{"pending", 200, made("pending"), "pending", "pending"},
		{"processing", 200, made("Processing"), "pending", "processing"},
		{"approved, which is not paid", 200, made("approved"), "pending", "approved"},
		{"paid", 200, made("paid"), "succeeded", "paid"},
		{"success", 200, made("SUCCESS"), "succeeded", "success"},
		{"completed", 200, made("completed"), "succeeded", "completed"},
		{"rejected", 200, made("rejected"), "refused", "rejected"},
		{"failed", 200, made("failed"), "refused", "failed"},
		{"error", 200, made("error"), "refused", "error"},
		{"an unknown word", 200, made("refunded"), "in_doubt", "unknown_status"},
		{"inside an object", 200, `{"status":"success","data":` + made("pending") + `}`, "pending", "pending"},
		{"another amount", 200, other("paid", "12500", "12501"), "mismatch", "other_amount"},
		{"another amount, refused", 200, other("rejected", "12500", "1250"), "mismatch", "other_amount"},
		{"the amount as a text with a point", 200, other("paid", "12500", `"12500.00"`), "succeeded", "paid"},
		{"an amount that is none", 200, other("paid", "12500", `"mil"`), "mismatch", "other_amount"},
		{"another id", 200, other("paid", "etp-1", "etp-2"), providertest.NoAnswer, ""},
		{"no reference", 200, other("paid", `"PO1"`, `""`), providertest.NoAnswer, ""},
		{"no amount", 200, other("paid", `"amount"`, `"monto"`), providertest.NoAnswer, ""},
		{"no word", 200, other("paid", `"status"`, `"estado"`), providertest.NoAnswer, ""},
		{"a word that is a list", 200, other("paid", `"paid"`, `["paid"]`), providertest.NoAnswer, ""},
		{"not found, of an id that ETpay gave", 404, `{"code":"not_found","message":"x"}`, providertest.NoAnswer, ""},
		{"a bare 404", 404, "404 page not found", providertest.NoAnswer, ""},
		{"a payout with HTTP 500", 500, made("paid"), providertest.NoAnswer, ""},
		{"a page", 200, page, providertest.NoAnswer, ""},
		{"nothing", 200, "", providertest.NoAnswer, ""},
		{"cut", 200, made("paid")[:70], providertest.NoAnswer, ""},
		{"a list", 200, "[" + made("paid") + "]", providertest.NoAnswer, ""},
		{"401", 401, "", providertest.Credentials, "http_401"},
		{"429", 429, "", providertest.NoAct, "throttled"},
	}, func(r wire.Reply) (providers.Outcome, error) {
		o, err := mapPayoutStatus(r, nil, "etp-1", testContext(t))
		if o.Class == providers.Succeeded && (o.ProviderID != "etp-1" || o.Echo.Reference != "PO1" || o.Echo.Currency != "CLP") {
			t.Errorf("%s: %+v", r.Body, o)
		}
		return o, err
	})
}

func TestWhatTheListingSaysOfOurReference(t *testing.T) {
	t.Parallel()
	another := strings.Replace(other("paid", "PO1", "PO2"), "etp-1", "etp-2", 1)
	second := strings.Replace(made("rejected"), "etp-1", "etp-3", 1)
	providertest.Mapping(t, providertest.MappingRows{
		{"it is there, paid", 200, array(another, made("paid")), "succeeded", "paid"},
		{"it is there, on its way", 200, array(made("approved")), "pending", "approved"},
		{"it is there, rejected", 200, array(made("rejected"), another), "refused", "rejected"},
		{"it is there with a word that nobody knows", 200, array(made("x")), "in_doubt", "unknown_status"},
		{"it is there twice", 200, array(made("paid"), second), "mismatch", "several_rows"},
		{"it is there twice, as the same", 200, array(made("paid"), made("paid")), "mismatch", "several_rows"},
		{"it is there, and nobody says whom it pays", 200, array(other("paid", payee, "{}")), "mismatch", "reference_taken"},
		{"it is there, and only the document is repeated", 200, array(other("paid", payee, `{"rut":"123456785"}`)), "mismatch", "reference_taken"},
		{"it is there, with a masked account", 200, array(other("pending", `"number":"00123456789"`, `"number":"*****6789"`)), "mismatch", "reference_taken"},
		{"it is there, without a currency", 200, array(other("rejected", `"currency":"CLP",`, "")), "mismatch", "reference_taken"},
		{"it is there, of another bank", 200, array(other("paid", "cl_estado", "cl_bci")), "mismatch", "reference_taken"},
		{"it is there, of another type of account", 200, array(other("paid", "vista", "ahorro")), "mismatch", "reference_taken"},
		{"it is there, the bank in capitals", 200, array(other("paid", "cl_estado", "CL_ESTADO")), "succeeded", "paid"},
		{"it is there, the bank of a wrong type", 200, array(other("paid", `"cl_estado"`, "[1]")), "mismatch", "reference_taken"},
		{"it is there with another amount", 200, array(other("paid", "12500", "125000")), "mismatch", "other_amount"},
		{"it is not there", 200, array(another), "not_found", "not_listed"},
		{"nothing is there", 200, "[]", "not_found", "not_listed"},
		{"another with our reference in capitals is there", 200, array(other("paid", "PO1", "po1")), "not_found", "not_listed"},
		{"inside data", 200, `{"data":` + array(made("paid")) + `}`, "succeeded", "paid"},
		{"inside payouts", 200, `{"payouts":` + array(made("paid")) + `}`, "succeeded", "paid"},
		{"it is not there, and they are counted", 200, `{"data":` + array(another) + `,"total":1}`, "not_found", "not_listed"},
		{"it is not there, and more are counted", 200, `{"data":` + array(another) + `,"total":2}`, providertest.NoAnswer, ""},
		{"it is there, and more are counted", 200, `{"data":` + array(made("paid")) + `,"total":2}`, "succeeded", "paid"},
		{"it is not there, and there may be pages", 200, `{"data":[],"next":null}`, providertest.NoAnswer, ""},
		{"it is not there, and something else is said", 200, `{"data":[],"status":"success"}`, providertest.NoAnswer, ""},
		{"an object without a list", 200, `{"total":0}`, providertest.NoAnswer, ""},
		{"a list that is null", 200, `{"data":null}`, providertest.NoAnswer, ""},
		{"an error", 200, `{"code":"x","message":"y"}`, providertest.NoAnswer, ""},
		{"a row that says nothing of whose it is", 200, array(made("paid"), `{"id":"r-1","status":"paid","amount":5}`), providertest.NoAnswer, ""},
		{"a row of a wrong type", 200, array(another, other("paid", `"PO1"`, "7")), providertest.NoAnswer, ""},
		{"a row that is no object", 200, array(another, "7"), providertest.NoAnswer, ""},
		{"null", 200, "null", providertest.NoAnswer, ""},
		{"a page", 200, page, providertest.NoAnswer, ""},
		{"cut", 200, array(another)[:50], providertest.NoAnswer, ""},
		{"an empty list with HTTP 206", 206, "[]", providertest.NoAnswer, ""},
		{"a bare 404", 404, "404 page not found", providertest.NoAnswer, ""},
		{"404 with a code", 404, `{"code":"not_found","message":"x"}`, providertest.NoAnswer, ""},
		{"502", 502, "[]", providertest.NoAnswer, ""},
		{"401", 401, "", providertest.Credentials, "http_401"},
	}, func(r wire.Reply) (providers.Outcome, error) {
		o, err := mapLookup(t, r, nil)
		if o.Class == providers.Mismatch && (o.ProviderID != "" || o.Message == "" || len(o.Message) > 120) {
			t.Errorf("%s: an id that nobody may ask by, or no word for a person: %+v", r.Body, o)
		}
		return o, err
	})
}

func mapLookup(t testing.TB, r wire.Reply, err error) (providers.Outcome, error) {
	t.Helper()
	l, err := mapListing(r, err, now)
	if err != nil {
		return providers.Outcome{}, err
	}
	return l.outcome(testContext(t))
}

func TestWhomARowPays(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ account, want string }{
		"ours":                             {payee, "12345678-5"},
		"with dots and dash":               {`{"rut":"12.345.678-5"}`, "12345678-5"},
		"with a small k":                   {`{"rut":"12345678k"}`, "12345678-K"},
		"another account":                  {`{"rut":"123456785","number":"00123456780"}`, "00123456780"},
		"a masked account":                 {`{"rut":"123456785","number":"*****6789"}`, "12345678-5"},
		"a masked document":                {`{"rut":"12.***.***-5"}`, ""},
		"nothing":                          {`{}`, ""},
		"something that is no object":      {`"00123456780"`, ""},
		"nothing, and the account is null": {`null`, ""},
	} {
		p, ok := parsePayout([]byte(other("paid", payee, row.account)))
		if got := p.beneficiary("00123456789"); !ok || got != row.want {
			t.Errorf("%s: got %q, %t, want %q", name, got, ok, row.want)
		}
	}
}

func TestWhatALoginComesTo(t *testing.T) {
	t.Parallel()
	const notSent, credentials = string(providertest.NoAct), string(providertest.Credentials)
	for _, row := range []struct {
		name, body string
		status     int
		want       string
		code       string
	}{
		{"a token", `{"token":"t-1"}`, 200, "t-1", ""},
		{"an access token, with HTTP 201", `{"access_token":"t-1"}`, 201, "t-1", ""},
		{"one in other letters", `{"accessToken":"t-1"}`, 200, "t-1", ""},
		{"one inside data", `{"status":"success","data":{"token":"t-1"}}`, 200, "t-1", ""},
		{"one that is there twice", `{"token":"t-2","token":"t-1"}`, 200, notSent, "login"},
		{"one that is a number", `{"token":7}`, 200, notSent, "login"},
		{"one with a line", `{"token":"a\nb"}`, 200, notSent, "login"},
		{"none", `{"expires":1}`, 200, notSent, "login"},
		{"a page", page, 200, notSent, "login"},
		{"a token with HTTP 500", `{"token":"t-1"}`, 500, notSent, "login"},
		{"404", "", 404, notSent, "login"},
		{"400", `{"message":"x"}`, 400, credentials, "http_400"},
		{"401", "", 401, credentials, "http_401"},
		{"403", "", 403, credentials, "http_403"},
		{"422", "", 422, credentials, "http_422"},
		{"429", "", 429, notSent, "throttled"},
	} {
		token, err := mapLogin(wire.Reply{Status: row.status, Body: []byte(row.body)}, nil, now)
		got, code := token.Reveal(), ""
		if err != nil {
			var class providers.Class
			class, code = providertest.ClassAndCode(providers.Outcome{}, err)
			got = string(class)
		}
		if got != row.want || code != row.code {
			t.Errorf("%s: got %s %s, want %s %s", row.name, got, code, row.want, row.code)
		}
	}
	if _, err := mapLogin(wire.Reply{}, &wire.Error{Reason: wire.Timeout, Sent: true}, now); !errors.As(err, new(*providers.NotSent)) {
		t.Errorf("without an answer: %v", err)
	}
}

func seed(f *testing.F) {
	f.Helper()
	providertest.Seed(f, []int{200, 201, 202, 400, 401, 403, 404, 409, 422, 429, 502},
		made("pending"), made("paid"), made("rejected"), `{"data":`+made("paid")+`}`, array(made("paid")), `{"data":`+array(made("paid"))+`,"total":1}`,
		"[]", page, "", "null", badRequest, `{"code":"x","message":"already exists"}`, `{"token":"a.b.c"}`, `{"data":{"token":"t"}}`)
}

// Garbage is never accepted and never refused: either needs a whole JSON object under the right
// HTTP status; the one an id and a known word, the other an error and nothing that was made. No
// response to a new payout is a success by itself.
func FuzzPayout(f *testing.F) {
	seed(f)
	with := testContext(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o, err := mapPayout(wire.Reply{Status: status, Body: body}, nil, with)
		if err != nil {
			if status != 401 && status != 403 && status != 429 {
				t.Errorf("HTTP %d proves that nothing was done: %v", status, err)
			}
			return
		}
		var fields map[string]any
		whole := json.Unmarshal(body, &fields) == nil
		switch o.Class {
		case providers.InDoubt:
			return
		case providers.Pending:
			if !whole || status < 200 || status > 202 || o.ProviderID == "" {
				t.Errorf("HTTP %d was accepted as %q", status, o.ProviderID)
			}
		case providers.Refused:
			if !whole || status != 400 && status != 422 || fields["id"] != nil || o.ProviderID != "" {
				t.Errorf("HTTP %d refused %q", status, o.ProviderID)
			}
		case providers.Duplicate:
			if !whole || status != 400 && status != 409 && status != 422 || fields["id"] != nil || o.ProviderID != "" {
				t.Errorf("HTTP %d called %q a duplicate", status, o.ProviderID)
			}
		default:
			t.Errorf("a new payout came to %s", o.Class)
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, err := mapPayout(wire.Reply{Status: status, Body: cut}, nil, with); err == nil && o.Class != providers.InDoubt {
				t.Errorf("a beginning of the answer came to %s", o.Class)
			}
		}
	})
}

// Garbage is no response about a payout: every outcome needs a whole object that repeats id,
// reference and amount.
func FuzzStatus(f *testing.F) {
	seed(f)
	with := testContext(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o, err := mapPayoutStatus(wire.Reply{Status: status, Body: body}, nil, "etp-1", with)
		if err != nil {
			return
		}
		if !json.Valid(body) || status != 200 || o.Class == providers.NotFound {
			t.Fatalf("HTTP %d came to %s", status, o.Class)
		}
		if o.Class == providers.Succeeded && (o.ProviderID != "etp-1" || !with.amount.Is(o.Echo.Amount)) {
			t.Errorf("%+v", o)
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, err := mapPayoutStatus(wire.Reply{Status: status, Body: cut}, nil, "etp-1", with); err == nil {
				t.Errorf("a beginning of the answer came to %s", o.Class)
			}
		}
	})
}

// Garbage is no listing: neither what is found nor what is absent.
func FuzzListing(f *testing.F) {
	seed(f)
	with := testContext(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o, err := mapLookup(t, wire.Reply{Status: status, Body: body}, nil)
		if err != nil {
			return
		}
		if !json.Valid(body) || status != 200 {
			t.Fatalf("HTTP %d came to %s", status, o.Class)
		}
		if o.Class == providers.NotFound && strings.Contains(string(body), `"next"`) && !strings.HasPrefix(strings.TrimSpace(string(body)), "[") {
			t.Error("absent from one page of several")
		}
		if o.Class == providers.Succeeded && (o.ProviderID == "" || o.Echo.Reference != with.reference || !with.amount.Is(o.Echo.Amount)) {
			t.Errorf("%+v", o)
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, err := mapLookup(t, wire.Reply{Status: status, Body: cut}, nil); err == nil {
				t.Errorf("a beginning of the answer came to %s", o.Class)
			}
		}
	})
}

// A login yields a token that can travel in a header, or an error.
func FuzzLogin(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		token, err := mapLogin(wire.Reply{Status: status, Body: body}, nil, now)
		if (err == nil) == (token == "") || err == nil && status != 200 && status != 201 {
			t.Errorf("HTTP %d: %v", status, err)
		}
		if token != "" && !wire.Printable(token.Reveal()) {
			t.Error("the token cannot travel in a header")
		}
	})
}
