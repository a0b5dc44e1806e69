package rules

import (
	"time"

	"github.com/remesa/remesa/providers"
)

// StartQuery recovers a payment whose lease lapsed, and says whether there is anything to ask about.
func StartQuery(r Record, p Policy, f Facts, now Time) (Change, bool) {
	s := newTransition(r, p, f, now)
	if s.lapsed() {
		s.recoverLapsed()
	}
	switch s.record().State {
	case Queued, Sending, Blocked:
		return s.Change, false
	case Ready:
		return s.Change, s.record().MayHaveLeft()
	case InDoubt, Pending, Held, Succeeded, Failed, Reversed:
	}
	return s.Change, true
}

// StatusResult is what the provider said to a question.
type StatusResult struct {
	// Version is that of the record when the question was asked, QueriedAt the store's time of it.
	Version   int64
	QueriedAt Time
	Outcome   Outcome
	// QueryAfter is how long until the next question.
	QueryAfter time.Duration
}

// RecordStatus records what the provider said. An answer that is out of date changes nothing, except that
// a success in it is late evidence.
func RecordStatus(r Record, p Policy, f Facts, now Time, a StatusResult) Change {
	s := newTransition(r, p, f, now)
	if foundAtProvider(a.Outcome.Class) {
		s.QueryProof = QueryProven
		s.facts.QueryProof = QueryProven
	}
	outdated := a.Version != r.Version && !leftOutInTest(statusResultCarriesItsVersion)
	switch {
	case outdated || r.State == Sending:
		if a.Outcome.Class != providers.Succeeded || s.notOurs(a.Outcome) {
			return s.Change
		}
		s.lateStatusSuccess(a.Outcome)
	case r.State.Final():
		s.statusOfFinal(a)
	case r.State == Queued || r.State == Blocked:
		return s.Change
	case r.State == Ready && a.Outcome.Class != providers.Succeeded && a.Outcome.Class != providers.Pending:
		// what was refused, or is not there, says nothing of an attempt yet to come
	case s.notOurs(a.Outcome):
		s.holdReferenceTaken(a)
	default:
		s.applyStatus(a)
	}
	return s.applied()
}

// foundAtProvider: the provider has something under our reference.
func foundAtProvider(c providers.Class) bool {
	return c == providers.Succeeded || c == providers.Pending || c == providers.Refused
}

// notOurs: what was found was there before any attempt of ours may have left, and nothing proves
// that it is ours. Of a settled payment only a duplicate is known to be so: what else is found
// contradicts.
func (s *transition) notOurs(o Outcome) bool {
	settled := s.record().State.Final() && s.record().openAttempts() == 0
	return foundAtProvider(o.Class) && s.record().predatesAttempts() && !settled && !o.Ours && !leftOutInTest(foreignIsNotAccepted)
}

// holdReferenceTaken: the reference is somebody else's, as far as anybody can see.
func (s *transition) holdReferenceTaken(a StatusResult) {
	if s.record().State == Held {
		s.keepQuerying(a)
		return
	}
	s.toHeld("reference_taken", "the provider has a payment under this reference that is not proven to be ours")
}

// lateStatusSuccess is a success in an answer that came too late: it is of no attempt in particular, unless
// it can only be of one.
func (s *transition) lateStatusSuccess(o Outcome) {
	r := s.record()
	if r.State == Sending {
		s.attributeWhileSending(o.ProviderID)
	} else {
		s.attributeFate(FateSucceeded, o.ProviderID)
	}
	if r.State == Succeeded && (o.ProviderID == "" || o.ProviderID == r.ProviderID) {
		return
	}
	s.lateSuccess(o)
}

// attributeWhileSending keeps a success that was found while an attempt was sending as another attempt's:
// the only one that it can be, or one of no name.
func (s *transition) attributeWhileSending(providerID string) {
	r := s.record()
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
		r.Attempts = append(r.Attempts, Attempt{ID: "found", End: s.now})
		other = &r.Attempts[len(r.Attempts)-1]
	}
	other.Inferred = other.Inferred || !other.reported()
	other.Fate = FateSucceeded
	if providerID != "" {
		other.ProviderID = providerID
	}
}

