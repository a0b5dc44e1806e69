package dashboard

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/delivery"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/tasks"
)

const fullPayload = `{"type":"payout","provider":"virtualpos","merchant_id":"tef-0001","amount":"12500","currency":"CLP","description":"canary text",` +
	`"recipient":{"document":"12345678-5","name":"Canary Soto","email":"canary@example.cl"},"bank":{"code":"012","account_number":"77889900112"},` +
	`"metadata":{"order":"canary-order"}}`

func sealedPayload(t *testing.T) string {
	t.Helper()
	task, err := tasks.SealTask(sealtest.Ring(t, "k1"), payoutOf(t, "tef-0001"))
	if err != nil {
		t.Fatal(err)
	}
	return string(task.Payload())
}

func TestOfAPayloadOnlyWhatNamesThePaymentIsShown(t *testing.T) {
	for _, row := range []struct{ kind, payload, shown string }{
		{tasks.TypeWakeUp, `{"key":"virtualpos/tef-0001"}`, `{"key":"virtualpos/tef-0001"}`},
		{tasks.TypeWakeUp, `{"key":"canary"}`, undecryptable},
		{tasks.TypeWakeUp, "canary", undecryptable},
		{"payout", fullPayload, `{"type":"payout","key":"virtualpos/tef-0001","provider":"virtualpos","reference":"tef-0001","amount":"12500","currency":"CLP","rest":"masked"}`},
		{"charge", fullPayload, `{"type":"payout","key":"virtualpos/tef-0001","provider":"virtualpos","reference":"tef-0001","amount":"12500","currency":"CLP","rest":"masked"}`},
		{"status", `{"type":"status","provider":"virtualpos","reference":"tef-0001"}`,
			`{"type":"status","key":"virtualpos/tef-0001","provider":"virtualpos","reference":"tef-0001","rest":"masked"}`},
		{"payout", strings.Replace(fullPayload, `"amount"`, `"canary":1,"amount"`, 1), undecryptable},
		{"payout", strings.Replace(fullPayload, "tef-0001", "4111111111111111", 1), undecryptable},
		{"payout", "\xff\x00 canary", undecryptable},
		{"payout", "", undecryptable},
		{"payout", sealedPayload(t), `{"key":"virtualpos/tef-0001","rest":"sealed","type":"payout"}`},
		{"payout", `{"key":"virtualpos/tef-0001","sealed":"canary"}`, undecryptable},
		{delivery.TaskType, `{"stream":"virtualpos","id":"1-0","event_id":"virtualpos/a:0:1","since":5,"more":"canary"}`, `{"event_id":"virtualpos/a:0:1","id":"1-0","stream":"virtualpos"}`},
		{delivery.TaskType, `{"stream":"virtualpos","id":"1-0","event_id":"canary soto:0:1","since":5}`, undecryptable},
		{delivery.TaskType, `{"stream":"canary soto","id":"1-0","event_id":"virtualpos/a:0:1","since":5}`, undecryptable},
		{delivery.TaskType, "canary", undecryptable},
		{"email:welcome", "canary@example.cl", masked},
		{"", "canary", masked},
	} {
		if got := showPayload(row.kind, []byte(row.payload)); got != row.shown || strings.Contains(strings.ToLower(got), "canary") {
			t.Errorf("%s %.40q: %s", row.kind, row.payload, got)
		}
	}
	if got := showResult("payout", []byte("canary")); got != masked {
		t.Errorf("a result: %s", got)
	}
	if got := showResult("payout", nil); got != "" {
		t.Errorf("no result: %s", got)
	}
}
