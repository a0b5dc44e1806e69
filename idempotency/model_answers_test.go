package idempotency

import "github.com/remesa/remesa/providers"

// What the provider's answers and a person's word do, on the model.

// answer takes what the provider said; current tells whether the record still has the version that the question had.
func (r *modelRecord) answer(p modelRules, now, asked int64, current bool, o modelOutcome) {
	if o.class == providers.Succeeded || o.class == providers.Pending || o.class == providers.Refused {
		r.proven = true
	}
	if !current || r.state == Sending {
		if o.class == providers.Succeeded {
			r.lateAnswer(o)
		}
		return
	}
	switch r.state {
	case InDoubt, Pending, Held:
		r.hear(p, now, asked, o)
	case Ready:
		r.hearReady(now, o)
	case Succeeded, Failed, Reversed:
		r.contradict(o)
	}
}

// lateAnswer is a success in an answer that is out of date.
func (r *modelRecord) lateAnswer(o modelOutcome) {
	switch r.state {
	case Sending:
		r.evident(o)
	case Succeeded, Reversed:
		r.successAgain(nil, r.source(), o)
	case Failed:
		r.flag(o.pid)
	default:
		r.adopt(o)
		r.adoptSuccess(o)
	}
}

func (r *modelRecord) hear(p modelRules, now, asked int64, o modelOutcome) {
	counts := asked >= r.lastEnd()+p.settle
	switch o.class {
	case providers.Succeeded:
		r.adopt(o)
		r.adoptSuccess(o)
		return
	case providers.Pending:
		r.forgetCounts()
		if r.hearPending(now, o) {
			return
		}
	case providers.Mismatch:
		if r.state != Held {
			r.hold()
		}
		return
	case providers.Refused:
		r.hearRefused(p, asked, counts, o)
	case providers.NotFound:
		r.hearNotFound(p, now, asked, counts)
	}
	r.pollAgain(p, now)
}

// pollAgain holds what stays undecided for too long.
func (r *modelRecord) pollAgain(p modelRules, now int64) {
	if (r.state == InDoubt || r.state == Pending) && now >= r.since+p.pollDeadline {
		r.hold()
	}
}

// hearReady: an answer that names the payment stops it from beginning again.
func (r *modelRecord) hearReady(now int64, o modelOutcome) {
	switch o.class {
	case providers.Succeeded:
		r.adopt(o)
		r.adoptSuccess(o)
	case providers.Pending:
		r.forgetCounts()
		r.hearPending(now, o)
	}
}

// hearPending reports whether the payment became pending; in held it is noted.
func (r *modelRecord) hearPending(now int64, o modelOutcome) bool {
	switch r.state {
	case InDoubt, Ready:
		r.adopt(o)
		r.learn(o.pid)
		r.await(now)
		return true
	case Held:
		if r.mayHaveLeft() && r.pid == 0 {
			r.adopt(o)
			r.learn(o.pid)
		}
	}
	return false
}

// adopt attributes what the provider has to the only attempt that can have brought it there.
func (r *modelRecord) adopt(o modelOutcome) {
	if r.count(0, r.unclearFate) != 1 {
		return
	}
	for i := range r.n {
		if a := &r.at[i]; a.fate == fateOpen {
			a.fate, a.pid = fateKnownHeard, o.pid
		}
	}
}

// contradict compares an answer with a settled payment.
func (r *modelRecord) contradict(o modelOutcome) {
	switch {
	case r.state == Failed && (o.class == providers.Succeeded || o.class == providers.Pending):
		r.flag(o.pid)
	case r.state == Succeeded && (o.class == providers.Refused || o.class == providers.Mismatch):
		r.flag(o.pid)
	case r.state == Succeeded && o.class == providers.Succeeded && o.pid != 0 && r.pid == 0:
		r.pid = o.pid
	case r.state == Succeeded && o.class == providers.Succeeded && o.pid != 0 && r.pid != o.pid:
		r.flag(o.pid)
	}
}

// hearRefused believes a refusal only when it was read twice, settle time apart and when the provider can no longer execute.
func (r *modelRecord) hearRefused(p modelRules, asked int64, counts bool, o modelOutcome) {
	r.notFounds, r.counted = 0, -1
	if r.refusal < 0 || !counts || asked < r.refusal+p.settle {
		if r.refusal < 0 {
			r.refusal = asked
		}
		return
	}
	named := r.pid != 0 && r.pid == o.pid && !r.mayHaveLeft()
	if r.count(0, r.unclearFate) > 1 || (r.count(0, isRefused) > 0 && !named) {
		if r.state != Held {
			r.hold()
		}
		return
	}
	for i := range r.n {
		switch a := &r.at[i]; a.fate {
		case fateOpen, fateKnownHeard:
			a.fate = fateRefusedHeard
		case fateKnown:
			a.fate = fateRefused
		}
	}
	r.learn(o.pid)
	r.settle(Failed, "declined")
}

func (r *modelRecord) hearNotFound(p modelRules, now, asked int64, counts bool) {
	r.refusal = -1
	switch {
	case r.state == Held:
		return
	case r.risk:
		r.ready(now, 0)
		return
	case !counts || (r.counted >= 0 && asked < r.counted+p.every):
		return
	}
	r.notFounds++
	r.counted = asked
	if r.notFounds < p.confirm {
		return
	}
	// What the provider was once known to have is not sent again because it forgot.
	wasKnown := r.state == Pending || r.evidence.pending || r.count(0, modelFate.known) > 0
	if p.resend && r.resent < p.resends && r.proven && !wasKnown {
		r.resent++
		r.ready(now, 0)
		return
	}
	r.hold()
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
		r.settle(Failed, "not_received")
	case as == string(Succeeded):
		r.learn(pid)
		r.settle(Succeeded, "resolved")
	default:
		r.learn(pid)
		r.settle(Failed, "resolved")
	}
	return true
}

func (r *modelRecord) retry(p modelRules, now int64, acceptRisk bool) bool {
	switch unclear := r.unclear(); {
	case r.state == Ready:
		r.notAgain = 0
	case r.state != Failed || r.anomaly:
		return false
	case unclear && !(r.code == "not_received" && acceptRisk):
		return false
	case unclear && p.askable:
		r.pid, r.code, r.deadline = 0, "", 0
		r.doubt(p, now)
		r.risk = true
	default:
		r.pid, r.code, r.deadline = 0, "", 0
		r.ready(now, 0)
	}
	return true
}

func (r *modelRecord) cancel() bool {
	if (r.state != Queued && r.state != Ready && r.state != Blocked) || r.unclear() {
		return false
	}
	r.settle(Failed, "cancelled")
	return true
}

func (r *modelRecord) unblock() bool {
	if r.state != Blocked {
		return false
	}
	r.move(Queued)
	return true
}

func (r *modelRecord) block() {
	if r.state == Queued {
		r.move(Blocked)
	}
}

// reject stops a payment whose payload cannot be used.
func (r *modelRecord) reject() {
	switch r.state {
	case Queued, Ready:
		if r.unclear() {
			r.hold()
			return
		}
		r.settle(Failed, "payload")
	case InDoubt, Pending:
		r.hold()
	}
}

func (r *modelRecord) clearAnomaly(reverse bool) bool {
	if !r.anomaly || (reverse && r.open()) {
		return false
	}
	r.anomaly = false
	switch {
	case reverse && r.state == Succeeded:
		r.settle(Reversed, r.code)
	case !reverse && r.state == Failed:
		r.learn(r.contrary)
		r.settle(Succeeded, "")
	}
	return true
}

func (r *modelRecord) open() bool { return !r.state.Final() }
