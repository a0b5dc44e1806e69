// Package i18ntest finds what is missing or was left in another language in a catalogue of texts.
package i18ntest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/i18n"
)

// Complete checks two catalogues, structs of one type: each text must be there in both, differ
// between them, and use the same arguments. except lists the paths of texts that may be alike, or
// use other arguments; one that needs no exception is reported too, so that the list stays true.
func Complete[T any](t *testing.T, a, b T, except ...string) {
	t.Helper()
	texts := [2]map[string]string{Texts(t, a), Texts(t, b)}
	used := map[string]bool{}
	for path, one := range texts[0] {
		other, there := texts[1][path]
		switch {
		case !there:
			t.Errorf("%s is in one language only", path)
		case one == "" || other == "":
			t.Errorf("%s is empty: %q, %q", path, one, other)
		case one == other && !listed(except, path, used):
			t.Errorf("%s is %q in both languages", path, one)
		case arguments(one) != arguments(other) && !listed(except, path, used):
			t.Errorf("%s uses other arguments: %q, %q", path, one, other)
		}
	}
	for path := range texts[1] {
		if _, there := texts[0][path]; !there {
			t.Errorf("%s is in one language only", path)
		}
	}
	for _, path := range except {
		if !used[path] {
			t.Errorf("%s needs no exception", path)
		}
	}
}

func listed(except []string, path string, used map[string]bool) bool {
	for _, s := range except {
		if path == s || strings.HasPrefix(path, s+".") || strings.HasPrefix(path, s+"[") || strings.HasPrefix(path, s+"(") {
			used[s] = true
			return true
		}
	}
	return false
}

// arguments are the markers that a text holds, in any order.
func arguments(text string) string {
	var found []string
	for i := range 9 {
		if m := marker(i); strings.Contains(text, m) {
			found = append(found, m)
		}
	}
	return strings.Join(found, "")
}

func marker(i int) string { return fmt.Sprintf("⟦%d⟧", i) }

// Texts are all texts of a catalogue by their path. Those with arguments are called with markers in
// their place; numbers are 1 and 2, in two texts.
func Texts(t *testing.T, catalogue any) map[string]string {
	t.Helper()
	found := map[string]string{}
	collect(t, found, "", reflect.ValueOf(catalogue))
	if len(found) == 0 {
		t.Fatal("there are no texts")
	}
	return found
}

func collect(t *testing.T, found map[string]string, path string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer:
		collect(t, found, path, v.Elem())
	case reflect.String:
		found[path] = v.String()
	case reflect.Struct:
		for i := range v.NumField() {
			collect(t, found, strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), v.Field(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			collect(t, found, fmt.Sprintf("%s[%v]", path, k), v.MapIndex(k))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			collect(t, found, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case reflect.Func:
		if v.IsNil() {
			found[path] = ""
			return
		}
		for n := int64(1); n <= 2; n++ {
			found[fmt.Sprintf("%s(%d)", path, n)] = call(t, path, v, n)
		}
	default:
		t.Errorf("%s: a %s is no text", path, v.Kind())
	}
}

// call puts a marker for each argument that is a text or a count.
func call(t *testing.T, path string, f reflect.Value, n int64) string {
	t.Helper()
	var in []reflect.Value
	for i := range f.Type().NumIn() {
		switch of := f.Type().In(i); {
		case of == reflect.TypeFor[i18n.Number]():
			in = append(in, reflect.ValueOf(i18n.Number{N: n, Text: marker(i)}))
		case of.Kind() == reflect.String:
			in = append(in, reflect.ValueOf(marker(i)).Convert(of))
		case of.Kind() == reflect.Int || of.Kind() == reflect.Int64:
			in = append(in, reflect.ValueOf(n).Convert(of))
		case of.Kind() == reflect.Bool:
			in = append(in, reflect.ValueOf(n == 1))
		case of == reflect.TypeFor[[]string]():
			in = append(in, reflect.ValueOf(slices.Repeat([]string{marker(i)}, int(n))))
		default:
			t.Errorf("%s: no marker for a %s", path, of)
			return ""
		}
	}
	out := f.Call(in)
	if len(out) != 1 || out[0].Kind() != reflect.String {
		t.Errorf("%s returns no text", path)
		return ""
	}
	return out[0].String()
}
