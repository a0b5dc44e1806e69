package etpay

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

var now = providertest.Now

var with = mappingContext{now: now, hide: []string{"Ana Soto", "ana@example.cl"}}

const (
	page       = `<!doctype html><title>Ingreso</title>`
	openedBody = `{"token":"ses-1","signature_token":"key-1","terms_url":"https://terms.example/"}`
	badRequest = `{"message":"order_amount is wrong"}`
)

func TestWhatARequestForASessionComesTo(t *testing.T) {
	t.Parallel()
	const open = "open"
	providertest.Mapping(t, providertest.MappingRows{
		{"a session", 200, openedBody, open, ""},
		{"a session, with HTTP 201", 201, openedBody, open, ""},
		{"a session without terms", 200, `{"token":"ses-1","signature_token":"key-1"}`, open, ""},
		{"no signature token", 200, `{"token":"ses-1"}`, providertest.NoAct, "unreadable"},
		{"an empty signature token", 200, strings.Replace(openedBody, "key-1", "", 1), providertest.NoAct, "unreadable"},
		{"no token", 200, `{"signature_token":"key-1"}`, providertest.NoAct, "unreadable"},
		{"a token with a blank", 200, strings.Replace(openedBody, "ses-1", "ses 1", 1), providertest.NoAct, "unreadable"},
		{"a token that is a path", 200, strings.Replace(openedBody, "ses-1", "..", 1), providertest.NoAct, "unreadable"},
		{"a token that is a number", 200, strings.Replace(openedBody, `"ses-1"`, "7", 1), providertest.NoAct, "unreadable"},
		{"tokens in other capitals", 200, `{"Token":"ses-1","Signature_Token":"key-1"}`, providertest.NoAct, "unreadable"},
		{"a session, with HTTP 202", 202, openedBody, providertest.NoAct, "unreadable"},
		{"a session, with HTTP 500", 500, openedBody, providertest.NoAct, "http_500"},
		{"a session, with HTTP 400", 400, openedBody, providertest.NoAct, "http_400"},
		{"a session, with HTTP 401", 401, openedBody, providertest.Credentials, "http_401"},
		{"an array", 200, "[" + openedBody + "]", providertest.NoAct, "unreadable"},
		{"a token twice", 200, strings.Replace(openedBody, `"token"`, `"token":"ses-2","token"`, 1), providertest.NoAct, "unreadable"},
		{"two values", 200, openedBody + openedBody, providertest.NoAct, "unreadable"},
		{"cut", 200, openedBody[:len(openedBody)-1], providertest.NoAct, "unreadable"},
		{"a page", 200, page, providertest.NoAct, "unreadable"},
		{"nothing", 200, "", providertest.NoAct, "unreadable"},
		{"null", 200, "null", providertest.NoAct, "unreadable"},
		{"a message with HTTP 200", 200, badRequest, providertest.NoAct, "unreadable"},

		{"400 with a message", 400, badRequest, "refused", "http_400"},
		{"402 with a message", 402, badRequest, "refused", "http_402"},
		{"409 with a code", 409, `{"code":"dup","message":"x"}`, "refused", "dup"},
		{"409 about an order that exists", 409, `{"message":"merchant_order_id already exists"}`, "mismatch", "reference_taken"},
		{"400 about a duplicate", 400, `{"code":"DUPLICATE_ORDER"}`, "mismatch", "reference_taken"},
		{"422 with a number for a code", 422, `{"error_code":17}`, "refused", "17"},
		{"400 with an error", 400, `{"error":"bad"}`, "refused", "http_400"},
		{"400 with an error that is an object", 400, `{"error":{"a":1},"message":"x"}`, providertest.NoAct, "http_400"},
		{"400 with a page", 400, page, providertest.NoAct, "http_400"},
		{"400 with nothing", 400, "", providertest.NoAct, "http_400"},
		{"400 with an object that says nothing", 400, `{"ok":false}`, providertest.NoAct, "http_400"},
		{"a bare 404", 404, "404 page not found", providertest.NoAct, "http_404"},
		{"a 404 with another's JSON", 404, `{"message":"no Route matched"}`, providertest.NoAct, "http_404"},
		{"a 405 with JSON", 405, badRequest, providertest.NoAct, "http_405"},
		{"a redirect", 307, "", providertest.NoAct, "http_307"},
		{"502", 502, page, providertest.NoAct, "http_502"},
		{"503 with JSON", 503, badRequest, providertest.NoAct, "http_503"},
		{"401", 401, "", providertest.Credentials, "http_401"},
		{"403 with JSON", 403, badRequest, providertest.Credentials, "http_403"},
		{"throttled", 429, badRequest, providertest.NoAct, "throttled"},
	}, func(r wire.Reply) (providers.Outcome, error) {
		s, o, err := mapSession(r, nil, with)
		if s == nil {
			return o, err
		}
		if s.token != "ses-1" || s.signature != "key-1" {
			t.Errorf("the tokens are %+v", *s)
		}
		return providers.Outcome{Class: open}, err
	})
}

