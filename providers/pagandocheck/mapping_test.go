package pagandocheck

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

var with = mappingContext{
	now: providertest.Now, order: "ord-1", password: "secret",
	hard: []string{"SWITCH_4041", "4043"}, uncertain: DefaultUncertain(), hide: []string{"cd_card", "token-1"},
}

const (
	page       = `<!doctype html><title>Ingreso</title>`
	deepIDs    = `{"error":false,"message":"ok","data":{"folio":"000123","transactionNumber":"987654","reference":"PAG-000000012345","orderNumber":"A1B2"}}`
	paidBody   = `{"type":"API_ORDERS","key":"SUCCESS_ORDER","message":"completed","code":72,"data":` + deepIDs + `}`
	flatBody   = `{"type":"API_ORDERS","key":"SUCCESS_ORDER","message":"completed","code":72,"data":{"folio":"000123"}}`
	buyerBody  = `{"type":"API_ORDERS","key":"NEED_3DS","message":"3DS","code":71,"data":{"object":{"id":"ord-3ds"}}}`
	switchBody = `{"type":"AGREGADOR_SWITCH","key":"SWITCH_4051","message":"fondos insuficientes","code":"4051","data":null,"error":true}`
	expired    = `{"type":"API_AUTHENTICATION","key":"EXPIRED","message":"API key has expired","code":100}`
	badLogin   = `{"type":"API_AUTHENTICATION","key":"INVALID_CREDENTIALS","message":"the credentials provided are invalid","code":109}`
	orderBody  = `{"type":"API_ORDERS","key":"SUCCESS_REQUEST","message":"ok","code":0,"data":{"orderId":"ord-1"}}`
)

func failureOf(code string) string {
	return `{"type":"API_ORDERS","key":"ERROR","message":"no","code":` + code + `,"data":null,"error":true}`
}

func swap(body, from, to string) string { return strings.Replace(body, from, to, 1) }

