package rules

import (
	"encoding/json"
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
	for _, name := range []string{"generation", "updated", "attempt_count", `"provider_id":"X"}`} {
		if strings.Contains(string(b), name) {
			t.Errorf("%s stands in %s", name, b)
		}
	}
}
