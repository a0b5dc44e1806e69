package rules

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// TestARecordIsReadAsTheStandardDecoderReadsIt, whatever it holds, and however its text was changed
// by hand. What is usual the parser reads itself: it does not leave everything to the standard
// decoder.
func TestARecordIsReadAsTheStandardDecoderReadsIt(t *testing.T) {
	usual := []string{"", "a", `{"order":"7"}`, `a\/b`, "Peña", "payout-1|x"}
	texts := append([]string{"\"\\<>&", "x\n\u2028"}, usual...)
	random := rand.New(rand.NewPCG(3, 4))
	for n := range 2000 {
		var r Record
		rare := n%2 == 0
		if rare {
			fill(reflect.ValueOf(&r).Elem(), random, texts)
		} else {
			fill(reflect.ValueOf(&r).Elem(), random, usual)
			r.Counted, r.Uncertainty, r.ReleasedFrom, r.Anomaly = nil, "", nil, nil
			if r.History == nil {
				r.History = []string{"0|queued|0"}
			}
		}
		b, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if !readsAsStandard(t, string(b)) && !rare {
			t.Fatalf("left to the standard decoder: %s", b)
		}
		for range 3 {
			readsAsStandard(t, changed(string(b), random))
		}
		if n == 0 {
			readsAsStandard(t, " "+string(b)+"\n")
		}
	}
}

// readsAsStandard compares the two, and reports whether the parser read the text itself.
func readsAsStandard(t *testing.T, s string) bool {
	t.Helper()
	var want Record
	wantErr := want.UnmarshalJSON([]byte(s))
	got, err := ParseRecord(s)
	if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q:\nwas %+v, %v\nis  %+v, %v", s, want, wantErr, got, err)
	}
	p, form := parser{text: s}, text{record: new(record)}
	return p.record(&form)
}

// changed is a text with a sign left out, doubled or replaced.
func changed(s string, random *rand.Rand) string {
	at, signs := random.IntN(len(s)), "\"\\{}[],:0-9aé\x00\xff \n"
	sign := signs[random.IntN(len(signs)):]
	switch random.IntN(3) {
	case 0:
		return s[:at] + s[at+1:]
	case 1:
		return s[:at] + s[at:at+1] + s[at:]
	default:
		return s[:at] + sign[:1] + s[at+1:]
	}
}

func TestWhatIsNoRecordIsAnError(t *testing.T) {
	for _, s := range []string{
		"", "{", "[]", "null,", `{"state"}`, `{"state":}`, `{"state":1}`, `{"version":"1"}`, `{"version":1.5}`, `{"version":01}`, `{"version":-}`,
		`{"version":1,}`, `{"bulk":1}`, `{"history":{}}`, `{"history":[1]}`, `{"attempts":[{"id":1}]}`, `{"attempts":{}}`, `{"provider_refs":[]}`,
		`{"state":"a`, `{"state":"a\`, `{"state":"a\x"}`, `{"version":1}{}`, "{\"state\":\"\n\"}", `{"version":` + strings.Repeat("9", 30) + `}`,
	} {
		if r, err := ParseRecord(s); err == nil {
			t.Errorf("%q is %+v", s, r)
		}
	}
}
