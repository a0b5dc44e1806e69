package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/shell"
)

// tableText is the language of a table: that of whoever reads it on a terminal, and English
// everywhere else, where a program may read it.
func (a *app) tableText() i18n.Locale {
	if a.toPeople {
		return a.text
	}
	return i18n.New(i18n.English, nil)
}

// coloured is a text about a payment in the colour of its state.
func coloured(p shell.Paint, s idempotency.State, text string) string {
	switch s {
	case idempotency.Succeeded:
		return p.Good(text)
	case idempotency.InDoubt, idempotency.Held, idempotency.Blocked:
		return p.Warn(text)
	case idempotency.Failed, idempotency.Reversed:
		return p.Bad(text)
	case idempotency.Queued, idempotency.Ready, idempotency.Sending, idempotency.Pending:
	}
	return text
}

// columnAmount is an amount in a table.
func (a *app) columnAmount(amount, currency string) string {
	if a.toPeople {
		return a.text.Amount(amount, currency)
	}
	return amount
}

// columnTime is a time in a table.
func (a *app) columnTime(t time.Time) string {
	if a.toPeople {
		return a.text.TimeInColumn(t)
	}
	return t.Format(time.RFC3339)
}

// countOf is a count for people. In English it has no separators: scripts have read it from stderr
// since before there was another language.
func countOf(l i18n.Locale, n int) i18n.Number {
	if l.Tag().Language == i18n.English.Language {
		return i18n.Number{N: int64(n), Text: strconv.Itoa(n)}
	}
	return i18n.Count(l, n)
}

// describe is an error as people read it: in their language as far as there are words for it, and
// else as it is.
func (a *app) describe(err error) string {
	text := err.Error()
	if r, is := errors.AsType[idempotency.Refusal](err); is {
		if why, known := a.text.Refusal(err); known {
			text = strings.Replace(text, r.Error(), idempotency.ErrRefused.Error()+": "+why, 1)
		}
	}
	words := &a.text.CLI
	for _, known := range []struct {
		err  error
		text string
	}{
		{idempotency.ErrUnknown, words.Errors.NoPayment},
		{billing.ErrUnknown, words.Errors.NoSubscription},
		{idempotency.ErrVersionChanged, words.Errors.VersionChanged},
		{billing.ErrVersionChanged, words.Errors.VersionChanged},
		{idempotency.ErrRefused, words.Errors.Refused},
		{idempotency.ErrDamaged, words.Errors.Damaged},
		{errInput, words.Submit.InputUnreadable},
		{errOutput, words.Submit.OutputUnwritable},
		{errWritten, words.Submit.ChangedWhileRead},
		{errChanged, words.Submit.ChangedWhileSubmitted},
	} {
		if errors.Is(err, known.err) {
			text = strings.Replace(text, known.err.Error(), known.text, 1)
		}
	}
	return a.text.Say(text)
}
