package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestWhatALenientReaderWouldRepairIsRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17)
	many := `{"a":[` + strings.TrimSuffix(strings.Repeat("1,", 1001), ",") + `]}`
	for _, row := range []struct{ says, line, want string }{
		{"nothing", ``, "line: is empty"},
		{"blanks", "  ", "line: is empty"},
		{"no JSON", `{a}`, "line: not valid JSON at byte 2"},
		{"a cut object", `{"a":1`, "line: not valid JSON: it ends too early"},
		{"two values", `{} {}`, "line: more than one JSON value on the line"},
		{"a list", `[]`, "line: must be a JSON object, not a list"},
		{"null", `null`, "line: must be a JSON object, not null"},
		{"a name twice", `{"a":1,"b":{"c":1,"c":2}}`, "b.c: given twice in one object"},
		{"a name twice, once escaped", `{"a":1,"\u0061":2}`, "a: given twice in one object"},
		{"no UTF-8", "{\"a\":\"\xff\"}", "line: not valid UTF-8"},
		{"a NUL", "{\"a\":\"\x00\"}", "line: contains a NUL"},
		{"an escaped NUL", `{"a":["\u0000"]}`, "a[0]: contains a NUL"},
		{"an escaped NUL in a name", `{"a\u0000":1}`, "?: contains a NUL"},
		{"half a surrogate pair", `{"a":"\ud800"}`, "a: contains U+FFFD"},
		{"a replacement character", `{"a":"�"}`, "a: contains U+FFFD"},
		{"17 levels", deep, strings.Repeat("a.", 16) + "a: nested more than 16 levels deep"},
		{"1,001 elements", many, "a: more than 1000 elements"},
		{"a line of more than 1 MiB", `{}` + strings.Repeat(" ", MaxLine-1), "line: longer than 1 MiB"},
	} {
		_, err := Parse([]byte(row.line))
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.says, err, row.want)
		}
	}
	if _, err := Parse([]byte(`{"a":1}` + strings.Repeat(" ", MaxLine-7))); err != nil {
		t.Errorf("a line of 1 MiB: %v", err)
	}
}

func TestAValueIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	v, err := Parse([]byte(" {\"A\": 1.50, \"a\":[\"x\\u00e9\", true,null,{}] , \"\": -0e0}\t"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(v), fmt.Sprint(Value{Kind: Object, Members: []Member{
		{"A", Value{Kind: Number, Text: "1.50"}},
		{"a", Value{Kind: Array, Items: []Value{{Kind: String, Text: "xé"}, {Kind: Bool, Text: "true"}, {Kind: Null}, {Kind: Object}}}},
		{"", Value{Kind: Number, Text: "-0e0"}},
	}}); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, ok := v.Member("b"); ok {
		t.Error("a member that is not there")
	}
}

func TestAPathRepeatsNoData(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"amount": "o.amount", "Centro de costo": "o.Centro de costo", "ñ_1-2.3": "o.ñ_1-2.3",
		"": "o.?", "4111111111111111": "o.?", "a\nb": "o.?", "<b>": "o.?", strings.Repeat("a", 65): "o.?",
	} {
		if got := Join("o", name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
	if got := Element(Join("", "a"), 3); got != "a[3]" {
		t.Error(got)
	}
}

func TestASchemaKnowsItsFields(t *testing.T) {
	t.Parallel()
	text := func(path string, v Value) error { return MustBe(path, v, String) }
	s := NewSchema(Field{Path: "a", Required: true, Check: text}, Field{Path: "o.b", Check: text}, Field{Path: "o.p.c", Required: true, Check: text})
	for line, want := range map[string]string{
		`{"a":"1","o":{"b":"2","p":{"c":"3"}}}`:     "",
		`{"a":"1","o":{"p":{"c":"3"}}}`:             "",
		`{"a":"1"}`:                                 "o.p.c: required",
		`{"o":{"p":{"c":"3"}}}`:                     "a: required",
		`{"a":"","o":{"p":{"c":"3"}}}`:              "a: required, must not be empty",
		`{"a":1,"o":{"p":{"c":"3"}}}`:               "a: must be a text, not a number",
		`{"A":"1","a":"1","o":{"p":{"c":"3"}}}`:     "A: unknown field",
		`{"a":"1","o":{"p":{"c":"3","d":1}}}`:       "o.p.d: unknown field",
		`{"a":"1","o":{"p":{"c":"3"}},"o.b":"2"}`:   "o.b: unknown field",
		`{"a":"1","o":{"p":{"c":"3"}},"o.p":{}}`:    "o.p: unknown field",
		`{"a":"1","o":[]}`:                          "o: must be an object, not a list",
		`{"a":"1","4111111111111111":{"c":"3"}}`:    "?: unknown field",
		`{"a":"1","o":{"p":{"c":"3"},"\n":"x"}}`:    "o.?: unknown field",
		`{"a":"1","o":{"b":null,"p":{"c":"3"}}}`:    "o.b: must be a text, not null",
		`{"a":"1","b":{"b":"1"},"o":{"p":{"c":3}}}`: "b: unknown field",
	} {
		v, err := Parse([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := s.Check("", v); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	if err := s.Check("", Value{Kind: Null}); err == nil || err.Error() != "line: must be an object, not null" {
		t.Error(err)
	}
}

// readAll describes each line as "number: length", and how it ends where that is no end.
func readAll(t *testing.T, in io.Reader) []string {
	t.Helper()
	var got []string
	for lines := NewLines(in); ; {
		number, text, err := lines.Next()
		switch {
		case errors.Is(err, io.EOF):
			return got
		case err != nil:
			return append(got, err.Error())
		}
		got = append(got, fmt.Sprintf("%d: %d", number, len(text)))
	}
}

func TestLinesAreReadOneByOne(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ says, in, want string }{
		{"an empty file", "", "[]"},
		{"blank lines", "\n \r\n\t\n", "[]"},
		{"a byte order mark alone", "\xef\xbb\xbf", "[]"},
		{"numbers count blank lines", "\xef\xbb\xbf{}\n\n{} \r\n{}", "[1: 2 3: 3 4: 2]"},
		{"cut", "{}\n{\"a\":", "[1: 2 2: 5 line 2: " + ErrCut.Error() + "]"},
		{"a last line that never was an object", "{}\nabc", "[1: 2 2: 3]"},
		{"1 MiB with CRLF", strings.Repeat("x", MaxLine) + "\r\n{}", fmt.Sprintf("[1: %d 2: 2]", MaxLine)},
		{"too long", strings.Repeat("x", 3<<20) + "\n{}", fmt.Sprintf("[1: %d 2: 2]", MaxLine+2)},
		{"too long and no end", strings.Repeat("x", 3<<20), fmt.Sprintf("[1: %d]", MaxLine+2)},
	} {
		if got := fmt.Sprint(readAll(t, strings.NewReader(row.in))); got != row.want {
			t.Errorf("%s: %s, want %s", row.says, got, row.want)
		}
		if len(row.in) < 1000 {
			if got := fmt.Sprint(readAll(t, iotest.OneByteReader(strings.NewReader(row.in)))); got != row.want {
				t.Errorf("%s, byte by byte: %s, want %s", row.says, got, row.want)
			}
		}
	}
	broken := io.MultiReader(strings.NewReader("{}\n{"), iotest.ErrReader(errors.New("disk")))
	if got := fmt.Sprint(readAll(t, broken)); got != "[1: 2 disk]" {
		t.Errorf("a reader that breaks: %s", got)
	}
}

// filled is a reader of n bytes without a line end.
type filled struct{ n int }

func (f *filled) Read(p []byte) (int, error) {
	if f.n <= 0 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = 'x'
	}
	f.n -= len(p)
	return len(p), nil
}

func TestALineOfAnyLengthTakesTheMemoryOfTheLongest(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	readAll(t, &filled{64 << 20})
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("a line of 64 MiB took %d MiB", grown>>20)
	}
}

// FuzzParse: what is taken is what encoding/json reads, to the digit; what is refused has a path.
func FuzzParse(f *testing.F) {
	for _, line := range []string{`{"a":[1,{"b":"\u00e9"}],"c":null}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, `{} {}`, " \t{\"a\" : 1e9 , \"b\":[ ]}\r"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		v, err := Parse(line)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Path == "" || e.Problem == "" {
				t.Fatalf("%q is no error of a value", err)
			}
			return
		}
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.UseNumber()
		var want any
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("taken, and no JSON: %v", err)
		}
		if got, want := jsonOf(t, plainValue(v)), jsonOf(t, blindToBools(want)); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func jsonOf(t *testing.T, v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// plainValue is what encoding/json makes of the value, with any bool as true.
func plainValue(v Value) any {
	switch v.Kind {
	case Object:
		m := map[string]any{}
		for _, member := range v.Members {
			m[member.Name] = plainValue(member.Value)
		}
		return m
	case Array:
		list := []any{}
		for _, item := range v.Items {
			list = append(list, plainValue(item))
		}
		return list
	case String:
		return v.Text
	case Number:
		return json.Number(v.Text)
	case Bool:
		return true
	case Null:
	}
	return nil
}

func blindToBools(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = blindToBools(inner)
		}
	case []any:
		for i, item := range v {
			v[i] = blindToBools(item)
		}
	case bool:
		return true
	}
	return v
}
