package rules

import (
	"time"

	"github.com/remesa/remesa/providers"
)

// Ask recovers a payment whose lease lapsed, and says whether there is anything to ask about.
func Ask(r Record, p Policy, f Facts, now Time) (Change, bool) {
	s := begin(r, p, f, now)
	if s.lapsed() {
		s.recover()
	}
	switch s.r().State {
	case Queued, Sending, Blocked:
		return s.Change, false
	case Ready:
		return s.Change, s.r().MayHaveLeft()
	case InDoubt, Pending, Held, Succeeded, Failed, Reversed:
	}
	return s.Change, true
}

// AnswerStep is what the provider said to a question.
type AnswerStep struct {
	// Version is that of the record when the question was asked, AskedAt the store's time of it.
	Version int64
	AskedAt Time
	Outcome Outcome
	// After is how long until the next question.
	After time.Duration
}

// Answer records what the provider said. An answer that is out of date changes nothing, except that
// a success in it is late evidence.
func Answer(r Record, p Policy, f Facts, now Time, a AnswerStep) Change {
	s := begin(r, p, f, now)
	if found(a.Outcome.Class) {
		s.Lookup = LookupProven
		s.facts.Lookup = LookupProven
	}
	outdated := a.Version != r.Version && !off(answerCarriesItsVersion)
	switch {
	case outdated || r.State == Sending:
		if a.Outcome.Class != providers.Succeeded || s.notOurs(a.Outcome) {
			return s.Change
		}
		s.foundLate(a.Outcome)
	case r.State.Final():
		s.answerSettled(a)
	case r.State == Queued || r.State == Blocked:
		return s.Change
	case r.State == Ready && a.Outcome.Class != providers.Succeeded && a.Outcome.Class != providers.Pending:
		// what was refused, or is not there, says nothing of an attempt yet to come
	case s.notOurs(a.Outcome):
		s.taken(a)
	default:
		s.answer(a)
	}
	return s.done()
}

// found: the provider has something under our reference.
func found(c providers.Class) bool {
	return c == providers.Succeeded || c == providers.Pending || c == providers.Refused
}

// notOurs: what was found was there before any attempt of ours may have left, and nothing proves
// that it is ours. Of a settled payment only a duplicate is known to be so: what else is found
// contradicts.
func (s *step) notOurs(o Outcome) bool {
	settled := s.r().State.Final() && s.r().open() == 0
	return found(o.Class) && s.r().foreign() && !settled && !o.Ours && !off(foreignIsNotAdopted)
}

// taken: the reference is somebody else's, as far as anybody can see.
func (s *step) taken(a AnswerStep) {
	if s.r().State == Held {
		s.again(a)
		return
	}
	s.hold("reference_taken", "the provider has a payment under this reference that is not proven to be ours")
}

// foundLate is a success in an answer that came too late: it is of no attempt in particular, unless
// it can only be of one.
func (s *step) foundLate(o Outcome) {
	r := s.r()
	if r.State == Sending {
		s.creditBeside(o.ProviderID)
	} else {
		s.credit(FateSucceeded, o.ProviderID)
	}
	if r.State == Succeeded && (o.ProviderID == "" || o.ProviderID == r.ProviderID) {
		return
	}
	s.lateSuccess(o)
}

// creditBeside keeps a success that was found while an attempt was sending as another attempt's:
// the only one that it can be, or one of no name.
func (s *step) creditBeside(providerID string) {
	r := s.r()
	own := r.attempt(r.Owner)
	var other *Attempt
	for i := range r.Attempts {
		a := &r.Attempts[i]
		switch {
		case a == own || !a.Fate.mayHaveLeft():
		case providerID != "" && a.ProviderID == providerID, other == nil && r.count(Fate.mayHaveLeft, own) == 1:
			other = a
		}
	}
	if other == nil || other.ProviderID != "" && providerID != "" && other.ProviderID != providerID {
		r.Attempts = append(r.Attempts, Attempt{ID: "found", End: s.now})
		other = &r.Attempts[len(r.Attempts)-1]
	}
	other.Heard = other.Heard || !other.reported()
	other.Fate = FateSucceeded
	if providerID != "" {
		other.ProviderID = providerID
	}
}

