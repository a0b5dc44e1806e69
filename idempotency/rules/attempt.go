package rules

import (
	"time"

	"github.com/remesa/remesa/providers"
)

// CheckpointParams is what an attempt writes down before its next step.
type CheckpointParams struct {
	Attempt      string
	ProviderRefs map[string]string
	// MoneyStepNext: the next step is the money step; the attempt is open from here on.
	MoneyStepNext bool
}

// Checkpoint records provider references. It returns ErrNotOwner if the attempt no longer owns the
// payment, or if another attempt has succeeded meanwhile: the attempt must not send then.
func Checkpoint(r Record, p Policy, now Time, cp CheckpointParams) (Change, error) {
	t := newTransition(r, p, Facts{}, now)
	own := t.record().attempt(cp.Attempt)
	if own == nil || r.State != Sending || r.Owner != cp.Attempt || now >= r.LeaseEnd {
		if !leftOutInTest(checkpointNeedsTheLease) || own == nil {
			return Change{}, ErrNotOwner
		}
	}
	if r.successOf(own) != nil && !leftOutInTest(otherSuccessStopsTheNextSend) {
		return Change{}, ErrNotOwner
	}
	t.mergeProviderRefs(cp.ProviderRefs)
	if cp.MoneyStepNext {
		own.Fate = Open
		t.NeedsReplicas, t.CountsSend = true, true
	}
	t.bumpVersion()
	return t.applied(), nil
}

// ReleaseParams reports that an attempt was not executed.
type ReleaseParams struct {
	Attempt, Reason string
	// After is how long the payment waits until it may begin again.
	After  time.Duration
	Answer Answer
}

// Release makes the payment ready again. If the record lacks the attempt, Release records it as not
// executed, so that its Begin, which may still be on its way, does not send it. A release of an
// attempt that no longer owns the payment is a late result: see lateNotSent.
func Release(r Record, p Policy, f Facts, now Time, rel ReleaseParams) Change {
	t := newTransition(r, p, f, now)
	t.hear(rel.Answer)
	a := t.record().attempt(rel.Attempt)
	switch {
	case a == nil && r.State.Final():
		return noChange(r)
	case a == nil:
		t.record().Attempts = append(t.record().Attempts, Attempt{ID: rel.Attempt, End: now, Fate: NotExecuted})
		t.record().pruneUnexecuted()
		t.bumpVersion()
		return t.Change
	case a.reported() && !leftOutInTest(reportedFateIsFinal):
		return noChange(r)
	case r.State == Sending && r.Owner == rel.Attempt:
		t.releaseOwner(a, rel)
	default:
		t.lateNotSent(a)
	}
	return t.applied()
}

func (t *transition) releaseOwner(own *Attempt, rel ReleaseParams) {
	own.End, own.Fate = t.now, NotExecuted
	t.refund()
	switch {
	case t.record().successOf(own) != nil:
		t.applyOtherSuccess("")
	case t.record().mustQueryFirst():
		t.setReason("query_first", "", "")
		t.toInDoubt("a late result must be queried")
	default:
		t.toReady(rel.After, rel.Reason)
	}
}

// maxDefer bounds how far Defer moves a due time, so that nothing needs to be woken when its reason
// ends.
const maxDefer = 30 * time.Second

// Defer moves the due time, at most maxDefer ahead, and changes nothing else. It leaves a sending,
// a blocked and an unwatched final payment alone.
func Defer(r Record, p Policy, now Time, after time.Duration) Change {
	t := newTransition(r, p, Facts{}, now)
	if r.State.Final() && r.WatchUntil == 0 || r.State == Blocked || r.State == Sending {
		return noChange(r)
	}
	due := t.after(min(max(after, 0), maxDefer))
	if r.State == Queued {
		due = max(due, r.NotBefore)
	}
	t.setDue(due)
	return t.applied()
}

// FinishParams is an attempt's report of its outcome.
type FinishParams struct {
	Attempt string
	Outcome Outcome
	// MoneyStepReached: the attempt came to its money step, whatever the record says.
	MoneyStepReached bool
	// Queryable: the provider has a status query for this payment. It matters only if the record
	// lacks the attempt.
	Queryable bool
	// QueryAfter is how long until the first status query, where one is due.
	QueryAfter time.Duration
	Answer     Answer
}

