package providers

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// FuzzPatterns: what is found of a value is what making all of its forms finds.
func FuzzPatterns(f *testing.F) {
	for _, form := range hiddenForms() {
		for _, v := range hiddenValues {
			f.Add(v, form, true)
		}
		f.Add(hiddenToken+hiddenToken, "x "+form+"y", false)
	}
	f.Add("Ⱥ Ⱥbcd", "Ⱥbcd", true)
	f.Fuzz(func(t *testing.T, value, text string, parts bool) {
		in := []byte(fold(text).text)
		if !bytes.Equal(in, appendFolded(nil, text)) {
			t.Fatalf("%q folds to %q and %q", text, in, appendFolded(nil, text))
		}
		for _, v := range newRedactor([]string{value}).values {
			got, want := v.patterns(in, parts), allPatterns(v.text, in, parts)
			if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Fatalf("%q in %q:\ngot  %+v\nwant %+v", v.text, in, got, want)
			}
		}
	})
}

// allPatterns is secretText.patterns without what spares it work.
func allPatterns(value string, in []byte, parts bool) []pattern {
	parts = parts && len(in) > longestPart
	text := appendFolded(nil, value)
	if len(text) < 2 {
		return nil
	}
	digits, letters := kinds(text)
	spoken := strings.ContainsFunc(value, unicode.IsSpace)
	long := len(text) >= shortestLong && !spoken && !strings.Contains(value, "@")
	var all []pattern
	if bytes.Contains(in, text) || long && parts {
		all = append(all, pattern{
			text: string(text), long: long,
			whole: !digits && (spoken || len(text) <= longestPart) || !letters && len(text) < 2*shortestFree || len(text) < shortestFree,
		})
	}
	if body, _, ok := strings.Cut(value, "-"); ok && bytes.Contains(in, []byte(body)) && rut.MatchString(value) {
		all = append(all, pattern{text: body, whole: true})
	}
	if !digits && spoken {
		all = append(all, names(value, in)...)
	}
	return append(all, allCoded(value, in)...)
}

func allCoded(value string, in []byte) []pattern {
	if len(value) < shortestCoded || len(value)/2 > len(in) {
		return nil
	}
	var all []pattern
	shifted := append([]byte{0, 0}, value...)
	if form := hex.EncodeToString(shifted[2:]); bytes.Contains(in, []byte(form)) {
		all = append(all, pattern{text: form})
	}
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString(shifted[2-before:])
		first := (before*8 + 5) / 6
		last := (before + len(value)) * 8 / 6
		if form := appendFolded(nil, encoded[first:last]); len(form) >= shortestFree && bytes.Contains(in, form) {
			all = append(all, pattern{text: string(form), coded: true})
		}
	}
	return all
}

// FuzzWithoutShapes: texts without room for a shape have none.
func FuzzWithoutShapes(f *testing.F) {
	for _, text := range []string{
		"5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10", "x 5D1C0B1E-2f6a-4a1e-9a55-0c9a3f4f7e10, 2020-05-29T10:28:13.5Z", "2020-05-29 10:28:13", "4111111111111111",
		strings.Repeat("a1", 16), strings.Repeat("1", 32), strings.Repeat("A1", 15) + "A",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const instead = "(shape)"
		want := clock.ReplaceAllString(uuid.ReplaceAllString(text, instead), instead)
		want = hash.ReplaceAllStringFunc(want, func(word string) string {
			if strings.ContainsFunc(word, unicode.IsLetter) {
				return instead
			}
			return word
		})
		if got := withoutShapes(text); got != want {
			t.Fatalf("%q became %q, want %q", text, got, want)
		}
	})
}

// FuzzAmount: an amount is what its pattern says.
func FuzzAmount(f *testing.F) {
	for _, text := range []string{"0", "00", "1", "01", "12500", "149.50", "1.", ".1", "1.23456", "9999999999999", "10000000000000", "-1", "1.2.3", "1e3", "0.0", "١", ""} {
		f.Add(text)
	}
	pattern := regexp.MustCompile(`^(0|[1-9][0-9]{0,12})(\.[0-9]{1,4})?$`)
	f.Fuzz(func(t *testing.T, text string) {
		if got := isAmount(text); got != pattern.MatchString(text) {
			t.Fatalf("%q: %v", text, got)
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	hide := []string{
		"sandbox-api-key", "sandbox-secret-key", "Ana María Soto Valenzuela", "ana.soto.valenzuela@correo.example", "12345678-5", "000012345678",
		strings.Repeat("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9", 20),
	}
	b.ReportAllocs()
	for b.Loop() {
		o := Outcome{Class: Succeeded, ProviderID: "pyt_10042", Code: Code("pagado", hide...), Message: Message("", hide...)}
		o = Redact(o, hide...)                        // the adapter's
		if Redact(o, hide[2:6]...).Code != "pagado" { // the engine's
			b.Fatal(o)
		}
	}
}