// Every line: a response, and what it means to a charge.
func TestMappingOfCharges(t *testing.T) {
	t.Parallel()
	const doubt, succeeded, refused, known = "in_doubt", "succeeded", "refused", "duplicate"
	providertest.Mapping(t, providertest.MappingRows{
		{"charged, ids in data.data", 200, paidBody, succeeded, "72"},
		{"charged, ids in data", 200, flatBody, succeeded, "72"},
		{"charged, with HTTP 201", 201, paidBody, succeeded, "72"},
		{"charged, the code as a text", 200, swap(paidBody, "72", `"72"`), succeeded, "72"},
		{"charged, by the key alone", 200, swap(flatBody, `"code":72,`, ""), succeeded, "72"},
		{"charged, by the code alone", 200, swap(flatBody, "SUCCESS_ORDER", "SUCCESS_REQUEST"), succeeded, "72"},
		{"charged, without type and key", 200, `{"code":72,"data":{"reference":"PAG-1"}}`, succeeded, "72"},
		{"charged, an id as a number", 200, swap(flatBody, `"000123"`, "123"), succeeded, "72"},
		{"charged, through the switch", 200, swap(paidBody, "API_ORDERS", "AGREGADOR_SWITCH"), succeeded, "72"},
		{"charged, without an id", 200, swap(flatBody, "folio", "other"), doubt, "72"},
		{"charged, without data", 200, `{"key":"SUCCESS_ORDER","code":72,"data":null}`, doubt, "72"},
		{"charged, and an error", 200, swap(flatBody, "{", `{"error":true,`), doubt, "72"},
		{"charged, and an error inside", 200, swap(paidBody, "false", "true"), doubt, "72"},
		{"charged, with the key of a decline", 200, swap(flatBody, "SUCCESS_ORDER", "SWITCH_72"), doubt, "72"},
		{"charged, with the code of 3-D Secure", 200, swap(flatBody, "72", "71"), doubt, "71"},
		{"charged, with the code of a missing setting", 200, swap(flatBody, "72", "300"), doubt, "300"},
		{"charged, with an expired token", 200, swap(flatBody, "72", "100"), doubt, "100"},
		{"charged, with refused credentials", 200, swap(flatBody, "72", "109"), doubt, "109"},
		{"charged, by no word", 200, `{"code":0,"key":"OK","data":{"folio":"000123"}}`, doubt, "0"},
		{"charged, in other capitals", 200, `{"Code":72,"Key":"SUCCESS_ORDER","Data":{"folio":"1"}}`, doubt, "unreadable"},
		{"charged, with HTTP 400", 400, paidBody, doubt, "72"},
		{"charged, with HTTP 401", 401, paidBody, doubt, "72"},
		{"charged, with HTTP 429", 429, paidBody, doubt, "72"},
		{"charged, with HTTP 502", 502, paidBody, doubt, "72"},
		{"charged, with HTTP 307", 307, paidBody, doubt, "72"},

		{"the buyer must act", 200, buyerBody, refused, "71"},
		{"the buyer must act, as a text", 200, swap(buyerBody, "71", `"71"`), refused, "71"},
		{"the buyer must act, with HTTP 402", 402, buyerBody, refused, "71"},
		{"the buyer must act, with HTTP 401", 401, buyerBody, refused, "71"},
		{"the buyer must act, with the key of a finished request", 200, swap(buyerBody, "NEED_3DS", "SUCCESS_REQUEST"), refused, "71"},
		{"the buyer must act, without an order", 200, `{"code":71}`, refused, "71"},
		{"the buyer must act, with HTTP 500", 500, buyerBody, doubt, "71"},
		{"the buyer must act, and a folio", 200, swap(buyerBody, `"object"`, `"folio":"1","object"`), doubt, "71"},
		{"the buyer must act, of a completed order", 200, swap(buyerBody, "NEED_3DS", "SUCCESS_ORDER"), doubt, "71"},

		{"a decline", 200, switchBody, refused, "SWITCH_4051"},
		{"a decline, with HTTP 402", 402, switchBody, refused, "SWITCH_4051"},
		{"a decline, with HTTP 401", 401, switchBody, refused, "SWITCH_4051"},
		{"a decline, its code a number", 200, swap(switchBody, `"4051",`, "4051,"), refused, "SWITCH_4051"},
		{"a decline, by its key alone", 200, swap(switchBody, "AGREGADOR_SWITCH", "API_ORDERS"), refused, "SWITCH_4051"},
		{"a decline, by its type alone", 200, swap(switchBody, "SWITCH_4051", "DENIED"), refused, "SWITCH_4051"},
		{"a decline with the code of 3-D Secure", 200, strings.ReplaceAll(switchBody, "4051", "71"), refused, "SWITCH_71"},
		{"a decline with the code of an expired token", 200, strings.ReplaceAll(switchBody, "4051", "100"), refused, "SWITCH_100"},
		{"a decline with the code of bad credentials", 200, strings.ReplaceAll(switchBody, "4051", "109"), refused, "SWITCH_109"},
		{"a decline with the code of a missing setting", 200, strings.ReplaceAll(switchBody, "4051", "300"), refused, "SWITCH_300"},
		{"a decline with the code of an approval", 200, strings.ReplaceAll(switchBody, "4051", "00"), doubt, "unreadable"},
		{"a decline with the code of an approval, by type and code", 200, `{"type":"AGREGADOR_SWITCH","message":"Success","code":0}`, doubt, "unreadable"},
		{"a decline that names the failed charge", 200, swap(switchBody, "null", deepIDs), refused, "SWITCH_4051"},
		{"a decline that names a charge and no error", 200, swap(swap(switchBody, "null", deepIDs), `,"error":true`, ""), doubt, "4051"},
		{"a decline with the code of a completed order", 200, strings.ReplaceAll(switchBody, "4051", "72"), doubt, "72"},
		{"a decline without code and key", 200, `{"type":"AGREGADOR_SWITCH","error":true}`, doubt, "unreadable"},
		{"a decline with HTTP 503", 503, switchBody, doubt, "4051"},
		{"a decline of what exists already", 200, strings.ReplaceAll(switchBody, "4051", "4025"), known, "SWITCH_4025"},
		{"a decline of what exists already, by type and code", 200, swap(strings.ReplaceAll(switchBody, "4051", "4025"), "SWITCH_4025", "EXISTS"), known, "SWITCH_4025"},
		{"a decline that speaks of a time-out", 200, swap(switchBody, "fondos insuficientes", "Tiempo de espera agotado"), doubt, "SWITCH_4051"},
		{"a decline that speaks of no answer", 200, swap(switchBody, "fondos insuficientes", "Emisor SIN RESPUESTA"), doubt, "SWITCH_4051"},
		{"a decline whose key speaks of a time-out", 200, swap(switchBody, "SWITCH_4051", "SWITCH_TIMEOUT"), doubt, "SWITCH_TIMEOUT"},

		{"no payment settings", 200, failureOf("300"), refused, "300"},
		{"no payment settings, as a text", 400, failureOf(`"300"`), refused, "300"},
		{"no order number", 422, failureOf("314"), refused, "314"},
		{"no payment settings, with HTTP 500", 500, failureOf("300"), doubt, "300"},
		{"could not be processed", 200, failureOf("302"), doubt, "302"},
		{"could not be processed, with HTTP 400", 400, failureOf("302"), doubt, "302"},
		{"an unlisted code", 200, failureOf("315"), doubt, "315"},
		{"a code with decimals", 200, failureOf("71.0"), doubt, "71.0"},
		{"a code with an exponent", 200, failureOf("3e2"), doubt, "3e2"},
		{"a code that is a sentence", 200, failureOf(`"no es un código"`), doubt, "unreadable"},

		{"an expired token", 200, expired, providertest.Credentials, "100"},
		{"an expired token, as a text", 200, swap(expired, "100", `"100"`), providertest.Credentials, "100"},
		{"an expired token, with HTTP 401", 401, expired, providertest.Credentials, "100"},
		{"an expired token, with HTTP 502", 502, expired, doubt, "100"},
		{"bad credentials", 200, badLogin, providertest.Credentials, "109"},
		{"401 with a page", 401, page, providertest.Credentials, "http_401"},
		{"401 with nothing", 401, "", providertest.Credentials, "http_401"},
		{"401 with an unlisted code", 401, failureOf("315"), providertest.Credentials, "http_401"},
		{"401 with a completed order of nothing", 401, `{"code":72}`, doubt, "72"},
		{"403 with a page", 403, page, doubt, "http_403"},
		{"throttled", 429, "", providertest.NoAct, "throttled"},

		{"a server error", 500, "", doubt, "http_500"},
		{"unavailable for a while", 503, "", doubt, "http_503"},
		{"a page", 200, page, doubt, "unreadable"},
		{"nothing", 200, "", doubt, "unreadable"},
		{"null", 200, "null", doubt, "unreadable"},
		{"an array", 200, "[" + paidBody + "]", doubt, "unreadable"},
		{"a key twice", 200, swap(paidBody, "{", `{"key":"SWITCH_4051",`), doubt, "unreadable"},
		{"a decline with a code twice", 200, swap(switchBody, "{", `{"code":72,`), doubt, "unreadable"},
		{"an expired token with a code twice", 200, swap(expired, "{", `{"code":72,`), doubt, "unreadable"},
		{"401 with a code twice", 401, swap(expired, "{", `{"code":72,`), doubt, "http_401"},
		{"429 with a code twice", 429, swap(expired, "{", `{"code":72,`), doubt, "http_429"},
		{"an id twice, deep within", 200, swap(paidBody, `"folio"`, `"folio":"7","folio"`), doubt, "unreadable"},
		{"two values", 200, paidBody + paidBody, doubt, "unreadable"},
		{"cut", 200, paidBody[:len(paidBody)-1], doubt, "unreadable"},
		{"not UTF-8", 200, swap(paidBody, "completed", "\xff"), doubt, "unreadable"},
		{"a code that is a list", 200, swap(paidBody, "72", "[72]"), doubt, "unreadable"},
		{"a key that is a number", 200, swap(paidBody, `"SUCCESS_ORDER"`, "1"), doubt, "unreadable"},
		{"an id that is a list", 200, swap(flatBody, `"000123"`, "[1]"), doubt, "unreadable"},
		{"an id with a blank", 200, swap(flatBody, "000123", "000 123"), doubt, "unreadable"},
		{"an error that is a text", 200, swap(flatBody, "{", `{"error":"no",`), doubt, "unreadable"},
		{"data that is a text", 200, `{"code":72,"key":"SUCCESS_ORDER","data":"000123"}`, doubt, "72"},
	}, func(r wire.Reply) (providers.Outcome, error) { return mapCharge(r, nil, with) })
}

