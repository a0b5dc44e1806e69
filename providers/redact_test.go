package providers

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
)

const (
	hiddenKey  = "sk_live.51H8xQz/9T7wEr2+A="
	hiddenName = "José Ñandú Pérez"
	hiddenMail = "jose.nandu@example.cl"
)

// hiddenToken is a signed token with the key in it.
var hiddenToken = strings.Join([]string{
	base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)), base64.RawURLEncoding.EncodeToString([]byte(`{"api_key":"` + hiddenKey + `"}`)), "c2lnbmF0dXJl",
}, ".")

var hiddenValues = []string{hiddenKey, hiddenToken, hiddenName, hiddenMail, "12345678-5", "90817263544", "cd_tok-000777", "***///***"}

// The forms in which a provider, or a proxy before it, repeats what it was sent.
func hiddenForms() map[string]string {
	forms := map[string]string{
		"the token": hiddenToken, "the token in capitals": strings.ToUpper(hiddenToken), "the token's middle": strings.Split(hiddenToken, ".")[1],
		"another token": "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.x", "the start of the key": hiddenKey[:len(hiddenKey)-3], "the start of the token": hiddenToken[:40],
		"the name, one word": "Pérez", "the name without accents": "JOSE NANDU PEREZ", "the name the other way round": "Perez, José",
		"the name in pieces of a form": "jose+%C3%B1and%C3%BA+p%C3%A9rez", "the document with dots": "12.345.678-5", "the document alone": "12345678",
		"the account in groups": "9081-7263-544", "another's mailbox": "ana@example.com", "another's mailbox, escaped": "ana%40example.com",
		"a card": "4111111111111111", "a card with slashes": "4111/1111/1111/1111", "a card with underscores": "4111_1111_1111_1111",
		"a card with slashes and blanks": "4111 / 1111 / 1111 / 1111", "a card with an x": "4111x1111x1111x1111", "a raised card": "⁴¹¹¹¹¹¹¹¹¹¹¹¹¹¹¹",
		"an escaped card": "%34%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31", "a security code": "cvv 123", "signs alone": "***///***",
	}
	for i, v := range hiddenValues[:7] {
		for how, form := range map[string]string{
			"as it is": v, "in capitals": strings.ToUpper(v), "in small letters": strings.ToLower(v), "for a URL": url.QueryEscape(v), "for a path": url.PathEscape(v),
			"escaped twice": url.QueryEscape(url.QueryEscape(v)), "in base64": base64.StdEncoding.EncodeToString([]byte(v)),
			"in base64 behind a user": base64.StdEncoding.EncodeToString([]byte("u:" + v)), "in base64 before more": base64.URLEncoding.EncodeToString([]byte(v + "\n, x")),
			"in hexadecimal": hex.EncodeToString([]byte(v)), "with blanks": strings.Join(strings.Split(v, ""), " "),
		} {
			forms[v[:2]+string(rune('0'+i))+" "+how] = form
		}
	}
	return forms
}

func TestNoTextRepeatsWhatIsHidden(t *testing.T) {
	t.Parallel()
	for how, form := range hiddenForms() {
		for _, got := range []string{
			Message("no: "+form+" (x)", hiddenValues...), Code(form, hiddenValues...), Code("E-1 "+form, hiddenValues...),
			Message(strings.Repeat("x", 100)+" "+form, hiddenValues...), Message(form, hiddenValues...),
		} {
			if !strings.Contains(got, hidden) || len(fold(got).text) > 101 || shares(got, form) {
				t.Errorf("%s: %q became %q", how, form, got)
			}
		}
	}
}

// shares reports six letters and digits of the form in the text.
func shares(text, form string) bool {
	f, in := fold(form).text, fold(strings.ReplaceAll(text, strings.Repeat("x", 100), "")).text
	for i := 0; i+6 <= len(f); i++ {
		if strings.Contains(in, f[i:i+6]) {
			return true
		}
	}
	return false
}

func TestWhatIsNotHiddenStaysReadable(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Saldo insuficiente", "monto 12500", "Operación josefina", "E-041", "rechazado por el emisor", "100% rechazado", "50%20off", "Tom & Jerry &amp; more",
		"código 51 (fondos insuficientes)", "tarjeta vencida 12/29", "http_502", "status_code_500", "duplicate_reference", "SWITCH_4025",
	} {
		if got := Message(text, hiddenValues...); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := Message("cuenta 900-12, banco 12", "12"); got != "cuenta 900-[…], banco […]" {
		t.Errorf("a short value: %q", got)
	}
}

