package rules

import (
	"strconv"
	"time"

	"github.com/remesa/remesa/providers"
)

// step is a record on its way from one state to the next.
type step struct {
	Change
	p     Policy
	facts Facts
	now   Time
	// inserted: the attempt that reports may have been executed, and was not on record as such.
	inserted bool
}

func begin(r Record, p Policy, f Facts, now Time) *step {
	return &step{Change: Change{Record: r.clone(), Due: Due{Keep: true}}, p: p, facts: f, now: now}
}

func (s *step) r() *Record { return &s.Record }

// done ends the step: something was reported.
func (s *step) done() Change {
	s.Applied = true
	return s.Change
}

// unchanged is the end of a step that changed nothing.
func unchanged(r Record) Change { return Change{Record: r, Due: Due{Keep: true}} }

// wake sets when somebody must look next; zero: nobody.
func (s *step) wake(at Time) { s.Due = Due{At: at} }

func (s *step) in(d time.Duration) Time { return s.now.Add(d) }

// changed counts a change of outcome or attempt.
func (s *step) changed() {
	s.Written = true
	s.r().Version++
	s.r().Updated = s.now
}

const (
	firstEntries = 8
	mostEntries  = 64
)

// remember adds to the history, which keeps its first entries and the newest; what an endless
// outage adds in between goes.
func (s *step) remember(state State, note string) {
	r := s.r()
	line := strconv.FormatInt(int64(s.now-r.Created), 10) + "|" + string(state) + "|" + strconv.Itoa(r.AttemptCount)
	if note != "" {
		line += "|" + note
	}
	r.History = append(r.History, line)
	if len(r.History) > mostEntries {
		r.History = append(r.History[:firstEntries:firstEntries], r.History[firstEntries+1:]...)
	}
}

// move is a change of state with its history and event.
func (s *step) move(state State, note string) {
	r := s.r()
	r.State = state
	s.Moved = true
	s.changed()
	s.remember(state, note)
	if state.Final() && r.Subscription != "" {
		s.News = true
	}
	told := state == Sending || state == Ready && r.ReadyTold
	if state != Sending {
		r.ReadyTold = state == Ready
	}
	if !told || s.p.TellAll {
		s.tell(StateEvent)
	}
}

func (s *step) tell(kind EventKind) {
	s.Events = append(s.Events, Event{Kind: kind, Payment: s.Record})
}

// anomaly flags a contradiction for a person, once.
func (s *step) anomaly(kind, providerID string) {
	r := s.r()
	if r.Anomaly != nil && r.Anomaly.Kind == kind && r.Anomaly.ProviderID == providerID {
		return
	}
	if r.PayerUntil != 0 && providerID != "" && r.Cleared == kind+":"+providerID {
		return // a session is asked about hourly: what a person cleared stays cleared
	}
	r.Anomaly = &Anomaly{Kind: kind, ProviderID: providerID, At: s.now}
	s.Raised = kind
	s.changed()
	s.remember(r.State, "anomaly: "+kind)
	s.News = s.News || r.Subscription != ""
	s.tell(AnomalyEvent)
}

// take keeps what an outcome brought; an empty id changes nothing.
func (s *step) take(o Outcome) {
	r := s.r()
	if o.ProviderID != "" {
		r.ProviderID = o.ProviderID
	}
	r.Code, r.Message, r.Decline = o.Code, o.Message, o.Decline
	if o.ActionURL != "" {
		r.ActionURL, r.PayerUntil = o.ActionURL, r.Deadline
		if r.Deadline == 0 {
			r.PayerUntil = s.in(day)
		}
	}
	s.keep(o.Handles)
}

func (s *step) keep(handles map[string]string) {
	if len(handles) > 0 && s.r().Handles == nil {
		s.r().Handles = make(map[string]string, len(handles))
	}
	for name, value := range handles {
		s.r().Handles[name] = value
	}
}

func (s *step) word(code, message string, d providers.Decline) {
	s.r().Code, s.r().Message, s.r().Decline = code, message, d
}

// Outcome is what an attempt or a question came to, with its texts as they are kept.
type Outcome struct {
	providers.Outcome
	// Ours: the answer repeated everything that the payment means, and all of it equals ours.
	Ours bool
}