// Every line: a response, and what it means to the making of an order. Nothing there is in doubt.
func TestMappingOfOrders(t *testing.T) {
	t.Parallel()
	const made = "made"
	providertest.Mapping(t, providertest.MappingRows{
		{"made", 200, orderBody, made, "ord-1"},
		{"made, with HTTP 201", 201, orderBody, made, "ord-1"},
		{"made, one level deeper", 200, `{"data":{"data":{"orderId":17}}}`, made, "17"},
		{"no id", 200, swap(orderBody, "orderId", "id"), "not sent", "no_order"},
		{"an error with an id", 200, swap(orderBody, "{", `{"error":true,`), "not sent", "no_order"},
		{"an id with HTTP 500", 500, orderBody, "not sent", "no_order"},
		{"an id twice", 200, swap(orderBody, `"orderId"`, `"orderId":"ord-2","orderId"`), "not sent", "no_order"},
		{"an id with a blank", 200, swap(orderBody, "ord-1", "ord 1"), "not sent", "no_order"},
		{"no payment settings", 200, failureOf("300"), "refused", "300"},
		{"no order number", 400, failureOf("314"), "refused", "314"},
		{"no payment settings, with HTTP 500", 500, failureOf("300"), "not sent", "no_order"},
		{"could not be processed", 200, failureOf("302"), "not sent", "no_order"},
		{"not allowed", 403, failureOf("305"), "not sent", "no_order"},
		{"a decline", 200, switchBody, "not sent", "no_order"},
		{"a cart that exists already", 200, strings.ReplaceAll(switchBody, "4051", "4025"), "mismatch", "reference_taken"},
		{"a cart that exists already, with HTTP 409", 409, strings.ReplaceAll(switchBody, "4051", "4025"), "mismatch", "reference_taken"},
		{"a cart that exists already, with HTTP 502", 502, strings.ReplaceAll(switchBody, "4051", "4025"), "not sent", "no_order"},
		{"a decline with the code of a missing setting", 200, strings.ReplaceAll(switchBody, "4051", "300"), "not sent", "no_order"},
		{"an expired token", 200, expired, "credentials", "100"},
		{"bad credentials", 200, badLogin, "credentials", "109"},
		{"an expired token, with HTTP 500", 500, expired, "credentials", "100"},
		{"an expired token, with HTTP 503", 503, swap(expired, "100", `"100"`), "credentials", "100"},
		{"bad credentials, with HTTP 502", 502, badLogin, "credentials", "109"},
		{"a decline with the code of an expired token, with HTTP 500", 500, strings.ReplaceAll(switchBody, "4051", "100"), "not sent", "no_order"},
		{"401", 401, "", "credentials", "http_401"},
		{"403", 403, "", "credentials", "http_403"},
		{"403 with a page", 403, page, "credentials", "http_403"},
		{"403 with a text", 403, `{"message":"Forbidden"}`, "credentials", "http_403"},
		{"throttled", 429, "", "not sent", "throttled"},
		{"throttled, and an expired token", 429, expired, "not sent", "throttled"},
		{"a page", 200, page, "not sent", "no_order"},
	}, func(r wire.Reply) (providers.Outcome, error) {
		m, err := mapOrder(r, nil, with)
		if m.id != "" {
			return providers.Outcome{Class: made, Code: m.id}, err
		}
		return m.outcome(), err
	})
}

