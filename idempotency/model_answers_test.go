package idempotency

import "github.com/remesa/remesa/providers"

// What the provider's answers and a person's word do, on the model.

// answer takes what the provider said when it was asked at the version that the record still has; current is false otherwise.
func (r *modelRecord) answer(p modelRules, now, asked int64, current bool, o modelOutcome) {
	if !current {
		if o.class == providers.Succeeded {
			r.found(now, o)
		}
		return
	}
	switch r.state {
	case InDoubt, Pending, Held, Ready:
		r.proven = r.proven || o.class == providers.Succeeded || o.class == providers.Pending || o.class == providers.Refused
		r.hear(p, now, asked, o)
	case Succeeded, Failed:
		r.contradict(o)
	}
}

func (r *modelRecord) hear(p modelRules, now, asked int64, o modelOutcome) {
	settled := r.lastEnd()+p.settle <= asked
	switch o.class {
	case providers.Succeeded:
		r.found(now, o)
	case providers.Pending:
		r.learn(o.pid)
		if r.state != Held {
			r.state, r.from = Pending, 0
		}
	case Mismatch:
		if r.state != Ready {
			r.state, r.code = Held, "mismatch"
		}
	case providers.Refused:
		r.hearRefused(p, settled, o)
	case providers.NotFound:
		r.hearNotFound(p, asked, settled)
	}
	if now-r.since >= p.pollDeadline && (r.state == InDoubt || r.state == Pending) {
		r.state = Held
	}
}

// found is a success that an answer brings, in time or late.
func (r *modelRecord) found(now int64, o modelOutcome) {
	r.proven = true
	switch r.state {
	case Sending:
		r.evidence.succeeded = true
		if o.pid != 0 {
			r.evidence.pid = o.pid
		}
	case Ready, InDoubt, Held, Pending:
		if a := r.namedBy(o); a != nil {
			a.close(o)
		}
		r.succeed(now, 0, o.pid)
	case Succeeded, Failed:
		r.contradict(o)
	}
}

// namedBy is the attempt that an answer is about: the one whose provider id it has, else the only one that is open.
func (r *modelRecord) namedBy(o modelOutcome) *modelAttempt {
	for i := range r.n {
		if o.pid != 0 && r.at[i].pid == o.pid {
			return &r.at[i]
		}
	}
	return r.onlyOpen()
}

// contradict compares an answer with a settled payment.
func (r *modelRecord) contradict(o modelOutcome) {
	switch {
	case o.class == providers.Succeeded && r.state == Failed:
		r.anomaly = true
	case o.class == providers.Succeeded && r.byPerson && r.pid == 0:
		r.pid = o.pid
	case o.class == providers.Succeeded && o.pid != r.pid:
		r.anomaly = true
	}
}

// hearRefused believes a refusal only when it was read twice, the second time when the provider can no longer execute.
func (r *modelRecord) hearRefused(p modelRules, settled bool, o modelOutcome) {
	first := r.refusals == 0
	r.refusals++
	if first || !settled {
		return
	}
	if r.othersUnclear(o) {
		r.state = Held
		return
	}
	if a := r.namedBy(o); a != nil {
		a.close(o)
	}
	r.state, r.code = Failed, "declined"
}

// othersUnclear: another attempt is open, or the refusal may be an earlier attempt's.
func (r *modelRecord) othersUnclear(o modelOutcome) bool {
	last := &r.at[r.n-1]
	if r.openBut(last.id) {
		return true
	}
	if o.pid != 0 && o.pid == last.pid {
		return false
	}
	for _, a := range r.at[:r.n] {
		if a.fate == fateRefused {
			return true
		}
	}
	return false
}

func (r *modelRecord) hearNotFound(p modelRules, asked int64, settled bool) {
	if !settled || r.state == Held || r.state == Ready || (r.counted != 0 && asked < r.counted+p.every) {
		return
	}
	r.notFounds++
	r.counted = asked
	if r.notFounds < p.confirm {
		return
	}
	switch {
	case r.risk:
		r.state, r.risk = Ready, false
	case r.state == InDoubt && p.resend && r.resent < p.resends && r.proven:
		r.state = Ready
		r.resent++
	default:
		r.state = Held
	}
}

// The steps of a person; each says whether it was allowed.

func (r *modelRecord) resolve(p modelRules, now int64, as string, pid uint8) bool {
	switch {
	case r.state != InDoubt && r.state != Pending && r.state != Held:
		return false
	case as == "not-received":
		if r.state != Held || now < r.lastEnd()+p.settle {
			return false
		}
		r.state, r.code = Failed, "not_received"
	case as == string(Succeeded):
		r.state, r.byPerson, r.from = Succeeded, true, 0
		r.learn(pid)
	default:
		r.state, r.code = Failed, "resolved"
	}
	return true
}

func (r *modelRecord) retry(p modelRules, now int64, acceptRisk bool) bool {
	switch {
	case r.state != Failed || r.anomaly:
		return false
	case !r.unclearBut(0):
		r.state = Ready
	case r.code != "not_received" || !acceptRisk:
		return false
	case p.askable:
		r.state, r.risk, r.since = InDoubt, true, now
		r.restartCounts()
	default:
		r.state = Ready
	}
	return true
}

func (r *modelRecord) cancel() bool {
	if (r.state != Queued && r.state != Ready && r.state != Blocked) || r.unclearBut(0) {
		return false
	}
	r.state, r.code = Failed, "cancelled"
	return true
}

func (r *modelRecord) unblock() bool {
	if r.state != Blocked {
		return false
	}
	r.state = Queued
	return true
}

func (r *modelRecord) block() bool {
	if r.state != Queued {
		return false
	}
	r.state = Blocked
	return true
}

// reject stops a payment whose payload cannot be used.
func (r *modelRecord) reject() bool {
	switch {
	case r.state == Sending || !r.open():
		return false
	case r.unclearBut(0):
		r.state = Held
	default:
		r.state = Failed
	}
	return true
}

func (r *modelRecord) clearAnomaly(reverse bool) bool {
	switch {
	case !r.anomaly:
		return false
	case reverse && r.state != Succeeded:
		return false
	case reverse:
		r.state = Reversed
	case r.state == Failed:
		r.state = Succeeded
	}
	r.anomaly = false
	return true
}
