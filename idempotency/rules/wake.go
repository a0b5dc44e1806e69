package rules

import "time"

// Wanted is what a payment that is due needs.
type Wanted string

// What it may need.
const (
	Nothing Wanted = "none"
	// ToSend: a worker may begin it.
	ToSend Wanted = "send"
	// ToAsk: the provider must be asked.
	ToAsk Wanted = "ask"
)

// A payment is woken again after soonAgain at the earliest, and after longestSleep at the latest.
const (
	soonAgain    = 10 * time.Second
	longestSleep = 15 * time.Minute
)

// rewake is how long after the n-th wake-up the next one follows. A wake-up can be lost with the
// worker that took it: the next one follows soon, the others at growing distances.
func rewake(n int) time.Duration {
	if n <= 1 {
		return soonAgain
	}
	return min(time.Minute<<min(n-2, 4), longestSleep)
}

const mostWakes = 6

// Lanes is what a step needs to know of the queues that wake-ups wait in.
type Lanes struct {
	// AskFor is how long a question may take.
	AskFor time.Duration
	// Send and Ask are since when the oldest wake-up of each lane has been waiting; 0: none waits.
	Send, Ask Time
}

// wakeLag is how much later than its record says a wake-up may have been enqueued, the difference
// of two clocks included.
const wakeLag = 5 * time.Second

// outstanding reports whether the last wake-up still waits in its lane. A queue hands out the
// oldest first: where something older waits, so does the wake-up, unless it was lost; then a new one
// would have to wait as long.
func (r *Record) outstanding(oldest Time) bool {
	return r.Woken != 0 && oldest != 0 && oldest <= r.Woken.Add(wakeLag)
}

// Wake looks at a payment that is due: it recovers it where its lease lapsed, says what it needs,
// and moves its due time on, so that nobody else wakes it. One whose last wake-up still waits needs
// nothing.
func Wake(r Record, p Policy, f Facts, now Time, l Lanes) (Change, Wanted) {
	s := begin(r, p, f, now)
	if r.State == Sending && now < r.LeaseEnd {
		s.wake(r.LeaseEnd)
		return s.Change, Nothing
	}
	if s.lapsed() {
		s.recover()
	}
	s.Written = true
	s.r().Generation++
	switch s.r().State {
	case Queued, Ready:
		return s.wakeToSend(l.Send)
	case InDoubt, Pending:
		return s.wakeToAsk(l)
	case Held:
		return s.question(s.r().Askable, l)
	case Succeeded, Failed, Reversed:
		if s.r().WatchUntil != 0 && now >= s.r().WatchUntil {
			s.dropDetails()
		}
		return s.question(s.r().Askable && s.r().WatchUntil != 0, l)
	case Blocked, Sending:
	}
	return s.question(false, l)
}

func (s *step) wakeToSend(oldest Time) (Change, Wanted) {
	r := s.r()
	if r.Deadline != 0 && s.now >= r.Deadline {
		s.expire()
		return s.Change, Nothing
	}
	if r.outstanding(oldest) {
		return s.sleep(oldest)
	}
	r.Wakes, r.Woken = min(r.Wakes+1, mostWakes), s.now
	s.wake(s.in(rewake(r.Wakes)))
	return s.Change, ToSend
}

// sleep looks again at what still waits in its lane after as long as the lane's oldest has waited: a
// backlog is looked at ever less often, and a wake-up that was lost in it costs no more than as long
// again.
func (s *step) sleep(oldest Time) (Change, Wanted) {
	s.wake(s.in(min(max(Since(s.now, oldest), soonAgain), longestSleep)))
	return s.Change, Nothing
}

func (s *step) wakeToAsk(l Lanes) (Change, Wanted) {
	r := s.r()
	if r.State == Pending && r.ActionURL != "" && r.Askable && s.now >= r.PayerUntil {
		s.withdraw()
	}
	switch {
	case s.overdue():
		s.hold("poll_deadline", "no final answer by the poll deadline")
	case !r.Askable:
		s.wake(r.pollDeadline(s.p))
		return s.Change, Nothing
	}
	return s.question(r.Askable, l)
}

// question has the payment asked about, and looked at again should the question be lost.
func (s *step) question(asked bool, l Lanes) (Change, Wanted) {
	if !asked {
		s.wake(0)
		return s.Change, Nothing
	}
	if s.r().outstanding(l.Ask) {
		return s.sleep(l.Ask)
	}
	s.r().Woken = s.now
	s.wake(s.in(l.AskFor))
	return s.Change, ToAsk
}
