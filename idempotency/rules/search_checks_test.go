package rules

import "slices"

// What a step or a state may break. A row names those that it can show.
const (
	sentTwice       = "executed twice"
	hiddenDouble    = "executed twice, and nothing shows it"
	forgotten       = "forgotten: it is not due, and no list shows it"
	falseFailed     = "a machine called it failed, and it may have been executed"
	falseSuccess    = "succeeded, and nothing was executed"
	notWatched      = "failed, may have been executed, and is not watched"
	notRepeatable   = "the same step again changed something"
	silentChange    = "state or fate changed, and the version did not"
	fateReopened    = "what an attempt said of itself was forgotten"
	sentUnqueried   = "decided to send, though another attempt may have left and no operator took that risk"
	acceptedForeign = "another's payment was taken for ours, though every attempt was called a duplicate"
	hurriedOperator = "called not received before the settle time was over"
	hiddenAnomaly   = "a statement's difference hides a contradiction"
	moreThanAFlag   = "a statement's difference changed more than the anomaly"
)

// check holds one step against what every step must keep.
func (x *explorer) check(s *state, c *Change, now Time) {
	before, after := &s.rec, &c.Record
	switch {
	case after.Version == before.Version && (before.State != after.State || fatesDiffer(before, after)):
		x.broken = silentChange
	case reopened(before, after):
		x.broken = fateReopened
	case c.StateChanged && after.State == Failed && !slices.Contains(s.ignores, falseFailed) && s.falselyFailed(c):
		x.broken = falseFailed
	case c.StateChanged && after.State == Failed && after.Code == "not_received" && s.hurried(now):
		x.broken = hurriedOperator
	case c.StateChanged && (after.State == Succeeded || after.State == Pending) && s.taken && after.Code != "resolved" && noneOpen(before):
		x.broken = acceptedForeign
	case c.AnomalyRaised == StatementDifference && before.Anomaly != nil:
		x.broken = hiddenAnomaly
	case c.AnomalyRaised == StatementDifference && !onlyFlagged(before, c):
		x.broken = moreThanAFlag
	case before.State != Sending && after.State == Sending && s.unqueried(after):
		x.broken = sentUnqueried
	}
}

// repeat takes the step of an attempt once more: its reply may have been lost.
func (x *explorer) repeat(s *state, c *Change, step func(Record, Policy, Facts, Time) Change, f Facts, now Time) {
	again := step(c.Record, s.policy, f, now)
	if !sameRecord(s, c.Record, again.Record) {
		x.broken = notRepeatable
	}
}

func sameRecord(s *state, a, b Record) bool {
	text := func(r Record) string {
		r.Attempts = slices.Clone(r.Attempts)
		one := state{row: s.row, rec: r, now: s.now}
		one.normalize()
		return string(one.encode(nil))
	}
	return a.Version == b.Version && text(a) == text(b)
}

// onlyFlagged: but for the anomaly, and that it changed, the record is as it was, and nothing else
// follows.
func onlyFlagged(before *Record, c *Change) bool {
	after := c.Record
	after.Anomaly, after.Version, after.Updated, after.History = before.Anomaly, before.Version, before.Updated, before.History
	was, is := state{rec: *before}, state{rec: after}
	return string(was.encode(nil)) == string(is.encode(nil)) && c.Due.Keep && c.Payload == KeepPayload && !c.StateChanged && !c.CountsSend
}

func noneOpen(r *Record) bool {
	return !slices.ContainsFunc(r.Attempts, func(a Attempt) bool { return a.Fate == Open })
}

func fatesDiffer(a, b *Record) bool {
	return !slices.EqualFunc(a.Attempts, b.Attempts, func(x, y Attempt) bool { return x.Fate == y.Fate })
}

// reopened: an attempt that has reported is undecided again.
func reopened(before, after *Record) bool {
	for i := range before.Attempts {
		a := &before.Attempts[i]
		if now := after.attempt(a.ID); a.reported() && (now == nil || now.Fate == Open || now.Fate == MoneyStepAhead) {
			return true
		}
	}
	return false
}

// falselyFailed: a machine's "failed" means that nothing of it was executed, or will be.
func (s *state) falselyFailed(c *Change) bool {
	if c.Record.Code == "resolved" || c.Record.Code == "not_received" || c.Record.Code == "expired_unpaid" {
		return false
	}
	for i := range s.tries[:s.begun] {
		if s.mayBeExecuted(i) && !s.tries[i].closed {
			return true
		}
	}
	return false
}

// mayBeExecuted: it was, or can still be.
func (s *state) mayBeExecuted(i int) bool {
	switch t := s.tries[i]; t.at {
	case accepted, executed:
		return true
	case inFlight:
		return !s.foreign && (!s.punctual || s.now < t.until)
	case nowhere:
		return t.moves && (!s.punctual || s.now < t.until) && slices.ContainsFunc(s.workers[:], func(w worker) bool {
			return w.doing == sendDecided && int(w.id) == i+1
		})
	case declined, throttled, duplicate:
	}
	return false
}

// hurried: an attempt that the provider may still execute within its settle time is called not
// received.
func (s *state) hurried(now Time) bool { return now < s.rec.lastEnd().Add(s.policy.SettleTime) }

// unqueried: another attempt may have left, and no operator accepted the risk of a second send.
// Under resend that attempt can no longer be executed, unless its provider breaks the condition.
func (s *state) unqueried(after *Record) bool {
	if s.policy.Resend && !s.punctual {
		return false
	}
	for i := range s.tries[:s.begun] {
		if name(uint8(i+1)) != after.Owner && s.mayBeExecuted(i) && !s.tries[i].excused { // three
			return s.forgets == 0
		}
	}
	return false
}

// broken says what of the promise this state breaks, the gravest first.
func (s *state) broken() string {
	executions, ours := 0, false
	for i := range s.tries[:s.begun] {
		t := s.tries[i]
		ours = ours || t.at == executed
		if t.at == executed && !t.excused {
			executions++
			if t.twice {
				executions++
			}
		}
	}
	r := &s.rec
	contradicts := r.Anomaly != nil && r.Anomaly.Kind != StatementDifference
	seen := s.resolved || contradicts || r.Cleared != "" || r.WatchUntil != 0 && s.due
	switch {
	case executions > 1 && r.State.Final() && !seen && s.silent():
		return hiddenDouble
	case executions > 1 && !slices.Contains(s.ignores, sentTwice):
		return sentTwice
	case s.lost:
		return ""
	case !r.State.Final() && !s.due && r.State != Held && r.State != Blocked && !contradicts:
		return forgotten
	case r.State == Succeeded && !ours && !seen && !slices.Contains(s.ignores, falseSuccess):
		return falseSuccess
	case r.State == Failed && !seen && s.anyExecutable():
		return notWatched
	}
	return ""
}

// silent: no worker has anything to report, and no status query is under way.
func (s *state) silent() bool {
	return s.workers[0].doing == idle && s.workers[1].doing == idle && s.querier.doing == idle
}

func (s *state) anyExecutable() bool {
	for i := range s.tries[:s.begun] {
		if s.mayBeExecuted(i) && !s.tries[i].excused {
			return s.silent()
		}
	}
	return false
}
