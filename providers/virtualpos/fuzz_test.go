package virtualpos

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

func seeds(f *testing.F) {
	f.Helper()
	providertest.Seed(f, []int{200, 201, 400, 401, 404, 422, 429, 502},
		paidBody, refusal, absent, badKey, duplicateOne, page, "", "null", "[]", `{"status":"OK"}`,
		paymentWith("rechazado"), `{"status":"OK","rejected_object":{"code":"51"}}`, `{"id":1,"merchant_id":"x","status":"pagado"}`)
}

// Garbage never succeeds and never refuses: such a class needs a whole JSON object, with the words
// that mean it, under the right HTTP status; and every beginning of a response is in doubt.
func FuzzCreated(f *testing.F) {
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

func FuzzAsked(f *testing.F) {
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
