package dialect

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

func TestFailures(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Failure{
		`{"code":"E1","message":"no"}`:               {"E1", "no"},
		`{"error_code":17,"detail":"no"}`:            {"17", "no"},
		`{"code":"","error_code":"E2","error":"no"}`: {"E2", "no"},
		`{"message":"no"}`:                           {"", "no"},
		`{"ok":false}`:                               {},
		`{"error":{"a":1},"message":"x"}`:            {},
		`{"code":"E1","code":"E2"}`:                  {},
		`[{"code":"E1"}]`:                            {},
		"<!doctype html>":                            {},
		"":                                           {},
		`{"CODE":"E1","Message":"names are case-sensed"}`: {},
	} {
		if got, ok := ParseFailure([]byte(body)); ok != (want != Failure{}) || ok && got != want {
			t.Errorf("%s: got %+v, %t; want %+v", body, got, ok, want)
		}
	}
}

func TestWordsThatSayThatItExistsAlready(t *testing.T) {
	t.Parallel()
	for f, want := range map[Failure]bool{
		{"DUPLICATE_ORDER", ""}: true, {"", "merchant_order_id already exists"}: true, {"", "La orden ya fue creada"}: true, {"E1", "Orden REPETIDA"}: true,
		{"NO_FUNDS", "saldo insuficiente"}: false,
	} {
		if f.IsDuplicate() != want {
			t.Errorf("%+v: got %t", f, !want)
		}
	}
}

func TestErrorBeforeExecution(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]providers.Class{200: "", 400: "", 500: "", 401: providertest.Credentials, 403: providertest.Credentials, 429: providertest.NoAct} {
		err := ErrorBeforeExecution(wire.Reply{Status: status}, providertest.Now)
		if got, _ := providertest.ClassAndCode(providers.Outcome{}, err); got != want {
			t.Errorf("HTTP %d: got %q (%v), want %q", status, got, err, want)
		}
	}
}

func TestOrderIDs(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"OC-1": true, "0": true, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "": false, "-OC1": false, "OC 1": false, "ñ": false, "a/b": false,
	} {
		if OrderID(id) != want {
			t.Errorf("%q: got %t", id, !want)
		}
	}
}