// Leaving a state
// -------------------------------------------------------------------------------------------

func (r *Record) forgetCounts() { r.NotFounds, r.NotFoundAt, r.RefusedAt = 0, 0, 0 }

// disown ends what belongs to an attempt that is sending.
func (r *Record) disown() { r.Owner, r.LeaseEnd, r.Wakes, r.Woken = "", 0, 0, 0 }

// settle ends the payment, for as long as nothing contradicts.
func (s *step) settle(state State, note string) {
	r := s.r()
	r.disown()
	r.NotAgainBefore, r.PollingSince, r.Polls, r.AskFirst, r.RiskAccepted, r.Resends = 0, 0, 0, false, false, 0
	r.forgetCounts()
	r.ActionURL = ""
	s.move(state, note)
	due := s.watch()
	if due == 0 {
		s.dropDetails()
	}
	s.wake(due)
}

// dropDetails lets go what nobody needs any more: a failed payment keeps its payload as long as it
// can be tried again.
func (s *step) dropDetails() {
	r := s.r()
	s.Written = true
	r.Handles, r.WatchUntil, r.ProofOnly, r.PayerUntil, r.Woken = nil, 0, false, 0, 0
	s.Payload = DropPayload
	if r.State == Failed {
		s.Payload = ExpirePayload
	}
}

// hold gives the payment to a person; it is still asked about daily where the provider can be
// asked.
func (s *step) hold(code, note string) {
	r := s.r()
	r.disown()
	r.RiskAccepted = false
	if code != "" {
		r.Code = code
	}
	s.move(Held, note)
	s.wake(0)
	if r.Askable {
		s.wake(s.in(day))
	}
}

// doubt has the provider asked at once; where it cannot be asked, a person.
func (s *step) doubt(note string) {
	r := s.r()
	if !r.Askable {
		code := ""
		if r.Code == "" {
			code = "not_askable"
		}
		s.hold(code, note)
		return
	}
	r.disown()
	r.PollingSince, r.Polls = s.now, 0
	s.move(InDoubt, note)
	s.wake(s.now)
}

// await: the provider has it and decides later.
func (s *step) await(after time.Duration, note string) {
	r := s.r()
	r.disown()
	r.RiskAccepted = false
	if r.PollingSince == 0 {
		r.PollingSince, r.Polls = s.now, 0
	}
	s.move(Pending, note)
	s.wake(s.in(after))
	if !r.Askable {
		s.wake(r.pollDeadline(s.p))
	}
}

// ready: it may be begun again after a while.
func (s *step) ready(after time.Duration, note string) {
	r := s.r()
	r.disown()
	r.PollingSince, r.Polls, r.RiskAccepted, r.NotAgainBefore = 0, 0, false, 0
	if after > 0 {
		r.NotAgainBefore = s.in(after)
	}
	r.forgetUnexecuted()
	s.move(Ready, note)
	s.wake(s.in(after))
}

const mostUnexecuted = 32

// forgetUnexecuted forgets attempts that were not executed beyond the newest 32, so that a long
// outage cannot grow a record without bound. The owner's attempt stays, wherever it stands.
func (r *Record) forgetUnexecuted() {
	idle := func(f Fate) bool { return f == NotExecuted || f == NotYet }
	n := r.count(idle, nil)
	kept := r.Attempts[:0]
	for _, a := range r.Attempts {
		if n > mostUnexecuted && idle(a.Fate) && a.ID != r.Owner {
			n--
			continue
		}
		kept = append(kept, a)
	}
	r.Attempts = kept
}

// expire: the payment's own deadline passed.
func (s *step) expire() {
	if s.r().MayHaveLeft() && !off(expiryAsksOpenAttempts) {
		s.hold("expired", "deadline passed")
		return
	}
	s.word("expired", "the deadline passed before it could be sent", "")
	s.settle(Failed, "deadline passed")
}

// recover: the lease lapsed. What the attempt did is unknown unless it never reached a step that
// can move money.
func (s *step) recover() {
	r := s.r()
	own := r.attempt(r.Owner)
	switch {
	case r.successOf(own) != nil:
		s.evidence("")
	case own != nil && own.Fate == NotYet && !r.askFirst():
		s.ready(0, "lease lapsed")
	case off(lapsedIsInDoubt):
		s.ready(0, "lease lapsed")
	default:
		s.word("lease_lapsed", "", "")
		s.doubt("lease lapsed")
	}
}

