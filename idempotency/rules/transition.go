package rules

import (
	"strconv"
	"time"

	"github.com/remesa/remesa/providers"
)

// transition is a record on its way from one state to the next.
type transition struct {
	Change
	policy Policy
	facts  Facts
	now    Time
	// unrecordedAttempt: the attempt that reports may have been executed, and was not on record as such.
	unrecordedAttempt bool
}

func newTransition(r Record, p Policy, f Facts, now Time) *transition {
	return &transition{Change: Change{Record: r.clone(), Due: Due{Keep: true}}, policy: p, facts: f, now: now}
}

func (s *transition) record() *Record { return &s.Record }

// applied ends the step: something was reported.
func (s *transition) applied() Change {
	s.Applied = true
	return s.Change
}

// noChange is the end of a step that changed nothing.
func noChange(r Record) Change { return Change{Record: r, Due: Due{Keep: true}} }

// setDue sets when somebody must look next; zero: nobody.
func (s *transition) setDue(at Time) { s.Due = Due{At: at} }

func (s *transition) after(d time.Duration) Time { return s.now.Add(d) }

// bumpVersion counts a change of outcome or attempt.
func (s *transition) bumpVersion() {
	s.RecordChanged = true
	s.record().Version++
	s.record().Updated = s.now
}

const (
	firstHistory = 8
	maxHistory   = 64
)

// addHistory adds to the history, which keeps its first entries and the newest; what an endless
// outage adds in between goes.
func (s *transition) addHistory(state State, note string) {
	r := s.record()
	line := strconv.FormatInt(int64(s.now-r.Created), 10) + "|" + string(state) + "|" + strconv.Itoa(r.AttemptCount)
	if note != "" {
		line += "|" + note
	}
	r.History = append(r.History, line)
	if len(r.History) > maxHistory {
		r.History = append(r.History[:firstHistory:firstHistory], r.History[firstHistory+1:]...)
	}
}

// setState is a change of state with its history and event.
func (s *transition) setState(state State, note string) {
	r := s.record()
	r.State = state
	s.StateChanged = true
	s.bumpVersion()
	s.addHistory(state, note)
	if state.Final() && r.Subscription != "" {
		s.ChargeUpdate = true
	}
	told := state == Sending || state == Ready && r.ReadyPublished
	if state != Sending {
		r.ReadyPublished = state == Ready
	}
	if !told || s.policy.PublishAll {
		s.publish(StateEvent)
	}
}

func (s *transition) publish(kind EventKind) {
	s.Events = append(s.Events, Event{Kind: kind, Payment: s.Record})
}

// raiseAnomaly flags a contradiction for a person, once.
func (s *transition) raiseAnomaly(kind, providerID string) {
	r := s.record()
	if r.Anomaly != nil && r.Anomaly.Kind == kind && r.Anomaly.ProviderID == providerID {
		return
	}
	if r.PayerDeadline != 0 && providerID != "" && r.Cleared == kind+":"+providerID {
		return // a session is asked about hourly: what a person cleared stays cleared
	}
	r.Anomaly = &Anomaly{Kind: kind, ProviderID: providerID, At: s.now}
	s.AnomalyRaised = kind
	s.bumpVersion()
	s.addHistory(r.State, "anomaly: "+kind)
	s.ChargeUpdate = s.ChargeUpdate || r.Subscription != ""
	s.publish(AnomalyEvent)
}

// applyOutcome keeps what an outcome brought; an empty id changes nothing.
func (s *transition) applyOutcome(o Outcome) {
	r := s.record()
	if o.ProviderID != "" {
		r.ProviderID = o.ProviderID
	}
	r.Code, r.Message, r.Decline = o.Code, o.Message, o.Decline
	if o.ActionURL != "" {
		r.ActionURL, r.PayerDeadline, r.PayerGrace = o.ActionURL, r.Deadline, Time(o.ActionGrace.Milliseconds())
		if r.Deadline == 0 {
			r.PayerDeadline = s.after(o.ActionWithin)
		}
	}
	s.mergeProviderRefs(o.ProviderRefs)
}

func (s *transition) mergeProviderRefs(handles map[string]string) {
	if len(handles) > 0 && s.record().ProviderRefs == nil {
		s.record().ProviderRefs = make(map[string]string, len(handles))
	}
	for name, value := range handles {
		s.record().ProviderRefs[name] = value
	}
}

func (s *transition) setReason(code, message string, d providers.Decline) {
	s.record().Code, s.record().Message, s.record().Decline = code, message, d
}