// answer is what an answer makes of a payment in doubt, pending, held, or ready with an attempt
// that may have left.
func (s *step) answer(a AnswerStep) {
	o := a.Outcome
	switch o.Class {
	case providers.Succeeded:
		s.credit(FateSucceeded, o.ProviderID)
		s.succeed(o, "")
		s.second(o)
	case providers.Pending:
		s.foundPending(a)
	case providers.Refused:
		s.foundRefused(a)
	case providers.NotFound:
		s.notFound(a)
	case providers.Mismatch:
		s.foundOther(a)
	case providers.InDoubt, providers.Duplicate:
		s.again(a)
	}
}

// second: the provider may have two successes for one payment; the second is never dropped.
func (s *step) second(o Outcome) {
	if o.SecondID != "" {
		s.anomaly("second_success", o.SecondID)
	}
}

// again counts an answer that decided nothing, and sets when to ask next.
func (s *step) again(a AnswerStep) {
	r := s.r()
	s.Written = true
	r.Polls++
	if r.State == Pending && r.ActionURL != "" && s.now >= r.PayerUntil {
		s.withdraw()
	}
	unpaid := a.Outcome.Class == providers.Pending || off(expiryNeedsAnAnswer)
	switch {
	case r.State == Held:
		s.wake(s.in(day))
	case s.lastQuestion(a) && a.Outcome.Class != providers.InDoubt && unpaid:
		s.word("expired_unpaid", "", "")
		s.settle(Failed, "nobody paid in time")
	case s.lastQuestion(a) && a.Outcome.Class != providers.InDoubt:
		s.hold("expiry_unclear", "the payer's time is over, and the provider did not say that nobody paid")
	case s.overdue():
		s.hold("poll_deadline", "no final answer by the poll deadline")
	default:
		s.wake(s.nextAsk(a.After))
	}
}

// lastQuestion: the payer's time was over when it was asked.
func (s *step) lastQuestion(a AnswerStep) bool {
	r := s.r()
	return r.State == Pending && r.PayerUntil != 0 && a.AskedAt >= r.pollDeadline(s.p)
}

// pollDeadline: what is undecided then is held. A payer who must act has the time that the provider
// gives, and a grace.
func (r *Record) pollDeadline(p Policy) Time {
	if r.PayerUntil != 0 {
		return r.PayerUntil + r.PayerGrace
	}
	return r.PollingSince.Add(p.PollDeadline)
}

// overdue: nobody answered by the deadline; whether a payer paid in time is asked for a day longer.
func (s *step) overdue() bool {
	deadline := s.r().pollDeadline(s.p)
	if s.r().PayerUntil != 0 {
		deadline = deadline.Add(day)
	}
	return s.now >= deadline
}

// withdraw takes the address back: the payer's time is over.
func (s *step) withdraw() {
	s.r().ActionURL = ""
	s.changed()
	s.remember(s.r().State, "the payer's time is over")
}

// countsAt is the next instant at which an answer of "not found" or a refusal counts.
func (s *step) countsAt() Time {
	r := s.r()
	at := r.lastEnd().Add(s.p.Settle)
	if r.NotFoundAt != 0 {
		at = max(at, r.NotFoundAt.Add(s.p.NotFoundInterval))
	}
	if r.RefusedAt != 0 {
		at = max(at, r.RefusedAt.Add(s.p.Settle))
	}
	return at
}

// nextAsk is when to ask again: as the backoff says, sooner where an answer counts sooner, never
// past the poll deadline.
func (s *step) nextAsk(after time.Duration) Time {
	r := s.r()
	due := s.in(after)
	sooner := func(at Time) {
		if at > s.now && at < due {
			due = at
		}
	}
	if r.State == InDoubt || r.RefusedAt != 0 {
		sooner(s.countsAt())
	}
	if r.ActionURL != "" {
		sooner(r.PayerUntil)
	}
	sooner(r.pollDeadline(s.p))
	return due
}

