package idempotency

import "github.com/remesa/remesa/providers"

// The steps of workers, on the model.

// begin decides as the record stands; watched tells whether a settled payment is still looked at.
func (r *modelRecord) begin(p modelRules, now int64, id uint8, opensLate, watched bool) Verdict {
	known := r.attempt(id)
	if known != nil && known.fate.recorded() && !p.forgetFates {
		return Done
	}
	r.recover(p, now)
	switch r.state {
	case Sending:
		if r.owner == id {
			return Send
		}
		return Wait
	case Queued, Ready:
		return r.send(p, now, id, opensLate)
	case InDoubt, Pending, Held:
		if p.askable {
			return AskFirst
		}
	case Succeeded, Failed, Reversed:
		if watched {
			return AskFirst
		}
	}
	return Done
}

// send opens an attempt. An id that was used before is never sent again, whatever became of it.
func (r *modelRecord) send(p modelRules, now int64, id uint8, opensLate bool) Verdict {
	switch {
	case r.attempt(id) != nil:
		return Done
	case r.expire(now):
		return Done
	case r.halted || now < r.notAgain:
		return Wait
	}
	fate := fateOpen
	if opensLate {
		fate = fateUnopened
	}
	r.at[r.n] = modelAttempt{id: id, end: now + p.lease, fate: fate}
	r.n++
	r.move(Sending)
	r.owner, r.leaseEnd, r.code, r.risk, r.evidence = id, now+p.lease, "", false, modelEvidence{}
	r.polling, r.since, r.notAgain = false, 0, 0
	r.forgetCounts()
	return Send
}

// expire ends what its own deadline forbids to send.
func (r *modelRecord) expire(now int64) bool {
	if r.state != Queued && r.state != Ready || r.deadline == 0 || now < r.deadline {
		return false
	}
	if r.unclear() {
		r.hold()
	} else {
		r.settle(Failed, "expired")
	}
	return true
}

// recover ends the attempt whose lease lapsed. One that never came to a step that can move money leaves nothing in doubt.
func (r *modelRecord) recover(p modelRules, now int64) {
	if r.state != Sending || now < r.leaseEnd {
		return
	}
	class := providers.InDoubt
	if r.attempt(r.owner).fate == fateUnopened {
		class = notSent
	}
	r.end(p, now, modelOutcome{class: class}, 0)
}

// note opens an attempt that began with a step that cannot move money.
func (r *modelRecord) note(now int64, id uint8, moves bool) bool {
	if r.state != Sending || r.owner != id || now >= r.leaseEnd || r.evidence.succeeded {
		return false
	}
	if a := r.attempt(id); moves && a.fate == fateUnopened {
		a.fate = fateOpen
	}
	return true
}

// report is Finish, and Release with the class notSent; after delays the next attempt of what was not sent.
func (r *modelRecord) report(p modelRules, now int64, id uint8, o modelOutcome, after int64) {
	a := r.attempt(id)
	if a == nil && o.class == notSent && !r.state.Final() {
		r.at[r.n] = modelAttempt{id: id, end: now, fate: fateNotExecuted} // it can no longer begin
		r.n++
	}
	if a == nil || (a.fate.recorded() && !p.forgetFates) {
		return
	}
	if r.state != Sending || r.owner != id {
		r.late(p, now, a, o)
		return
	}
	a.end = now
	if a.fate == fateUnopened && o.class == providers.InDoubt {
		o.class = notSent // it cannot have moved money
	}
	a.close(o)
	r.end(p, now, o, after)
}

// close records the attempt's own word on itself.
func (a *modelAttempt) close(o modelOutcome) {
	switch o.class {
	case notSent:
		a.fate = fateNotExecuted
	case providers.Refused:
		a.fate = fateRefused
	case providers.Succeeded, providers.Pending:
		a.fate, a.pid = fateKnown, o.pid
	}
}

// end moves the record on when its owner's attempt ends.
func (r *modelRecord) end(p modelRules, now int64, o modelOutcome, after int64) {
	e := r.evidence
	switch {
	case e.succeeded && o.class == providers.Succeeded, e.succeeded:
		r.endWithSuccess(e, o)
	case o.class == providers.Succeeded:
		r.adoptSuccess(o)
	case o.class == providers.Pending:
		r.learn(o.pid)
		r.await(now)
	case o.class == providers.InDoubt, e.pending:
		r.learn(o.pid)
		r.doubt(p, now)
	case o.class == notSent:
		r.ready(now, after)
	case r.unclear():
		r.doubt(p, now)
	default:
		r.learn(o.pid)
		r.settle(Failed, "declined")
	}
}

