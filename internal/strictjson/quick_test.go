package strictjson

import (
	"bytes"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"
)

// lines are ways to write a payment, and ways to write none.
func lines() []string {
	return []string{
		`{"type":"payout","amount":"12500","recipient":{"name":"Ana María","email":"a@b.cl"},"metadata":{"a":"b"},"n":[1,-2.5e+7,true,false,null,{},[]]}`,
		"\t{ \"a\" : \"x\" , \"b\" : [ 1 , \"2\" ] }\r\n", `{"a":"\u00e9\n\"\\","\u0062":1}`, `{"a":"\ud83d\ude00"}`, `{}`,
		`{"a":1,"\u0061":2}`, `{"a":"\ud800"}`, `{"a":"\u0000"}`, "{\"a\":\"\ufffd\"}", `{"a":"\q"}`, `{"a":"\u12"}`, `{"a":01}`, `{"a":1.}`, `{"a":-}`, `{"a":1e}`,
		`{"a":.5}`, `{"a":+1}`, `{"a":tru}`, `{"a":nulll}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":[1,]}`, `{"a":[}`, `{"a":"b`, `{"a":"b\`, `{} {}`, `{}}`,
		`[]`, `"a"`, `1`, `null`, ``, ` `, "{\"a\":\"\x01\"}", "{\"a\u2028\":1}", `{"a":{"b":{"b":1}},"b":1}`, "{\"a\":1}\v", "\ufeff{}",
		strings.Repeat(`{"a":`, 16) + "1" + strings.Repeat("}", 16), strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17),
		`{"a":[` + strings.TrimSuffix(strings.Repeat("1,", 1000), ",") + `]}`, `{"a":[` + strings.TrimSuffix(strings.Repeat("1,", 1001), ",") + `]}`,
	}
}

func TestALineAsMostAreIsReadInOnePass(t *testing.T) {
	t.Parallel()
	for _, line := range lines()[:5] {
		q := quick{text: line}
		if _, ok := q.read(); !ok {
			t.Errorf("%s is read twice", line)
		}
	}
}

// FuzzOnePass: what one pass reads is what the walk over a line known to be well-formed reads; what
// it does not read, the walk judges.
func FuzzOnePass(f *testing.F) {
	for _, line := range lines() {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if checkBytes(line) != nil {
			return
		}
		q := quick{text: string(line)}
		got, ok := q.read()
		want, err := walk(bytes.Clone(line))
		if !ok {
			return
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q\nread as   %v\nwalked as %v, %v", line, got, want, err)
		}
	})
}

// FuzzSchema: what a schema finds is what a search by whole paths finds, in the same order.
func FuzzSchema(f *testing.F) {
	for _, line := range append(lines(), `{"a":"1","o":{"b":"2","p":{"c":"3"}}}`, `{"o":{"p":{"c":"","d":1}},"o.b":"2","o.p":{},"a":""}`, `{"o":[],"b":1,"a":null}`) {
		f.Add([]byte(line))
	}
	text := func(path string, v Value) error { return MustBe(path, v, String) }
	s := NewSchema(Field{Path: "a", Required: true, Check: text}, Field{Path: "o.b", Check: text}, Field{Path: "o.p.c", Required: true, Check: text},
		Field{Path: "metadata", Check: func(path string, v Value) error { return MustBe(path, v, Object) }})
	f.Fuzz(func(t *testing.T, line []byte) {
		v, err := Parse(line)
		if err != nil {
			return
		}
		if got, want := texts(s.Problems("", v)), texts(byPaths(s, v)); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\ngot  %q\nwant %q", line, got, want)
		}
		inner, _ := v.Member("o")
		got, want := fmt.Sprint(s.Check("o", inner)), "<nil>"
		if all := texts(byPathsAt(s, "o", inner)); len(all) > 0 {
			want = all[0]
		}
		if got != want {
			t.Fatalf("%s under o: %q, want %q", line, got, want)
		}
	})
}

func texts(problems iter.Seq[error]) (all []string) {
	for err := range problems {
		all = append(all, err.Error())
	}
	return all
}

func byPaths(s *Schema, v Value) iter.Seq[error] { return byPathsAt(s, "", v) }

// byPathsAt is Schema.Problems as plainly as it can be written.
func byPathsAt(s *Schema, path string, v Value) iter.Seq[error] {
	return func(yield func(error) bool) {
		if err := MustBe(path, v, Object); err != nil {
			yield(err)
			return
		}
		found := map[string]bool{}
		if !memberPaths(s, path, v, found, yield) {
			return
		}
		for _, f := range s.fields {
			if f.Required && !found[f.Path] && !yield(fail(f.Path, "required")) {
				return
			}
		}
	}
}

func memberPaths(s *Schema, outer string, v Value, found map[string]bool, yield func(error) bool) bool {
	for _, m := range v.Members {
		path := strings.TrimPrefix(outer+"."+m.Name, ".")
		if outer == "" {
			path = m.Name
		}
		dotted := strings.Contains(m.Name, ".")
		var field *Field
		holds := false
		for i := range s.fields {
			if s.fields[i].Path == path && !dotted {
				field = &s.fields[i]
			}
			holds = holds || strings.HasPrefix(s.fields[i].Path, path+".")
		}
		switch {
		case field != nil:
			found[path] = true
			if err := field.check(m.Value); err != nil && !yield(err) {
				return false
			}
		case !holds || dotted:
			if !yield(fail(Join(outer, m.Name), "unknown field")) {
				return false
			}
		default:
			if err := MustBe(path, m.Value, Object); err != nil {
				if !yield(err) {
					return false
				}
			} else if !memberPaths(s, path, m.Value, found, yield) {
				return false
			}
		}
	}
	return true
}