func try(token, status string) string {
	return `{"payment_token":"` + token + `","payment_status":"` + status + `"}`
}

func array(items ...string) string { return "[" + strings.Join(items, ",") + "]" }

func TestWhatAStatusQueryComesTo(t *testing.T) {
	t.Parallel()
	const doubt, pending, succeeded = "in_doubt", "pending", "succeeded"
	for _, row := range []struct {
		name        string
		status      int
		body        string
		want        providers.Class
		code        string
		id, another string
	}{
		{"nobody tried", 200, "[]", pending, "unpaid", "", ""},
		{"paid", 200, array(try("p1", "success")), succeeded, "success", "p1", ""},
		{"paid, said twice", 200, array(try("p1", "success"), try("p1", "success")), succeeded, "success", "p1", ""},
		{"failed, then paid", 200, array(try("p1", "error"), try("p2", "success")), succeeded, "success", "p2", ""},
		{"paid, then failed", 200, array(try("p2", "success"), try("p1", "error")), succeeded, "success", "p2", ""},
		{"paid twice", 200, array(try("p2", "success"), try("p1", "success")), succeeded, "success", "p1", "p2"},
		{"paid twice, in another order", 200, array(try("p1", "success"), try("p2", "success")), succeeded, "success", "p1", "p2"},
		{"paid three times", 200, array(try("p3", "success"), try("p2", "success"), try("p1", "success")), succeeded, "success", "p1", "p2"},
		{"one try failed", 200, array(try("p1", "error")), pending, "error", "", ""},
		{"the last of two tries was cancelled", 200, array(try("p1", "failed"), try("p2", "Cancelled")), pending, "cancelled", "", ""},
		{"under way", 200, array(try("p1", "processing")), pending, "unknown_status", "", ""},
		{"an unknown word", 200, array(try("p1", "en_la_luna")), pending, "unknown_status", "", ""},
		{"success in capitals", 200, array(try("p1", "SUCCESS")), doubt, "unknown_status", "", ""},
		{"success with a blank", 200, array(try("p1", "success ")), doubt, "unknown_status", "", ""},
		{"approved", 200, array(try("p1", "approved")), doubt, "unknown_status", "", ""},
		{"refunded", 200, array(try("p1", "refunded"), try("p2", "error")), doubt, "unknown_status", "", ""},
		{"paid, beside another that may be", 200, array(try("p1", "approved"), try("p2", "success")), succeeded, "success", "p2", ""},
		{"one payment that is paid and failed", 200, array(try("p1", "success"), try("p1", "error")), doubt, "contradictory", "", ""},

		{"paid, without a payment token", 200, `[{"payment_status":"success"}]`, providertest.NoAnswer, "", "", ""},
		{"paid, with an empty payment token", 200, array(try("", "success")), providertest.NoAnswer, "", "", ""},
		{"a payment token with a blank", 200, array(try("p 1", "success")), providertest.NoAnswer, "", "", ""},
		{"a payment without a word", 200, `[{"payment_token":"p1"}]`, providertest.NoAnswer, "", "", ""},
		{"paid, beside an element that cannot be read", 200, array(try("p1", "success"), "7"), providertest.NoAnswer, "", "", ""},
		{"a null element", 200, array("null"), providertest.NoAnswer, "", "", ""},
		{"a word that is true", 200, `[{"payment_token":"p1","payment_status":true}]`, providertest.NoAnswer, "", "", ""},
		{"a word that is null", 200, `[{"payment_token":"p1","payment_status":null}]`, providertest.NoAnswer, "", "", ""},
		{"paid, with an amount that is an object", 200, `[{"payment_token":"p1","payment_status":"success","order_amount":{}}]`, providertest.NoAnswer, "", "", ""},
		{"fields in other capitals", 200, `[{"Payment_Token":"p1","Payment_Status":"success"}]`, providertest.NoAnswer, "", "", ""},
		{"an object", 200, try("p1", "success"), providertest.NoAnswer, "", "", ""},
		{"null", 200, "null", providertest.NoAnswer, "", "", ""},
		{"nothing", 200, "", providertest.NoAnswer, "", "", ""},
		{"cut", 200, "[" + try("p1", "success"), providertest.NoAnswer, "", "", ""},
		{"a word twice", 200, `[{"payment_token":"p1","payment_status":"error","payment_status":"success"}]`, providertest.NoAnswer, "", "", ""},
		{"two values", 200, "[][]", providertest.NoAnswer, "", "", ""},
		{"not UTF-8", 200, array(try("p1", "succ\xffess")), providertest.NoAnswer, "", "", ""},
		{"a page", 200, page, providertest.NoAnswer, "", "", ""},
		{"paid, with HTTP 201", 201, array(try("p1", "success")), providertest.NoAnswer, "", "", ""},
		{"an empty array with HTTP 404", 404, "[]", providertest.NoAnswer, "", "", ""},
		{"a refusal", 400, badRequest, providertest.NoAnswer, "", "", ""},
		{"502", 502, "[]", providertest.NoAnswer, "", "", ""},
		{"401", 401, "[]", providertest.Credentials, "http_401", "", ""},
		{"403", 403, "", providertest.Credentials, "http_403", "", ""},
		{"429", 429, "[]", providertest.NoAct, "throttled", "", ""},
	} {
		o, err := mapStatus(wire.Reply{Status: row.status, Body: []byte(row.body)}, nil, providers.StatusQuery{Reference: "OC1"}, now)
		if got, code := providertest.ClassAndCode(o, err); got != row.want || code != row.code || o.ProviderID != row.id || o.SecondID != row.another {
			t.Errorf("%s: got %s %s %q %q, want %s %s %q %q", row.name, got, code, o.ProviderID, o.SecondID, row.want, row.code, row.id, row.another)
		}
	}
}