// endWithSuccess: another attempt's success was reported meanwhile.
func (r *modelRecord) endWithSuccess(e modelEvidence, o modelOutcome) {
	two := o.class != providers.Refused && e.pid != 0 && o.pid != 0 && e.pid != o.pid
	r.learn(o.pid)
	r.learn(e.pid)
	r.settle(Succeeded, "")
	if two {
		r.flag(o.pid)
	}
}

// adoptSuccess settles what was not settled. A second id of the provider's is an anomaly.
func (r *modelRecord) adoptSuccess(o modelOutcome) {
	before := r.pid
	r.learn(o.pid)
	r.settle(Succeeded, "")
	if before != 0 && before != r.pid {
		r.flag(before)
	}
}

// late is a report of an attempt that no longer owns the record.
func (r *modelRecord) late(p modelRules, now int64, a *modelAttempt, o modelOutcome) {
	switch o.class {
	case providers.InDoubt:
		r.lateDoubt(now, a)
	case providers.Succeeded:
		r.lateSuccess(a, o)
	case providers.Pending:
		r.latePending(now, a, o)
	case notSent, providers.Refused:
		r.lateNothing(now, a, o)
	}
}

// lateDoubt moves the attempt's end and nothing else; what was counted before that is void.
func (r *modelRecord) lateDoubt(now int64, a *modelAttempt) {
	if a.fate == fateUnopened || now <= a.end {
		return
	}
	a.end = now
	r.forgetCounts()
}

func (r *modelRecord) lateSuccess(a *modelAttempt, o modelOutcome) {
	from := r.source()
	a.close(o)
	switch r.state {
	case Sending:
		r.evident(o)
	case Succeeded, Reversed:
		r.successAgain(a, from, o)
	case Failed:
		r.flag(o.pid)
	default:
		r.adoptSuccess(o)
	}
}

// evident keeps a success until the owner's attempt ends.
func (r *modelRecord) evident(o modelOutcome) {
	e := &r.evidence
	if e.pid != 0 && o.pid != 0 && e.pid != o.pid {
		r.flag(o.pid)
	}
	e.succeeded = true
	if e.pid == 0 {
		e.pid = o.pid
	}
}

// successAgain: an unknown id is learnt, another id or another attempt is a second success.
func (r *modelRecord) successAgain(a, from *modelAttempt, o modelOutcome) {
	same := a == nil || from == nil || a == from
	switch {
	case o.pid == r.pid && (same || o.pid != 0):
	case o.pid == 0 && same && (a == nil || from != nil):
	case r.pid != 0 || !same || r.state == Reversed:
		r.flag(o.pid)
	default:
		r.pid = o.pid
	}
}

func (r *modelRecord) latePending(now int64, a *modelAttempt, o modelOutcome) {
	switch r.state {
	case Sending:
		r.evidence.pending = true
	case Failed:
		a.close(o)
		r.flag(o.pid)
	case Held:
		a.close(o)
		if r.pid == 0 {
			r.pid = o.pid
		}
	case Ready, InDoubt:
		a.close(o)
		r.learn(o.pid)
		r.await(now)
	default:
		if o.pid == r.pid {
			a.close(o)
		}
	}
}

// lateNothing is a late "not sent" or a late refusal: it closes its attempt, unless the provider knows the payment from it.
func (r *modelRecord) lateNothing(now int64, a *modelAttempt, o modelOutcome) {
	open := r.state == Ready || r.state == InDoubt || r.state == Held || r.state == Pending
	switch {
	case open && r.knownFrom(a):
		r.flag(r.pid)
		return
	case (r.state == Succeeded || r.state == Reversed) && a == r.source():
		if r.state == Succeeded && o.class == providers.Refused {
			r.flag(r.pid)
			return
		}
		if o.class == notSent {
			return
		}
	}
	a.close(o)
	a.end = max(a.end, now)
	if !open || r.state == Pending || r.unclear() {
		return
	}
	if o.class == providers.Refused {
		r.learn(o.pid)
		r.settle(Failed, "declined")
	} else if r.state != Ready {
		r.ready(now, 0)
	}
}

// knownFrom: the provider knows the payment, and only this attempt can have brought it there.
func (r *modelRecord) knownFrom(a *modelAttempt) bool {
	if r.state != Pending && r.count(0, modelFate.known) == 0 {
		return false
	}
	return a == r.source() || (!r.openOnly && r.count(a.id, r.unclearFate) == 0)
}
