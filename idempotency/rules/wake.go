package rules

import "time"

// Need is what a payment that is due needs.
type Need string

// What it may need.
const (
	NeedNothing Need = "none"
	// NeedSend: a worker may begin it.
	NeedSend Need = "send"
	// NeedQuery: the provider must be asked.
	NeedQuery Need = "ask"
)

// A payment is woken again after recheckSoon at the earliest, and after maxWakeDelay at the latest.
const (
	recheckSoon  = 10 * time.Second
	maxWakeDelay = 15 * time.Minute
)

// rewake is how long after the n-th wake-up the next one follows. A wake-up can be lost with the
// worker that took it: the next one follows soon, the others at growing distances.
func rewake(n int) time.Duration {
	if n <= 1 {
		return recheckSoon
	}
	return min(time.Minute<<min(n-2, 4), maxWakeDelay)
}

const maxWakeUps = 6

// Lanes is what a step needs to know of the queues that wake-ups wait in.
type Lanes struct {
	// QueryTimeout is how long a question may take.
	QueryTimeout time.Duration
	// Send and Ask are since when the oldest wake-up of each lane has been waiting; 0: none waits.
	Send, Query Time
}

// wakeLag is how much later than its record says a wake-up may have been enqueued, the difference
// of two clocks included.
const wakeLag = 5 * time.Second

// wakeUpOutstanding reports whether the last wake-up still waits in its lane. A queue hands out the
// oldest first: where something older waits, so does the wake-up, unless it was lost; then a new one
// would have to wait as long.
func (r *Record) wakeUpOutstanding(oldest Time) bool {
	return r.Woken != 0 && oldest != 0 && oldest <= r.Woken.Add(wakeLag)
}

// Wake looks at a payment that is due: it recovers it where its lease lapsed, says what it needs,
// and moves its due time on, so that nobody else wakes it. One whose last wake-up still waits needs
// nothing.
func Wake(r Record, p Policy, f Facts, now Time, l Lanes) (Change, Need) {
	s := newTransition(r, p, f, now)
	if r.State == Sending && now < r.LeaseEnd {
		s.setDue(r.LeaseEnd)
		return s.Change, NeedNothing
	}
	if s.lapsed() {
		s.recoverLapsed()
	}
	s.RecordChanged = true
	s.record().Generation++
	switch s.record().State {
	case Queued, Ready:
		return s.wakeToSend(l.Send)
	case InDoubt, Pending:
		return s.wakeToQuery(l)
	case Held:
		return s.wakeForQuery(s.record().Queryable, l)
	case Succeeded, Failed, Reversed:
		if s.record().WatchUntil != 0 && now >= s.record().WatchUntil {
			s.dropPayload()
		}
		return s.wakeForQuery(s.record().Queryable && s.record().WatchUntil != 0, l)
	case Blocked, Sending:
	}
	return s.wakeForQuery(false, l)
}

func (s *transition) wakeToSend(oldest Time) (Change, Need) {
	r := s.record()
	if r.Deadline != 0 && s.now >= r.Deadline {
		s.expire()
		return s.Change, NeedNothing
	}
	if r.wakeUpOutstanding(oldest) {
		return s.letWait(oldest)
	}
	r.WakeUps, r.Woken = min(r.WakeUps+1, maxWakeUps), s.now
	s.setDue(s.after(rewake(r.WakeUps)))
	return s.Change, NeedSend
}

// letWait looks again at what still waits in its lane after as long as the lane's oldest has waited: a
// backlog is looked at ever less often, and a wake-up that was lost in it costs no more than as long
// again.
func (s *transition) letWait(oldest Time) (Change, Need) {
	s.setDue(s.after(min(max(Since(s.now, oldest), recheckSoon), maxWakeDelay)))
	return s.Change, NeedNothing
}

func (s *transition) wakeToQuery(l Lanes) (Change, Need) {
	r := s.record()
	if r.State == Pending && r.ActionURL != "" && r.Queryable && s.now >= r.PayerDeadline {
		s.dropActionURL()
	}
	switch {
	case s.overdue():
		s.toHeld("poll_deadline", "no final answer by the poll deadline")
	case !r.Queryable:
		s.setDue(r.pollDeadline(s.policy))
		return s.Change, NeedNothing
	}
	return s.wakeForQuery(r.Queryable, l)
}

// wakeForQuery has the payment asked about, and looked at again should the question be lost.
func (s *transition) wakeForQuery(asked bool, l Lanes) (Change, Need) {
	if !asked {
		s.setDue(0)
		return s.Change, NeedNothing
	}
	if s.record().wakeUpOutstanding(l.Query) {
		return s.letWait(l.Query)
	}
	s.record().Woken = s.now
	s.setDue(s.after(l.QueryTimeout))
	return s.Change, NeedQuery
}
