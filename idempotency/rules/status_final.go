package rules

import "github.com/remesa/remesa/providers"

// statusOfFinal: about a settled payment an answer can only agree or contradict; a contradiction is
// an anomaly.
func (s *transition) statusOfFinal(a StatusResult) {
	r, o := s.record(), a.Outcome
	switch {
	case s.notOurs(o):
	case r.State == Failed && o.Class == providers.Succeeded:
		s.attributeFate(FateSucceeded, o.ProviderID)
		s.raiseContradiction("late_success", o.ProviderID)
	case r.State == Failed && o.Class == providers.Pending && r.PayerDeadline == 0: // an unpaid session is no contradiction
		s.raiseContradiction("late_pending", o.ProviderID)
	case r.State == Succeeded:
		s.statusOfSucceeded(a)
	}
	s.continueWatch(a)
}

func (s *transition) statusOfSucceeded(a StatusResult) {
	r, o := s.record(), a.Outcome
	switch o.Class {
	case providers.Refused:
		s.raiseContradiction("refused_after_succeeded", o.ProviderID)
	case providers.Mismatch:
		s.raiseContradiction("mismatch", o.ProviderID)
	case providers.Succeeded:
		s.forgetNotFounds()
		s.checkFoundID(o)
	case providers.NotFound:
		s.notFoundAfterSuccess(a)
	case providers.Pending:
		s.forgetNotFounds()
	case providers.InDoubt, providers.Duplicate:
	}
	if r.Anomaly != nil && s.AnomalyRaised == "not_found_after_succeeded" {
		s.forgetNotFounds()
	}
}

func (s *transition) forgetNotFounds() {
	if r := s.record(); r.NotFounds > 0 {
		r.resetCounts()
		s.RecordChanged = true
	}
}

// checkFoundID: a success under another id than the one on record is a second payment.
func (s *transition) checkFoundID(o Outcome) {
	r := s.record()
	if o.ProviderID == "" {
		return
	}
	before := r.ProviderID
	if before == "" {
		r.ProviderID = o.ProviderID
		s.bumpVersion()
	}
	if a := r.byProviderID(o.ProviderID); a != nil && a.Fate != FateSucceeded {
		a.Fate = FateSucceeded
		s.bumpVersion()
	}
	switch {
	case before != "" && before != o.ProviderID:
		s.raiseAnomaly("second_success", o.ProviderID)
	case o.SecondID != "":
		s.raiseAnomaly("second_success", o.SecondID)
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

// notFoundAfterSuccess: the provider no longer knows, or never knew, what it is said to have paid. It counts
// like any "not found", and is asked about again until it is confirmed.
func (s *transition) notFoundAfterSuccess(a StatusResult) {
	r := s.record()
	if r.ProofQueryOnly {
		return
	}
	if s.confirmNotFound(a.QueriedAt) {
		s.raiseContradiction("not_found_after_succeeded", r.ProviderID)
		return
	}
	if r.WatchUntil == 0 && r.Queryable {
		r.WatchUntil = s.after(day)
		s.RecordChanged = true
	}
}

// continueWatch says whether the payment is looked at further. A proof is asked for once.
func (s *transition) continueWatch(a StatusResult) {
	r := s.record()
	answered := a.Outcome.Class != providers.InDoubt
	switch {
	case r.WatchUntil == 0:
	case s.now >= r.WatchUntil, r.ProofQueryOnly && answered:
		s.dropPayload()
		s.setDue(0)
	case r.ProofQueryOnly:
		s.setDue(s.after(a.QueryAfter))
	case r.NotFounds > 0:
		s.setDue(max(s.nextCountingTime(), s.after(a.QueryAfter)))
	default:
		s.setDue(s.nextWatch())
	}
}