// Outcome is what an attempt or a question came to, with its texts as they are kept.
type Outcome struct {
	providers.Outcome
	// Ours: the answer repeated everything that the payment means, and all of it equals ours.
	Ours bool
}

// Leaving a state
// -------------------------------------------------------------------------------------------

func (r *Record) resetCounts() { r.NotFounds, r.NotFoundAt, r.RefusedAt = 0, 0, 0 }

// endLease ends what belongs to an attempt that is sending.
func (r *Record) endLease() { r.Owner, r.LeaseEnd, r.WakeUps, r.Woken = "", 0, 0, 0 }

// finalize ends the payment, for as long as nothing contradicts.
func (s *transition) finalize(state State, note string) {
	r := s.record()
	r.endLease()
	r.RetryNotBefore, r.PollingSince, r.Polls, r.QueryFirst, r.RiskAccepted, r.Resends = 0, 0, 0, false, false, 0
	r.resetCounts()
	r.ActionURL = ""
	s.setState(state, note)
	due := s.startWatch()
	if due == 0 {
		s.dropPayload()
	}
	s.setDue(due)
}

// dropPayload lets go what nobody needs any more: a failed payment keeps its payload as long as it
// can be tried again.
func (s *transition) dropPayload() {
	r := s.record()
	s.RecordChanged = true
	r.ProviderRefs, r.WatchUntil, r.ProofQueryOnly, r.PayerDeadline, r.PayerGrace, r.Woken = nil, 0, false, 0, 0, 0
	s.Payload = DropPayload
	if r.State == Failed {
		s.Payload = ExpirePayload
	}
}

// toHeld gives the payment to a person; it is still asked about daily where the provider can be
// asked.
func (s *transition) toHeld(code, note string) {
	r := s.record()
	r.endLease()
	r.RiskAccepted = false
	if code != "" {
		r.Code = code
	}
	s.setState(Held, note)
	s.setDue(0)
	if r.Queryable {
		s.setDue(s.after(day))
	}
}

// toInDoubt has the provider asked at once; where it cannot be asked, a person.
func (s *transition) toInDoubt(note string) {
	r := s.record()
	if !r.Queryable {
		code := ""
		if r.Code == "" {
			code = "not_askable"
		}
		s.toHeld(code, note)
		return
	}
	r.endLease()
	r.PollingSince, r.Polls = s.now, 0
	s.setState(InDoubt, note)
	s.setDue(s.now)
}

// toPending: the provider has it and decides later.
func (s *transition) toPending(after time.Duration, note string) {
	r := s.record()
	r.endLease()
	r.RiskAccepted = false
	if r.PollingSince == 0 {
		r.PollingSince, r.Polls = s.now, 0
	}
	s.setState(Pending, note)
	s.setDue(s.after(after))
	if !r.Queryable {
		s.setDue(r.pollDeadline(s.policy))
	}
}

// toReady: it may be begun again after a while.
func (s *transition) toReady(after time.Duration, note string) {
	r := s.record()
	r.endLease()
	r.PollingSince, r.Polls, r.RiskAccepted, r.RetryNotBefore = 0, 0, false, 0
	if after > 0 {
		r.RetryNotBefore = s.after(after)
	}
	r.pruneUnexecuted()
	s.setState(Ready, note)
	s.setDue(s.after(after))
}

const maxUnexecuted = 32

// pruneUnexecuted forgets attempts that were not executed beyond the newest 32, so that a long
// outage cannot grow a record without bound. The owner's attempt stays, wherever it stands.
func (r *Record) pruneUnexecuted() {
	idle := func(f Fate) bool { return f == NotExecuted || f == MoneyStepAhead }
	n := r.countAttempts(idle, nil)
	kept := r.Attempts[:0]
	for _, a := range r.Attempts {
		if n > maxUnexecuted && idle(a.Fate) && a.ID != r.Owner {
			n--
			continue
		}
		kept = append(kept, a)
	}
	r.Attempts = kept
}

// expire: the payment's own deadline passed.
func (s *transition) expire() {
	if s.record().MayHaveLeft() && !leftOutInTest(expiryHoldsOpenAttempts) {
		s.toHeld("expired", "deadline passed")
		return
	}
	s.setReason("expired", "the deadline passed before it could be sent", "")
	s.finalize(Failed, "deadline passed")
}

