package dashboard

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/explain"
)

// TestEachCodeHasWordsOfItsOwn: what the ledger and the workers hold payments for, and what
// contradicts itself.
func TestEachCodeHasWordsOfItsOwn(t *testing.T) {
	for code, words := range map[string]string{
		"reference_taken":   "The provider knew this reference before any attempt of ours",
		"payload_changed":   "What it says is not what was registered: somebody changed it in Redis.",
		"record_lost":       "Redis had lost it, and it was recorded again",
		"result_unrecorded": "An attempt reported back that the record did not know",
		"expiry_unclear":    "and the provider did not say that nobody paid",
	} {
		d := newFakeLedger()
		d.records[0].Code = code
		_, html := view(t, d, "/payments/show?key=virtualpos/p")
		contains(t, html, words)
	}
	for _, code := range []string{"record_lost", "result_unrecorded"} {
		d := newFakeLedger()
		d.records[0].State, d.records[0].Code = idempotency.InDoubt, code
		_, html := view(t, d, "/payments/show?key=virtualpos/p")
		contains(t, html, "Wait: remesa is querying the provider. "+explain.Advice(idempotency.Record{State: idempotency.Held, Code: code}))
	}
	d := newFakeLedger()
	d.records[0].State, d.records[0].Anomaly = idempotency.Succeeded, "not_found_after_succeeded"
	_, html := view(t, d, "/payments/show?key=virtualpos/p")
	contains(t, html, "It was reported as paid, and the provider now does not know it")
}

// TestAPaymentsPageTellsWhatHappened in the words of enqueue explain.
func TestAPaymentsPageTellsWhatHappened(t *testing.T) {
	d := newFakeLedger()
	d.records[0].History = []idempotency.AuditEntry{
		{At: testNow, State: idempotency.Queued},
		{At: testNow, State: idempotency.Sending, Attempt: 1},
		{At: testNow, State: idempotency.Held, Attempt: 1, Note: "lease lapsed"},
		{At: testNow, State: idempotency.Held, Attempt: 1, Answer: idempotency.Answer{Question: idempotency.AskStatus, HTTPStatus: 404, Class: "not_found"}},
	}
	_, html := view(t, d, "/payments/show?key=virtualpos/p")
	contains(t, html, "What happened")
	contains(t, html, "attempt 1 Status query: HTTP 404, not found, after 0 ms")
	for _, s := range explain.Explain(d.records[0]).Sentences {
		contains(t, html, s.Text)
	}
}

func TestAParkedPaymentSaysWhatItWaitsFor(t *testing.T) {
	for reason, words := range map[string]string{
		"halted":                 "the end of the halt of the provider",
		"halted:second":          "the end of the halt of account second",
		"account:second":         "a worker with credentials for account second",
		"account:default:charge": "a worker whose account default makes a charge",
		"circuit:default":        "account default: connections fail",
		"throttled:default":      "account default: the provider told it to wait",
		"key":                    "a worker without REMESA_PAYLOAD_KEYS: it is not sealed",
		"key:s1.2026.abcd":       "a worker with the key that sealed it",
		"key:fingerprint-keyed":  "a worker with REMESA_FINGERPRINT_KEY",
		"key:fingerprint-plain":  "a worker without REMESA_FINGERPRINT_KEY",
		"rate":                   "room under the provider&#39;s rate limit",
		"rate:query":             "room under the provider&#39;s rate limit, to be queried",
		"queue":                  "room in the queue",
		"moon:full":              "moon:full",
	} {
		d := newFakeLedger()
		d.records[0].State, d.records[0].ParkReason = idempotency.Queued, reason
		_, html := view(t, d, "/payments/show?key=virtualpos/p")
		contains(t, html, "Waits for "+words)
	}
	if _, html := view(t, newFakeLedger(), "/payments/show?key=virtualpos/p"); strings.Contains(visible(html), "Waits for") {
		t.Error("a payment that is not parked waits for something")
	}
}
