package fields

import "testing"

// FuzzPlainForms: what is taken at a glance is taken by the whole check, and stays as it is.
func FuzzPlainForms(f *testing.F) {
	for _, text := range []string{
		"12345678-5", "12.345.678-5", "1234567-K", "1234567-k", "01234567-5", "12345678-6", "12345-5", "ana@example.cl", "a.b-c_d@e.f", "a..b@c", ".a@b", "a.@b", "a@b.", "a@", "@b", "a@b@c",
		"Ana <a@b>", "a b@c", "a@-", "_@_",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if isPlainEmail(text) && !isEmail(text) {
			t.Errorf("%q is no e-mail address", text)
		}
		if !isCanonicalRUT(text) {
			return
		}
		if canonical, ok := readRUT(text); !ok || canonical != text {
			t.Errorf("%q is read as %q, %v", text, canonical, ok)
		}
	})
}
