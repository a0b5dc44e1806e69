package rules

import (
	"time"

	"github.com/remesa/remesa/providers"
)

// StartQuery recovers a payment whose lease has lapsed, and reports whether there is anything to
// query.
func StartQuery(r Record, p Policy, f Facts, now Time) (Change, bool) {
	t := newTransition(r, p, f, now)
	if t.lapsed() {
		t.recoverLapsed()
	}
	switch t.record().State {
	case Queued, Sending, Blocked:
		return t.Change, false
	case Ready:
		return t.Change, t.record().MayHaveLeft()
	case InDoubt, Pending, Held, Succeeded, Failed, Reversed:
	}
	return t.Change, true
}

// StatusResult is the result of a status query.
type StatusResult struct {
	// Version is the record's version when the query was sent, QueriedAt the store's time then.
	Version   int64
	QueriedAt Time
	Outcome   Outcome
	// QueryAfter is how long until the next query.
	QueryAfter time.Duration
	Answer     Answer
}

// RecordStatus records a status result. If the record has changed since the query was sent, the
// result changes nothing, except that a success in it counts as a late success.
func RecordStatus(r Record, p Policy, f Facts, now Time, res StatusResult) Change {
	t := newTransition(r, p, f, now)
	t.hear(res.Answer)
	if foundAtProvider(res.Outcome.Class) {
		t.QueryProof = QueryProven
		t.facts.QueryProof = QueryProven
	}
	outdated := res.Version != r.Version && !leftOutInTest(statusResultCarriesItsVersion)
	switch {
	case outdated || r.State == Sending:
		if res.Outcome.Class != providers.Succeeded || t.notOurs(res.Outcome) {
			return t.Change
		}
		t.lateStatusSuccess(res.Outcome)
	case r.State.Final():
		t.statusOfFinal(res)
	case r.State == Queued || r.State == Blocked:
		return t.Change
	case r.State == Ready && res.Outcome.Class != providers.Succeeded && res.Outcome.Class != providers.Pending:
		// a refusal or "not found" says nothing about an attempt that is still to come
	case t.notOurs(res.Outcome):
		t.holdReferenceTaken(res)
	default:
		t.applyStatus(res)
	}
	return t.applied()
}

// foundAtProvider: the provider has something under our reference.
func foundAtProvider(c providers.Class) bool {
	return c == providers.Succeeded || c == providers.Pending || c == providers.Refused
}

// notOurs: what the provider has was there before any attempt of ours may have left, and nothing
// proves that it is ours. For a final payment that is so only if a duplicate is on record; anything
// else that is found contradicts the record.
func (t *transition) notOurs(o Outcome) bool {
	final := t.record().State.Final() && t.record().openAttempts() == 0
	return foundAtProvider(o.Class) && t.record().predatesAttempts() && !final && !o.Ours && !leftOutInTest(foreignIsNotAccepted)
}

// holdReferenceTaken: another payment seems to have the reference. An operator must decide.
func (t *transition) holdReferenceTaken(res StatusResult) {
	if t.record().State == Held {
		t.keepQuerying(res)
		return
	}
	t.toHeld("reference_taken", "the provider has a payment under this reference that is not proven to be ours")
}

// lateStatusSuccess records a success in an outdated result. It is attributed to an attempt only if
// it can come from no other.
func (t *transition) lateStatusSuccess(o Outcome) {
	r := t.record()
	if r.State == Sending {
		t.attributeWhileSending(o.ProviderID)
	} else {
		t.attributeFate(FateSucceeded, o.ProviderID)
	}
	if r.State == Succeeded && (o.ProviderID == "" || o.ProviderID == r.ProviderID) {
		return
	}
	t.lateSuccess(o)
}

// attributeWhileSending records a success that was found while an attempt was sending as another
// attempt's: the only one that it can come from, or else a new one named "found".
func (t *transition) attributeWhileSending(providerID string) {
	r := t.record()
	own := r.attempt(r.Owner)
	var other *Attempt
	for i := range r.Attempts {
		a := &r.Attempts[i]
		switch {
		case a == own || !a.Fate.mayHaveLeft():
		case providerID != "" && a.ProviderID == providerID, other == nil && r.countAttempts(Fate.mayHaveLeft, own) == 1:
			other = a
		}
	}
	if other == nil || other.ProviderID != "" && providerID != "" && other.ProviderID != providerID {
		r.Attempts = append(r.Attempts, Attempt{ID: "found", End: t.now})
		other = &r.Attempts[len(r.Attempts)-1]
	}
	other.Inferred = other.Inferred || !other.reported()
	other.Fate = FateSucceeded
	if providerID != "" {
		other.ProviderID = providerID
	}
}

