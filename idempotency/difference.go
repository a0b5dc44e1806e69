package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/remesa/remesa/idempotency/rules"
)

// AnomalyOfStatement is the kind of the anomaly that RecordDifference raises.
const AnomalyOfStatement = rules.StatementDifference

// StatementDifference is what a statement of a bank or a provider says of one payment, and the
// ledger does not.
type StatementDifference struct {
	Actor
	// Found are the differences with the lines that have them, such as "amount_differs row 7".
	Found []string
	// SHA256 is that of the statement, in hexadecimal; File its name, which the history keeps.
	SHA256, File string
}

// Bounds of what the history keeps of a difference.
const (
	mostFound   = 4
	longestName = 80
)

var (
	foundForm  = regexp.MustCompile(`^[a-z_]{1,40}( row [0-9]{1,10})?$`)
	sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func (d StatementDifference) validate() error {
	switch {
	case len(d.Found) == 0 || slices.ContainsFunc(d.Found, func(f string) bool { return !foundForm.MatchString(f) }):
		return fmt.Errorf("%w: a difference needs its kind and its row, such as \"amount_differs row 7\"", ErrRefused)
	case !sha256Form.MatchString(d.SHA256):
		return fmt.Errorf("%w: a difference needs the statement's SHA-256, in hexadecimal", ErrRefused)
	case d.File == "" || len(d.File) > longestName || strings.ContainsFunc(d.File, unicode.IsControl):
		return fmt.Errorf("%w: a difference needs the statement's name, of at most %d bytes", ErrRefused, longestName)
	}
	return d.Actor.validate()
}

// id names the difference: the same ones of the same statement have the same id, whatever the
// statement is called.
func (d StatementDifference) id() string {
	found := slices.Sorted(slices.Values(d.Found))
	hash := sha256.Sum256([]byte(d.SHA256 + "\n" + strings.Join(found, "\n")))
	return hex.EncodeToString(hash[:8])
}

// text is what the history keeps of it, behind the note.
func (d StatementDifference) text() string {
	found := strings.Join(d.Found[:min(len(d.Found), mostFound)], ", ")
	if more := len(d.Found) - mostFound; more > 0 {
		found += fmt.Sprintf(" and %d more", more)
	}
	return found + " of " + d.File + " sha256 " + d.SHA256
}

// RecordDifference flags a payment with an anomaly, as an operator found a statement to differ from
// it: Transition.Applied is unset where the same difference of the same statement is on record, or
// was cleared. It changes no state. ErrVersionChanged is the error where the record has another
// version by now, ErrRefused where it has another anomaly.
func (l *Ledger) RecordDifference(ctx context.Context, k Key, version int64, d StatementDifference) (Transition, error) {
	if err := d.validate(); err != nil {
		return Transition{}, err
	}
	return l.intervene(ctx, "record_difference", k, version, d.Actor,
		func(r rules.Record, p Policy, f rules.Facts, now rules.Time, iv rules.Intervention) (rules.Change, error) {
			iv.Text += "; " + d.text()
			return rules.RecordDifference(r, p, f, now, rules.DifferenceParams{Intervention: iv, ID: d.id()})
		})
}
