package rules

import (
	"time"

	"github.com/remesa/remesa/providers"
)

// A late result is the report of an attempt that no longer owns the payment: its lease has lapsed,
// a status query or an operator has decided, or another attempt is sending. What it does depends on
// the payment's state; "closed" means that the attempt counts as not executed or refused from here
// on.
//
// Success (lateSuccess):
//   - queued, ready, in_doubt, pending, held, blocked: the payment succeeds. If it was known under
//     another provider id, that raises the anomaly second_success.
//   - sending: it is recorded. The owner's checkpoint is refused, and the payment succeeds when the
//     owner ends. If the owner succeeds under another provider id, that raises second_success.
//   - succeeded: the same provider id changes nothing, and one where none is on record is recorded.
//     Any other raises second_success.
//   - reversed: another provider id raises second_success.
//   - failed: it raises late_success.
//
// Pending (latePending):
//   - queued, ready, in_doubt, blocked: the payment is pending.
//   - sending: when the owner ends without a success, the provider is queried first.
//   - held: the payment stays held; the provider id is recorded.
//   - pending: it is recorded if it has the same provider id; another id changes nothing.
//   - succeeded, reversed: nothing changes.
//   - failed: it raises late_pending.
//
// Refusal (lateRefusal):
//   - succeeded from this attempt: it raises refused_after_succeeded.
//   - neither final nor sending, and the provider has the payment only from this attempt: it raises
//     refused_after_pending, and the provider is queried at once, where it can be.
//   - otherwise the attempt is closed. If no other attempt may have left, the payment fails, unless
//     it is sending, pending or final.
//
// Not sent (lateNotSent), which is a Release, or a mismatch before the money step:
//   - succeeded or reversed from this attempt: nothing changes.
//   - neither final nor sending, and the provider has the payment only from this attempt: it raises
//     not_sent_but_known.
//   - otherwise the attempt is closed. If no other attempt may have left, a payment that is
//     in_doubt or held is ready.
//
// In doubt, duplicate, not found, or a mismatch after the money step (lateDoubt):
//   - the state stays. The attempt's end moves to now, and the counts of "not found" and refusals
//     start again. Before the money step nothing changes.
//
// If the store had lost the attempt or its checkpoint, a late doubt also puts a queued, ready or
// blocked payment in doubt and has a final one watched, and a late pending has a succeeded or
// reversed one watched: see watchUnrecorded.

// lateResult records what an attempt reports that no longer owns the payment.
func (t *transition) lateResult(a *Attempt, fin FinishParams) {
	switch o := fin.Outcome; o.Class {
	case providers.Succeeded:
		a.Fate, a.ProviderID, a.Inferred = FateSucceeded, o.ProviderID, false
		t.lateSuccess(o)
	case providers.Pending:
		t.latePending(a, o, fin.QueryAfter)
	case providers.Refused:
		t.lateRefusal(a, o)
	case providers.Mismatch, providers.InDoubt, providers.Duplicate, providers.NotFound:
		if a.Fate == MoneyStepAhead {
			if o.Class == providers.Mismatch {
				t.lateNotSent(a)
			}
			return
		}
		if o.Class == providers.Duplicate && a.Fate == Open {
			a.Fate = Duplicated
			t.bumpVersion()
		}
		t.lateDoubt(a)
	}
}

// lateSuccess applies a success that is on record as an attempt's fate, or that an outdated status
// result found.
func (t *transition) lateSuccess(o Outcome) {
	r := t.record()
	switch r.State {
	case Sending:
		t.bumpVersion()
		t.addHistory(r.State, "late success of another attempt")
		t.checkSuccesses()
	case Succeeded, Reversed:
		t.bumpVersion()
		t.repeatedSuccess(o)
	case Failed:
		t.bumpVersion()
		t.raiseContradiction("late_success", o.ProviderID)
	case Queued, Ready, InDoubt, Pending, Held, Blocked:
		t.toSucceeded(o, "late result")
	}
}

// raiseContradiction raises an anomaly: the provider contradicts the record.
func (t *transition) raiseContradiction(kind, providerID string) {
	if !leftOutInTest(contradictionIsAnomaly) {
		t.raiseAnomaly(kind, providerID)
	}
}

// repeatedSuccess records the provider id where none is on record. Another id, or another attempt's
// success without the same id, is a second success.
func (t *transition) repeatedSuccess(o Outcome) {
	r := t.record()
	if r.State == Reversed && o.ProviderID != r.ProviderID {
		t.raiseAnomaly("second_success", o.ProviderID)
		return
	}
	if id, two := r.secondSuccess(); two && !leftOutInTest(twoSuccessesAreTwo) {
		t.raiseAnomaly("second_success", id)
		return
	}
	switch {
	case o.ProviderID == r.ProviderID:
	case o.ProviderID == "" && r.countAttempts(Fate.mayHaveLeft, nil) > 1 && !leftOutInTest(twoSuccessesAreTwo):
		t.raiseAnomaly("second_success", "") // it may be the success on record or another attempt's
	case o.ProviderID == "":
	case r.ProviderID == "":
		r.ProviderID = o.ProviderID
		t.bumpVersion()
		t.addHistory(r.State, "provider id recorded")
	default:
		t.raiseAnomaly("second_success", o.ProviderID)
	}
}