func TestTheSuccessOnRecordComesFirst(t *testing.T) {
	t.Parallel()
	three := array(try("p1", "success"), try("p3", "success"), try("p2", "success"))
	for recorded, want := range map[string][2]string{"p3": {"p3", "p1"}, "p1": {"p1", "p2"}, "p9": {"p1", "p2"}, "": {"p1", "p2"}} {
		o, err := mapStatus(wire.Reply{Status: 200, Body: []byte(three)}, nil, providers.StatusQuery{Reference: "OC1", ProviderID: recorded}, now)
		if err != nil || o.ProviderID != want[0] || o.SecondID != want[1] {
			t.Errorf("%q on record: got %q and %q, %v; want %q", recorded, o.ProviderID, o.SecondID, err, want)
		}
	}
}

func TestWhatIsNotOursIsRepeatedFirst(t *testing.T) {
	t.Parallel()
	amount := providertest.Amount(t, "50000", "CLP")
	paid := func(more string) string { return `{"payment_token":"p1","payment_status":"success"` + more + "}" }
	failed := func(more string) string { return `{"payment_token":"p2","payment_status":"error"` + more + "}" }
	for _, row := range []struct {
		name, body string
		want       providers.Echo
	}{
		{"nothing", array(paid("")), providers.Echo{}},
		{"ours", array(paid(`,"merchant_order_id":"OC1","order_amount":50000`)), providers.Echo{Reference: "OC1", Amount: "50000"}},
		{"as texts", array(paid(`,"merchant_order_id":"OC1","amount":"50000"`)), providers.Echo{Reference: "OC1", Amount: "50000"}},
		{"an order id that is a number", array(paid(`,"merchant_order_id":17`)), providers.Echo{Reference: "17"}},
		{"another order first", array(paid(`,"merchant_order_id":"OC2"`), paid(`,"merchant_order_id":"OC1"`)), providers.Echo{Reference: "OC2"}},
		{"another order last", array(paid(`,"merchant_order_id":"OC1"`), paid(`,"merchant_order_id":"OC2"`)), providers.Echo{Reference: "OC2"}},
		{"another amount last", array(paid(`,"order_amount":50000`), paid(`,"order_amount":5`)), providers.Echo{Amount: "5"}},
		{"another amount first", array(paid(`,"order_amount":5`), paid(`,"order_amount":50000.0`)), providers.Echo{Amount: "5"}},
		{"another amount of a try that failed", array(failed(`,"order_amount":5`)), providers.Echo{}},
		{"another order of a try that failed", array(failed(`,"merchant_order_id":"OC2"`)), providers.Echo{Reference: "OC2"}},
	} {
		o, err := mapStatus(wire.Reply{Status: 200, Body: []byte(row.body)}, nil, providers.StatusQuery{Reference: "OC1", Amount: amount}, now)
		if err != nil || o.Echo != row.want {
			t.Errorf("%s: got %+v, %v; want %+v", row.name, o.Echo, err, row.want)
		}
	}
}

