package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestDuplicateNames(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat(`{"a":[`, n/2) + strings.Repeat(`]}`, n/2) }
	for _, row := range []struct {
		name, text string
		ambiguous  bool
	}{
		{"each name once", `{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}`, false},
		{"a name twice", `{"a":1,"b":2,"a":1}`, true},
		{"a name twice with blanks", "{ \"a\" : 1 ,\n\t\"a\" : 1 }", true},
		{"a name twice, the first of a null", `{"a":null,"a":1}`, true},
		{"a name twice, one escaped", `{"status":1,"\u0073tatus":2}`, true},
		{"a name twice, one with an escaped slash", `{"a/b":1,"a\/b":2}`, true},
		{"a name twice within", `{"a":{"b":1,"b":2}}`, true},
		{"a name twice within a list", `[{"a":1},{"b":1,"b":2}]`, true},
		{"a name twice after an object within", `{"a":1,"b":{"c":1},"a":2}`, true},
		{"a name twice after a list within", `{"a":1,"b":["c",{"d":[]}],"a":2}`, true},
		{"the empty name twice", `{"":1,"":2}`, true},
		{"a name twice that is no UTF-8", "{\"\xff\":1,\"\xfe\":2}", true},
		{"two half characters for a name", `{"\ud800":1,"\udc00":2}`, true},
		{"a name in other capitals", `{"a":1,"A":2}`, false},
		{"a name that is a value, too", `{"a":"a","b":"a","c":["a","a"]}`, false},
		{"a name within a text", `{"a":"{\"b\":1,\"b\":2}"}`, false},
		{"a text that ends in a backslash", `{"a":"\\","b":"\\\"","c":"a"}`, false},
		{"a list of one text twice", `["a","a"]`, false},
		{"a text", `"a"`, false},
		{"a number", `7`, false},
		{"nothing of an object", `{}`, false},
		{"as deep as may be", nested(deepest), false},
		{"deeper", nested(deepest + 2), true},
		{"no JSON", `<!doctype html>`, false},
		{"nothing", ``, false},
		{"cut", `{"a":1,"a":2`, false},
		{"two values", `{"a":1,"a":2}{}`, false},
	} {
		if got := HasDuplicateNames([]byte(row.text)); got != row.ambiguous {
			t.Errorf("%s: got %v", row.name, got)
		}
	}
}

// A large object is looked through without being compared name by name, and without being copied.
func TestDuplicateNamesInALargeResponseAreFoundSoon(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"first":0`)
	for i := range 60_000 {
		fmt.Fprintf(&b, `,"name%d":%d`, i, i)
	}
	once := b.String() + "}"
	twice := b.String() + `,"first":1}`
	if len(once) < MaxBody || HasDuplicateNames([]byte(once)) || !HasDuplicateNames([]byte(twice)) {
		t.Errorf("%d bytes: got %v and %v", len(once), HasDuplicateNames([]byte(once)), HasDuplicateNames([]byte(twice)))
	}
}

func TestACommonResponseIsReadWithoutACopy(t *testing.T) {
	small := []byte(`{"status":"OK","code":200,"payout":{"id":"pyt_1","merchant_id":"tef-0001","status":"pagado","amount":12500}}`)
	if n := testing.AllocsPerRun(100, func() { HasDuplicateNames(small) }); n > 4 {
		t.Errorf("%.0f allocations for a common answer", n)
	}
}

// FuzzAmbiguous holds the scan against a reader of tokens.
func FuzzAmbiguous(f *testing.F) {
	for _, text := range []string{`{"a":1,"a":2}`, `[{"a":{"b":[]}},{"a":"\"}"}]`, `{"\u0061":1,"a":{}}`, `{`, `"\\"`, "{\"\xff\":1}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want := json.Valid(text) && repeats(json.NewDecoder(bytes.NewReader(text)), 0)
		if got := HasDuplicateNames(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	})
}

func repeats(d *json.Decoder, depth int) bool {
	token, err := d.Token()
	opens, isDelim := token.(json.Delim)
	if err != nil || !isDelim {
		return false
	}
	if depth == deepest {
		return true
	}
	names := map[string]bool{}
	again := false
	for d.More() {
		if opens == '{' {
			name, _ := d.Token()
			text, _ := name.(string)
			again = again || names[text]
			names[text] = true
		}
		again = repeats(d, depth+1) || again
	}
	_, _ = d.Token()
	return again
}
