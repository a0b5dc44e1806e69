package explain

import (
	"strconv"
	"strings"

	"github.com/remesa/remesa/idempotency"
)

// unknown is the state before a gap in the history.
const unknown idempotency.State = "unknown"

// noted is a state and a note that the rules write with it; an empty state stands for any.
type noted struct {
	state idempotency.State
	note  string
}

// change is from one state to another, or an entry in the same state.
type change struct{ from, to idempotency.State }

// tellEntry returns the words for an entry of the history, with the provider's answer.
func (t Teller) tellEntry(before idempotency.State, e idempotency.AuditEntry) string {
	answer := t.locale.Answer(e)
	switch {
	case answer == "":
		return t.tell(before, e)
	case e.OnlyAnswer(before):
		return answer + "."
	}
	return t.tell(before, e) + " " + answer + "."
}

// tell returns the words for an entry of the history. before is the state of the entry before it,
// empty for the first.
func (t Teller) tell(before idempotency.State, e idempotency.AuditEntry) string {
	if kind, is := strings.CutPrefix(e.Note, "anomaly: "); is {
		if kind, by, recorded := strings.Cut(kind, " "); recorded && kind == idempotency.AnomalyOfStatement {
			return t.words.Phrases.Difference(kind, t.words.Phrases.By(t.readable(by)))
		}
		if words := t.words.Anomalies[kind]; words != "" {
			return t.words.Phrases.Anomaly(kind, words)
		}
		return t.words.Phrases.AnomalyUnknown(kind)
	}
	if by, is := strings.CutPrefix(e.Note, "anomaly cleared "); is {
		return t.words.Phrases.AnomalyCleared(t.words.Phrases.By(t.readable(by)))
	}
	if words := t.words.Notes[noted{e.State, e.Note}]; words != "" {
		return words
	}
	if words := t.words.Notes[noted{"", e.Note}]; words != "" && e.Note != "" {
		return words
	}
	note := t.readable(e.Note)
	if note != "" && (note == t.words.Phrases.Sealed || strings.HasPrefix(note, "by ")) {
		if words := t.words.Steps[change{before, e.State}]; words != "" {
			return words + " (" + t.words.Phrases.By(note) + ")."
		}
	}
	words := t.words.Changes[change{before, e.State}]
	if words == "" {
		words = t.words.Plain[e.State]
	}
	words = strings.ReplaceAll(words, "#", strconv.Itoa(e.Attempt))
	if note != "" {
		words += t.words.Phrases.Note(strings.TrimSuffix(note, "."))
	}
	return words
}
