package rules

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Epoch is one life of a store: from its start, or from a failover, to the next. A store that may
// have lost what it acknowledged begins a new one, so that everybody notices.
type Epoch struct {
	Number int64 `json:"epoch"`
	// Version rises with each change.
	Version int64 `json:"version"`
	// RunID is the server's own name of its present run; empty if the server does not tell it.
	RunID string `json:"run_id,omitempty"`
	Since Time   `json:"since"`
	// Loss is set while the store is known to have forgotten sends that nobody has accounted for.
	Loss *Loss `json:"loss,omitempty"`
}

// Loss is what a store is known to have forgotten. While it stands, a payment that waits to be sent
// may have been sent already: see suspect.
type Loss struct {
	// Since is when it was proven or declared, by the store's clock.
	Since Time `json:"since"`
	// From and To: the sends with the sequence numbers From+1 to To are missing. Both are zero if
	// nobody knows how many: an operator declared the loss, or the store has lost its epoch.
	From int64 `json:"from,omitempty"`
	To   int64 `json:"to,omitempty"`
	// At is the time of the backup that an operator restored, where he named one.
	At Time `json:"at,omitempty"`
	// Declared is who declared it, and why; empty if it was proven.
	Declared string `json:"declared,omitempty"`
}

// Missing is the number of sends that the store is proven to have forgotten.
func (l *Loss) Missing() int64 { return l.To - l.From }

// StoreFacts is what a store says about itself.
type StoreFacts struct {
	RunID string
	// Sequence is the number of sends that the store has counted.
	Sequence int64
}

// KnownStore is what a process remembers of a store: the highest epoch and the highest sequence
// number that it has seen there.
type KnownStore struct{ Epoch, Sequence int64 }

// EpochChange is why an epoch begins, or changes.
type EpochChange string

// Why an epoch begins, or changes.
const (
	EpochUnchanged EpochChange = ""
	// EpochFirst: the store has no epoch, and nobody knows of an earlier one.
	EpochFirst EpochChange = "first"
	// EpochRestarted: the server was restarted, or another one has taken over.
	EpochRestarted EpochChange = "restarted"
	// EpochForgot: the store has forgotten sends, or its epoch.
	EpochForgot EpochChange = "forgot"
	// EpochDeclared, EpochClosed: an operator declared a loss, or ended it.
	EpochDeclared EpochChange = "loss_declared"
	EpochClosed   EpochChange = "loss_closed"
	// EpochAccounted: workers have reported each send that the store had forgotten.
	EpochAccounted EpochChange = "loss_accounted_for"
)

// NextEpoch returns the epoch that follows from what the store says and from what the caller
// remembers of it; stored is the zero Epoch where the store has none. The caller also raises the
// store's sequence number to the one that it remembers, so that no number is counted twice.
func NextEpoch(stored Epoch, s StoreFacts, known KnownStore, now Time) (Epoch, EpochChange) {
	next, why := stored, EpochUnchanged
	switch {
	case stored.Number == 0 && known.Epoch == 0:
		why = EpochFirst
	case stored.Number < known.Epoch:
		why = EpochForgot
	case stored.RunID != s.RunID && s.RunID != "" && stored.RunID != "":
		why = EpochRestarted
	}
	switch {
	case leftOutInTest(sequenceProvesLoss):
	case known.Sequence > s.Sequence:
		why = EpochForgot
		next.Loss = stored.Loss.extend(s.Sequence, known.Sequence, now)
	case why == EpochForgot && known.Sequence > 0: // others have counted on meanwhile: nobody knows how many
		next.Loss = stored.Loss.extend(0, 0, now)
	}
	if why == EpochUnchanged {
		return stored, why
	}
	next.Number, next.Version, next.Since = max(stored.Number, known.Epoch)+1, stored.Version+1, now
	if s.RunID != "" {
		next.RunID = s.RunID
	}
	return next, why
}

// extend adds sends that the store is proven to lack. What is sent again after an earlier loss is
// suspect once more.
func (l *Loss) extend(from, to int64, now Time) *Loss {
	out := Loss{}
	if l != nil {
		out = *l
	}
	switch {
	case to == 0:
	case out.Missing() == 0:
		out.From, out.To = from, to
	default:
		out.From, out.To = min(out.From, from), max(out.To, to)
	}
	out.Since = now
	return &out
}

