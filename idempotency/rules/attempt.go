package rules

import (
	"time"

	"github.com/remesa/remesa/providers"
)

// CheckpointParams keeps what the provider gave before the next step of an attempt.
type CheckpointParams struct {
	Attempt      string
	ProviderRefs map[string]string
	// MoneyStepNext: the next step can move money; the attempt is open from here on.
	MoneyStepNext bool
}

// Checkpoint keeps handles. It is refused where the attempt no longer owns the payment, and where another
// attempt's success is known by now: a second one must not be sent.
func Checkpoint(r Record, p Policy, now Time, n CheckpointParams) (Change, error) {
	s := newTransition(r, p, Facts{}, now)
	own := s.record().attempt(n.Attempt)
	if own == nil || r.State != Sending || r.Owner != n.Attempt || now >= r.LeaseEnd {
		if !leftOutInTest(checkpointNeedsTheLease) || own == nil {
			return Change{}, ErrNotOwner
		}
	}
	if r.successOf(own) != nil && !leftOutInTest(otherSuccessStopsTheNextSend) {
		return Change{}, ErrNotOwner
	}
	s.mergeProviderRefs(n.ProviderRefs)
	if n.MoneyStepNext {
		own.Fate = Open
		s.NeedsReplicas = true
	}
	s.bumpVersion()
	return s.applied(), nil
}

// ReleaseParams reports that an attempt was not executed.
type ReleaseParams struct {
	Attempt, Reason string
	// After is how long the payment waits before it may begin again.
	After time.Duration
}

// Release makes the payment ready again. An attempt that the record lacks is kept as not executed,
// so that its Begin, which may still be on its way, finds that it is over.
func Release(r Record, p Policy, f Facts, now Time, rel ReleaseParams) Change {
	s := newTransition(r, p, f, now)
	a := s.record().attempt(rel.Attempt)
	switch {
	case a == nil && r.State.Final():
		return noChange(r)
	case a == nil:
		s.record().Attempts = append(s.record().Attempts, Attempt{ID: rel.Attempt, End: now, Fate: NotExecuted})
		s.record().pruneUnexecuted()
		s.bumpVersion()
		return s.Change
	case a.reported() && !leftOutInTest(reportedFateIsFinal):
		return noChange(r)
	case r.State == Sending && r.Owner == rel.Attempt:
		s.releaseOwner(a, rel)
	default:
		s.lateNotSent(a)
	}
	return s.applied()
}

func (s *transition) releaseOwner(own *Attempt, rel ReleaseParams) {
	own.End, own.Fate = s.now, NotExecuted
	switch {
	case s.record().successOf(own) != nil:
		s.applyOtherSuccess("")
	case s.record().mustQueryFirst():
		s.setReason("ask_first", "", "")
		s.toInDoubt("a late result must be asked about")
	default:
		s.toReady(rel.After, rel.Reason)
	}
}

// maxDefer bounds how far Defer moves a due time, so that nothing has to be swept when its
// reason ends.
const maxDefer = 30 * time.Second

// Defer moves only the due time of what waits before Begin.
func Defer(r Record, p Policy, now Time, after time.Duration) Change {
	s := newTransition(r, p, Facts{}, now)
	if r.State.Final() && r.WatchUntil == 0 || r.State == Blocked || r.State == Sending {
		return noChange(r)
	}
	due := s.after(min(max(after, 0), maxDefer))
	if r.State == Queued {
		due = max(due, r.NotBefore)
	}
	s.setDue(due)
	return s.applied()
}

// FinishParams reports an attempt's outcome.
type FinishParams struct {
	Attempt string
	Outcome Outcome
	// MoneyStepReached: the attempt came to a step that can move money, whatever the record says.
	MoneyStepReached bool
	// QueryAfter is how long until the first question, where one is due.
	QueryAfter time.Duration
}

