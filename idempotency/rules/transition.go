package rules

import (
	"time"

	"github.com/remesa/remesa/providers"
)

// transition builds the Change of one record.
type transition struct {
	Change
	policy Policy
	facts  Facts
	now    Time
	// unrecordedAttempt: the attempt that reports may have been executed, and the record did not
	// say so.
	unrecordedAttempt bool
	// countUncertain: the attempt that begins counts in the sum of uncertain payments.
	countUncertain bool
	// answer is what the provider said, until an entry of the history has it.
	answer Answer
}

func newTransition(r Record, p Policy, f Facts, now Time) *transition {
	return &transition{Change: Change{Record: r.clone(), Due: Due{Keep: true}}, policy: p, facts: f, now: now}
}

func (t *transition) record() *Record { return &t.Record }

// applied ends a transition that took effect.
func (t *transition) applied() Change {
	t.Applied = true
	t.keepAnswer()
	if t.RecordChanged {
		t.setUncertainty()
	}
	return t.Change
}

// noChange is the Change of a transition that changed nothing.
func noChange(r Record) Change { return Change{Record: r, Due: Due{Keep: true}} }

// setDue sets when the payment is due next; zero takes it out of the due index.
func (t *transition) setDue(at Time) { t.Due = Due{At: at} }

func (t *transition) after(d time.Duration) Time { return t.now.Add(d) }

// bumpVersion gives the record a new version: its state, outcome or attempts changed.
func (t *transition) bumpVersion() {
	t.RecordChanged = true
	t.record().Version++
	t.record().Updated = t.now
}

const (
	firstHistory = 8
	maxHistory   = 64
)

// HistoryGap returns the number of the entry before which others may have been left out, 0 if the
// history is whole.
func (r *Record) HistoryGap() int {
	if len(r.History) < maxHistory {
		return 0
	}
	return firstHistory
}

// addHistory adds an entry, with the answer that led to it.
func (t *transition) addHistory(state State, note string) {
	t.addEntry(AuditEntry{State: state, Note: note, Answer: t.answer})
	t.answer = Answer{}
}

// addUnanswered adds an entry that does not follow from the answer.
func (t *transition) addUnanswered(state State, note string) {
	t.addEntry(AuditEntry{State: state, Note: note})
}

// addEntry adds an entry of now. The history keeps its first 8 entries and the newest 56, so that a
// long outage cannot grow it without bound.
func (t *transition) addEntry(e AuditEntry) {
	r := t.record()
	e.At, e.Attempt = t.now, r.AttemptCount
	r.History = append(r.History, e.line(r.Created))
	if len(r.History) > maxHistory {
		r.History = append(r.History[:firstHistory:firstHistory], r.History[firstHistory+1:]...)
	}
}

// setState changes the state, adds it to the history, and publishes it where that is due.
func (t *transition) setState(state State, note string) {
	r := t.record()
	r.State = state
	t.StateChanged = true
	t.bumpVersion()
	t.addHistory(state, note)
	t.setUncertainty()
	if state.Final() && r.Subscription != "" {
		t.ChargeUpdate = true
	}
	published := state == Sending || state == Ready && r.ReadyPublished
	if state != Sending {
		r.ReadyPublished = state == Ready
	}
	if !published || t.policy.PublishAll {
		t.publish(StateEvent)
	}
}

func (t *transition) publish(kind EventKind) {
	t.Events = append(t.Events, Event{Kind: kind, Payment: t.Record})
}

// raiseAnomaly flags a contradiction for an operator, once.
func (t *transition) raiseAnomaly(kind, providerID string) {
	r := t.record()
	if r.Anomaly != nil && r.Anomaly.Kind == kind && r.Anomaly.ProviderID == providerID {
		return
	}
	if r.PayerDeadline != 0 && providerID != "" && r.Cleared == kind+":"+providerID {
		return // a session is queried hourly: what an operator cleared stays cleared
	}
	t.flag(Anomaly{Kind: kind, ProviderID: providerID}, "")
}

// flag sets the anomaly; the note says more than its kind.
func (t *transition) flag(a Anomaly, note string) {
	r := t.record()
	a.At = t.now
	r.Anomaly = &a
	t.AnomalyRaised = a.Kind
	t.bumpVersion()
	t.addHistory(r.State, "anomaly: "+a.Kind+note)
	t.ChargeUpdate = t.ChargeUpdate || r.Subscription != ""
	t.publish(AnomalyEvent)
}

