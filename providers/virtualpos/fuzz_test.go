package virtualpos

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
		paidBody, refusal, absent, badKey, duplicateOne, page, "", "null", "[]", `{"status":"OK"}`,
		paymentWith("rechazado"), `{"status":"OK","rejected_object":{"code":"51"}}`, `{"id":1,"merchant_id":"x","status":"pagado"}`,
	} {
		for _, status := range []int{200, 201, 400, 401, 404, 422, 429, 502} {
			f.Add(status, []byte(body))
		}
	}
}

// Garbage never succeeds and never refuses: such a class needs a whole JSON object, with the words that mean it, under the right HTTP
// status; and every beginning of an answer is in doubt.
func FuzzCreated(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		o, err := created(r, nil, with)
		holds(t, r, o, err)
		if err == nil && o.Class == providers.NotFound {
			t.Error("a create request yielded not found")
		}
		if decided(o) && status/100 != 2 && !(o.Class == providers.Refused && (status == 400 || status == 409 || status == 422)) {
			t.Errorf("HTTP %d yielded %s", status, o.Class)
		}
	})
}

func FuzzAsked(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := wire.Reply{Status: status, Body: body}
		o, err := asked(r, nil, with)
		holds(t, r, o, err)
		if decided(o) && status/100 != 2 {
			t.Errorf("HTTP %d yielded %s", status, o.Class)
		}
		if o.Class == providers.NotFound && (!strings.Contains(strings.ToUpper(unescaped(body)), "NOK") || status/100 != 2 && status != 404) {
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
	if (err == nil) == (o.Class == "") {
		t.Errorf("class %q with error %v", o.Class, err)
	}
	if utf8.RuneCountInString(o.Message) > 120 || utf8.RuneCountInString(o.Code) > 40 || !utf8.ValidString(o.Message+o.Code+o.ProviderID) {
		t.Errorf("texts beyond their limits: %q %q", o.Code, o.Message)
	}
	if !decided(o) {
		return
	}
	var object map[string]any
	if json.Unmarshal(r.Body, &object) != nil {
		t.Errorf("%s from what is no JSON object", o.Class)
	}
	if !means(strings.ToLower(unescaped(r.Body)), o) {
		t.Errorf("%s from an answer without a word that means it", o.Class)
	}
	for _, cut := range []int{1, len(r.Body) / 2, len(r.Body) - 1} {
		r := wire.Reply{Status: r.Status, Body: r.Body[:min(cut, len(strings.TrimRight(string(r.Body), " \t\r\n"))-1)]}
		if o, err := created(r, nil, with); err == nil && decided(o) {
			t.Errorf("a beginning of the answer yielded %s", o.Class)
		}
		if o, err := asked(r, nil, with); err == nil && decided(o) {
			t.Errorf("a beginning of the answer yielded %s to a status query", o.Class)
		}
	}
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

func means(text string, o providers.Outcome) bool {
	wanted := map[providers.Class][]string{
		providers.Succeeded: {"pagado", "completado", "exitoso"},
		providers.Pending:   {"pendiente", "procesando", "en_proceso", "rechazado", "fallido", "cancelado", "anulado"},
		providers.Refused:   {"rechazado", "fallido", "cancelado", "anulado", "nok", "rejected_object"},
	}
	for _, word := range wanted[o.Class] {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