// Finish records what the attempt came to. Repeating it changes nothing. An attempt that the record
// lacks was lost by the store: it is kept as one that may have been executed, and its report as a
// late result.
func Finish(r Record, p Policy, f Facts, now Time, fin FinishParams) Change {
	s := newTransition(r, p, f, now)
	a := s.record().attempt(fin.Attempt)
	if a == nil {
		if leftOutInTest(unknownAttemptIsKept) || !fin.MoneyStepReached && !fin.Outcome.providerHasIt() {
			return noChange(r)
		}
		a = s.insertAttempt(fin.Attempt)
	}
	if a.reported() && !leftOutInTest(reportedFateIsFinal) {
		return noChange(r)
	}
	if a.Fate == MoneyStepAhead && fin.MoneyStepReached && !leftOutInTest(moneyStepReachedIsOpen) {
		a.Fate = Open
		s.markUnrecorded(a)
	}
	if r.State == Sending && r.Owner == fin.Attempt {
		s.finishOwner(a, fin)
	} else {
		s.lateResult(a, fin)
	}
	return s.applied()
}

// providerHasIt: the provider said that it has the payment.
func (o Outcome) providerHasIt() bool {
	return o.Class == providers.Succeeded || o.Class == providers.Pending
}

// insertAttempt keeps an attempt that nobody recorded as one that may have been executed.
func (s *transition) insertAttempt(id string) *Attempt {
	r := s.record()
	r.Attempts = append(r.Attempts, Attempt{ID: id, End: s.now, Fate: Open})
	r.AttemptCount++
	a := &r.Attempts[len(r.Attempts)-1]
	s.markUnrecorded(a)
	return a
}

// markUnrecorded: the attempt may have been executed, and nobody knew. It must be asked about before
// anything is sent.
func (s *transition) markUnrecorded(a *Attempt) {
	r := s.record()
	s.unrecordedAttempt = true
	s.bumpVersion()
	s.addHistory(r.State, "an attempt that nobody knew to have been sent")
	if r.State == Sending && r.Owner != a.ID {
		r.QueryFirst = true
	}
}

// finishOwner is the outcome of the attempt that owns the payment.
func (s *transition) finishOwner(a *Attempt, fin FinishParams) {
	r, o := s.record(), fin.Outcome
	a.End = s.now
	known := r.ProviderID
	switch o.Class {
	case providers.Succeeded:
		a.Fate, a.ProviderID = FateSucceeded, o.ProviderID
		s.toSucceeded(o, "")
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
	if r.successOf(a) != nil && !leftOutInTest(otherSuccessStopsTheNextSend) {
		id := o.ProviderID
		if o.Class == providers.Refused {
			id = ""
		}
		s.applyOtherSuccess(id)
		return
	}
	s.applyOutcome(o)
	if o.Class == providers.Refused && r.MayHaveLeft() {
		r.ProviderID = known // the others must be asked about, not this one
	}
	s.finishUndecided(a, fin)
}

// finishUndecided is what follows where the owner did not succeed, nor another attempt.
func (s *transition) finishUndecided(a *Attempt, fin FinishParams) {
	r, o := s.record(), fin.Outcome
	askFirst := r.mustQueryFirst()
	switch {
	case o.Class == providers.Pending:
		s.toPending(fin.QueryAfter, "")
	case o.Class == providers.Mismatch:
		if a.Fate == MoneyStepAhead {
			a.Fate = NotExecuted
		}
		code := o.Code
		if code == "" {
			code = "mismatch"
		}
		s.toHeld(code, o.Message)
	case o.Class == providers.Refused && (!r.MayHaveLeft() || leftOutInTest(refusalNeedsNoOther)) && !askFirst:
		s.finalize(Failed, "")
	case a.Fate == MoneyStepAhead && !askFirst:
		a.Fate = NotExecuted
		s.toReady(fin.QueryAfter, o.Code)
	default:
		s.toInDoubt("")
	}
}