// applyOutcome records an outcome's fields. An empty provider id or action URL changes nothing.
func (t *transition) applyOutcome(o Outcome) {
	r := t.record()
	if o.ProviderID != "" {
		r.ProviderID = o.ProviderID
	}
	r.Code, r.Message, r.Decline = o.Code, o.Message, o.Decline
	if o.ActionURL != "" {
		r.ActionURL, r.PayerDeadline, r.PayerGrace = o.ActionURL, r.Deadline, Time(o.ActionGrace.Milliseconds())
		if r.Deadline == 0 {
			r.PayerDeadline = t.after(o.ActionWithin)
		}
	}
	t.mergeProviderRefs(o.ProviderRefs)
}

func (t *transition) mergeProviderRefs(refs map[string]string) {
	if len(refs) > 0 && t.record().ProviderRefs == nil {
		t.record().ProviderRefs = make(map[string]string, len(refs))
	}
	for name, value := range refs {
		t.record().ProviderRefs[name] = value
	}
}

func (t *transition) setReason(code, message string, d providers.Decline) {
	t.record().Code, t.record().Message, t.record().Decline = code, message, d
}

// Outcome is the outcome of an attempt or a status query, with its texts as the record keeps them.
type Outcome struct {
	providers.Outcome
	// Ours: the status result repeats all fields of the payment's meaning, and all equal ours.
	Ours bool
}

// Leaving a state
// -------------------------------------------------------------------------------------------

func (r *Record) resetCounts() { r.NotFounds, r.NotFoundAt, r.RefusedAt = 0, 0, 0 }

// endLease clears what belongs to a sending attempt, and the wake-up that it answered: whatever the
// payment needs next is woken anew.
func (r *Record) endLease() {
	r.Owner, r.LeaseEnd, r.WakeUps, r.Woken, r.Counted = "", 0, 0, 0, nil
}

// finalize moves the payment to a final state, and starts a watch where one is needed.
func (t *transition) finalize(state State, note string) {
	r := t.record()
	r.endLease()
	r.RetryNotBefore, r.PollingSince, r.Polls, r.QueryFirst, r.RiskAccepted, r.Resends = 0, 0, 0, false, false, 0
	r.ReleasedFrom = nil
	r.resetCounts()
	r.ActionURL = ""
	t.setState(state, note)
	due := t.startWatch()
	if due == 0 {
		t.dropPayload()
	}
	t.setDue(due)
}

// dropPayload ends the watch and drops what it needed. A failed payment keeps its payload for the
// RetryWindow.
func (t *transition) dropPayload() {
	r := t.record()
	t.RecordChanged = true
	r.ProviderRefs, r.WatchUntil, r.ProofQueryOnly, r.PayerDeadline, r.PayerGrace, r.Woken = nil, 0, false, 0, 0, 0
	t.Payload = DropPayload
	if r.State == Failed {
		t.Payload = ExpirePayload
	}
}

// toHeld leaves the payment to an operator. Where the provider can be queried, it still is, daily.
func (t *transition) toHeld(code, note string) {
	r := t.record()
	r.endLease()
	r.RiskAccepted = false
	if code != "" {
		r.Code = code
	}
	t.setState(Held, note)
	t.setDue(0)
	if r.Queryable {
		t.setDue(t.after(day))
	}
}

// toInDoubt has the provider queried at once. Where it cannot be queried, the payment is held.
func (t *transition) toInDoubt(note string) {
	r := t.record()
	if !r.Queryable {
		code := ""
		if r.Code == "" {
			code = "no_status_query"
		}
		t.toHeld(code, note)
		return
	}
	r.endLease()
	r.PollingSince, r.Polls = t.now, 0
	t.setState(InDoubt, note)
	t.setDue(t.now)
}

// toPending: the provider has the payment and decides later. It is polled.
func (t *transition) toPending(after time.Duration, note string) {
	r := t.record()
	r.endLease()
	r.RiskAccepted = false
	if r.PollingSince == 0 {
		r.PollingSince, r.Polls = t.now, 0
	}
	t.setState(Pending, note)
	t.setDue(t.after(after))
	if !r.Queryable {
		t.setDue(r.pollDeadline(t.policy))
	}
}

// toReady: the payment may begin again after the given time.
func (t *transition) toReady(after time.Duration, note string) {
	r := t.record()
	r.endLease()
	r.PollingSince, r.Polls, r.RiskAccepted, r.RetryNotBefore = 0, 0, false, 0
	if after > 0 {
		r.RetryNotBefore = t.after(after)
	}
	r.pruneUnexecuted()
	t.setState(Ready, note)
	t.setDue(t.after(after))
}

