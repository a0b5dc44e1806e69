package rules

import (
	"time"

	"github.com/remesa/remesa/providers"
)

// NoteStep keeps what the provider gave before the next step of an attempt.
type NoteStep struct {
	Attempt string
	Handles map[string]string
	// Moves: the next step can move money; the attempt is open from here on.
	Moves bool
}

// Note keeps handles. It is refused where the attempt no longer owns the payment, and where another
// attempt's success is known by now: a second one must not be sent.
func Note(r Record, p Policy, now Time, n NoteStep) (Change, error) {
	s := begin(r, p, Facts{}, now)
	own := s.r().attempt(n.Attempt)
	if own == nil || r.State != Sending || r.Owner != n.Attempt || now >= r.LeaseEnd {
		if !off(noteNeedsTheLease) || own == nil {
			return Change{}, ErrNotOwner
		}
	}
	if r.successOf(own) != nil && !off(evidenceStopsTheNextSend) {
		return Change{}, ErrNotOwner
	}
	s.keep(n.Handles)
	if n.Moves {
		own.Fate = Open
		s.Intent = true
	}
	s.changed()
	return s.done(), nil
}

// ReleaseStep reports that an attempt was not executed.
type ReleaseStep struct {
	Attempt, Reason string
	// After is how long the payment waits before it may begin again.
	After time.Duration
}

// Release makes the payment ready again. An attempt that the record lacks is kept as not executed,
// so that its Begin, which may still be on its way, finds that it is over.
func Release(r Record, p Policy, f Facts, now Time, rel ReleaseStep) Change {
	s := begin(r, p, f, now)
	a := s.r().attempt(rel.Attempt)
	switch {
	case a == nil && r.State.Final():
		return unchanged(r)
	case a == nil:
		s.r().Attempts = append(s.r().Attempts, Attempt{ID: rel.Attempt, End: now, Fate: NotExecuted})
		s.r().forgetUnexecuted()
		s.changed()
		return s.Change
	case a.reported() && !off(reportedFateIsFinal):
		return unchanged(r)
	case r.State == Sending && r.Owner == rel.Attempt:
		s.released(a, rel)
	default:
		s.lateNotSent(a)
	}
	return s.done()
}

func (s *step) released(own *Attempt, rel ReleaseStep) {
	own.End, own.Fate = s.now, NotExecuted
	switch {
	case s.r().successOf(own) != nil:
		s.evidence("")
	case s.r().askFirst():
		s.word("ask_first", "", "")
		s.doubt("a late result must be asked about")
	default:
		s.ready(rel.After, rel.Reason)
	}
}

// longestDefer bounds how far Defer moves a due time, so that nothing has to be swept when its
// reason ends.
const longestDefer = 30 * time.Second

// Defer moves only the due time of what waits before Begin.
func Defer(r Record, p Policy, now Time, after time.Duration) Change {
	s := begin(r, p, Facts{}, now)
	if r.State.Final() && r.WatchUntil == 0 || r.State == Blocked || r.State == Sending {
		return unchanged(r)
	}
	due := s.in(min(max(after, 0), longestDefer))
	if r.State == Queued {
		due = max(due, r.NotBefore)
	}
	s.wake(due)
	return s.done()
}

// FinishStep reports an attempt's outcome.
type FinishStep struct {
	Attempt string
	Outcome Outcome
	// Reached: the attempt came to a step that can move money, whatever the record says.
	Reached bool
	// After is how long until the first question, where one is due.
	After time.Duration
}

// Finish records what the attempt came to. Repeating it changes nothing. An attempt that the record
// lacks was lost by the store: it is kept as one that may have been executed, and its report as a
// late result.
func Finish(r Record, p Policy, f Facts, now Time, fin FinishStep) Change {
	s := begin(r, p, f, now)
	a := s.r().attempt(fin.Attempt)
	if a == nil {
		if off(unknownAttemptIsKept) || !fin.Reached && !fin.Outcome.claims() {
			return unchanged(r)
		}
		a = s.insert(fin.Attempt)
	}
	if a.reported() && !off(reportedFateIsFinal) {
		return unchanged(r)
	}
	if a.Fate == NotYet && fin.Reached && !off(moneyStepReachedIsOpen) {
		a.Fate = Open
		s.unrecorded(a)
	}
	if r.State == Sending && r.Owner == fin.Attempt {
		s.own(a, fin)
	} else {
		s.late(a, fin)
	}
	return s.done()
}

// claims: the provider said that it has the payment.
func (o Outcome) claims() bool {
	return o.Class == providers.Succeeded || o.Class == providers.Pending
}

// insert keeps an attempt that nobody recorded as one that may have been executed.
func (s *step) insert(id string) *Attempt {
	r := s.r()
	r.Attempts = append(r.Attempts, Attempt{ID: id, End: s.now, Fate: Open})
	r.AttemptCount++
	a := &r.Attempts[len(r.Attempts)-1]
	s.unrecorded(a)
	return a
}

// unrecorded: the attempt may have been executed, and nobody knew. It must be asked about before
// anything is sent.
func (s *step) unrecorded(a *Attempt) {
	r := s.r()
	s.inserted = true
	s.changed()
	s.remember(r.State, "an attempt that nobody knew to have been sent")
	if r.State == Sending && r.Owner != a.ID {
		r.AskFirst = true
	}
}

// own is the outcome of the attempt that owns the payment.
func (s *step) own(a *Attempt, fin FinishStep) {
	r, o := s.r(), fin.Outcome
	a.End = s.now
	known := r.ProviderID
	switch o.Class {
	case providers.Succeeded:
		a.Fate, a.ProviderID = FateSucceeded, o.ProviderID
		s.succeed(o, "")
		return
	case providers.Pending:
		a.Fate, a.ProviderID = FatePending, o.ProviderID
	case providers.Refused:
		a.Fate = FateRefused
	case providers.Duplicate:
		if a.Fate == Open {
			a.Fate = Duplicated
		}
	case providers.InDoubt, providers.Mismatch, providers.NotFound:
	}
	if r.successOf(a) != nil && !off(evidenceStopsTheNextSend) {
		id := o.ProviderID
		if o.Class == providers.Refused {
			id = ""
		}
		s.evidence(id)
		return
	}
	s.take(o)
	if o.Class == providers.Refused && r.MayHaveLeft() {
		r.ProviderID = known // the others must be asked about, not this one
	}
	s.undecided(a, fin)
}

// undecided is what follows where the owner did not succeed, nor another attempt.
func (s *step) undecided(a *Attempt, fin FinishStep) {
	r, o := s.r(), fin.Outcome
	askFirst := r.askFirst()
	switch {
	case o.Class == providers.Pending:
		s.await(fin.After, "")
	case o.Class == providers.Mismatch:
		if a.Fate == NotYet {
			a.Fate = NotExecuted
		}
		code := o.Code
		if code == "" {
			code = "mismatch"
		}
		s.hold(code, o.Message)
	case o.Class == providers.Refused && (!r.MayHaveLeft() || off(refusalNeedsNoOther)) && !askFirst:
		s.settle(Failed, "")
	case a.Fate == NotYet && !askFirst:
		a.Fate = NotExecuted
		s.ready(fin.After, o.Code)
	default:
		s.doubt("")
	}
}
