package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/seal"
)

const plainText = `{"type":"payout","recipient":{"name":"Ana Soto"}}`

func TestWhatIsSealedOpensOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	old, young := sealtest.Keys(t, "2025")[0], sealtest.Keys(t, "2026")[0]
	r := sealtest.RingOf(t, old)
	sealed := string(r.Seal([]byte(plainText), "payload", "payout", "virtualpos/tef-1"))
	mid := len(sealed) / 2
	flipped := byte('A')
	if sealed[mid] == flipped {
		flipped = 'B'
	}
	for does, row := range map[string]struct {
		ring     *seal.Ring
		text     string
		bindings []string
		want     error
	}{
		"the same key and bindings open it":                    {r, sealed, []string{"payload", "payout", "virtualpos/tef-1"}, nil},
		"a ring with that key second opens it":                 {sealtest.RingOf(t, young, old), sealed, []string{"payload", "payout", "virtualpos/tef-1"}, nil},
		"a ring without the key does not":                      {sealtest.RingOf(t, young), sealed, []string{"payload", "payout", "virtualpos/tef-1"}, seal.ErrUnknownKey},
		"other bytes under the id are another key":             {sealtest.RingOf(t, sealtest.Keys(t, "2025")[0]), sealed, []string{"payload", "payout", "virtualpos/tef-1"}, seal.ErrUnknownKey},
		"no ring opens nothing":                                {nil, sealed, []string{"payload", "payout", "virtualpos/tef-1"}, seal.ErrUnknownKey},
		"another payment's binding does not":                   {r, sealed, []string{"payload", "payout", "virtualpos/tef-2"}, seal.ErrTampered},
		"another field's binding does not":                     {r, sealed, []string{"metadata", "payout", "virtualpos/tef-1"}, seal.ErrTampered},
		"the same letters cut into other bindings do not":      {r, sealed, []string{"payload", "payoutv", "irtualpos/tef-1"}, seal.ErrTampered},
		"fewer bindings do not":                                {r, sealed, []string{"payload", "payout"}, seal.ErrTampered},
		"one changed letter does not":                          {r, sealed[:mid] + string(flipped) + sealed[mid+1:], []string{"payload", "payout", "virtualpos/tef-1"}, seal.ErrTampered},
		"a text cut short does not":                            {r, sealed[:len(sealed)-4], []string{"payload", "payout", "virtualpos/tef-1"}, seal.ErrTampered},
		"a text of nothing but its check does not":             {r, r.Prefixes()[0], nil, seal.ErrTampered},
		"a text without anything does not":                     {r, "s1.2025.", nil, seal.ErrTampered},
		"letters that are no base64 do not":                    {r, sealed[:mid] + "!" + sealed[mid+1:], []string{"payload", "payout", "virtualpos/tef-1"}, seal.ErrTampered},
		"an unsealed text is refused":                          {r, plainText, nil, seal.ErrNotSealed},
		"a text that only begins like a sealed one is, too":    {r, "s1. and more.", nil, seal.ErrNotSealed},
		"a sealed text in another one's letters is, too":       {r, " " + sealed, nil, seal.ErrNotSealed},
		"a text under the name of another key is unknown":      {sealtest.RingOf(t, young), strings.Replace(sealed, "2025", "2024", 1), nil, seal.ErrUnknownKey},
		"a text renamed to another key of the ring is as well": {sealtest.RingOf(t, old, young), strings.Replace(sealed, "2025", "2026", 1), nil, seal.ErrUnknownKey},
	} {
		t.Run(does, func(t *testing.T) {
			t.Parallel()
			got, err := row.ring.Open([]byte(row.text), row.bindings...)
			if !errors.Is(err, row.want) {
				t.Fatalf("error %v, want %v", err, row.want)
			}
			if want := plainText; row.want == nil && string(got) != want || row.want != nil && got != nil {
				t.Errorf("opened %q", got)
			}
			if err != nil && strings.Contains(err.Error(), "Ana") {
				t.Errorf("the error repeats the text: %v", err)
			}
		})
	}
}

func TestWithoutKeysNothingIsSealed(t *testing.T) {
	t.Parallel()
	var off *seal.Ring
	if got := off.Seal([]byte(plainText), "payload"); string(got) != plainText {
		t.Errorf("sealed to %q", got)
	}
	if got, err := off.Open([]byte(plainText), "payload"); err != nil || string(got) != plainText {
		t.Errorf("opened to %q, %v", got, err)
	}
	if off.Prefixes() != nil || off.IDs() != nil || off.Current([]byte(plainText)) {
		t.Error("it claims to have keys")
	}
	if r, err := seal.Parse(""); r != nil || err != nil {
		t.Errorf("no keys are %v, %v", r, err)
	}
}