// recoverLapsed: the lease lapsed. What the attempt did is unknown unless it never reached a step that
// can move money.
func (s *transition) recoverLapsed() {
	r := s.record()
	own := r.attempt(r.Owner)
	switch {
	case r.successOf(own) != nil:
		s.applyOtherSuccess("")
	case own != nil && own.Fate == MoneyStepAhead && !r.mustQueryFirst():
		s.toReady(0, "lease lapsed")
	case leftOutInTest(lapsedIsInDoubt):
		s.toReady(0, "lease lapsed")
	default:
		s.setReason("lease_lapsed", "", "")
		s.toInDoubt("lease lapsed")
	}
}

// lapsed reports whether the payment is sending past its lease.
func (s *transition) lapsed() bool {
	return s.record().State == Sending && s.now >= s.record().LeaseEnd
}

// applyOtherSuccess: another attempt's success, told while the owner was sending, decides when the owner
// ends. The owner may have got another id from the provider.
func (s *transition) applyOtherSuccess(providerID string) {
	r := s.record()
	success := r.successOf(nil)
	second := providerID != "" && success.ProviderID != "" && providerID != success.ProviderID
	switch {
	case success.ProviderID != "":
		r.ProviderID = success.ProviderID
	case providerID != "":
		r.ProviderID = providerID
	}
	s.setReason("", "", "")
	s.finalize(Succeeded, "late result")
	if second {
		s.raiseAnomaly("second_success", providerID)
	}
	s.checkSuccesses()
}

// checkSuccesses: two attempts that succeeded are two payments, unless the provider gave both the
// same id.
func (s *transition) checkSuccesses() {
	if id, two := s.record().secondSuccess(); two && !leftOutInTest(twoSuccessesAreTwo) {
		s.raiseAnomaly("second_success", id)
	}
}

// toSucceeded settles a payment whose success was found or reported. The provider may have named
// another id before.
func (s *transition) toSucceeded(o Outcome, note string) {
	r := s.record()
	before := r.ProviderID
	s.applyOutcome(o)
	if success := r.successOf(nil); success != nil && r.ProviderID == "" {
		r.ProviderID = success.ProviderID
	}
	s.finalize(Succeeded, note)
	if before != "" && before != r.ProviderID {
		s.raiseAnomaly("second_success", before)
	}
	s.checkSuccesses()
}

// attributeFate gives what a question found to the attempt of which it can only be: the one with that id,
// or the only one that may have left.
func (s *transition) attributeFate(fate Fate, providerID string) {
	r := s.record()
	only := r.countAttempts(Fate.mayHaveLeft, nil) == 1
	for i := range r.Attempts {
		a := &r.Attempts[i]
		named := providerID != "" && a.ProviderID == providerID
		alone := only && (a.ProviderID == "" || providerID == "")
		if !a.Fate.mayHaveLeft() || !named && !alone {
			continue
		}
		before := *a
		if a.Fate.undecided() {
			a.Inferred = true
		}
		if a.Fate != FateSucceeded {
			a.Fate = fate
		}
		if providerID != "" {
			a.ProviderID = providerID
		}
		if *a != before {
			s.bumpVersion()
		}
		return
	}
}

// Watching
// ----------------------------------------------------------------------------------------------------

// startWatch says when a settled payment is looked at again, zero for never: an attempt that may yet be
// executed, or that the provider had and did not end, is looked for; an account's first success
// proves under resend that its lookup works.
func (s *transition) startWatch() Time {
	r := s.record()
	switch {
	case !r.Queryable:
		return 0
	case r.PayerDeadline != 0 && r.State != Reversed, r.laterExecutionPossible():
		r.WatchUntil = s.after(watchTime)
		return s.nextWatch()
	case r.State == Succeeded && s.policy.Resend && r.sourceAttempt() != nil && s.facts.QueryProof == QueryUnproven:
		s.QueryProof = QueryProbed
		s.Guards = append(s.Guards, QueryNotProbed)
		r.WatchUntil, r.ProofQueryOnly = s.after(day), true
		return s.now
	}
	return 0
}

func (r *Record) laterExecutionPossible() bool {
	if leftOutInTest(watchLaterExecution) {
		return false
	}
	refused := r.countAttempts(func(f Fate) bool { return f == FateRefused }, nil)
	left := r.countAttempts(Fate.mayHaveLeft, nil)
	return r.State == Failed && left > 0 || r.State == Succeeded && (left > 1 || r.openAttempts() > 0 && left+refused > 1)
}

// nextWatch: a session may still be paid by whoever holds its address, so hourly for a day, then
// daily.
func (s *transition) nextWatch() Time {
	r := s.record()
	if r.PayerDeadline != 0 && s.now < r.WatchUntil.Add(-watchTime).Add(day) {
		return s.after(time.Hour)
	}
	return s.after(day)
}
