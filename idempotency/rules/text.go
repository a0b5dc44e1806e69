package rules

import "encoding/json"

// A record's text omits what follows from the rest, so that the record of a final payment stays
// small: a generation of 1, the time of the last change if the history has it, the number of
// attempts if all are listed, and an attempt's provider id if it is the payment's.

// text is the JSON form of a record.
type text struct {
	*record
	Generation   int64         `json:"generation,omitempty"`
	Updated      Time          `json:"updated,omitempty"`
	AttemptCount *int          `json:"attempt_count,omitempty"`
	Attempts     []attemptText `json:"attempts,omitempty"`
}

type record Record

type attemptText struct {
	ID         string `json:"id"`
	End        Time   `json:"end"`
	Fate       Fate   `json:"fate"`
	Inferred   bool   `json:"inferred,omitempty"`
	ProviderID string `json:"provider_id,omitempty"`
	// SameID: the attempt's provider id is the payment's.
	SameID bool `json:"same_provider_id,omitempty"`
}

// MarshalJSON returns the record's JSON text.
func (r Record) MarshalJSON() ([]byte, error) {
	t := text{record: (*record)(&r)}
	if r.Generation != 1 {
		t.Generation = r.Generation
	}
	if r.Updated != r.lastEntry() {
		t.Updated = r.Updated
	}
	if r.AttemptCount != len(r.Attempts) {
		t.AttemptCount = &r.AttemptCount
	}
	for _, a := range r.Attempts {
		same := a.ProviderID != "" && a.ProviderID == r.ProviderID
		if same {
			a.ProviderID = ""
		}
		t.Attempts = append(t.Attempts, attemptText{a.ID, a.End, a.Fate, a.Inferred, a.ProviderID, same})
	}
	return json.Marshal(t)
}

// UnmarshalJSON parses the JSON text of a record.
func (r *Record) UnmarshalJSON(b []byte) error {
	t := text{record: (*record)(r)}
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	r.Generation, r.Updated, r.AttemptCount, r.Attempts = max(t.Generation, 1), t.Updated, len(t.Attempts), nil
	if t.Updated == 0 {
		r.Updated = r.lastEntry()
	}
	if t.AttemptCount != nil {
		r.AttemptCount = *t.AttemptCount
	}
	for _, a := range t.Attempts {
		if a.SameID {
			a.ProviderID = r.ProviderID
		}
		r.Attempts = append(r.Attempts, Attempt{a.ID, a.End, a.Fate, a.Inferred, a.ProviderID})
	}
	return nil
}

// lastEntry is the time of the newest entry of the history.
func (r *Record) lastEntry() Time {
	if len(r.History) == 0 {
		return 0
	}
	newest := Record{Created: r.Created, History: r.History[len(r.History)-1:]}
	return newest.AuditTrail()[0].At
}
