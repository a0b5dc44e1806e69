package i18n

import (
	"errors"

	"github.com/remesa/remesa/idempotency"
)

// refusal is the words for a reason; state is the payment's label, and wait how long to wait, where
// the reason says so. English has none: the ledger's own words are.
type refusal func(state, wait string) string

// always is a text that depends on nothing.
func always(text string) refusal { return func(_, _ string) string { return text } }

// Refusal is why the ledger refused an intervention; false where no words are known for err. It
// names no command and no flag.
func (l Locale) Refusal(err error) (string, bool) {
	r, is := errors.AsType[idempotency.Refusal](err)
	if !is {
		return "", false
	}
	words, known := l.row.refusals[r.Reason]
	if !known {
		return "", false
	}
	return words(l.StateLabel(r.State), Count(l, r.Seconds).Text+" s"), true
}