// foundPending is adopted at once; in held it is only noted.
func (s *step) foundPending(a AnswerStep) {
	r, o := s.r(), a.Outcome
	r.forgetCounts()
	s.Written = true
	if r.State == InDoubt || r.State == Ready {
		s.credit(FatePending, o.ProviderID)
		s.take(o)
		s.await(a.After, "")
		return
	}
	if r.State == Held && r.open() > 0 && r.ProviderID == "" {
		s.credit(FatePending, o.ProviderID)
		r.ProviderID = o.ProviderID
		s.changed()
		s.remember(r.State, "the provider says: pending")
	}
	s.again(a)
}

// foundRefused is believed only when it is read twice, settle time apart, the second asked no
// earlier than settle time after the last attempt's end.
func (s *step) foundRefused(a AnswerStep) {
	r, o := s.r(), a.Outcome
	r.NotFounds, r.NotFoundAt = 0, 0
	s.Written = true
	early := a.AskedAt < r.lastEnd().Add(s.p.Settle) || a.AskedAt < r.RefusedAt.Add(s.p.Settle)
	if (r.RefusedAt == 0 || early) && !off(refusalReadTwice) {
		if r.RefusedAt == 0 {
			r.RefusedAt = a.AskedAt
		}
		s.again(a)
		return
	}
	refused := r.count(func(f Fate) bool { return f == FateRefused }, nil)
	named := r.ProviderID != "" && r.ProviderID == o.ProviderID && r.open() == 0
	switch {
	case off(refusalNeedsNoOther), r.count(Fate.mayHaveLeft, nil) <= 1 && (named || refused == 0):
		r.refuseAttempts()
		s.take(o)
		s.settle(Failed, "")
	case r.State == Held:
		s.again(a)
	default:
		s.hold("refusal_unclear", "refused, but another attempt may have been executed")
	}
}

// refuseAttempts: the refusal speaks of the attempt that may have left.
func (r *Record) refuseAttempts() {
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if a.Fate.mayHaveLeft() {
			a.Heard = a.Heard || !a.reported()
			a.Fate = FateRefused
		}
	}
}

// notFound: absence is not proof.
func (s *step) notFound(a AnswerStep) {
	r := s.r()
	r.RefusedAt = 0
	s.Written = true
	switch {
	case r.State == Held, s.lastQuestion(a):
		s.again(a)
	case r.RiskAccepted:
		s.ready(0, "not found; double risk accepted")
	case !s.confirmed(a.AskedAt):
		s.again(a)
	default:
		s.absent()
	}
}

// confirmed counts a "not found" and reports whether it was counted as often as it must be.
func (s *step) confirmed(askedAt Time) bool {
	r := s.r()
	if askedAt < r.lastEnd().Add(s.p.Settle) && !off(notFoundAfterSettleTime) {
		return false
	}
	if r.NotFoundAt != 0 && askedAt < r.NotFoundAt.Add(s.p.NotFoundInterval) {
		return false
	}
	r.NotFounds++
	r.NotFoundAt = askedAt
	s.Written = true
	return r.NotFounds >= max(s.p.Confirmations, 1) || off(notFoundConfirmed)
}

// absent is what a confirmed "not found" makes of the payment.
func (s *step) absent() {
	r := s.r()
	known := r.State == Pending || r.AskFirst || r.count(func(f Fate) bool { return f.known() || f == Duplicated }, nil) > 0
	spent := r.Resends >= s.p.MaxResends && !off(resendIsBounded)
	switch {
	case !s.p.Resend || spent || known:
		s.hold("not_found", "the provider does not know it")
	case s.facts.Lookup != LookupProven:
		s.hold("lookup_unproven", "not found, but no lookup of this account ever found a payment")
	default:
		r.Resends++
		s.ready(0, "not found")
	}
}

// foundOther: the provider has something else under our reference.
func (s *step) foundOther(a AnswerStep) {
	switch {
	case s.r().State == Held:
		s.again(a)
	case a.Outcome.Code != "":
		s.hold(a.Outcome.Code, a.Outcome.Message)
	default:
		s.hold("mismatch", a.Outcome.Message)
	}
}
