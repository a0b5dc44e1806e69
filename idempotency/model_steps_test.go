package idempotency

import "github.com/remesa/remesa/providers"

// The steps of workers, on the model.

// begin decides as the record stands; due says whether its due time has come.
func (r *modelRecord) begin(p modelRules, now int64, id uint8, opensLate, due bool) Verdict {
	known := r.attempt(id)
	if known != nil && known.fate.recorded() {
		return Done
	}
	recovered := r.recover(p, now)
	switch r.state {
	case Sending:
		if r.owner == id {
			return Send
		}
		return Wait
	case Queued, Ready:
		return r.send(p, now, id, opensLate)
	case InDoubt, Pending, Held:
		if due || recovered {
			return AskFirst
		}
		return Wait
	default:
		return Done
	}
}

// send opens an attempt. An id that was used before is never sent again, whatever became of it.
func (r *modelRecord) send(p modelRules, now int64, id uint8, opensLate bool) Verdict {
	if r.attempt(id) != nil {
		return Done
	}
	if r.deadline != 0 && now >= r.deadline {
		r.expire(p, now)
		return Done
	}
	if r.halted {
		return Wait
	}
	fate := fateOpen
	if opensLate {
		fate = fateUnopened
	}
	r.leaseEnd = now + p.lease
	r.at[r.n] = modelAttempt{id: id, end: r.leaseEnd, fate: fate}
	r.n++
	r.state, r.owner, r.code, r.from, r.risk = Sending, id, "", 0, false
	r.restartCounts()
	return Send
}

func (r *modelRecord) restartCounts() { r.refusals, r.notFounds, r.counted = 0, 0, 0 }

// expire ends what was not begun in time; where an earlier attempt may have left, the provider is asked.
func (r *modelRecord) expire(p modelRules, now int64) {
	if r.unclearBut(0) {
		r.doubt(p, now)
		return
	}
	r.state, r.code = Failed, "expired"
}

// doubt is what an attempt leaves that nobody knows the end of.
func (r *modelRecord) doubt(p modelRules, now int64) {
	if r.state != InDoubt && r.state != Pending {
		r.since = now
	}
	r.state = InDoubt
	if !p.askable {
		r.state = Held
	}
}

// recover ends the attempt whose lease lapsed.
func (r *modelRecord) recover(p modelRules, now int64) bool {
	if r.state != Sending || now < r.leaseEnd {
		return false
	}
	a := r.attempt(r.owner)
	if a.fate == fateUnopened {
		a.fate = fateNotExecuted // its Note is refused from now on: it can never move money
		r.end(p, now, a, modelOutcome{class: notSent})
		return true
	}
	r.end(p, now, a, modelOutcome{class: providers.InDoubt})
	return true
}

// note opens an attempt that began with a step that cannot move money.
func (r *modelRecord) note(now int64, id uint8, moves bool) bool {
	if r.state != Sending || r.owner != id || now >= r.leaseEnd {
		return false
	}
	if a := r.attempt(id); moves && a.fate == fateUnopened {
		a.fate = fateOpen
	}
	return true
}

// report is Finish and Release.
func (r *modelRecord) report(p modelRules, now int64, id uint8, o modelOutcome) {
	a := r.attempt(id)
	if a == nil || (a.fate.recorded() && !p.forgetFates) {
		return
	}
	if now > a.end {
		a.end = now
	}
	if r.state == Sending && r.owner == id {
		a.close(o)
		r.end(p, now, a, o)
		return
	}
	r.late(p, now, a, o)
}

// close records what the attempt's own report says of it.
func (a *modelAttempt) close(o modelOutcome) {
	switch o.class {
	case notSent:
		a.fate = fateNotExecuted
	case providers.Refused:
		a.fate = fateRefused
	case providers.Succeeded:
		a.fate = fateNamed
	case providers.Pending, providers.InDoubt:
		a.fate = fateOpen
	}
	if o.pid != 0 {
		a.pid = o.pid
	}
}

