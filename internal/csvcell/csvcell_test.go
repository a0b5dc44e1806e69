package csvcell

import "testing"

func TestNoSpreadsheetTakesACellForAFormula(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "tef-1": "tef-1", "12500": "12500", "a=1": "a=1", "2026-11-27": "2026-11-27", "a; b": "a; b",
		"=1+1": "'=1+1", "+56 9": "'+56 9", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\r=1": "'\r=1", " =1": "' =1", `"=1"`: `'"=1"`, "＝1": "'＝1",
		"a;=1": "a;'=1", "a;b; +1;-2": "a;b;' +1;'-2", `{"n":"x;=1"}`: `{"n":"x;'=1"}`,
	} {
		if got := Literal(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
