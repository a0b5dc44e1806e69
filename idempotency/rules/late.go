package rules

import (
	"time"

	"github.com/remesa/remesa/providers"
)

// late is what an attempt reports that no longer owns the payment.
func (s *step) late(a *Attempt, fin FinishStep) {
	switch o := fin.Outcome; o.Class {
	case providers.Succeeded:
		a.Fate, a.ProviderID, a.Heard = FateSucceeded, o.ProviderID, false
		s.lateSuccess(o)
	case providers.Pending:
		s.latePending(a, o, fin.After)
	case providers.Refused:
		s.lateRefusal(a, o)
	case providers.Mismatch, providers.InDoubt, providers.Duplicate, providers.NotFound:
		if a.Fate == NotYet {
			if o.Class == providers.Mismatch {
				s.lateNotSent(a)
			}
			return
		}
		if o.Class == providers.Duplicate && a.Fate == Open {
			a.Fate = Duplicated
			s.changed()
		}
		s.lateDoubt(a)
	}
}

// lateSuccess: the attempt's fate says so already, or, of a question, nobody's.
func (s *step) lateSuccess(o Outcome) {
	r := s.r()
	switch r.State {
	case Sending:
		s.changed()
		s.remember(r.State, "late success of another attempt")
		s.checkSuccesses()
	case Succeeded, Reversed:
		s.changed()
		s.successAgain(o)
	case Failed:
		s.changed()
		s.contradict("late_success", o.ProviderID)
	case Queued, Ready, InDoubt, Pending, Held, Blocked:
		s.succeed(o, "late result")
	}
}

// contradict flags what a settled payment's provider said against it.
func (s *step) contradict(kind, providerID string) {
	if !off(contradictionIsAnomaly) {
		s.anomaly(kind, providerID)
	}
}

// successAgain: an id that was not known yet is learnt; another id, or another attempt's success
// that does not carry the same one, is a second success.
func (s *step) successAgain(o Outcome) {
	r := s.r()
	if r.State == Reversed && o.ProviderID != r.ProviderID {
		s.anomaly("second_success", o.ProviderID)
		return
	}
	if id, two := r.twoSuccesses(); two && !off(twoSuccessesAreTwo) {
		s.anomaly("second_success", id)
		return
	}
	switch {
	case o.ProviderID == r.ProviderID:
	case o.ProviderID == "" && r.count(Fate.mayHaveLeft, nil) > 1 && !off(twoSuccessesAreTwo):
		s.anomaly("second_success", "") // whether it is the one on record or the other attempt's, nobody knows
	case o.ProviderID == "":
	case r.ProviderID == "":
		r.ProviderID = o.ProviderID
		s.changed()
		s.remember(r.State, "provider id learnt")
	default:
		s.anomaly("second_success", o.ProviderID)
	}
}

func (s *step) latePending(a *Attempt, o Outcome, after time.Duration) {
	r := s.r()
	switch {
	case r.State == Succeeded || r.State == Reversed:
		if s.inserted {
			s.watchUnrecorded("late_pending", o.ProviderID)
		}
		return
	case r.State == Pending && o.ProviderID != r.ProviderID:
		return
	}
	a.Fate, a.ProviderID, a.Heard = FatePending, o.ProviderID, false
	s.changed()
	switch r.State {
	case Sending:
		r.AskFirst = true
	case Failed:
		s.contradict("late_pending", o.ProviderID)
	case Held:
		if r.ProviderID == "" {
			r.ProviderID = o.ProviderID
		}
		s.remember(r.State, "late result: pending")
	case Queued, Ready, InDoubt, Blocked:
		s.take(o)
		s.await(after, "late result")
	case Pending, Succeeded, Reversed:
	}
}

// knownFrom: the provider has the payment, and only this attempt can have brought it there.
func (s *step) knownFrom(a *Attempt) bool {
	r := s.r()
	known := r.State == Pending || r.count(Fate.known, nil) > 0
	return known && (a == r.source() || r.count(Fate.mayHaveLeft, a) == 0)
}

// closeAs closes the attempt by its own proof.
func (s *step) closeAs(a *Attempt, fate Fate) {
	a.Fate, a.Heard, a.ProviderID = fate, false, ""
	a.End = max(a.End, s.now)
	s.changed()
}

func (s *step) lateNotSent(a *Attempt) {
	r := s.r()
	if !r.State.Final() && r.State != Sending && s.knownFrom(a) {
		s.contradict("not_sent_but_known", r.ProviderID)
		return
	}
	if (r.State == Succeeded || r.State == Reversed) && a == r.source() {
		return
	}
	s.closeAs(a, NotExecuted)
	if (r.State == InDoubt || r.State == Held) && !r.MayHaveLeft() {
		s.ready(0, "late result: not sent")
	}
}

func (s *step) lateRefusal(a *Attempt, o Outcome) {
	r := s.r()
	switch {
	case r.State == Succeeded && a == r.source():
		s.contradict("refused_after_succeeded", r.ProviderID)
		return
	case !r.State.Final() && r.State != Sending && s.knownFrom(a):
		s.contradict("refused_after_pending", r.ProviderID)
		if r.Askable {
			s.wake(s.now)
		}
		return
	}
	s.closeAs(a, FateRefused)
	if !r.State.Final() && r.State != Sending && r.State != Pending && (!r.MayHaveLeft() || off(refusalNeedsNoOther)) {
		s.take(o)
		s.settle(Failed, "late result")
	}
}

// lateDoubt moves the attempt's end and nothing else; answers before it no longer count. A payment
// that would be sent though this attempt may have been executed, because the store had lost it, is
// asked about first.
func (s *step) lateDoubt(a *Attempt) {
	r := s.r()
	if s.now > a.End && !off(lateEndRestartsTheCount) {
		a.End = s.now
		r.forgetCounts()
		s.Written = true
	}
	switch {
	case !s.inserted:
	case r.State == Queued || r.State == Ready || r.State == Blocked:
		s.word("result_unrecorded", "", "")
		s.doubt("it must be asked about first")
	case r.State.Final():
		s.watchUnrecorded("late_doubt", "")
	}
}

// watchUnrecorded: a payment is settled, and an attempt that the store had lost may have been
// executed as well. It is looked for; where nobody can be asked, a person must know.
func (s *step) watchUnrecorded(kind, providerID string) {
	r := s.r()
	if !r.Askable {
		s.contradict(kind, providerID)
		return
	}
	r.WatchUntil, r.ProofOnly = s.in(watchTime), false
	s.wake(s.now)
}