// end moves the record on when its owner's attempt ends.
func (r *modelRecord) end(p modelRules, now int64, a *modelAttempt, o modelOutcome) {
	r.owner, r.leaseEnd = 0, 0
	e := r.evidence
	r.evidence = modelEvidence{}
	two := e.pid != 0 && o.pid != 0 && e.pid != o.pid
	switch {
	case e.succeeded:
		if o.class == providers.Succeeded && e.pid == 0 {
			e.pid = o.pid
		}
		r.succeed(now, 0, e.pid)
		r.anomaly = r.anomaly || two
	case o.class == providers.Succeeded:
		r.succeed(now, a.id, o.pid)
		r.anomaly = r.anomaly || two
	case o.class == providers.Pending:
		r.state, r.from, r.since = Pending, a.id, now
		r.learn(o.pid)
	case o.class == providers.InDoubt, e.pending:
		r.doubt(p, now)
	case o.class == notSent:
		r.state = Ready
	case r.unclearBut(a.id):
		r.doubt(p, now)
	default:
		r.state, r.code = Failed, "declined"
		r.learn(o.pid)
	}
}

func (r *modelRecord) learn(pid uint8) {
	if pid != 0 {
		r.pid = pid
	}
}

func (r *modelRecord) succeed(_ int64, from, pid uint8) {
	r.state, r.from, r.byPerson = Succeeded, from, false
	r.learn(pid)
}

// late is a report of an attempt that no longer owns the record: the table of late results, row by row.
func (r *modelRecord) late(p modelRules, now int64, a *modelAttempt, o modelOutcome) {
	if o.class == providers.InDoubt {
		return
	}
	switch r.state {
	case Ready, InDoubt, Held:
		r.lateInDoubt(p, now, a, o)
	case Pending:
		r.latePending(now, a, o)
	case Sending:
		r.lateSending(a, o)
	case Succeeded:
		r.lateSucceeded(a, o)
	case Failed:
		r.lateFailed(a, o)
	}
}

func (r *modelRecord) lateInDoubt(p modelRules, now int64, a *modelAttempt, o modelOutcome) {
	a.close(o)
	switch o.class {
	case providers.Succeeded:
		r.succeed(now, a.id, o.pid)
	case providers.Pending:
		r.learn(o.pid)
		if r.state != Held {
			r.state, r.from = Pending, a.id
		}
	case notSent:
		if r.state != Ready && !r.unclearBut(a.id) {
			r.state = Ready
		}
	case providers.Refused:
		if !r.unclearBut(a.id) {
			r.state, r.code = Failed, "declined"
		}
	}
}

func (r *modelRecord) latePending(now int64, a *modelAttempt, o modelOutcome) {
	switch {
	case o.class == providers.Succeeded:
		a.close(o)
		r.succeed(now, a.id, o.pid)
	case o.class == providers.Pending:
	case r.from == a.id:
		r.anomaly = true
	default:
		a.close(o)
	}
}

func (r *modelRecord) lateSending(a *modelAttempt, o modelOutcome) {
	a.close(o)
	switch o.class {
	case providers.Succeeded:
		if r.evidence.succeeded && r.evidence.pid != o.pid {
			r.anomaly = true
		}
		r.evidence.succeeded = true
	case providers.Pending:
		r.evidence.pending = true
	default:
		return
	}
	if o.pid != 0 {
		r.evidence.pid = o.pid
	}
}

func (r *modelRecord) lateSucceeded(a *modelAttempt, o modelOutcome) {
	switch {
	case o.class == providers.Succeeded && o.pid != 0 && o.pid == r.pid:
		a.close(o)
	case o.class == providers.Succeeded && r.byPerson && r.pid == 0:
		a.close(o)
		r.succeed(0, a.id, o.pid)
	case o.class == providers.Succeeded:
		a.close(o)
		r.anomaly = true
	case o.class == providers.Refused && r.from == a.id:
		r.anomaly = true
	}
}

func (r *modelRecord) lateFailed(a *modelAttempt, o modelOutcome) {
	if o.class == providers.Succeeded {
		a.close(o)
		r.anomaly = true
	}
	if o.class == providers.Pending {
		r.anomaly = true
	}
}