// applyStatus applies a result to a payment that is in doubt, pending, held, or ready with an
// attempt that may have left.
func (t *transition) applyStatus(res StatusResult) {
	o := res.Outcome
	switch o.Class {
	case providers.Succeeded:
		t.attributeFate(FateSucceeded, o.ProviderID)
		t.toSucceeded(o, "")
		t.checkSecondID(o)
	case providers.Pending:
		t.foundPending(res)
	case providers.Refused:
		t.foundRefused(res)
	case providers.NotFound:
		t.notFound(res)
	case providers.Mismatch:
		t.foundMismatch(res)
	case providers.InDoubt, providers.Duplicate:
		t.keepQuerying(res)
	}
}

// checkSecondID raises an anomaly if the provider has two successes for the payment.
func (t *transition) checkSecondID(o Outcome) {
	if o.SecondID != "" {
		t.raiseAnomaly("second_success", o.SecondID)
	}
}

// keepQuerying counts a result that decided nothing, and sets when the next query is due. Past the
// poll deadline the payment is held; a payer's session that was found unpaid fails.
func (t *transition) keepQuerying(res StatusResult) {
	r := t.record()
	t.RecordChanged = true
	r.Polls++
	if r.State == Pending && r.ActionURL != "" && t.now >= r.PayerDeadline {
		t.dropActionURL()
	}
	unpaid := res.Outcome.Class == providers.Pending || leftOutInTest(expiryNeedsAStatusResult)
	switch {
	case r.State == Held:
		t.setDue(t.after(day))
	case t.lastQuery(res) && res.Outcome.Class != providers.InDoubt && unpaid:
		t.setReason("expired_unpaid", "", "")
		t.finalize(Failed, "nobody paid in time")
	case t.lastQuery(res) && res.Outcome.Class != providers.InDoubt:
		t.toHeld("expiry_unclear", "the payer's time is over, and the provider did not say that nobody paid")
	case t.overdue():
		t.toHeld("poll_deadline", "no final answer by the poll deadline")
	default:
		t.setDue(t.nextQuery(res.QueryAfter))
	}
}

// lastQuery: the payer's time and grace were over when the query was sent.
func (t *transition) lastQuery(res StatusResult) bool {
	r := t.record()
	return r.State == Pending && r.PayerDeadline != 0 && res.QueriedAt >= r.pollDeadline(t.policy)
}

// pollDeadline is when a payment that is still undecided is held. A payer who must act has the
// provider's time and a grace.
func (r *Record) pollDeadline(p Policy) Time {
	if r.PayerDeadline != 0 {
		return r.PayerDeadline + r.PayerGrace
	}
	return r.PollingSince.Add(p.PollDeadline)
}

// overdue: no final result came by the deadline. A payer's session is queried for a day longer.
func (t *transition) overdue() bool { return t.now >= t.record().overdueAt(t.policy) }

func (r *Record) overdueAt(p Policy) Time {
	if r.PayerDeadline != 0 {
		return r.pollDeadline(p).Add(day)
	}
	return r.pollDeadline(p)
}

// dropActionURL withdraws the action URL: the payer's time is over.
func (t *transition) dropActionURL() {
	t.record().ActionURL = ""
	t.bumpVersion()
	t.addUnanswered(t.record().State, "the payer's time is over")
}

// nextCountingTime is the earliest time at which a query counts if it finds nothing or a refusal.
func (t *transition) nextCountingTime() Time {
	r := t.record()
	at := r.lastEnd().Add(t.policy.SettleTime)
	if r.NotFoundAt != 0 {
		at = max(at, r.NotFoundAt.Add(t.policy.NotFoundInterval))
	}
	if r.RefusedAt != 0 {
		at = max(at, r.RefusedAt.Add(t.policy.SettleTime))
	}
	return at
}

// nextQuery is when to query again: after the backoff, or earlier if a result counts earlier, but
// never past the poll deadline.
func (t *transition) nextQuery(after time.Duration) Time {
	r := t.record()
	due := t.after(after)
	sooner := func(at Time) {
		if at > t.now && at < due {
			due = at
		}
	}
	if r.State == InDoubt || r.RefusedAt != 0 {
		sooner(t.nextCountingTime())
	}
	if r.ActionURL != "" {
		sooner(r.PayerDeadline)
	}
	sooner(r.pollDeadline(t.policy))
	return due
}

