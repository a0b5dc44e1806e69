package pagandocheck

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

func seeds(f *testing.F) {
	f.Helper()
	for _, body := range []string{
		paidBody, flatBody, buyerBody, switchBody, expired, badLogin, orderBody, page, "", "null", "[]", `{"code":72}`,
		failureOf("300"), failureOf("302"), failureOf(`"314"`), infoBody(`"149.50"`, "APPROVED"), infoBody("149.5", ""),
		`{"data":{"token":"tok"}}`, `{"data":"x","code":[],"key":1}`,
	} {
		for _, status := range []int{200, 201, 400, 401, 402, 404, 429, 502} {
			f.Add(status, []byte(body))
		}
	}
}

// Garbage never succeeds and never refuses: such a class needs a whole JSON object, with the words
// that mean it, under the right HTTP status; and every beginning of an answer is in doubt.
func FuzzCharged(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		o, err := charged(r, nil, with)
		holds(t, o, err)
		switch o.Class {
		case providers.Pending, providers.NotFound, providers.Mismatch:
			t.Errorf("a charge yielded %s", o.Class)
		case providers.Succeeded:
			holding(t, r, "72", "success_order")
		case providers.Refused:
			holding(t, r, "71", "300", "314", "switch")
		case providers.InDoubt:
			return
		}
		if status/100 != 2 && (o.Class == providers.Succeeded || status/100 != 4) && err == nil {
			t.Errorf("HTTP %d yielded %s", status, o.Class)
		}
		if r := cut(r); err == nil {
			if o, err := charged(r, nil, with); err == nil && o.Class != providers.InDoubt {
				t.Errorf("a beginning of the answer yielded %s", o.Class)
			}
		}
	})
}

func FuzzAsked(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		o, err := asked(r, nil, with)
		holds(t, o, err)
		switch o.Class {
		case providers.Pending, providers.NotFound, providers.Refused:
			t.Errorf("a question yielded %s", o.Class)
		case providers.Succeeded:
			holding(t, r, "approved")
			if status/100 != 2 || !strings.Contains(strings.ToLower(unescaped(body)), md5hex("secret", o.Echo.Amount, transactionOf(body))) {
				t.Errorf("HTTP %d, an approval that the password does not prove", status)
			}
			if o.Echo.Reference == "" || o.Echo.Amount == "" {
				t.Error("an approval that does not name the payment")
			}
		}
	})
}

func FuzzOrdered(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		m, err := ordered(r, nil, with)
		if found := m.id != "" || m.refusal != nil; found == (err != nil) {
			t.Errorf("order %q, refusal %v, error %v", m.id, m.refusal, err)
		}
		if m.id != "" {
			holding(t, r, "orderid")
		}
		if m.refusal != nil {
			holds(t, *m.refusal, err)
			holding(t, r, "300", "314", "4025")
		}
	})
}

func FuzzLoggedIn(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		value, err := loggedIn(wire.Reply{Status: status, Body: body}, nil, with.now)
		if (value == "") == (err == nil) || strings.ContainsAny(value.Reveal(), "\r\n ") {
			t.Errorf("a token of %d characters with error %v", len(value), err)
		}
		if err == nil {
			holding(t, wire.Reply{Status: status, Body: body}, "token")
		}
	})
}

// holds what is true of every outcome.
func holds(t *testing.T, o providers.Outcome, err error) {
	t.Helper()
	if (err == nil) == (o.Class == "") {
		t.Errorf("class %q with error %v", o.Class, err)
	}
	if utf8.RuneCountInString(o.Message) > 120 || utf8.RuneCountInString(o.Code) > 40 || !utf8.ValidString(o.Message+o.Code+o.ProviderID) {
		t.Errorf("texts beyond their limits: %q %q", o.Code, o.Message)
	}
	if err == nil && o.Class == providers.InDoubt && o.Code == "" {
		t.Error("a doubt without a code")
	}
}

// holding: the answer is a JSON object that holds one of the words.
func holding(t *testing.T, r wire.Reply, words ...string) {
	t.Helper()
	var object map[string]any
	if json.Unmarshal(r.Body, &object) != nil {
		t.Error("a verdict from what is no JSON object")
	}
	text := strings.ToLower(unescaped(r.Body))
	for _, word := range words {
		if strings.Contains(text, word) {
			return
		}
	}
	t.Errorf("a verdict from an answer without a word that means it, any of %v", words)
}

// cut is the answer without its last byte that is no white space.
func cut(r wire.Reply) wire.Reply {
	text := strings.TrimRight(string(r.Body), " \t\r\n")
	return wire.Reply{Status: r.Status, Body: []byte(text[:max(0, len(text)-1)])}
}

// unescaped is the JSON text with the escapes of its strings resolved.
func unescaped(body []byte) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return string(body)
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return b.String() + string(body)
}

func transactionOf(body []byte) string {
	a, _ := parse(body)
	return a.info.transaction
}