// infoBody is a response about an order; token is made by hand from password, total and
// transaction.
func infoBody(total, response string) string {
	text := strings.Trim(total, `"`)
	return `{"data":{"cartId":"pay-1","total":` + total + `,"transactionId":"tx-1","payResponse":"` + response + `","paymentToken":"` + md5hex("secret"+text+"tx-1") + `"}}`
}

// Every line: a response, and what it means to a status query.
func TestMappingOfStatusQueries(t *testing.T) {
	t.Parallel()
	const doubt, succeeded, mismatch = "in_doubt", "succeeded", "mismatch"
	good := infoBody(`"149.50"`, "APPROVED")
	providertest.Mapping(t, providertest.MappingRows{
		{"approved", 200, good, succeeded, "APPROVED"},
		{"approved, in small letters", 200, swap(good, "APPROVED", "approved"), succeeded, "APPROVED"},
		{"approved, the total a number", 200, infoBody("149.50", "APPROVED"), succeeded, "APPROVED"},
		{"approved, the total a shorter number", 200, infoBody("149.5", "APPROVED"), succeeded, "APPROVED"},
		{"approved, the total formed anew", 200, swap(infoBody("149.50", "APPROVED"), "149.50", "149.5"), mismatch, "unverified"},
		{"approved, the token in capitals", 200, swap(good, md5hex("secret149.50tx-1"), strings.ToUpper(md5hex("secret149.50tx-1"))), succeeded, "APPROVED"},
		{"approved, one level deeper", 200, `{"data":` + good + `}`, succeeded, "APPROVED"},
		{"approved, with an envelope", 200, swap(good, "{", `{"type":"API_ORDERS","key":"SUCCESS_REQUEST","code":72,`), succeeded, "APPROVED"},
		{"approved, the total another", 200, swap(good, "149.50", "1.00"), mismatch, "unverified"},
		{"approved, the transaction another", 200, swap(good, "tx-1", "tx-2"), mismatch, "unverified"},
		{"approved, without a token", 200, swap(good, "paymentToken", "x"), mismatch, "unverified"},
		{"approved, without a total", 200, `{"data":{"cartId":"pay-1","transactionId":"tx-1","payResponse":"APPROVED","paymentToken":"` + md5hex("secrettx-1") + `"}}`, mismatch, "unverified"},
		{"approved, without a transaction", 200, `{"data":{"cartId":"pay-1","total":"149.50","payResponse":"APPROVED","paymentToken":"` + md5hex("secret149.50") + `"}}`, mismatch, "unverified"},
		{"approved, without the cart", 200, swap(good, "cartId", "x"), mismatch, "unverified"},
		{"approved, and an error", 200, swap(good, "{", `{"error":true,`), providertest.NoAnswer, ""},
		{"approved, with HTTP 404", 404, good, providertest.NoAnswer, ""},
		{"approved, with HTTP 502", 502, good, providertest.NoAnswer, ""},
		{"approved, the word twice", 200, swap(good, `"payResponse"`, `"payResponse":"DECLINED","payResponse"`), providertest.NoAnswer, ""},
		{"approved, the word a list", 200, swap(good, `"APPROVED"`, `["APPROVED"]`), providertest.NoAnswer, ""},
		{"nothing yet", 200, infoBody(`"149.50"`, ""), doubt, "no_response"},
		{"null yet", 200, swap(good, `"APPROVED"`, "null"), doubt, "no_response"},
		{"no word at all", 200, swap(good, "payResponse", "x"), doubt, "no_response"},
		{"declined", 200, infoBody(`"149.50"`, "DECLINED"), doubt, "DECLINED"},
		{"cancelled", 200, infoBody(`"149.50"`, "CANCELLED"), doubt, "CANCELLED"},
		{"a sentence", 200, infoBody(`"149.50"`, "no se sabe"), doubt, "no_response"},
		{"not approved, in so many words", 200, infoBody(`"149.50"`, "NOT APPROVED"), doubt, "no_response"},
		{"an order of nothing", 200, `{"data":{}}`, providertest.NoAnswer, ""},
		{"not found, in a code", 200, failureOf("312"), providertest.NoAnswer, ""},
		{"a completed order", 200, paidBody, providertest.NoAnswer, ""},
		{"a bare 404", 404, "404 page not found", providertest.NoAnswer, ""},
		{"a login page", 200, page, providertest.NoAnswer, ""},
		{"nothing", 200, "", providertest.NoAnswer, ""},
		{"an expired token", 200, expired, providertest.Credentials, "100"},
		{"bad credentials", 200, badLogin, providertest.Credentials, "109"},
		{"an expired token, with HTTP 500", 500, expired, providertest.Credentials, "100"},
		{"401", 401, "", providertest.Credentials, "http_401"},
		{"403 with a page", 403, page, providertest.Credentials, "http_403"},
		{"403 with a code", 403, failureOf("312"), providertest.NoAnswer, ""},
		{"throttled", 429, "", providertest.NoAct, "throttled"},
	}, func(r wire.Reply) (providers.Outcome, error) { return mapStatus(r, nil, with) })
}