// Finish records an attempt's outcome. Repeating it changes nothing. The report of an attempt that
// no longer owns the payment is a late result: see lateResult. If the record lacks the attempt, the
// store has lost it: Finish records it as one that may have been executed, and its report as late.
func Finish(r Record, p Policy, f Facts, now Time, fin FinishParams) Change {
	t := newTransition(r, p, f, now)
	t.hear(fin.Answer)
	a := t.record().attempt(fin.Attempt)
	if a == nil {
		if leftOutInTest(unknownAttemptIsKept) || !fin.MoneyStepReached && !fin.Outcome.providerHasIt() {
			return noChange(r)
		}
		t.record().Queryable = r.Queryable || fin.Queryable
		a = t.insertAttempt(fin.Attempt)
	}
	if a.reported() && !leftOutInTest(reportedFateIsFinal) {
		return noChange(r)
	}
	if a.Fate == MoneyStepAhead && fin.MoneyStepReached && !leftOutInTest(moneyStepReachedIsOpen) {
		a.Fate = Open
		t.markUnrecorded(a)
	}
	if r.State == Sending && r.Owner == fin.Attempt {
		t.finishOwner(a, fin)
	} else {
		t.lateResult(a, fin)
	}
	return t.applied()
}

// providerHasIt: by its outcome, the provider has the payment.
func (o Outcome) providerHasIt() bool {
	return o.Class == providers.Succeeded || o.Class == providers.Pending
}

// insertAttempt records an attempt that the store has lost as one that may have been executed.
func (t *transition) insertAttempt(id string) *Attempt {
	r := t.record()
	r.Attempts = append(r.Attempts, Attempt{ID: id, End: t.now, Fate: Open})
	r.AttemptCount++
	a := &r.Attempts[len(r.Attempts)-1]
	t.markUnrecorded(a)
	return a
}

// markUnrecorded: the attempt may have been executed, and the record did not say so. The provider
// must be queried before anything is sent again.
func (t *transition) markUnrecorded(a *Attempt) {
	r := t.record()
	t.unrecordedAttempt = true
	t.bumpVersion()
	t.addUnanswered(r.State, "the record did not show that this attempt was sent")
	if r.State == Sending && r.Owner != a.ID {
		r.QueryFirst = true
	}
}

// finishOwner records the outcome of the attempt that owns the payment.
func (t *transition) finishOwner(a *Attempt, fin FinishParams) {
	r, o := t.record(), fin.Outcome
	a.End = t.now
	known := r.ProviderID
	switch o.Class {
	case providers.Succeeded:
		a.Fate, a.ProviderID = FateSucceeded, o.ProviderID
		t.toSucceeded(o, "")
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
		t.applyOtherSuccess(id)
		return
	}
	t.applyOutcome(o)
	if o.Class == providers.Refused && r.MayHaveLeft() {
		r.ProviderID = known // the other attempts must be queried, not this one
	}
	t.finishUndecided(a, fin)
}

// finishUndecided sets the state where neither the owner nor another attempt succeeded.
func (t *transition) finishUndecided(a *Attempt, fin FinishParams) {
	r, o := t.record(), fin.Outcome
	queryFirst := r.mustQueryFirst()
	switch {
	case o.Class == providers.Pending:
		t.toPending(fin.QueryAfter, "")
	case o.Class == providers.Mismatch:
		if a.Fate == MoneyStepAhead {
			a.Fate = NotExecuted
		}
		code := o.Code
		if code == "" {
			code = "mismatch"
		}
		t.toHeld(code, o.Message)
	case o.Class == providers.Refused && (!r.MayHaveLeft() || leftOutInTest(refusalNeedsNoOther)) && !queryFirst:
		t.finalize(Failed, "")
	case a.Fate == MoneyStepAhead && !queryFirst:
		a.Fate = NotExecuted
		t.refund()
		t.toReady(fin.QueryAfter, o.Code)
	default:
		t.toInDoubt("")
	}
}
