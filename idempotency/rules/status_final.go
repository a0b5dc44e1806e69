package rules

import "github.com/remesa/remesa/providers"

// statusOfFinal compares a result with a final payment. A contradiction raises an anomaly; the
// state stays.
func (t *transition) statusOfFinal(res StatusResult) {
	r, o := t.record(), res.Outcome
	switch {
	case t.notOurs(o):
	case r.State == Failed && o.Class == providers.Succeeded:
		t.attributeFate(FateSucceeded, o.ProviderID)
		t.raiseContradiction("late_success", o.ProviderID)
	case r.State == Failed && o.Class == providers.Pending && r.PayerDeadline == 0: // an unpaid session is no contradiction
		t.raiseContradiction("late_pending", o.ProviderID)
	case r.State == Succeeded:
		t.statusOfSucceeded(res)
	}
	t.continueWatch(res)
}

func (t *transition) statusOfSucceeded(res StatusResult) {
	r, o := t.record(), res.Outcome
	switch o.Class {
	case providers.Refused:
		t.raiseContradiction("refused_after_succeeded", o.ProviderID)
	case providers.Mismatch:
		t.raiseContradiction("mismatch", o.ProviderID)
	case providers.Succeeded:
		t.forgetNotFounds()
		t.checkFoundID(o)
	case providers.NotFound:
		t.notFoundAfterSuccess(res)
	case providers.Pending:
		t.forgetNotFounds()
	case providers.InDoubt, providers.Duplicate:
	}
	if r.Anomaly != nil && t.AnomalyRaised == "not_found_after_succeeded" {
		t.forgetNotFounds()
	}
}

func (t *transition) forgetNotFounds() {
	if r := t.record(); r.NotFounds > 0 {
		r.resetCounts()
		t.RecordChanged = true
	}
}

// checkFoundID raises an anomaly if a success has another id than the record: it is a second
// execution.
func (t *transition) checkFoundID(o Outcome) {
	r := t.record()
	if o.ProviderID == "" {
		return
	}
	before := r.ProviderID
	if before == "" {
		r.ProviderID = o.ProviderID
		t.bumpVersion()
	}
	if a := r.byProviderID(o.ProviderID); a != nil && a.Fate != FateSucceeded {
		a.Fate = FateSucceeded
		t.bumpVersion()
	}
	switch {
	case before != "" && before != o.ProviderID:
		t.raiseAnomaly("second_success", o.ProviderID)
	case o.SecondID != "":
		t.raiseAnomaly("second_success", o.SecondID)
	default:
		t.checkSuccesses()
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

// notFoundAfterSuccess: the provider does not know a payment that succeeded by the record. The
// result counts like any "not found", and queries go on until it is confirmed.
func (t *transition) notFoundAfterSuccess(res StatusResult) {
	r := t.record()
	if r.ProofQueryOnly {
		return
	}
	if t.confirmNotFound(res.QueriedAt) {
		t.raiseContradiction("not_found_after_succeeded", r.ProviderID)
		return
	}
	if r.WatchUntil == 0 && r.Queryable {
		r.WatchUntil = t.after(day)
		t.RecordChanged = true
	}
}

// continueWatch sets when the payment is queried next, or ends the watch. A query proof ends with
// the first conclusive result.
func (t *transition) continueWatch(res StatusResult) {
	r := t.record()
	conclusive := res.Outcome.Class != providers.InDoubt
	switch {
	case r.WatchUntil == 0:
	case t.now >= r.WatchUntil, r.ProofQueryOnly && conclusive:
		t.dropPayload()
		t.setDue(0)
	case r.ProofQueryOnly:
		t.setDue(t.after(res.QueryAfter))
	case r.NotFounds > 0:
		t.setDue(max(t.nextCountingTime(), t.after(res.QueryAfter)))
	default:
		t.setDue(t.nextWatch())
	}
}