func TestAnIDThatRepeatsNothingStays(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"", "pyt_7f3a", "16526683", "836158", "7f3ab6c1d2e4f501", "5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10", "PAY-0000000042", "123456789012345678", "josefina-1",
		"19081726354400", "[hidden-0123abcd]",
	} {
		if got := ID(id, hiddenValues...); got != id {
			t.Errorf("%q became %q", id, got)
		}
	}
}

func TestAnIDThatRepeatsSomethingIsNamedAndStaysOne(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, id := range []string{
		hiddenKey, "pay-" + hiddenKey, strings.ToUpper(hiddenKey), url.QueryEscape(hiddenKey), hiddenToken, "x" + base64.StdEncoding.EncodeToString([]byte(hiddenKey)),
		"JOSE-NANDU-PEREZ-1", "jose.nandu@example.cl", "ana@example.com", "12345678-5", "12.345.678-5/1", "po-90817263544", "cd_tok-000777",
		"4111111111111111", "4111-1111-1111-1111", "tok_4111111111111111",
	} {
		got := ID(id, hiddenValues...)
		if !IsHiddenID(got) || got != ID(id, hiddenValues...) {
			t.Errorf("%q became %q", id, got)
		}
		if ID(got, hiddenValues...) != got {
			t.Errorf("%q is not stable", got)
		}
		if other, is := seen[got]; is {
			t.Errorf("%q and %q have one name", id, other)
		}
		seen[got] = id
		if again := ID(id, append([]string{"another secret"}, hiddenValues...)...); again == got {
			t.Errorf("the name of %q can be found without the secret", id)
		}
	}
}

func TestRedactReadsEveryText(t *testing.T) {
	t.Parallel()
	o := Redact(Outcome{
		Class: Succeeded, ProviderID: "id " + hiddenKey, SecondID: hiddenName, Code: hiddenKey, Message: "de " + hiddenName, Decline: Soft,
		ProviderRefs: map[string]string{"session": hiddenKey}, ActionURL: "https://pay.example/" + hiddenKey, Echo: Echo{Beneficiary: "12345678-5"},
	}, hiddenValues...)
	if !IsHiddenID(o.ProviderID) || !IsHiddenID(o.SecondID) || o.ProviderID == o.SecondID || o.Code != hidden || o.Message != "de "+hidden {
		t.Errorf("got %+v", o)
	}
	if o.Class != Succeeded || o.Decline != Soft || o.ProviderRefs["session"] != hiddenKey || o.ActionURL == "" || o.Echo.Beneficiary != "12345678-5" {
		t.Errorf("something else was changed: %+v", o)
	}
	if o := Redact(Outcome{Message: "execution 3456789: 119000; folio 123456789012"}, hiddenValues...); strings.Contains(o.Message, hidden) {
		t.Errorf("ids of a message of ours are hidden: %q", o.Message)
	}
}

func TestATimeIsNobodysNumber(t *testing.T) {
	t.Parallel()
	hide := append([]string{"28", "20200529"}, hiddenValues...)
	for _, text := range []string{"date 2020-05-29T10:28:13", "approval 836158, date 2020-05-29T10:28:13", "2020-05-29 10:28:13"} {
		if o := Redact(Outcome{Message: text, ProviderID: text}, hide...); o.Message != text || o.ProviderID != text {
			t.Errorf("%q became %q and %q", text, o.Message, o.ProviderID)
		}
	}
	for text, want := range map[string]string{
		"at 2020-05-29T10:28:13, 28": "at 2020-05-29T10:28:13, " + hidden,
		"at 2020-05-29, 28":          "at " + hidden + ", " + hidden, "2020-05-29T10:28": hidden + "T10:" + hidden,
	} {
		if o := Redact(Outcome{Message: text}, hide...); o.Message != want {
			t.Errorf("%q became %q, want %q", text, o.Message, want)
		}
	}
	if o := Redact(Outcome{Message: "at 2020-05-29T10:28:13"}, "20200529T102813"); o.Message != "at "+hidden {
		t.Errorf("what is the whole time became %q", o.Message)
	}
}

func TestAHugeTextIsReadInTime(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("%25", 1<<18), strings.Repeat("4 ", 1<<19), strings.Repeat(hiddenKey, 1<<14), strings.Repeat("é", 1<<19)} {
		if got := Message(text, hiddenValues...); len([]rune(got)) > maxMessage {
			t.Errorf("%d characters", len([]rune(got)))
		}
	}
}
