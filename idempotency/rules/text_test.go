package rules

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// What a record's text leaves out is read back as it was, whatever the record holds.
func TestARecordSurvivesItsText(t *testing.T) {
	settled := Record{
		State: Succeeded, Version: 3, Generation: 1, Type: "payout", Fingerprint: "1:f", Amount: "1", Currency: "CLP", Created: 1_000, Updated: 1_090,
		ProviderID: "X", AttemptCount: 1, Attempts: []Attempt{{ID: "a", End: 1_090, Fate: FateSucceeded, ProviderID: "X"}},
		History: []string{"0|queued|0", "12|sending|1", "90|succeeded|1"},
	}
	for does, change := range map[string]func(*Record){
		"a settled one":                       func(*Record) {},
		"changed after its newest entry":      func(r *Record) { r.Updated = 1_200 },
		"woken often":                         func(r *Record) { r.Generation = 7 },
		"an attempt that never began":         func(r *Record) { r.AttemptCount = 0 },
		"attempts that were forgotten":        func(r *Record) { r.AttemptCount = 40 },
		"no attempts":                         func(r *Record) { r.Attempts, r.AttemptCount = nil, 0 },
		"an attempt under another id":         func(r *Record) { r.Attempts[0].ProviderID = "Y" },
		"an attempt without an id":            func(r *Record) { r.Attempts[0].ProviderID = "" },
		"no id at all":                        func(r *Record) { r.ProviderID, r.Attempts[0].ProviderID = "", "" },
		"an id that looks like a JSON escape": func(r *Record) { r.ProviderID = `"\u0041"` },
		"no history":                          func(r *Record) { r.History, r.Updated = nil, 5 },
	} {
		r := settled.clone()
		change(&r)
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var again Record
		if err := json.Unmarshal(b, &again); err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("%s: %v\nwas %+v\nis  %+v\n%s", does, err, r, again, b)
		}
	}
	b, _ := json.Marshal(settled)
	for _, name := range []string{"generation", "updated", "attempt_count", `"provider_id":"X"}`, "traceparent"} {
		if strings.Contains(string(b), name) {
			t.Errorf("%s stands in %s", name, b)
		}
	}
}

// standardText is the record's text as encoding/json writes it.
func standardText(t *testing.T, r Record) string {
	t.Helper()
	form := text{record: (*record)(&r)}
	if r.Generation != 1 {
		form.Generation = r.Generation
	}
	if r.Updated != r.lastEntry() {
		form.Updated = r.Updated
	}
	if r.AttemptCount != len(r.Attempts) {
		form.AttemptCount = &r.AttemptCount
	}
	for _, a := range r.Attempts {
		same := a.ProviderID != "" && a.ProviderID == r.ProviderID
		if same {
			a.ProviderID = ""
		}
		form.Attempts = append(form.Attempts, attemptText{a.ID, a.End, a.Fate, a.Inferred, a.ProviderID, same})
	}
	b, err := json.Marshal(form)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every field that a record has, and will have, is in its text: the fields are found by reflection.
func TestTheTextIsWhatTheStandardEncoderWrites(t *testing.T) {
	texts := []string{"", "a", `"\\<>&`, "Peña\n\u2028", "\xff", "payout-1|x"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var r Record
		fill(reflect.ValueOf(&r).Elem(), random, texts)
		b, err := r.MarshalJSON()
		if want := standardText(t, r); err != nil || string(b) != want {
			t.Fatalf("%v\nwas %s\nis  %s", err, want, b)
		}
	}
}

// fill gives a field its zero value or another.
func fill(v reflect.Value, random *rand.Rand, texts []string) {
	if random.IntN(3) == 0 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[random.IntN(len(texts))])
	case reflect.Int, reflect.Int64:
		v.SetInt(random.Int64N(5) - 1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), random, texts)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), random.IntN(3), 3))
		for i := range v.Len() {
			fill(v.Index(i), random, texts)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), random, texts)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range random.IntN(3) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			key.SetString(texts[random.IntN(len(texts))])
			fill(value, random, texts)
			v.SetMapIndex(key, value)
		}
	default:
		panic("a record has a field of kind " + v.Kind().String())
	}
}
