package rules

import "time"

// Decision is what a caller of Begin must do.
type Decision string

// The decisions of Begin.
const (
	// Send: the attempt owns the payment; send its request once.
	Send Decision = "send"
	// QueryFirst: the payment may have been executed; query the provider.
	QueryFirst Decision = "query"
	// Wait: another attempt owns it, or it must wait. The janitor will wake it.
	Wait Decision = "wait"
	// Done: there is nothing to do.
	Done Decision = "done"
)

// BeginParams opens an attempt.
type BeginParams struct {
	// Attempt is a random id that the caller makes: the fence.
	Attempt string
	Lease   time.Duration
	// SafeFirstStep: the attempt's first step cannot move money. A Checkpoint opens the attempt
	// before the money step.
	SafeFirstStep bool
	// Queryable: the provider has a status query for this payment.
	Queryable bool
	// OnlyType is the one type of payment that the account can send. A payment of another type
	// waits. Empty means all types.
	OnlyType string
}

// BeginResult is what Begin decided.
type BeginResult struct {
	Decision Decision
	// AlreadyBegun: an earlier Begin of the same attempt took effect, and its reply was lost.
	AlreadyBegun bool
	// WaitUntil is when the payment may begin.
	WaitUntil Time
	// WaitReason is why it waits; empty if it waits for its own time or another attempt's lease.
	WaitReason WaitReason
}

// WaitReason is why a payment may not begin.
type WaitReason string

// The reasons for which a payment may not begin.
const (
	// WaitProviderHalt, WaitAccountHalt: an operator stopped new sends.
	WaitProviderHalt WaitReason = "halt_of_provider"
	WaitAccountHalt  WaitReason = "halt_of_account"
	// WaitPaymentType: the account cannot send payments of this type.
	WaitPaymentType WaitReason = "type"
	// WaitKey: this worker lacks the key of the payload.
	WaitKey WaitReason = "key"
	// WaitQuiet: a new epoch of the store has begun, and workers still report what they sent.
	WaitQuiet WaitReason = "quiet"
)

// waitRetry is how long a payment waits for a worker that can send it, or for a halt to end.
const waitRetry = 30 * time.Second

// Begin decides what the caller must do with a payment, and opens the attempt if the decision is
// Send.
func Begin(r Record, p Policy, f Facts, now Time, b BeginParams) (Change, BeginResult) {
	t := newTransition(r, p, f, now)
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
	if t.lapsed() {
		t.recoverLapsed()
	}
	begun := t.beginAttempt(b, own != nil)
	begun.AlreadyBegun = own != nil
	return t.Change, begun
}

// beginAttempt opens the attempt of a payment that no attempt is sending, if it may.
func (t *transition) beginAttempt(b BeginParams, known bool) BeginResult {
	r := t.record()
	earliest := max(r.NotBefore, r.RetryNotBefore)
	switch {
	case r.State != Queued && r.State != Ready && !(r.State == InDoubt && leftOutInTest(queryBeforeSendingAgain)):
		return BeginResult{Decision: t.queryOrDone()}
	case known: // an attempt is opened once
		return BeginResult{Decision: Done}
	case t.now < t.facts.Epoch.QuietUntil(b.Lease):
		return t.waitUntil(t.facts.Epoch.QuietUntil(b.Lease), WaitQuiet)
	case t.suspect():
		r.Queryable = b.Queryable
		t.addForgottenAttempt()
		return BeginResult{Decision: t.queryOrDone()}
	case r.Deadline != 0 && t.now >= r.Deadline:
		t.expire()
		return BeginResult{Decision: Done}
	case t.facts.Halted == HaltProvider:
		return t.waitUntil(t.after(waitRetry), WaitProviderHalt)
	case t.facts.Halted == HaltAccount:
		return t.waitUntil(t.after(waitRetry), WaitAccountHalt)
	case b.OnlyType != "" && b.OnlyType != r.Type:
		return t.waitUntil(t.after(waitRetry), WaitPaymentType)
	case t.now < earliest:
		return t.waitUntil(earliest, "")
	case t.facts.CannotDecrypt:
		return t.waitUntil(t.after(waitRetry), WaitKey)
	}
	t.openAttempt(b)
	return BeginResult{Decision: Send}
}

// queryOrDone returns QueryFirst for a payment that is undecided, or final and still watched.
func (t *transition) queryOrDone() Decision {
	r := t.record()
	if r.State.Final() && t.now < r.WatchUntil || !r.State.Final() && r.State != Blocked && r.Queryable {
		return QueryFirst
	}
	return Done
}

func (t *transition) waitUntil(until Time, why WaitReason) BeginResult {
	t.setDue(until)
	return BeginResult{Decision: Wait, WaitUntil: until, WaitReason: why}
}

func (t *transition) openAttempt(b BeginParams) {
	r := t.record()
	fate := Open
	if b.SafeFirstStep {
		fate = MoneyStepAhead
	}
	end := t.after(b.Lease)
	r.Attempts = append(r.Attempts, Attempt{ID: b.Attempt, End: end, Fate: fate})
	r.AttemptCount++
	r.Owner, r.LeaseEnd, r.Queryable = b.Attempt, end, b.Queryable
	r.WakeUps, r.RetryNotBefore, r.PollingSince, r.Polls, r.QueryFirst = 0, 0, 0, 0, false
	t.setReason("", "", "")
	if !leftOutInTest(countsRestartWithEachBegin) {
		r.resetCounts()
	}
	t.setState(Sending, "")
	t.setDue(end)
	t.RefusedWhenFull, t.NeedsReplicas, t.CountsSend = true, true, true
	t.Guards = append(t.Guards, NotHalted)
}
