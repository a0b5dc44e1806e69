package rules

import "github.com/remesa/remesa/providers"

// answerSettled: about a settled payment an answer can only agree or contradict; a contradiction is
// an anomaly.
func (s *step) answerSettled(a AnswerStep) {
	r, o := s.r(), a.Outcome
	switch {
	case s.notOurs(o):
	case r.State == Failed && o.Class == providers.Succeeded:
		s.credit(FateSucceeded, o.ProviderID)
		s.contradict("late_success", o.ProviderID)
	case r.State == Failed && o.Class == providers.Pending && r.PayerUntil == 0: // an unpaid session is no contradiction
		s.contradict("late_pending", o.ProviderID)
	case r.State == Succeeded:
		s.answerSucceeded(a)
	}
	s.watched(a)
}

func (s *step) answerSucceeded(a AnswerStep) {
	r, o := s.r(), a.Outcome
	switch o.Class {
	case providers.Refused:
		s.contradict("refused_after_succeeded", o.ProviderID)
	case providers.Mismatch:
		s.contradict("mismatch", o.ProviderID)
	case providers.Succeeded:
		s.forgetAbsence()
		s.foundAgain(o)
	case providers.NotFound:
		s.missing(a)
	case providers.Pending:
		s.forgetAbsence()
	case providers.InDoubt, providers.Duplicate:
	}
	if r.Anomaly != nil && s.Raised == "not_found_after_succeeded" {
		s.forgetAbsence()
	}
}

func (s *step) forgetAbsence() {
	if r := s.r(); r.NotFounds > 0 {
		r.forgetCounts()
		s.Written = true
	}
}

// foundAgain: a success under another id than the one on record is a second payment.
func (s *step) foundAgain(o Outcome) {
	r := s.r()
	if o.ProviderID == "" {
		return
	}
	before := r.ProviderID
	if before == "" {
		r.ProviderID = o.ProviderID
		s.changed()
	}
	if a := r.byProviderID(o.ProviderID); a != nil && a.Fate != FateSucceeded {
		a.Fate = FateSucceeded
		s.changed()
	}
	switch {
	case before != "" && before != o.ProviderID:
		s.anomaly("second_success", o.ProviderID)
	case o.SecondID != "":
		s.anomaly("second_success", o.SecondID)
	default:
		s.checkSuccesses()
	}
}

func (r *Record) byProviderID(id string) *Attempt {
	for i := range r.Attempts {
		if a := &r.Attempts[i]; id != "" && a.ProviderID == id && a.Fate.mayHaveLeft() {
			return a
		}
	}
	return nil
}

// missing: the provider no longer knows, or never knew, what it is said to have paid. It counts
// like any "not found", and is asked about again until it is confirmed.
func (s *step) missing(a AnswerStep) {
	r := s.r()
	if r.ProofOnly {
		return
	}
	if s.confirmed(a.AskedAt) {
		s.contradict("not_found_after_succeeded", r.ProviderID)
		return
	}
	if r.WatchUntil == 0 && r.Askable {
		r.WatchUntil = s.in(day)
		s.Written = true
	}
}

// watched says whether the payment is looked at further. A proof is asked for once.
func (s *step) watched(a AnswerStep) {
	r := s.r()
	answered := a.Outcome.Class != providers.InDoubt
	switch {
	case r.WatchUntil == 0:
	case s.now >= r.WatchUntil, r.ProofOnly && answered:
		s.dropDetails()
		s.wake(0)
	case r.ProofOnly:
		s.wake(s.in(a.After))
	case r.NotFounds > 0:
		s.wake(max(s.countsAt(), s.in(a.After)))
	default:
		s.wake(s.watchAgain())
	}
}
