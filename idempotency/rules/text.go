package rules

import (
	"encoding/json"
	"strconv"
	"strings"
)

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

// MarshalJSON returns the record's JSON text. It is written by hand, because each payment writes it
// twice and encoding/json takes five times as long; a test compares the two.
func (r Record) MarshalJSON() ([]byte, error) {
	w := textWriter(append(make([]byte, 0, 1024), '{'))
	w.always("state", string(r.State))
	w.number("version", r.Version, true)
	w.always("type", r.Type)
	w.always("fingerprint", r.Fingerprint)
	w.always("amount", r.Amount)
	w.always("currency", r.Currency)
	w.number("created", int64(r.Created), true)
	w.time("not_before", r.NotBefore)
	w.time("deadline", r.Deadline)
	w.text("metadata", r.Metadata)
	w.text("subscription", r.Subscription)
	w.text("period", r.Period)
	w.text("object", r.Object)
	w.flag("bulk", r.Bulk)
	w.flag("queryable", r.Queryable)
	w.text("traceparent", r.Traceparent)
	w.text("provider_id", r.ProviderID)
	w.text("code", r.Code)
	w.text("message", r.Message)
	w.text("decline", string(r.Decline))
	w.text("action_url", r.ActionURL)
	w.time("payer_deadline", r.PayerDeadline)
	w.time("payer_grace", r.PayerGrace)
	if len(r.ProviderRefs) > 0 {
		w.value("provider_refs", r.ProviderRefs)
	}
	w.situation(&r)
	w.history(r.History)
	w.inferable(&r)
	return append(w, '}'), nil
}

// situation writes who works on the payment, and what it waits for.
func (w *textWriter) situation(r *Record) {
	w.text("owner", r.Owner)
	w.time("lease_end", r.LeaseEnd)
	w.time("retry_not_before", r.RetryNotBefore)
	w.flag("query_first", r.QueryFirst)
	w.time("forgotten", r.Forgotten)
	w.flag("risk_accepted", r.RiskAccepted)
	w.number("resends", int64(r.Resends), false)
	w.number("wake_ups", int64(r.WakeUps), false)
	w.time("woken", r.Woken)
	w.flag("ready_published", r.ReadyPublished)
	if len(r.Counted) > 0 {
		w.value("counted", r.Counted)
	}
	w.text("uncertain", string(r.Uncertainty))
	if len(r.ReleasedFrom) > 0 {
		w.value("released_from", r.ReleasedFrom)
	}
	w.time("polling_since", r.PollingSince)
	w.number("polls", int64(r.Polls), false)
	w.number("not_founds", int64(r.NotFounds), false)
	w.time("not_found_at", r.NotFoundAt)
	w.time("refused_at", r.RefusedAt)
	w.time("watch_until", r.WatchUntil)
	w.flag("proof_query_only", r.ProofQueryOnly)
	if r.Anomaly != nil {
		w.value("anomaly", r.Anomaly)
	}
	w.text("cleared_anomaly", r.Cleared)
	w.text("cleared_difference", r.ClearedDifference)
}

// inferable writes what often follows from the rest.
func (w *textWriter) inferable(r *Record) {
	if r.Generation != 1 {
		w.number("generation", r.Generation, false)
	}
	if r.Updated != r.lastEntry() {
		w.time("updated", r.Updated)
	}
	if r.AttemptCount != len(r.Attempts) {
		w.number("attempt_count", int64(r.AttemptCount), true)
	}
	if len(r.Attempts) == 0 {
		return
	}
	w.name("attempts")
	*w = append(*w, '[')
	for i := range r.Attempts {
		if i > 0 {
			*w = append(*w, ',')
		}
		w.attempt(&r.Attempts[i], r.ProviderID)
	}
	*w = append(*w, ']')
}

func (w *textWriter) attempt(a *Attempt, providerID string) {
	*w = append(*w, '{')
	w.always("id", a.ID)
	w.number("end", int64(a.End), true)
	w.always("fate", string(a.Fate))
	w.flag("inferred", a.Inferred)
	same := a.ProviderID != "" && a.ProviderID == providerID
	if !same {
		w.text("provider_id", a.ProviderID)
	}
	w.flag("same_provider_id", same)
	*w = append(*w, '}')
}

// UnmarshalJSON parses the JSON text of a record.
func (r *Record) UnmarshalJSON(b []byte) error {
	t := text{record: (*record)(r)}
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	r.infer(&t)
	return nil
}

// infer sets what a record's text leaves out where it follows from the rest.
func (r *Record) infer(t *text) {
	r.Generation, r.Updated, r.AttemptCount, r.Attempts = max(t.Generation, 1), t.Updated, len(t.Attempts), nil
	if t.Updated == 0 {
		r.Updated = r.lastEntry()
	}
	if t.AttemptCount != nil {
		r.AttemptCount = *t.AttemptCount
	}
	if len(t.Attempts) > 0 {
		r.Attempts = make([]Attempt, 0, len(t.Attempts)+1)
	}
	for _, a := range t.Attempts {
		if a.SameID {
			a.ProviderID = r.ProviderID
		}
		r.Attempts = append(r.Attempts, Attempt{a.ID, a.End, a.Fate, a.Inferred, a.ProviderID})
	}
}

// lastEntry is the time of the newest entry of the history.
func (r *Record) lastEntry() Time {
	if len(r.History) == 0 {
		return 0
	}
	newest := Record{Created: r.Created, History: r.History[len(r.History)-1:]}
	return newest.AuditTrail()[0].At
}

// textWriter writes the fields of a JSON object. Those that say nothing are left out, except by
// always.
type textWriter []byte

func (w *textWriter) name(name string) {
	if (*w)[len(*w)-1] != '{' {
		*w = append(*w, ',')
	}
	*w = append(append(append(*w, '"'), name...), '"', ':')
}

func (w *textWriter) always(name, value string) {
	w.name(name)
	w.quoted(value)
}

func (w *textWriter) text(name, value string) {
	if value != "" {
		w.always(name, value)
	}
}

func (w *textWriter) number(name string, n int64, always bool) {
	if n != 0 || always {
		w.name(name)
		*w = strconv.AppendInt(*w, n, 10)
	}
}

func (w *textWriter) time(name string, t Time) { w.number(name, int64(t), false) }

func (w *textWriter) flag(name string, is bool) {
	if is {
		w.name(name)
		*w = append(*w, "true"...)
	}
}

func (w *textWriter) history(lines []string) {
	w.name("history")
	if lines == nil {
		*w = append(*w, "null"...)
		return
	}
	*w = append(*w, '[')
	for i, line := range lines {
		if i > 0 {
			*w = append(*w, ',')
		}
		w.quoted(line)
	}
	*w = append(*w, ']')
}

// quoted writes a JSON string.
func (w *textWriter) quoted(value string) {
	if strings.ContainsFunc(value, escaped) {
		b, _ := json.Marshal(value) // a string is always JSON
		*w = append(*w, b...)
		return
	}
	*w = append(append(append(*w, '"'), value...), '"')
}

// escaped reports a sign that encoding/json may not write as it is.
func escaped(r rune) bool {
	return r < ' ' || r > '~' || r == '"' || r == '\\' || r == '<' || r == '>' || r == '&'
}

// value writes what is rare.
func (w *textWriter) value(name string, v any) {
	b, _ := json.Marshal(v) // texts and numbers alone are always JSON
	w.name(name)
	*w = append(*w, b...)
}