// DeclareLoss is an operator's word that the store has forgotten sends, because a backup was
// restored for example. at is the time of the backup; zero if unknown.
func DeclareLoss(e Epoch, at, now Time, declared string) Epoch {
	loss := Loss{}
	if e.Loss != nil {
		loss = *e.Loss
	}
	loss.Since, loss.At, loss.Declared = now, at, declared
	e.Loss, e.Version = &loss, e.Version+1
	return e
}

// CloseLoss ends a loss.
func CloseLoss(e Epoch) Epoch {
	e.Loss, e.Version = nil, e.Version+1
	return e
}

// Text is the epoch as the store keeps it: JSON.
func (e Epoch) Text() string {
	text, _ := json.Marshal(e) // it has no value that JSON cannot write
	return string(text)
}

// Parse reads an epoch from its text.
func (e *Epoch) Parse(text string) error { return json.Unmarshal([]byte(text), e) }

// quietMargin is how much longer than a lease nothing is sent in a new epoch.
const quietMargin = 10 * time.Second

// QuietUntil is when sends go on in a new epoch: by then each attempt of the epoch before has
// ended, and its worker has reported it. The first epoch of a store has no such time.
func (e Epoch) QuietUntil(lease time.Duration) Time {
	if e.Number <= 1 || leftOutInTest(quietTimeInANewEpoch) {
		return 0
	}
	return e.Since.Add(lease + quietMargin)
}

// suspect reports whether a payment that waits to be sent may have been sent already, and the store
// has forgotten it. A payment that was registered while the loss stands is suspect too: its
// producer may submit again what the store forgot.
func (t *transition) suspect() bool {
	r, loss := t.record(), t.facts.Epoch.Loss
	return loss != nil && (r.State == Queued || r.State == Ready) && r.Forgotten < loss.Since && !leftOutInTest(suspectIsQueriedFirst)
}

// maybeForgotten reports whether a payment that waits to be sent may have been sent without a trace
// in the store: it is suspect, or workers may still report it.
func (t *transition) maybeForgotten() bool {
	return t.suspect() || t.now < t.facts.Epoch.QuietUntil(t.policy.Lease)
}

// addForgottenAttempt records the attempt that the store may have forgotten. All rules about an
// open attempt then hold: the provider is queried first, and what it does not find is held.
func (t *transition) addForgottenAttempt() {
	r := t.record()
	r.Attempts = append(r.Attempts, Attempt{ID: forgottenPrefix + strconv.FormatInt(int64(t.now), 10), End: t.now, Fate: Open})
	r.AttemptCount++
	r.Forgotten = t.facts.Epoch.Loss.Since
	r.RetryNotBefore, r.QueryFirst = 0, false
	r.resetCounts()
	t.Suspected = true
	t.setReason(forgottenCode, "", "")
	t.toInDoubt("the store forgot sends; this may be one of them")
}

// Codes of payments that are held after the store forgot sends: the provider did not find the
// payment, or cannot be queried.
const (
	notFoundCode  = "not_found"
	forgottenCode = "forgotten_send"
)

// forgottenPrefix begins the ids of the attempts that addForgottenAttempt adds.
const forgottenPrefix = "forgotten-"

// forgottenAttempt returns the open attempt that addForgottenAttempt added, or nil.
func (r *Record) forgottenAttempt() *Attempt {
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a.Fate.undecided() && strings.HasPrefix(a.ID, forgottenPrefix) {
			return a
		}
	}
	return nil
}

// SendForgotten makes a payment ready that is held because the store forgot sends: the provider did
// not find it, or cannot be queried. The operator takes the risk that it was executed.
func SendForgotten(r Record, p Policy, f Facts, now Time, iv Intervention) (Change, error) {
	t, err := newIntervention(r, p, f, now, iv)
	switch {
	case err != nil:
		return Change{}, err
	case r.State != Held || r.Forgotten == 0 || r.Code != notFoundCode && r.Code != forgottenCode:
		return r.refuse(RefusedNotForgotten, "only a payment that is held because the store forgot sends can be sent so; this one is %s, code %s", r.State, r.Code)
	}
	forgotten := t.record().forgottenAttempt()
	if forgotten == nil || t.record().countAttempts(Fate.mayHaveLeft, forgotten) > 0 {
		return r.refuse(RefusedMayHaveLeft, "another attempt may have been executed")
	}
	forgotten.Fate, forgotten.Inferred = NotExecuted, true
	t.setReason("", "", "")
	t.toReady(0, iv.Text)
	return t.applied(), nil
}
