package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
)

// Answer is what a provider said to one question about a payment. It decides nothing: a transition
// keeps it in the history, beside what it decided from the outcome. The zero Answer is none.
type Answer struct {
	// Question is what was asked.
	Question Question
	// HTTPStatus is the status of the last response; 0 if the last request got none.
	HTTPStatus int
	// Class is what the answer means: a providers.Class, or "not_sent" or "credentials" (refused),
	// which say that the provider cannot have acted.
	Class string
	// Took is the time from the question to the answer, in whole milliseconds. The time of a login
	// and of earlier steps of the same attempt is in it.
	Took time.Duration
}

// Question is what a provider is asked to do.
type Question string

// The questions; metrics and traces call them operations.
const (
	AskToPay    Question = "pay"
	AskToCharge Question = "charge"
	AskStatus   Question = "status"
)

// notSent is the class of a question that never left.
const notSent = "not_sent"

// maxAnswers is how many different answers that decided nothing the history keeps of each stay in a
// state.
const maxAnswers = 8

// asked says to which payment questions belong that are no status queries.
func (r *Record) asked() Question {
	if r.Type == "charge" {
		return AskToCharge
	}
	return AskToPay
}

// impliedClass is the class of an answer that led to the state, which its entry leaves out.
func impliedClass(s State) string {
	switch s {
	case Failed:
		return string(providers.Refused)
	case Ready:
		return notSent
	case Succeeded, Pending, InDoubt:
		return string(s)
	case Queued, Sending, Held, Blocked, Reversed:
	}
	return ""
}

// pack writes the answer as an entry in that state has it, behind the number of the attempt: HTTP
// status, with "?" before that of a status query, milliseconds, and the class unless the state
// implies it. An example is "?200 78 not_found".
func (a Answer) pack(s State) string {
	text := strconv.Itoa(a.HTTPStatus) + " " + strconv.FormatInt(a.Took.Milliseconds(), 10)
	if a.Question == AskStatus {
		text = "?" + text
	}
	if a.Class != impliedClass(s) {
		text += " " + a.Class
	}
	return text
}

// unpack reads what pack wrote, and behind it how often the answer came, and when last: "x14
// 360000", in milliseconds since Created.
func (e *AuditEntry) unpack(packed string, created Time, asked Question) {
	words := strings.Fields(packed)
	if len(words) < 2 { //nolint:mnd // an older entry has no answer
		return
	}
	status, query := strings.CutPrefix(words[0], "?")
	if query {
		asked = AskStatus
	}
	took, _ := strconv.ParseInt(words[1], 10, 64)
	e.Answer = Answer{Question: asked, Class: impliedClass(e.State), Took: time.Duration(took) * time.Millisecond}
	e.Answer.HTTPStatus, _ = strconv.Atoi(status)
	words = words[2:]
	if n := len(words); n >= 2 && strings.HasPrefix(words[n-2], "x") {
		last, _ := strconv.ParseInt(words[n-1], 10, 64)
		e.Count, _ = strconv.Atoi(words[n-2][1:])
		e.Last = created + Time(last)
		words = words[:n-2]
	}
	if len(words) > 0 {
		e.Answer.Class = words[0]
	}
}

// line writes an entry of the history: see Record.History.
func (e AuditEntry) line(created Time) string {
	text := strconv.FormatInt(int64(e.At-created), 10) + "|" + string(e.State) + "|" + strconv.Itoa(e.Attempt)
	if e.Answer != (Answer{}) {
		text += " " + e.Answer.pack(e.State)
	}
	if e.Count > 1 {
		text += " x" + strconv.Itoa(e.Count) + " " + strconv.FormatInt(int64(e.Last-created), 10)
	}
	if e.Note != "" {
		text += "|" + e.Note
	}
	return text
}

// hear takes the answer that the transition follows from, in a form that the history can hold.
func (t *transition) hear(a Answer) {
	if a.Question == "" {
		return
	}
	a.Took = max(a.Took, 0).Truncate(time.Millisecond)
	if a.Class == "" || strings.Trim(a.Class, "abcdefghijklmnopqrstuvwxyz_") != "" {
		a.Class = "unknown"
	}
	t.answer = a
}

// keepAnswer adds to the history an answer of which no other entry tells, because it decided
// nothing. A status query that is answered like an earlier one of the same stay in a state adds to
// that one's count. A repeated report of an attempt adds nothing.
func (t *transition) keepAnswer() {
	a, r := t.answer, t.record()
	t.answer = Answer{}
	if a == (Answer{}) {
		return
	}
	trail := r.AuditTrail()
	if a.Question != AskStatus && slices.ContainsFunc(trail, func(e AuditEntry) bool { return e.Answer == a }) {
		return
	}
	t.RecordChanged = true
	first := len(trail)
	for first > 1 && trail[first-1].decidedNothing(trail[first-2].State) {
		first--
	}
	for i := first; i < len(trail); i++ {
		if e := &trail[i]; a.Question == AskStatus && e.Answer.like(a) && e.Attempt == r.AttemptCount {
			e.Answer.Took, e.Count, e.Last = a.Took, max(e.Count, 1)+1, t.now
			r.History[i] = e.line(r.Created)
			return
		}
	}
	if len(trail)-first >= maxAnswers {
		r.History = slices.Delete(r.History, first, first+1)
	}
	t.addEntry(AuditEntry{State: r.State, Answer: a})
}

// like: the same question got the same answer.
func (a Answer) like(b Answer) bool {
	return a.Question == b.Question && a.HTTPStatus == b.HTTPStatus && a.Class == b.Class
}

// decidedNothing: the entry tells of an answer and of nothing else; before is the state of the
// entry before it.
func (e *AuditEntry) decidedNothing(before State) bool {
	return e.Answer != (Answer{}) && e.State == before && e.Note == ""
}
