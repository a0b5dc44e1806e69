package tasks

import (
	"strings"
	"testing"
)

func TestAWrongLineIsNamedByItsKeyWhereItCanBeRead(t *testing.T) {
	good := `{"type":"charge","provider":"etpay","txnid":"OC1","amount":"0","currency":"CLP"}`
	rows := []struct{ says, line, want string }{
		{"only the amount is wrong", good, "etpay/OC1"},
		{"an account of its own", strings.Replace(good, `"txnid"`, `"account":"shop","txnid"`, 1), "etpay/shop/OC1"},
		{"a reference that is too long for the provider", strings.ReplaceAll(good, "OC1", "a-b"), "etpay/a-b"},
		{"no JSON", good[:20], ""},
		{"no reference", strings.Replace(good, `"txnid":"OC1",`, "", 1), ""},
		{"a reference that is a number", strings.Replace(good, `"OC1"`, "1", 1), ""},
		{"an account that is none", strings.Replace(good, `"txnid"`, `"account":null,"txnid"`, 1), ""},
		{"an unknown provider", strings.Replace(good, "etpay", "other", 1), ""},
		{"another type's provider", strings.Replace(good, "charge", "payout", 1), ""},
		{"a card number as the reference", strings.Replace(good, "OC1", "4111111111111111", 1), ""},
		{"a card number beside it", strings.Replace(good, `"0"`, `"0","note":"4111111111111111"`, 1), ""},
	}
	for _, row := range rows {
		line := newLine("", 1, []byte(row.line))
		got := ""
		if line.Key.Reference != "" {
			got = line.Key.String()
		}
		if line.Err == nil || got != row.want {
			t.Errorf("%s: key %q, error %v; want key %q", row.says, got, line.Err, row.want)
		}
	}
}