func TestMappingOfLogins(t *testing.T) {
	t.Parallel()
	good := `{"type":"API_AUTHENTICATION","key":"TOKEN","message":"Success","code":0,"data":{"token":"tok","key":"k"}}`
	const granted = "granted"
	providertest.Mapping(t, providertest.MappingRows{
		{"a token", 200, good, granted, ""},
		{"a token with HTTP 201", 201, good, granted, ""},
		{"a token with HTTP 500", 500, good, "not sent", "no_token"},
		{"no token", 200, swap(good, "tok", ""), "not sent", "no_token"},
		{"a token twice", 200, swap(good, `"token"`, `"token":"t2","token"`), "not sent", "no_token"},
		{"bad credentials with a code twice", 200, swap(badLogin, `"code"`, `"code":0,"code"`), "not sent", "no_token"},
		{"a token with a line break", 200, swap(good, `"tok"`, `"to\nk"`), "not sent", "no_token"},
		{"a token and an error", 200, swap(good, "{", `{"error":true,`), "not sent", "no_token"},
		{"bad credentials", 200, badLogin, "credentials", "109"},
		{"bad credentials, as a text", 400, swap(badLogin, "109", `"109"`), "credentials", "109"},
		{"a replaced key", 200, expired, "credentials", "100"},
		{"401", 401, "", "credentials", "http_401"},
		{"403", 403, page, "credentials", "http_403"},
		{"bad credentials with HTTP 502", 502, badLogin, "not sent", "no_token"},
		{"throttled", 429, "", "not sent", "throttled"},
		{"a page", 200, page, "not sent", "no_token"},
	}, func(r wire.Reply) (providers.Outcome, error) {
		value, err := mapLogin(r, nil, with.now)
		if (value != "") != (err == nil) {
			t.Errorf("a token of %d characters with error %v", len(value), err)
		}
		return providers.Outcome{Class: granted}, err
	})
}