// foundPending makes a payment in doubt or ready pending at once. A held payment stays held and
// only records the provider id.
func (t *transition) foundPending(res StatusResult) {
	r, o := t.record(), res.Outcome
	r.resetCounts()
	t.RecordChanged = true
	if r.State == InDoubt || r.State == Ready {
		t.attributeFate(FatePending, o.ProviderID)
		t.applyOutcome(o)
		t.toPending(res.QueryAfter, "")
		return
	}
	if r.State == Held && r.openAttempts() > 0 && r.ProviderID == "" {
		t.attributeFate(FatePending, o.ProviderID)
		r.ProviderID = o.ProviderID
		t.bumpVersion()
		t.addHistory(r.State, "the provider says: pending")
	}
	t.keepQuerying(res)
}

// foundRefused believes a refusal only if two queries find it, a settle time apart, and the second
// is sent a settle time after the last attempt's end or later.
func (t *transition) foundRefused(res StatusResult) {
	r, o := t.record(), res.Outcome
	r.NotFounds, r.NotFoundAt = 0, 0
	t.RecordChanged = true
	early := res.QueriedAt < r.lastEnd().Add(t.policy.SettleTime) || res.QueriedAt < r.RefusedAt.Add(t.policy.SettleTime)
	if (r.RefusedAt == 0 || early) && !leftOutInTest(refusalReadTwice) {
		if r.RefusedAt == 0 {
			r.RefusedAt = res.QueriedAt
		}
		t.keepQuerying(res)
		return
	}
	refused := r.countAttempts(func(f Fate) bool { return f == FateRefused }, nil)
	named := r.ProviderID != "" && r.ProviderID == o.ProviderID && r.openAttempts() == 0
	switch {
	case leftOutInTest(refusalNeedsNoOther), r.countAttempts(Fate.mayHaveLeft, nil) <= 1 && (named || refused == 0):
		r.refuseAttempts()
		t.applyOutcome(o)
		t.finalize(Failed, "")
	case r.State == Held:
		t.keepQuerying(res)
	default:
		t.toHeld("refusal_unclear", "refused, but another attempt may have been executed")
	}
}

// refuseAttempts closes the attempts that may have left as refused.
func (r *Record) refuseAttempts() {
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if a.Fate.mayHaveLeft() {
			a.Inferred = a.Inferred || !a.reported()
			a.Fate = FateRefused
		}
	}
}

// notFound applies a result of "not found". Absence proves nothing until it is confirmed.
func (t *transition) notFound(res StatusResult) {
	r := t.record()
	r.RefusedAt = 0
	t.RecordChanged = true
	switch {
	case r.State == Held, t.lastQuery(res):
		t.keepQuerying(res)
	case r.RiskAccepted:
		t.toReady(0, "not found; double risk accepted")
	case !t.confirmNotFound(res.QueriedAt):
		t.keepQuerying(res)
	default:
		t.confirmedNotFound()
	}
}

// confirmNotFound counts a "not found" that was queried late enough, and reports whether there are
// enough of them.
func (t *transition) confirmNotFound(queriedAt Time) bool {
	r := t.record()
	if queriedAt < r.lastEnd().Add(t.policy.SettleTime) && !leftOutInTest(notFoundAfterSettleTime) {
		return false
	}
	if r.NotFoundAt != 0 && queriedAt < r.NotFoundAt.Add(t.policy.NotFoundInterval) {
		return false
	}
	r.NotFounds++
	r.NotFoundAt = queriedAt
	t.RecordChanged = true
	return r.NotFounds >= max(t.policy.Confirmations, 1) || leftOutInTest(notFoundConfirmed)
}

// confirmedNotFound resends the payment if the policy allows it and the account's status query is
// proven. Otherwise the payment is held.
func (t *transition) confirmedNotFound() {
	r := t.record()
	known := r.State == Pending || r.QueryFirst || r.countAttempts(func(f Fate) bool { return f.knownToProvider() || f == Duplicated }, nil) > 0
	spent := r.Resends >= t.policy.MaxResends && !leftOutInTest(resendIsBounded)
	switch {
	case !t.policy.Resend || spent || known:
		t.toHeld(notFoundCode, "the provider does not know it")
	case t.facts.QueryProof != QueryProven:
		t.toHeld("lookup_unproven", "not found, but no status query of this account has ever found a payment")
	default:
		r.Resends++
		t.toReady(0, "not found")
	}
}

// foundMismatch holds the payment: the provider has another payment under our reference.
func (t *transition) foundMismatch(res StatusResult) {
	switch {
	case t.record().State == Held:
		t.keepQuerying(res)
	case res.Outcome.Code != "":
		t.toHeld(res.Outcome.Code, res.Outcome.Message)
	default:
		t.toHeld("mismatch", res.Outcome.Message)
	}
}