const maxUnexecuted = 32

// pruneUnexecuted drops attempts that were not executed, all but the newest 32, so that a long
// outage cannot grow a record without bound. It never drops the owner's attempt.
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

// expire: the payment's deadline has passed. It fails, or is held if an attempt may have left.
func (t *transition) expire() {
	if t.record().MayHaveLeft() && !leftOutInTest(expiryHoldsOpenAttempts) {
		t.toHeld("expired", "deadline passed")
		return
	}
	t.setReason("expired", "the deadline passed before it could be sent", "")
	t.finalize(Failed, "deadline passed")
}

// recoverLapsed: the lease has lapsed. The payment is ready if its attempt never came to the money
// step, and otherwise in doubt.
func (t *transition) recoverLapsed() {
	r := t.record()
	own := r.attempt(r.Owner)
	switch {
	case r.successOf(own) != nil:
		t.applyOtherSuccess("")
	case own != nil && own.Fate == MoneyStepAhead && !r.mustQueryFirst():
		t.toReady(0, "lease lapsed")
	case leftOutInTest(lapsedIsInDoubt):
		t.toReady(0, "lease lapsed")
	default:
		t.setReason("lease_lapsed", "", "")
		t.toInDoubt("lease lapsed")
	}
}

// lapsed reports whether the payment is sending past its lease.
func (t *transition) lapsed() bool {
	return t.record().State == Sending && t.now >= t.record().LeaseEnd
}

// applyOtherSuccess: another attempt's success, reported while the owner was sending, decides when
// the owner ends. providerID is what the provider gave the owner; another id is a second success.
func (t *transition) applyOtherSuccess(providerID string) {
	r := t.record()
	success := r.successOf(nil)
	second := providerID != "" && success.ProviderID != "" && providerID != success.ProviderID
	switch {
	case success.ProviderID != "":
		r.ProviderID = success.ProviderID
	case providerID != "":
		r.ProviderID = providerID
	}
	t.setReason("", "", "")
	t.finalize(Succeeded, "late result")
	if second {
		t.raiseAnomaly("second_success", providerID)
	}
	t.checkSuccesses()
}

// checkSuccesses raises an anomaly if two attempts succeeded: they are two executions, unless the
// provider gave both the same id.
func (t *transition) checkSuccesses() {
	if id, two := t.record().secondSuccess(); two && !leftOutInTest(twoSuccessesAreTwo) {
		t.raiseAnomaly("second_success", id)
	}
}

// toSucceeded finalizes a payment whose success was found or reported. If the provider gave another
// id before, that is a second success.
func (t *transition) toSucceeded(o Outcome, note string) {
	r := t.record()
	before := r.ProviderID
	t.applyOutcome(o)
	if success := r.successOf(nil); success != nil && r.ProviderID == "" {
		r.ProviderID = success.ProviderID
	}
	t.finalize(Succeeded, note)
	if before != "" && before != r.ProviderID {
		t.raiseAnomaly("second_success", before)
	}
	t.checkSuccesses()
}

// attributeFate gives what a status query found to the attempt that it must come from: the one with
// that id, or the only one that may have left.
func (t *transition) attributeFate(fate Fate, providerID string) {
	r := t.record()
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
			t.bumpVersion()
		}
		return
	}
}

// Watching
// -----------------------------------------------------------------------------------------------

// startWatch returns when a final payment is queried next, zero for never. It is watched while an
// attempt may still be executed, or while a payer may still pay. Under resend the account's first
// success is queried once, as the query proof.
func (t *transition) startWatch() Time {
	r := t.record()
	switch {
	case !r.Queryable:
		return 0
	case r.PayerDeadline != 0 && r.State != Reversed, r.laterExecutionPossible():
		r.WatchUntil = t.after(watchTime)
		return t.nextWatch()
	case r.State == Succeeded && t.policy.Resend && r.sourceAttempt() != nil && t.facts.QueryProof == QueryUnproven:
		t.QueryProof = QueryProbed
		t.Guards = append(t.Guards, QueryNotProbed)
		r.WatchUntil, r.ProofQueryOnly = t.after(day), true
		return t.now
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

// nextWatch returns when a watched payment is queried next: daily; hourly for the first day if a
// payer may still pay at the action URL.
func (t *transition) nextWatch() Time {
	r := t.record()
	if r.PayerDeadline != 0 && t.now < r.WatchUntil.Add(-watchTime).Add(day) {
		return t.after(time.Hour)
	}
	return t.after(day)
}
