package rules

import (
	"time"

	"github.com/remesa/remesa/providers"
)

// lateResult is what an attempt reports that no longer owns the payment.
func (s *transition) lateResult(a *Attempt, fin FinishParams) {
	switch o := fin.Outcome; o.Class {
	case providers.Succeeded:
		a.Fate, a.ProviderID, a.Inferred = FateSucceeded, o.ProviderID, false
		s.lateSuccess(o)
	case providers.Pending:
		s.latePending(a, o, fin.QueryAfter)
	case providers.Refused:
		s.lateRefusal(a, o)
	case providers.Mismatch, providers.InDoubt, providers.Duplicate, providers.NotFound:
		if a.Fate == MoneyStepAhead {
			if o.Class == providers.Mismatch {
				s.lateNotSent(a)
			}
			return
		}
		if o.Class == providers.Duplicate && a.Fate == Open {
			a.Fate = Duplicated
			s.bumpVersion()
		}
		s.lateDoubt(a)
	}
}

// lateSuccess: the attempt's fate says so already, or, of a question, nobody's.
func (s *transition) lateSuccess(o Outcome) {
	r := s.record()
	switch r.State {
	case Sending:
		s.bumpVersion()
		s.addHistory(r.State, "late success of another attempt")
		s.checkSuccesses()
	case Succeeded, Reversed:
		s.bumpVersion()
		s.repeatedSuccess(o)
	case Failed:
		s.bumpVersion()
		s.raiseContradiction("late_success", o.ProviderID)
	case Queued, Ready, InDoubt, Pending, Held, Blocked:
		s.toSucceeded(o, "late result")
	}
}

// raiseContradiction flags what a settled payment's provider said against it.
func (s *transition) raiseContradiction(kind, providerID string) {
	if !leftOutInTest(contradictionIsAnomaly) {
		s.raiseAnomaly(kind, providerID)
	}
}

// repeatedSuccess: an id that was not known yet is learnt; another id, or another attempt's success
// that does not carry the same one, is a second success.
func (s *transition) repeatedSuccess(o Outcome) {
	r := s.record()
	if r.State == Reversed && o.ProviderID != r.ProviderID {
		s.raiseAnomaly("second_success", o.ProviderID)
		return
	}
	if id, two := r.secondSuccess(); two && !leftOutInTest(twoSuccessesAreTwo) {
		s.raiseAnomaly("second_success", id)
		return
	}
	switch {
	case o.ProviderID == r.ProviderID:
	case o.ProviderID == "" && r.countAttempts(Fate.mayHaveLeft, nil) > 1 && !leftOutInTest(twoSuccessesAreTwo):
		s.raiseAnomaly("second_success", "") // whether it is the one on record or the other attempt's, nobody knows
	case o.ProviderID == "":
	case r.ProviderID == "":
		r.ProviderID = o.ProviderID
		s.bumpVersion()
		s.addHistory(r.State, "provider id learnt")
	default:
		s.raiseAnomaly("second_success", o.ProviderID)
	}
}

func (s *transition) latePending(a *Attempt, o Outcome, after time.Duration) {
	r := s.record()
	switch {
	case r.State == Succeeded || r.State == Reversed:
		if s.unrecordedAttempt {
			s.watchUnrecorded("late_pending", o.ProviderID)
		}
		return
	case r.State == Pending && o.ProviderID != r.ProviderID:
		return
	}
	a.Fate, a.ProviderID, a.Inferred = FatePending, o.ProviderID, false
	s.bumpVersion()
	switch r.State {
	case Sending:
		r.QueryFirst = true
	case Failed:
		s.raiseContradiction("late_pending", o.ProviderID)
	case Held:
		if r.ProviderID == "" {
			r.ProviderID = o.ProviderID
		}
		s.addHistory(r.State, "late result: pending")
	case Queued, Ready, InDoubt, Blocked:
		s.applyOutcome(o)
		s.toPending(after, "late result")
	case Pending, Succeeded, Reversed:
	}
}

// knownOnlyFrom: the provider has the payment, and only this attempt can have brought it there.
func (s *transition) knownOnlyFrom(a *Attempt) bool {
	r := s.record()
	known := r.State == Pending || r.countAttempts(Fate.knownToProvider, nil) > 0
	return known && (a == r.sourceAttempt() || r.countAttempts(Fate.mayHaveLeft, a) == 0)
}

// closeAttempt closes the attempt by its own proof.
func (s *transition) closeAttempt(a *Attempt, fate Fate) {
	a.Fate, a.Inferred, a.ProviderID = fate, false, ""
	a.End = max(a.End, s.now)
	s.bumpVersion()
}

func (s *transition) lateNotSent(a *Attempt) {
	r := s.record()
	if !r.State.Final() && r.State != Sending && s.knownOnlyFrom(a) {
		s.raiseContradiction("not_sent_but_known", r.ProviderID)
		return
	}
	if (r.State == Succeeded || r.State == Reversed) && a == r.sourceAttempt() {
		return
	}
	s.closeAttempt(a, NotExecuted)
	if (r.State == InDoubt || r.State == Held) && !r.MayHaveLeft() {
		s.toReady(0, "late result: not sent")
	}
}

func (s *transition) lateRefusal(a *Attempt, o Outcome) {
	r := s.record()
	switch {
	case r.State == Succeeded && a == r.sourceAttempt():
		s.raiseContradiction("refused_after_succeeded", r.ProviderID)
		return
	case !r.State.Final() && r.State != Sending && s.knownOnlyFrom(a):
		s.raiseContradiction("refused_after_pending", r.ProviderID)
		if r.Queryable {
			s.setDue(s.now)
		}
		return
	}
	s.closeAttempt(a, FateRefused)
	if !r.State.Final() && r.State != Sending && r.State != Pending && (!r.MayHaveLeft() || leftOutInTest(refusalNeedsNoOther)) {
		s.applyOutcome(o)
		s.finalize(Failed, "late result")
	}
}

// lateDoubt moves the attempt's end and nothing else; answers before it no longer count. A payment
// that would be sent though this attempt may have been executed, because the store had lost it, is
// asked about first.
func (s *transition) lateDoubt(a *Attempt) {
	r := s.record()
	if s.now > a.End && !leftOutInTest(lateDoubtRestartsTheCounts) {
		a.End = s.now
		r.resetCounts()
		s.RecordChanged = true
	}
	switch {
	case !s.unrecordedAttempt:
	case r.State == Queued || r.State == Ready || r.State == Blocked:
		s.setReason("result_unrecorded", "", "")
		s.toInDoubt("it must be asked about first")
	case r.State.Final():
		s.watchUnrecorded("late_doubt", "")
	}
}

// watchUnrecorded: a payment is settled, and an attempt that the store had lost may have been
// executed as well. It is looked for; where nobody can be asked, a person must know.
func (s *transition) watchUnrecorded(kind, providerID string) {
	r := s.record()
	if !r.Queryable {
		s.raiseContradiction(kind, providerID)
		return
	}
	r.WatchUntil, r.ProofQueryOnly = s.after(watchTime), false
	s.setDue(s.now)
}