// answer is what an answer makes of a payment in doubt, pending, held, or ready with an attempt
// that may have left.
func (s *transition) applyStatus(a StatusResult) {
	o := a.Outcome
	switch o.Class {
	case providers.Succeeded:
		s.attributeFate(FateSucceeded, o.ProviderID)
		s.toSucceeded(o, "")
		s.checkSecondID(o)
	case providers.Pending:
		s.foundPending(a)
	case providers.Refused:
		s.foundRefused(a)
	case providers.NotFound:
		s.notFound(a)
	case providers.Mismatch:
		s.foundMismatch(a)
	case providers.InDoubt, providers.Duplicate:
		s.keepQuerying(a)
	}
}

// checkSecondID: the provider may have two successes for one payment; the second is never dropped.
func (s *transition) checkSecondID(o Outcome) {
	if o.SecondID != "" {
		s.raiseAnomaly("second_success", o.SecondID)
	}
}

// keepQuerying counts an answer that decided nothing, and sets when to ask next.
func (s *transition) keepQuerying(a StatusResult) {
	r := s.record()
	s.RecordChanged = true
	r.Polls++
	if r.State == Pending && r.ActionURL != "" && s.now >= r.PayerDeadline {
		s.dropActionURL()
	}
	unpaid := a.Outcome.Class == providers.Pending || leftOutInTest(expiryNeedsAStatusResult)
	switch {
	case r.State == Held:
		s.setDue(s.after(day))
	case s.lastQuery(a) && a.Outcome.Class != providers.InDoubt && unpaid:
		s.setReason("expired_unpaid", "", "")
		s.finalize(Failed, "nobody paid in time")
	case s.lastQuery(a) && a.Outcome.Class != providers.InDoubt:
		s.toHeld("expiry_unclear", "the payer's time is over, and the provider did not say that nobody paid")
	case s.overdue():
		s.toHeld("poll_deadline", "no final answer by the poll deadline")
	default:
		s.setDue(s.nextQuery(a.QueryAfter))
	}
}

// lastQuery: the payer's time was over when it was asked.
func (s *transition) lastQuery(a StatusResult) bool {
	r := s.record()
	return r.State == Pending && r.PayerDeadline != 0 && a.QueriedAt >= r.pollDeadline(s.policy)
}

// pollDeadline: what is undecided then is held. A payer who must act has the time that the provider
// gives, and a grace.
func (r *Record) pollDeadline(p Policy) Time {
	if r.PayerDeadline != 0 {
		return r.PayerDeadline + r.PayerGrace
	}
	return r.PollingSince.Add(p.PollDeadline)
}

// overdue: nobody answered by the deadline; whether a payer paid in time is asked for a day longer.
func (s *transition) overdue() bool {
	deadline := s.record().pollDeadline(s.policy)
	if s.record().PayerDeadline != 0 {
		deadline = deadline.Add(day)
	}
	return s.now >= deadline
}

// dropActionURL takes the address back: the payer's time is over.
func (s *transition) dropActionURL() {
	s.record().ActionURL = ""
	s.bumpVersion()
	s.addHistory(s.record().State, "the payer's time is over")
}

// nextCountingTime is the next instant at which an answer of "not found" or a refusal counts.
func (s *transition) nextCountingTime() Time {
	r := s.record()
	at := r.lastEnd().Add(s.policy.SettleTime)
	if r.NotFoundAt != 0 {
		at = max(at, r.NotFoundAt.Add(s.policy.NotFoundInterval))
	}
	if r.RefusedAt != 0 {
		at = max(at, r.RefusedAt.Add(s.policy.SettleTime))
	}
	return at
}

// nextQuery is when to ask again: as the backoff says, sooner where an answer counts sooner, never
// past the poll deadline.
func (s *transition) nextQuery(after time.Duration) Time {
	r := s.record()
	due := s.after(after)
	sooner := func(at Time) {
		if at > s.now && at < due {
			due = at
		}
	}
	if r.State == InDoubt || r.RefusedAt != 0 {
		sooner(s.nextCountingTime())
	}
	if r.ActionURL != "" {
		sooner(r.PayerDeadline)
	}
	sooner(r.pollDeadline(s.policy))
	return due
}

