package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
)

func TestRejectedTasksAreListed(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.held("virtualpos/h1")
	for _, r := range []idempotency.RejectedTask{
		{Provider: "virtualpos", Key: mustKey(t, "virtualpos/shop/half"), Type: "payout", Queue: "virtualpos", TaskID: "t-1",
			Reason: idempotency.RejectInvalid, Message: "amount: at most 0 decimals"},
		{Provider: "etpay", Queue: "etpay-bulk", TaskID: "t-2", Reason: idempotency.RejectUnreadable, Message: "line: not JSON"},
	} {
		_, err := d.ledger.RejectTask(t.Context(), r)
		d.must(err)
		d.nextMillisecond()
	}
	got := d.run("list", "--rejected", "--json")
	wantCode(t, "list --rejected", got, 0)
	var rows []map[string]string
	for line := range strings.Lines(got.out) {
		var row map[string]string
		d.must(json.Unmarshal([]byte(line), &row))
		if row["at"] == "" {
			t.Errorf("no time: %s", line)
		}
		delete(row, "at")
		rows = append(rows, row)
	}
	want := map[string]string{
		"key": "virtualpos/shop/half", "type": "payout", "provider": "virtualpos", "account": "shop", "reference": "half", "reason": "invalid",
		"field": "amount", "message": "amount: at most 0 decimals", "queue": "virtualpos", "task_id": "t-1",
	}
	if len(rows) != 2 || rows[1]["provider"] != "etpay" || rows[1]["key"] != "" {
		t.Fatalf("%v", rows)
	}
	for name, value := range want {
		if rows[0][name] != value {
			t.Errorf("%s is %q, want %q", name, rows[0][name], value)
		}
	}
	if len(rows[0]) != len(want) {
		t.Errorf("fields %v", rows[0])
	}
	table := d.run("list", "--rejected", "--provider", "etpay")
	wantText(t, "a table", table.out, "REASON", "unreadable", "etpay/?", "etpay-bulk", "t-2", "line: not JSON")
	if strings.Contains(table.out, "virtualpos") || strings.Contains(table.out, "held") {
		t.Errorf("another provider's, or a payment:\n%s", table.out)
	}
	for _, beside := range [][]string{{"--anomalies"}, {"--state", "held"}} {
		wantCode(t, "with "+beside[0], d.run(append([]string{"list", "--rejected"}, beside...)...), 64)
	}
}