func TestMappingOfBrokenExchanges(t *testing.T) {
	t.Parallel()
	providertest.Broken(t, providertest.MoneyExchange, func(err error) (providers.Outcome, error) { return mapCharge(wire.Reply{}, err, with) })
	providertest.Broken(t, providertest.StatusExchange, func(err error) (providers.Outcome, error) { return mapStatus(wire.Reply{}, err, with) })
	providertest.Broken(t, providertest.OtherExchange, func(err error) (providers.Outcome, error) {
		m, err := mapOrder(wire.Reply{}, err, with)
		return m.outcome(), err
	})
}

func TestThrottlingSaysHowLong(t *testing.T) {
	t.Parallel()
	providertest.Throttled(t, map[string]func(r wire.Reply) error{
		"charge":   func(r wire.Reply) error { _, err := mapCharge(r, nil, with); return err },
		"order":    func(r wire.Reply) error { _, err := mapOrder(r, nil, with); return err },
		"question": func(r wire.Reply) error { _, err := mapStatus(r, nil, with); return err },
		"login":    func(r wire.Reply) error { _, err := mapLogin(r, nil, with.now); return err },
	})
}

func TestADeclineIsSoftUnlessItsCodeIsListed(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]providers.Decline{"4051": providers.Soft, "4041": providers.Hard, "4043": providers.Hard, "4042": providers.Soft} {
		o, err := mapCharge(wire.Reply{Status: 200, Body: []byte(strings.ReplaceAll(switchBody, "4051", code))}, nil, with)
		if err != nil || o.Class != providers.Refused || o.Decline != want {
			t.Errorf("%s: got %+v, %v, want %s", code, o, err, want)
		}
	}
	other := with
	other.uncertain = []string{"FONDOS"}
	if o, _ := mapCharge(wire.Reply{Status: 200, Body: []byte(switchBody)}, nil, other); o.Class != providers.InDoubt {
		t.Errorf("a text on the list of uncertain ones: got %+v", o)
	}
}

func TestThePaymentsIDAtTheProvider(t *testing.T) {
	t.Parallel()
	oneStep := with
	oneStep.order = ""
	for _, row := range []struct {
		name string
		with mappingContext
		body string
		id   string
	}{
		{"charged in two steps", with, paidBody, "ord-1"},
		{"charged in one step", oneStep, paidBody, "000123"},
		{"charged in one step, without a folio", oneStep, swap(paidBody, "folio", "x"), "PAG-000000012345"},
		{"the buyer must act", with, buyerBody, "ord-3ds"},
		{"the buyer must act, in one step", oneStep, buyerBody, "ord-3ds"},
		{"the buyer must act, the order not named", with, `{"code":71}`, "ord-1"},
		{"declined", with, switchBody, ""},
		{"in doubt", with, failureOf("302"), ""},
	} {
		o, err := mapCharge(wire.Reply{Status: 200, Body: []byte(row.body)}, nil, row.with)
		if err != nil || o.ProviderID != row.id {
			t.Errorf("%s: got %q, %v, want %q", row.name, o.ProviderID, err, row.id)
		}
	}
}