// latePending: the provider has the attempt and decides later.
func (t *transition) latePending(a *Attempt, o Outcome, after time.Duration) {
	r := t.record()
	switch {
	case r.State == Succeeded || r.State == Reversed:
		if t.unrecordedAttempt {
			t.watchUnrecorded("late_pending", o.ProviderID)
		}
		return
	case r.State == Pending && o.ProviderID != r.ProviderID:
		return
	}
	a.Fate, a.ProviderID, a.Inferred = FatePending, o.ProviderID, false
	t.bumpVersion()
	switch r.State {
	case Sending:
		r.QueryFirst = true
	case Failed:
		t.raiseContradiction("late_pending", o.ProviderID)
	case Held:
		if r.ProviderID == "" {
			r.ProviderID = o.ProviderID
		}
		t.addHistory(r.State, "late result: pending")
	case Queued, Ready, InDoubt, Blocked:
		t.applyOutcome(o)
		t.toPending(after, "late result")
	case Pending, Succeeded, Reversed:
	}
}

// knownOnlyFrom: the provider has the payment, and can have it from this attempt only.
func (t *transition) knownOnlyFrom(a *Attempt) bool {
	r := t.record()
	known := r.State == Pending || r.countAttempts(Fate.knownToProvider, nil) > 0
	return known && (a == r.sourceAttempt() || r.countAttempts(Fate.mayHaveLeft, a) == 0)
}

// closeAttempt closes the attempt by its own report.
func (t *transition) closeAttempt(a *Attempt, fate Fate) {
	a.Fate, a.Inferred, a.ProviderID = fate, false, ""
	a.End = max(a.End, t.now)
	t.bumpVersion()
}

// lateNotSent: the attempt's request never left, or was refused before execution.
func (t *transition) lateNotSent(a *Attempt) {
	r := t.record()
	if !r.State.Final() && r.State != Sending && t.knownOnlyFrom(a) {
		t.raiseContradiction("not_sent_but_known", r.ProviderID)
		return
	}
	if (r.State == Succeeded || r.State == Reversed) && a == r.sourceAttempt() {
		return
	}
	t.closeAttempt(a, NotExecuted)
	if (r.State == InDoubt || r.State == Held) && !r.MayHaveLeft() {
		t.toReady(0, "late result: not sent")
	}
}

// lateRefusal: the provider refused the attempt.
func (t *transition) lateRefusal(a *Attempt, o Outcome) {
	r := t.record()
	switch {
	case r.State == Succeeded && a == r.sourceAttempt():
		t.raiseContradiction("refused_after_succeeded", r.ProviderID)
		return
	case !r.State.Final() && r.State != Sending && t.knownOnlyFrom(a):
		t.raiseContradiction("refused_after_pending", r.ProviderID)
		if r.Queryable {
			t.setDue(t.now)
		}
		return
	}
	t.closeAttempt(a, FateRefused)
	if !r.State.Final() && r.State != Sending && r.State != Pending && (!r.MayHaveLeft() || leftOutInTest(refusalNeedsNoOther)) {
		t.applyOutcome(o)
		t.finalize(Failed, "late result")
	}
}

// lateDoubt moves the attempt's end, so that status results from before it no longer count. If the
// store had lost the attempt, a payment that would be sent is put in doubt, so that the provider is
// queried first, and a final one is watched.
func (t *transition) lateDoubt(a *Attempt) {
	r := t.record()
	if t.now > a.End && !leftOutInTest(lateDoubtRestartsTheCounts) {
		a.End = t.now
		r.resetCounts()
		t.RecordChanged = true
	}
	switch {
	case !t.unrecordedAttempt:
	case r.State == Queued || r.State == Ready || r.State == Blocked:
		t.setReason("result_unrecorded", "", "")
		t.toInDoubt("it must be queried first")
	case r.State.Final():
		t.watchUnrecorded("late_doubt", "")
	}
}

// watchUnrecorded watches a final payment of which an attempt that the store had lost may have been
// executed as well. Where the provider cannot be queried, it raises an anomaly.
func (t *transition) watchUnrecorded(kind, providerID string) {
	r := t.record()
	if !r.Queryable {
		t.raiseContradiction(kind, providerID)
		return
	}
	r.WatchUntil, r.ProofQueryOnly = t.after(watchTime), false
	t.setDue(t.now)
}