func TestAnEmptyTextStaysEmpty(t *testing.T) {
	t.Parallel()
	r := sealtest.RingOf(t, sealtest.Keys(t, "a")[0])
	if got := r.SealText("", "message"); got != "" {
		t.Errorf("sealed to %q", got)
	}
	if got, err := r.OpenText("", "message"); got != "" || err != nil {
		t.Errorf("opened to %q, %v", got, err)
	}
}

func TestTheFirstKeySealsAndSaysSo(t *testing.T) {
	t.Parallel()
	old, young := sealtest.Keys(t, "old")[0], sealtest.Keys(t, "young")[0]
	before, after := sealtest.RingOf(t, old), sealtest.RingOf(t, young, old)
	stale, fresh := before.Seal([]byte(plainText), "x"), after.Seal([]byte(plainText), "x")
	if after.Current(stale) || !after.Current(fresh) || !before.Current(stale) {
		t.Error("it does not tell its first key's texts from another's")
	}
	if after.Current([]byte(plainText)) {
		t.Error("an unsealed text is taken for one of the first key's")
	}
	for i, text := range [][]byte{fresh, stale} {
		if prefix := after.Prefixes()[i]; !bytes.HasPrefix(text, []byte(prefix)) || !seal.Sealed(text) {
			t.Errorf("%s does not begin with %s", text, prefix)
		}
	}
	if bytes.Equal(fresh, after.Seal([]byte(plainText), "x")) {
		t.Error("the same text sealed twice looks the same")
	}
}

// TestTheFormStays opens what was sealed when the form was fixed: a change of it would lock up
// every payment in Redis.
func TestTheFormStays(t *testing.T) {
	t.Parallel()
	r := sealtest.RingOf(t, "2026-05:"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, seal.KeyBytes)))
	const sealed = "s1.2026-05.kVKaYkjfXUf4omfQhVAkDkHcta_k0LBxtAlkDDe75KyNfxsDp_vYJfK23RNT0CQcXw"
	got, err := r.OpenText(sealed, "metadata", "virtualpos/tef-0001")
	if err != nil || got != `{"invoice":"F-17"}` {
		t.Errorf("opened to %q, %v; sealed now: %s", got, err, r.SealText(`{"invoice":"F-17"}`, "metadata", "virtualpos/tef-0001"))
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	good := sealtest.Keys(t, "a")[0]
	for does, row := range map[string]struct{ text, want string }{
		"no id":            {strings.TrimPrefix(good, "a:"), "entry 1 is not ID:BASE64"},
		"an odd id":        {"a.b" + good[1:], "entry 1 is not ID:BASE64"},
		"an id too long":   {strings.Repeat("a", 33) + good[1:], "entry 1 is not ID:BASE64"},
		"an id twice":      {good + "," + good, "entry 2 has the id of an earlier one"},
		"no base64":        {"a:Ñandú", "entry 1: is not base64"},
		"a short key":      {"a:" + base64.StdEncoding.EncodeToString([]byte("canary-key")), "entry 1: holds 10 bytes instead of 32"},
		"nothing behind ,": {good + ",", "entry 2 is not ID:BASE64"},
	} {
		t.Run(does, func(t *testing.T) {
			t.Parallel()
			r, err := seal.Parse(row.text)
			if r != nil || err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("got %v, %v", r, err)
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), good[2:]) {
				t.Errorf("the error repeats a key: %v", err)
			}
		})
	}
	if _, err := seal.NewKey("a b"); err == nil {
		t.Error("a key with a blank in its id was made")
	}
}

func TestARingPrintsNoKey(t *testing.T) {
	t.Parallel()
	text := sealtest.Keys(t, "2026")[0]
	r := sealtest.RingOf(t, text)
	encoded, err := json.Marshal(struct{ Ring *seal.Ring }{r})
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{r.String(), fmt.Sprintf("%v %+v %#v", r, r, r), string(encoded)} {
		if !strings.Contains(printed, "2026") || strings.Contains(printed, text[5:]) {
			t.Errorf("it prints as %s", printed)
		}
	}
	if other := sealtest.Keys(t, "2026")[0]; other == text {
		t.Error("two keys are the same")
	}
}

func FuzzOpen(f *testing.F) {
	r, err := seal.Parse("a:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, seal.KeyBytes)))
	if err != nil {
		f.Fatal(err)
	}
	good := r.Seal([]byte(plainText), "x")
	f.Add(good)
	f.Add([]byte("s1.a.AAAA"))
	f.Add([]byte("s1.b.AAAA"))
	f.Add([]byte(plainText))
	f.Fuzz(func(t *testing.T, text []byte) {
		plain, err := r.Open(text, "x")
		if err == nil && len(text) > 0 && !bytes.Equal(text, good) && len(plain) > 0 {
			t.Errorf("%q opens to %q", text, plain)
		}
	})
}
