package rules

import "time"

// Decision is what a caller of Begin must do.
type Decision string

// Verdicts of Begin.
const (
	// Send: the attempt owns the payment; send its request once.
	Send Decision = "send"
	// QueryFirst: the payment may have been executed; ask the provider.
	QueryFirst Decision = "ask"
	// Wait: somebody else owns it, or it must wait; the due index will wake it.
	Wait Decision = "wait"
	// Done: nothing to do.
	Done Decision = "done"
)

// BeginParams opens an attempt.
type BeginParams struct {
	// Attempt is a random id made by the caller: the fence.
	Attempt string
	Lease   time.Duration
	// SafeFirstStep: the attempt begins with a step that cannot move money; Note opens it.
	SafeFirstStep bool
	// Queryable: the provider can be asked what became of this payment.
	Queryable bool
	// OnlyType is the one type of payment that the account makes; one of another type waits. Empty:
	// every type.
	OnlyType string
}

// BeginResult is the answer to Begin.
type BeginResult struct {
	Decision Decision
	// AlreadyBegun: the attempt is known already; its first Begin was carried out, and the answer came too
	// late.
	AlreadyBegun bool
	// WaitUntil says when a waiting caller would be served.
	WaitUntil Time
	// WaitReason is why it waits, where that is neither its own time nor somebody's lease.
	WaitReason WaitReason
}

// WaitReason is why a payment waits unbegun, until somebody or something ends that.
type WaitReason string

// What a payment may wait for.
const (
	// WaitProviderHalt, WaitAccountHalt: a person stopped new sends.
	WaitProviderHalt WaitReason = "halt_of_provider"
	WaitAccountHalt  WaitReason = "halt_of_account"
	// WaitPaymentType: an account that makes payments of this type.
	WaitPaymentType WaitReason = "type"
	// WaitKey: somebody who has the key of its payload.
	WaitKey WaitReason = "key"
)

// waitRetry is how long a payment waits for somebody else who can send it, or for a halt to end.
const waitRetry = 30 * time.Second

// Begin decides what is to be done with a payment, and opens the attempt where that is: send.
func Begin(r Record, p Policy, f Facts, now Time, b BeginParams) (Change, BeginResult) {
	s := newTransition(r, p, f, now)
	own := r.attempt(b.Attempt)
	if own != nil && own.reported() && !leftOutInTest(tombstoneStopsLateBegin) {
		return noChange(r), BeginResult{Decision: Done, AlreadyBegun: true}
	}
	if r.State == Sending && now < r.LeaseEnd && !leftOutInTest(oneOwner) {
		if r.Owner == b.Attempt {
			return noChange(r), BeginResult{Decision: Send}
		}
		return noChange(r), BeginResult{Decision: Wait, AlreadyBegun: own != nil, WaitUntil: r.LeaseEnd}
	}
	if s.lapsed() {
		s.recoverLapsed()
	}
	begun := s.beginAttempt(b, own != nil)
	begun.AlreadyBegun = own != nil
	return s.Change, begun
}

// beginAttempt opens the attempt of a payment that nobody is sending, if it may.
func (s *transition) beginAttempt(b BeginParams, known bool) BeginResult {
	r := s.record()
	earliest := max(r.NotBefore, r.RetryNotBefore)
	switch {
	case r.State != Queued && r.State != Ready && !(r.State == InDoubt && leftOutInTest(queryBeforeSendingAgain)):
		return BeginResult{Decision: s.queryOrDone()}
	case known: // an attempt is opened once
		return BeginResult{Decision: Done}
	case r.Deadline != 0 && s.now >= r.Deadline:
		s.expire()
		return BeginResult{Decision: Done}
	case s.facts.Halted == HaltProvider:
		return s.waitUntil(s.after(waitRetry), WaitProviderHalt)
	case s.facts.Halted == HaltAccount:
		return s.waitUntil(s.after(waitRetry), WaitAccountHalt)
	case b.OnlyType != "" && b.OnlyType != r.Type:
		return s.waitUntil(s.after(waitRetry), WaitPaymentType)
	case s.now < earliest:
		return s.waitUntil(earliest, "")
	case s.facts.CannotDecrypt:
		return s.waitUntil(s.after(waitRetry), WaitKey)
	}
	s.openAttempt(b)
	return BeginResult{Decision: Send}
}

// queryOrDone: undecided, or settled and still watched.
func (s *transition) queryOrDone() Decision {
	r := s.record()
	if r.State.Final() && s.now < r.WatchUntil || !r.State.Final() && r.State != Blocked && r.Queryable {
		return QueryFirst
	}
	return Done
}

func (s *transition) waitUntil(until Time, why WaitReason) BeginResult {
	s.setDue(until)
	return BeginResult{Decision: Wait, WaitUntil: until, WaitReason: why}
}

func (s *transition) openAttempt(b BeginParams) {
	r := s.record()
	fate := Open
	if b.SafeFirstStep {
		fate = MoneyStepAhead
	}
	end := s.after(b.Lease)
	r.Attempts = append(r.Attempts, Attempt{ID: b.Attempt, End: end, Fate: fate})
	r.AttemptCount++
	r.Owner, r.LeaseEnd, r.Queryable = b.Attempt, end, b.Queryable
	r.WakeUps, r.Woken, r.RetryNotBefore, r.PollingSince, r.Polls, r.QueryFirst = 0, 0, 0, 0, 0, false
	s.setReason("", "", "")
	if !leftOutInTest(countsRestartWithEachBegin) {
		r.resetCounts()
	}
	s.setState(Sending, "")
	s.setDue(end)
	s.RefusedWhenFull, s.NeedsReplicas = true, true
	s.Guards = append(s.Guards, NotHalted)
}
