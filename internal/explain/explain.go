// Package explain tells in plain words, in the reader's language, what happened to a payment, why
// it was or was not sent again, and what must happen next. It tells what the record holds, and
// guesses nothing.
package explain

import (
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/seal"
)

// Story is a payment's history in words.
type Story struct {
	// Sentences are in the order of the history, one for each entry.
	Sentences []Sentence
	// Now is what is known of it at present.
	Now  string
	Next Next
}

// Sentence tells one entry of the history.
type Sentence struct {
	At time.Time
	// State is the payment's after the entry.
	State idempotency.State
	Text  string
}

// Next is what must happen next.
type Next struct {
	Who  Who
	Text string
	// At is when remesa looks at the payment again; zero if it does not.
	At time.Time
}

// Teller tells payments in one language.
type Teller struct {
	words  *words
	locale i18n.Locale
}

// In tells payments in the locale's language.
func In(l i18n.Locale) Teller {
	if l.Tag().Language == i18n.Spanish.Language {
		return Teller{&spanish, l}
	}
	return Teller{&english, l}
}

// InEnglish tells payments to programs, and to whoever reads what programs keep.
func InEnglish() Teller { return In(i18n.New(i18n.English, nil)) }

// Explain tells a payment's record.
//
//	story := explain.InEnglish().Explain(record)
//	story.Sentences[0].Text // "It was registered, and waits to be sent."
func (t Teller) Explain(r idempotency.Record) Story {
	s := Story{Now: t.now(r), Next: t.NextStep(r)}
	var before idempotency.State
	gap := r.HistoryGap()
	for i, e := range r.History {
		text := ""
		if gap > 0 && i == gap {
			before = unknown
			text = t.words.Phrases.Gap
		}
		s.Sentences = append(s.Sentences, Sentence{e.At, e.State, text + t.tellEntry(before, e)})
		before = e.State
	}
	return s
}

// now sums up what the record says at present.
func (t Teller) now(r idempotency.Record) string {
	p := &t.words.Phrases
	meaning := t.Meaning(r.State)
	if r.State == idempotency.Ready && r.MayHaveLeft {
		meaning = p.ReadyOpen
	}
	parts := []string{p.State(r.State, t.locale.State(r).Label, meaning)}
	attempts := i18n.Count(t.locale, r.Attempts)
	switch {
	case r.Attempts == 0:
		parts = append(parts, p.NoAttempt)
	case r.State == idempotency.Succeeded || r.State == idempotency.Reversed:
		parts = append(parts, p.Attempts(attempts))
	case r.MayHaveLeft:
		parts = append(parts, p.AttemptsOpen(attempts))
	default:
		parts = append(parts, p.AttemptsClosed(attempts))
	}
	if r.ProviderID != "" {
		parts = append(parts, p.ProviderID(r.ProviderID))
	}
	if text := t.reason(r); text != "" {
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// reason tells code and message. A code that is not remesa's own is the provider's.
func (t Teller) reason(r idempotency.Record) string {
	if r.Code == "" {
		return ""
	}
	words, message := t.words.Codes[r.Code], t.readable(r.Message)
	if words != "" {
		words = ": " + words
	}
	if message != "" {
		message = t.words.Phrases.Quoted(message)
	}
	return t.words.Phrases.Code(r.Code, words, message)
}

// readable is a text that may be sealed.
func (t Teller) readable(text string) string {
	if seal.Sealed([]byte(text)) {
		return t.words.Phrases.Sealed
	}
	return text
}
