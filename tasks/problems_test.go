package tasks

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers/catalog"
)

// texts are problems as one text.
func texts(all []*FieldError) string {
	var out []string
	for _, e := range all {
		out = append(out, e.Path)
	}
	return strings.Join(out, " ")
}

func TestAPlaceGivesATaskItsType(t *testing.T) {
	t.Parallel()
	with := example(t, "virtualpos")
	without := example(t, "virtualpos", `"type":"payout",`, "")
	for _, line := range [][]byte{with, without} {
		task, err := DecodeAs("payout", line)
		if err != nil || !bytes.Equal(task.Payload(), must(t, with).Payload()) {
			t.Errorf("%s: %v", line, err)
		}
	}
	if _, err := Decode(without); err == nil || err.Error() != "type: required" {
		t.Errorf("without a place: %v", err)
	}
	for _, other := range [][]byte{example(t, "etpay"), example(t, "virtualpos", `"type":"payout"`, `"type":7`)} {
		if _, err := DecodeAs("payout", other); err == nil || err.Error() != "type: must be payout here, or be left out" {
			t.Errorf("%s: %v", other, err)
		}
	}
	reader := NewReaderAs("payout", bytes.NewReader(append(append(without, '\n'), example(t, "virtualpos", `"type":"payout",`, "", `"12500"`, `"x"`)...)))
	for i, want := range []string{"<nil>", "amount: "} {
		line, err := reader.Next()
		if err != nil || line.Key.Reference == "" || !strings.HasPrefix(fmt.Sprint(line.Err), want) {
			t.Errorf("line %d: %v %+v", i+1, err, line)
		}
	}
}

func TestAllProblemsOfATaskAreListed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ says, line, want string }{
		{"a good one", string(example(t, "virtualpos")), ""},
		{"no JSON", "{", "line"},
		{"a card number", string(example(t, "virtualpos", "Devolución OC 1", "4111111111111111", `"012"`, "12")), "description"},
		{"another type", string(example(t, "etpay")), "type"},
		{"no provider", `{}`, "provider"},
		{"several fields", string(example(t, "virtualpos", `"012"`, "12", "12345678-5", "12345678-6", `"currency":"CLP",`, `"surprise":1,`)), "surprise recipient.document bank.code currency"},
		{"an amount that is none", string(example(t, "virtualpos", `"12500"`, `"12500.5"`)), "amount"},
	} {
		all := Problems("payout", []byte(row.line))
		if got := texts(all); got != row.want {
			t.Errorf("%s: %q, want %q", row.says, got, row.want)
		}
		if _, err := DecodeAs("payout", []byte(row.line)); err != nil && err.Error() != all[0].Error() {
			t.Errorf("%s: the first is %q, and Decode minds %q", row.says, all[0], err)
		}
	}
	if got := texts(SubscriptionProblems([]byte(`{"provider":"etpay","id":"_","amount":"1"}`))); got != "id start schedule.every schedule.at schedule.timezone currency" {
		t.Errorf("a subscription: %q", got)
	}
	if all := SubscriptionProblems(example(t, "subscription-etpay")); all != nil {
		t.Errorf("a good subscription: %v", all)
	}
	if all := Problems("status", example(t, "status")); all != nil {
		t.Errorf("a good status task: %v", all)
	}
}

func TestEveryProviderHasItsTables(t *testing.T) {
	t.Parallel()
	for _, p := range catalog.Providers() {
		for _, payments := range p.Payments {
			if len(Table(p.Name, string(payments.Type))) < 6 {
				t.Errorf("%s has no table of a %s", p.Name, payments.Type)
			}
		}
		if len(Table(p.Name, "status")) != 4 {
			t.Errorf("%s has no table of a status task", p.Name)
		}
	}
	if Table("virtualpos", "charge") != nil || Table("none", "payout") != nil || SubscriptionTable("virtualpos") != nil || SubscriptionTable("etpay") == nil {
		t.Error("a table for what nobody takes, or none for what somebody does")
	}
}
