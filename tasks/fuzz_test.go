package tasks

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
)

func FuzzDecode(f *testing.F) {
	for _, name := range examples {
		f.Add(example(f, name))
	}
	f.Add(example(f, "virtualpos", `"currency"`, `"account":"a","not_before":"2026-05-15T09:00:00-04:00","metadata":{"a":"4111"},"currency"`))
	f.Add([]byte(`{"type":"payout","type":[{}],"x":1e9,"y":"\ud800"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		task, err := Decode(line)
		if err != nil {
			var field *FieldError
			if !errors.As(err, &field) || field.Path == "" || field.Problem == "" {
				t.Fatalf("%q is no error of a field", err)
			}
			return
		}
		sameAgain(t, task)
		noCardIn(t, task)
	})
}

func sameAgain(t *testing.T, task Task) {
	again, err := Decode(task.Payload())
	if err != nil {
		t.Fatalf("its own payload is refused: %v\n%s", err, task.Payload())
	}
	if !bytes.Equal(again.Payload(), task.Payload()) || again.Fingerprint(nil) != task.Fingerprint(nil) || again.Amount() != task.Amount() {
		t.Fatalf("decoded again:\n%s\n%s", task.Payload(), again.Payload())
	}
}

var thirteenDigits = regexp.MustCompile(`(?:^|[^0-9A-Za-z])([0-9]{13,19})(?:$|[^0-9A-Za-z])`)

// noCardIn looks for card numbers by a simpler rule than the guard's own.
func noCardIn(t *testing.T, task Task) {
	var all map[string]any
	if err := json.Unmarshal(task.Payload(), &all); err != nil {
		t.Fatal(err)
	}
	delete(all, "amount")
	if bank, ok := all["bank"].(map[string]any); ok {
		delete(bank, "account_number")
	}
	text, _ := json.Marshal(all)
	for _, found := range thirteenDigits.FindAllStringSubmatch(strings.ReplaceAll(string(text), `\n`, " "), -1) {
		if providers.CardInID(found[1]) {
			t.Fatalf("a card number passed: %s", text)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(payoutColumns+"\npayout,virtualpos,a,1,CLP,\"Pa\"\"go\",12345678-5,Ana,012,12345678\r\n"), true)
	f.Add(example(f, "etpay"), false)
	f.Fuzz(func(t *testing.T, file []byte, csv bool) {
		format := JSONLines
		if csv {
			format = CSV
		}
		if got := len(readAll(t, bytes.NewReader(file), format)); got > bytes.Count(file, []byte("\n"))+1 {
			t.Fatalf("%d results for %d lines", got, bytes.Count(file, []byte("\n"))+1)
		}
	})
}
