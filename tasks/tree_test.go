package tasks

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// FuzzTree: a task is read from its tree as encoding/json reads it from its text, and refused where
// encoding/json cannot read it.
func FuzzTree(f *testing.F) {
	for _, name := range examples {
		f.Add(example(f, name))
	}
	const head = `{"type":"payout","provider":"virtualpos","merchant_id":"a","amount":"1","currency":"CLP","recipient":{"document":"12345678-5","name":"Ana"},"bank":{"code":"012","account_number":"12345678"},`
	for _, rest := range []string{
		`"description":"","account":"default","not_before":"2026-05-15T09:00:00-04:00","deadline":"2026-05-16T09:00:00.5Z","priority":"bulk","metadata":{"a":"","b":"\n"}}`,
		`"not_before":"2026\u002d05-15T09:00:00Z"}`, `"metadata":{}}`, `"metadata":{"a":"\u2028"}}`, `"not_before":null}`, `"Description":"x"}`,
	} {
		f.Add([]byte(head + rest))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		task, err := DecodeStored(line)
		switch {
		case err != nil && err.Error() == "line: cannot be read":
			sameByText(t, line, Task{})
		case err == nil:
			sameByText(t, line, task)
		}
	})
}

// sameByText holds a task against what encoding/json makes of its line; no task against a line that
// encoding/json cannot read.
func sameByText(t *testing.T, line []byte, task Task) {
	t.Helper()
	root, err := parse(line)
	if err != nil {
		t.Fatal(err)
	}
	kind, r, err := chooseRules(root)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	var unread error
	switch kind {
	case typePayout:
		p := &Payout{Details: r.details()}
		if unread = json.Unmarshal(line, p); unread == nil {
			unread = p.Common.canonical()
			p.Recipient.Document = r.canonical("recipient.document", p.Recipient.Document)
		}
		got, want = task.payout, p
	case typeCharge:
		c := &Charge{Details: r.details()}
		if unread = json.Unmarshal(line, c); unread == nil {
			unread = c.canonical(r)
		}
		got, want = task.charge, c
	default:
		return
	}
	if refused := task.Type() == ""; refused != (unread != nil) || !refused && !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\nread as %#v\nwant    %#v, %v", line, got, want, unread)
	}
}

// Every field of a task is read from its tree: one that is new and forgotten there would be lost.
func TestEveryFieldIsReadFromTheTree(t *testing.T) {
	for _, whole := range []object{&Payout{}, &Charge{}} {
		fillFields(reflect.ValueOf(whole).Elem())
		line, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		root, err := parse(line)
		if err != nil {
			t.Fatal(err)
		}
		again := reflect.New(reflect.TypeOf(whole).Elem()).Interface().(object)
		if !readTree(line, root, again) || !reflect.DeepEqual(whole, again) {
			t.Errorf("%s was read as\n%+v", line, reflect.ValueOf(again).Elem())
		}
	}
}

// fillFields gives every field another value than zero, but the details, which are read as text.
func fillFields(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Type() == reflect.TypeFor[time.Time]():
			f.Set(reflect.ValueOf(time.Date(2026, 5, 15, 9, 0, i, 0, time.UTC)))
		case f.Kind() == reflect.Struct:
			fillFields(f)
		case f.Kind() == reflect.String:
			f.SetString(v.Type().Field(i).Name)
		case f.Kind() == reflect.Int:
			f.SetInt(int64(i + 1))
		case f.Kind() == reflect.Map:
			f.Set(reflect.ValueOf(map[string]string{"a": "b"}))
		}
	}
}

func BenchmarkDecodeStored(b *testing.B) {
	line := []byte(`{"type":"payout","provider":"virtualpos","merchant_id":"r-10000001","amount":"12500","currency":"CLP",` +
		`"description":"Devolución OC 00000001, cuota 2 de 3",` +
		`"recipient":{"document":"12345678-5","name":"Ana María Soto Valenzuela","email":"ana.soto.valenzuela@correo.example"},` +
		`"bank":{"code":"012","account_number":"000012345678"},"metadata":{"batch":"nomina-2026-11","cost_center":"4410-tesoreria",` +
		`"invoice":"F-2026-00000001","note":"aprobado por finanzas el 2026-11-26, segunda cuota del convenio","order":"OC-2026-00042177"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeStored(line); err != nil {
			b.Fatal(err)
		}
	}
}