// lapsed reports whether the payment is sending past its lease.
func (s *step) lapsed() bool { return s.r().State == Sending && s.now >= s.r().LeaseEnd }

// evidence: another attempt's success, told while the owner was sending, decides when the owner
// ends. The owner may have got another id from the provider.
func (s *step) evidence(providerID string) {
	r := s.r()
	success := r.successOf(nil)
	second := providerID != "" && success.ProviderID != "" && providerID != success.ProviderID
	switch {
	case success.ProviderID != "":
		r.ProviderID = success.ProviderID
	case providerID != "":
		r.ProviderID = providerID
	}
	s.word("", "", "")
	s.settle(Succeeded, "late result")
	if second {
		s.anomaly("second_success", providerID)
	}
	s.checkSuccesses()
}

// checkSuccesses: two attempts that succeeded are two payments, unless the provider gave both the
// same id.
func (s *step) checkSuccesses() {
	if id, two := s.r().twoSuccesses(); two && !off(twoSuccessesAreTwo) {
		s.anomaly("second_success", id)
	}
}

// succeed settles a payment whose success was found or reported. The provider may have named
// another id before.
func (s *step) succeed(o Outcome, note string) {
	r := s.r()
	before := r.ProviderID
	s.take(o)
	if success := r.successOf(nil); success != nil && r.ProviderID == "" {
		r.ProviderID = success.ProviderID
	}
	s.settle(Succeeded, note)
	if before != "" && before != r.ProviderID {
		s.anomaly("second_success", before)
	}
	s.checkSuccesses()
}

// credit gives what a question found to the attempt of which it can only be: the one with that id,
// or the only one that may have left.
func (s *step) credit(fate Fate, providerID string) {
	r := s.r()
	only := r.count(Fate.mayHaveLeft, nil) == 1
	for i := range r.Attempts {
		a := &r.Attempts[i]
		named := providerID != "" && a.ProviderID == providerID
		alone := only && (a.ProviderID == "" || providerID == "")
		if !a.Fate.mayHaveLeft() || !named && !alone {
			continue
		}
		before := *a
		if a.Fate.undecided() {
			a.Heard = true
		}
		if a.Fate != FateSucceeded {
			a.Fate = fate
		}
		if providerID != "" {
			a.ProviderID = providerID
		}
		if *a != before {
			s.changed()
		}
		return
	}
}

// Watching
// ----------------------------------------------------------------------------------------------------

// watch says when a settled payment is looked at again, zero for never: an attempt that may yet be
// executed, or that the provider had and did not end, is looked for; an account's first success
// proves under resend that its lookup works.
func (s *step) watch() Time {
	r := s.r()
	switch {
	case !r.Askable:
		return 0
	case r.PayerUntil != 0 && r.State != Reversed, r.laterExecutionPossible():
		r.WatchUntil = s.in(watchTime)
		return s.watchAgain()
	case r.State == Succeeded && s.p.Resend && r.source() != nil && s.facts.Lookup == LookupUnproven:
		s.Lookup = LookupAsked
		s.Guards = append(s.Guards, LookupNotAsked)
		r.WatchUntil, r.ProofOnly = s.in(day), true
		return s.now
	}
	return 0
}

func (r *Record) laterExecutionPossible() bool {
	if off(watchLaterExecution) {
		return false
	}
	refused := r.count(func(f Fate) bool { return f == FateRefused }, nil)
	left := r.count(Fate.mayHaveLeft, nil)
	return r.State == Failed && left > 0 || r.State == Succeeded && (left > 1 || r.open() > 0 && left+refused > 1)
}

// watchAgain: a session may still be paid by whoever holds its address, so hourly for a day, then
// daily.
func (s *step) watchAgain() Time {
	r := s.r()
	if r.PayerUntil != 0 && s.now < r.WatchUntil.Add(-watchTime).Add(day) {
		return s.in(time.Hour)
	}
	return s.in(day)
}