// foundPending is adopted at once; in held it is only noted.
func (s *transition) foundPending(a StatusResult) {
	r, o := s.record(), a.Outcome
	r.resetCounts()
	s.RecordChanged = true
	if r.State == InDoubt || r.State == Ready {
		s.attributeFate(FatePending, o.ProviderID)
		s.applyOutcome(o)
		s.toPending(a.QueryAfter, "")
		return
	}
	if r.State == Held && r.openAttempts() > 0 && r.ProviderID == "" {
		s.attributeFate(FatePending, o.ProviderID)
		r.ProviderID = o.ProviderID
		s.bumpVersion()
		s.addHistory(r.State, "the provider says: pending")
	}
	s.keepQuerying(a)
}

// foundRefused is believed only when it is read twice, settle time apart, the second asked no
// earlier than settle time after the last attempt's end.
func (s *transition) foundRefused(a StatusResult) {
	r, o := s.record(), a.Outcome
	r.NotFounds, r.NotFoundAt = 0, 0
	s.RecordChanged = true
	early := a.QueriedAt < r.lastEnd().Add(s.policy.SettleTime) || a.QueriedAt < r.RefusedAt.Add(s.policy.SettleTime)
	if (r.RefusedAt == 0 || early) && !leftOutInTest(refusalReadTwice) {
		if r.RefusedAt == 0 {
			r.RefusedAt = a.QueriedAt
		}
		s.keepQuerying(a)
		return
	}
	refused := r.countAttempts(func(f Fate) bool { return f == FateRefused }, nil)
	named := r.ProviderID != "" && r.ProviderID == o.ProviderID && r.openAttempts() == 0
	switch {
	case leftOutInTest(refusalNeedsNoOther), r.countAttempts(Fate.mayHaveLeft, nil) <= 1 && (named || refused == 0):
		r.refuseAttempts()
		s.applyOutcome(o)
		s.finalize(Failed, "")
	case r.State == Held:
		s.keepQuerying(a)
	default:
		s.toHeld("refusal_unclear", "refused, but another attempt may have been executed")
	}
}

// refuseAttempts: the refusal speaks of the attempt that may have left.
func (r *Record) refuseAttempts() {
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if a.Fate.mayHaveLeft() {
			a.Inferred = a.Inferred || !a.reported()
			a.Fate = FateRefused
		}
	}
}

// notFound: absence is not proof.
func (s *transition) notFound(a StatusResult) {
	r := s.record()
	r.RefusedAt = 0
	s.RecordChanged = true
	switch {
	case r.State == Held, s.lastQuery(a):
		s.keepQuerying(a)
	case r.RiskAccepted:
		s.toReady(0, "not found; double risk accepted")
	case !s.confirmNotFound(a.QueriedAt):
		s.keepQuerying(a)
	default:
		s.confirmedNotFound()
	}
}

// confirmNotFound counts a "not found" and reports whether it was counted as often as it must be.
func (s *transition) confirmNotFound(askedAt Time) bool {
	r := s.record()
	if askedAt < r.lastEnd().Add(s.policy.SettleTime) && !leftOutInTest(notFoundAfterSettleTime) {
		return false
	}
	if r.NotFoundAt != 0 && askedAt < r.NotFoundAt.Add(s.policy.NotFoundInterval) {
		return false
	}
	r.NotFounds++
	r.NotFoundAt = askedAt
	s.RecordChanged = true
	return r.NotFounds >= max(s.policy.Confirmations, 1) || leftOutInTest(notFoundConfirmed)
}

// confirmedNotFound is what a confirmed "not found" makes of the payment.
func (s *transition) confirmedNotFound() {
	r := s.record()
	known := r.State == Pending || r.QueryFirst || r.countAttempts(func(f Fate) bool { return f.knownToProvider() || f == Duplicated }, nil) > 0
	spent := r.Resends >= s.policy.MaxResends && !leftOutInTest(resendIsBounded)
	switch {
	case !s.policy.Resend || spent || known:
		s.toHeld("not_found", "the provider does not know it")
	case s.facts.QueryProof != QueryProven:
		s.toHeld("lookup_unproven", "not found, but no lookup of this account ever found a payment")
	default:
		r.Resends++
		s.toReady(0, "not found")
	}
}

// foundMismatch: the provider has something else under our reference.
func (s *transition) foundMismatch(a StatusResult) {
	switch {
	case s.record().State == Held:
		s.keepQuerying(a)
	case a.Outcome.Code != "":
		s.toHeld(a.Outcome.Code, a.Outcome.Message)
	default:
		s.toHeld("mismatch", a.Outcome.Message)
	}
}