func TestBrokenExchanges(t *testing.T) {
	t.Parallel()
	providertest.Broken(t, providertest.OtherExchange, func(err error) (providers.Outcome, error) {
		s, o, err := mapSession(wire.Reply{}, err, with)
		if s != nil {
			t.Errorf("a session was opened: %+v", s)
		}
		return o, err
	})
	providertest.Broken(t, providertest.StatusExchange, func(err error) (providers.Outcome, error) {
		return mapStatus(wire.Reply{}, err, providers.StatusQuery{}, now)
	})
}

func TestThrottlingSaysHowLong(t *testing.T) {
	t.Parallel()
	providertest.Throttled(t, map[string]func(r wire.Reply) error{
		"session": func(r wire.Reply) error { _, _, err := mapSession(r, nil, with); return err },
		"status":  func(r wire.Reply) error { _, err := mapStatus(r, nil, providers.StatusQuery{}, now); return err },
	})
}

func TestTextsOfTheProviderAreScrubbed(t *testing.T) {
	t.Parallel()
	body := `{"code":"E-12345678","message":"Ana Soto (ana@example.cl, otra@example.cl) RUT 12.345.678-5"}`
	_, o, err := mapSession(wire.Reply{Status: 422, Body: []byte(body)}, nil, with)
	providertest.TextsStayHidden(t, providers.Refused, o, err, "12345678", "Ana", "ana@", "otra@", "345.678")
}

// Garbage never opens a session and never refuses: the one needs both tokens in a whole JSON
// object, the other an error in one.
func FuzzSession(f *testing.F) {
	providertest.Seed(f, []int{200, 201, 400, 401, 404, 409, 422, 429, 502},
		openedBody, badRequest, page, "", "null", "[]", `{"code":7}`, `{"token":"a"}`)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		s, o, err := mapSession(wire.Reply{Status: status, Body: body}, nil, with)
		var fields map[string]any
		whole := json.Unmarshal(body, &fields) == nil
		switch {
		case s != nil && (!whole || fields["token"] != s.token || fields["signature_token"] != s.signature || status != 200 && status != 201):
			t.Errorf("HTTP %d opened %+v", status, *s)
		case s != nil || err != nil:
		case o.Class != providers.Refused || !whole || status < 400 || status > 422:
			t.Errorf("HTTP %d came to %s", status, o.Class)
		}
	})
}

// Garbage never succeeds, and never says that nobody paid: every such response is a whole array of
// payments.
func FuzzStatus(f *testing.F) {
	providertest.Seed(f, []int{200, 400, 401, 429, 502},
		"[]", array(try("p1", "success")), array(try("p1", "success"), try("p2", "success")), array(try("p1", "error")), page, "", "null", badRequest)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o, err := mapStatus(wire.Reply{Status: status, Body: body}, nil, providers.StatusQuery{Reference: "OC1"}, now)
		if err != nil {
			return
		}
		var items []map[string]any
		if json.Unmarshal(body, &items) != nil || status != 200 {
			t.Fatalf("HTTP %d came to %s from what is no array", status, o.Class)
		}
		paid := map[string]bool{}
		for _, item := range items {
			if item["payment_status"] == "success" {
				paid[item["payment_token"].(string)] = true
			}
		}
		switch o.Class {
		case providers.Succeeded:
			if !paid[o.ProviderID] || (len(paid) > 1) != (o.SecondID != "") || o.SecondID != "" && (!paid[o.SecondID] || o.SecondID == o.ProviderID) {
				t.Errorf("%q and %q of %v", o.ProviderID, o.SecondID, paid)
			}
		case providers.Pending:
			if len(paid) > 0 {
				t.Errorf("%v were paid, and it is pending", paid)
			}
		case providers.InDoubt:
		default:
			t.Errorf("came to %s", o.Class)
		}
		for _, cut := range providertest.Beginnings(body) {
			if o, err := mapStatus(wire.Reply{Status: status, Body: cut}, nil, providers.StatusQuery{}, now); err == nil {
				t.Errorf("a beginning of the answer came to %s", o.Class)
			}
		}
	})
}

// Garbage is no message.
func FuzzVerify(f *testing.F) {
	e := Expected{ProviderRefs: map[string]string{SessionTokenRef: "ses-1", SignatureTokenRef: "key-1"}, Reference: "OC1", Now: at(now)}
	for _, token := range []string{"", "a.b.c", forge(hs256, `{"session_token":"ses-1"}`, "other"), forge(`{"alg":"none"}`, `{"session_token":"ses-1"}`, "")} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		_, _ = MessageSession(token)
		if m, err := Verify(token, e); err == nil {
			t.Errorf("%q was taken: %+v", token, m)
		}
	})
}
