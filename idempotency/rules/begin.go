package rules

import "time"

// Verdict is what a caller of Begin must do.
type Verdict string

// Verdicts of Begin.
const (
	// Send: the attempt owns the payment; send its request once.
	Send Verdict = "send"
	// AskFirst: the payment may have been executed; ask the provider.
	AskFirst Verdict = "ask"
	// Wait: somebody else owns it, or it must wait; the due index will wake it.
	Wait Verdict = "wait"
	// Done: nothing to do.
	Done Verdict = "done"
)

// BeginStep opens an attempt.
type BeginStep struct {
	// Attempt is a random id made by the caller: the fence.
	Attempt string
	Lease   time.Duration
	// OpensLate: the attempt begins with a step that cannot move money; Note opens it.
	OpensLate bool
	// Askable: the provider can be asked what became of this payment.
	Askable bool
	// Only is the one type of payment that the account makes; one of another type waits. Empty:
	// every type.
	Only string
}

// Begun is the answer to Begin.
type Begun struct {
	Verdict Verdict
	// Own: the attempt is known already; its first Begin was carried out, and the answer came too
	// late.
	Own bool
	// Until says when a waiting caller would be served.
	Until Time
	// For is why it waits, where that is neither its own time nor somebody's lease.
	For Waiting
}

// Waiting is why a payment waits unbegun, until somebody or something ends that.
type Waiting string

// What a payment may wait for.
const (
	// ForHaltOfProvider, ForHaltOfAccount: a person stopped new sends.
	ForHaltOfProvider Waiting = "halt_of_provider"
	ForHaltOfAccount  Waiting = "halt_of_account"
	// ForType: an account that makes payments of this type.
	ForType Waiting = "type"
	// ForKey: somebody who has the key of its payload.
	ForKey Waiting = "key"
)

// waitTime is how long a payment waits for somebody else who can send it, or for a halt to end.
const waitTime = 30 * time.Second

// Begin decides what is to be done with a payment, and opens the attempt where that is: send.
func Begin(r Record, p Policy, f Facts, now Time, b BeginStep) (Change, Begun) {
	s := begin(r, p, f, now)
	own := r.attempt(b.Attempt)
	if own != nil && own.reported() && !off(tombstoneStopsLateBegin) {
		return unchanged(r), Begun{Verdict: Done, Own: true}
	}
	if r.State == Sending && now < r.LeaseEnd && !off(oneOwner) {
		if r.Owner == b.Attempt {
			return unchanged(r), Begun{Verdict: Send}
		}
		return unchanged(r), Begun{Verdict: Wait, Own: own != nil, Until: r.LeaseEnd}
	}
	if s.lapsed() {
		s.recover()
	}
	begun := s.begin(b, own != nil)
	begun.Own = own != nil
	return s.Change, begun
}

// begin opens the attempt of a payment that nobody is sending, if it may.
func (s *step) begin(b BeginStep, known bool) Begun {
	r := s.r()
	earliest := max(r.NotBefore, r.NotAgainBefore)
	switch {
	case r.State != Queued && r.State != Ready && !(r.State == InDoubt && off(askBeforeSendingAgain)):
		return Begun{Verdict: s.askedAbout()}
	case known: // an attempt is opened once
		return Begun{Verdict: Done}
	case r.Deadline != 0 && s.now >= r.Deadline:
		s.expire()
		return Begun{Verdict: Done}
	case s.facts.Halted == HaltProvider:
		return s.wait(s.in(waitTime), ForHaltOfProvider)
	case s.facts.Halted == HaltAccount:
		return s.wait(s.in(waitTime), ForHaltOfAccount)
	case b.Only != "" && b.Only != r.Type:
		return s.wait(s.in(waitTime), ForType)
	case s.now < earliest:
		return s.wait(earliest, "")
	case s.facts.Locked:
		return s.wait(s.in(waitTime), ForKey)
	}
	s.open(b)
	return Begun{Verdict: Send}
}

// askedAbout: undecided, or settled and still watched.
func (s *step) askedAbout() Verdict {
	r := s.r()
	if r.State.Final() && s.now < r.WatchUntil || !r.State.Final() && r.State != Blocked && r.Askable {
		return AskFirst
	}
	return Done
}

func (s *step) wait(until Time, why Waiting) Begun {
	s.wake(until)
	return Begun{Verdict: Wait, Until: until, For: why}
}

func (s *step) open(b BeginStep) {
	r := s.r()
	fate := Open
	if b.OpensLate {
		fate = NotYet
	}
	end := s.in(b.Lease)
	r.Attempts = append(r.Attempts, Attempt{ID: b.Attempt, End: end, Fate: fate})
	r.AttemptCount++
	r.Owner, r.LeaseEnd, r.Askable = b.Attempt, end, b.Askable
	r.Wakes, r.Woken, r.NotAgainBefore, r.PollingSince, r.Polls, r.AskFirst = 0, 0, 0, 0, 0, false
	s.word("", "", "")
	if !off(answersBegunAnewEachBegin) {
		r.forgetCounts()
	}
	s.move(Sending, "")
	s.wake(end)
	s.Grows, s.Intent = true, true
	s.Guards = append(s.Guards, NotHalted)
}