func TestTextsOfTheProviderAreScrubbed(t *testing.T) {
	t.Parallel()
	body := swap(switchBody, "fondos insuficientes", "tarjeta cd_card 4111111111111111 de ana@example.mx con token-1")
	o, err := mapCharge(wire.Reply{Status: 200, Body: []byte(body)}, nil, with)
	providertest.TextsStayHidden(t, providers.Refused, o, err, "cd_card", "4111", "ana@", "token-1")
}

func TestAMessageHoldsWholeIDsOnly(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("9", 100)
	o, err := mapCharge(wire.Reply{Status: 200, Body: []byte(swap(paidBody, "987654", long))}, nil, with)
	if err != nil || o.Message != "folio 000123, reference PAG-000000012345" {
		t.Errorf("got %q, %v", o.Message, err)
	}
}

func seeds(f *testing.F) {
	f.Helper()
	providertest.Seed(f, []int{200, 201, 400, 401, 402, 404, 429, 502},
		paidBody, flatBody, buyerBody, switchBody, expired, badLogin, orderBody, page, "", "null", "[]", `{"code":72}`,
		failureOf("300"), failureOf("302"), failureOf(`"314"`), infoBody(`"149.50"`, "APPROVED"), infoBody("149.5", ""),
		`{"data":{"token":"tok"}}`, `{"data":"x","code":[],"key":1}`)
}

// Garbage never succeeds and never refuses: such a class needs a whole JSON object, with the words
// that mean it, under the right HTTP status; and every beginning of a response is in doubt.
func FuzzCharge(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		o, err := mapCharge(r, nil, with)
		providertest.Sane(t, o, err)
		switch o.Class {
		case providers.Pending, providers.NotFound, providers.Mismatch:
			t.Errorf("a charge yielded %s", o.Class)
		case providers.Succeeded:
			providertest.ObjectWith(t, body, "72", "success_order")
		case providers.Refused:
			providertest.ObjectWith(t, body, "71", "300", "314", "switch")
		case providers.InDoubt:
			return
		}
		if status/100 != 2 && (o.Class == providers.Succeeded || status/100 != 4) && err == nil {
			t.Errorf("HTTP %d yielded %s", status, o.Class)
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, also := mapCharge(wire.Reply{Status: status, Body: cut}, nil, with); err == nil && also == nil && o.Class != providers.InDoubt {
				t.Errorf("a beginning of the answer yielded %s", o.Class)
			}
		}
	})
}

func FuzzStatus(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		o, err := mapStatus(r, nil, with)
		providertest.Sane(t, o, err)
		switch o.Class {
		case providers.Pending, providers.NotFound, providers.Refused:
			t.Errorf("a question yielded %s", o.Class)
		case providers.Succeeded:
			providertest.ObjectWith(t, body, "approved")
			if status/100 != 2 || !strings.Contains(providertest.Unescaped(body), md5hex("secret", o.Echo.Amount, transactionOf(body))) {
				t.Errorf("HTTP %d, an approval that the password does not prove", status)
			}
			if o.Echo.Reference == "" || o.Echo.Amount == "" {
				t.Error("an approval that does not name the payment")
			}
		}
	})
}

func FuzzOrder(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		m, err := mapOrder(r, nil, with)
		if found := m.id != "" || m.refusal != nil; found == (err != nil) {
			t.Errorf("order %q, refusal %v, error %v", m.id, m.refusal, err)
		}
		if m.id != "" {
			providertest.ObjectWith(t, body, "orderid")
		}
		if m.refusal != nil {
			providertest.Sane(t, *m.refusal, err)
			providertest.ObjectWith(t, body, "300", "314", "4025")
		}
	})
}

func FuzzLogin(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		value, err := mapLogin(wire.Reply{Status: status, Body: body}, nil, with.now)
		if (value == "") == (err == nil) || strings.ContainsAny(value.Reveal(), "\r\n ") {
			t.Errorf("a token of %d characters with error %v", len(value), err)
		}
		if err == nil {
			providertest.ObjectWith(t, body, "token")
		}
	})
}

func transactionOf(body []byte) string {
	a, _ := parse(body)
	return a.info.transaction
}
