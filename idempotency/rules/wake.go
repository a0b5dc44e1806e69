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

// rewake is how long after the n-th wake-up the next one follows. A wake-up can be lost with the
// worker that took it: the next one follows soon, the others at growing distances, so that a
// backlog is not woken again and again.
func rewake(n int) time.Duration {
	const soon, first, longest = 10 * time.Second, time.Minute, 15 * time.Minute
	if n <= 1 {
		return soon
	}
	return min(first<<min(n-2, 4), longest)
}

const mostWakes = 6

// Wake looks at a payment that is due: it recovers it where its lease lapsed, says what it needs,
// and moves its due time on, so that nobody else wakes it. askFor is how long a question may take.
func Wake(r Record, p Policy, f Facts, now Time, askFor time.Duration) (Change, Wanted) {
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
		return s.wakeToSend()
	case InDoubt, Pending:
		return s.wakeToAsk(askFor)
	case Held:
		return s.question(s.r().Askable, askFor)
	case Succeeded, Failed, Reversed:
		if s.r().WatchUntil != 0 && now >= s.r().WatchUntil {
			s.dropDetails()
		}
		return s.question(s.r().Askable && s.r().WatchUntil != 0, askFor)
	case Blocked, Sending:
	}
	return s.question(false, askFor)
}

func (s *step) wakeToSend() (Change, Wanted) {
	r := s.r()
	if r.Deadline != 0 && s.now >= r.Deadline {
		s.expire()
		return s.Change, Nothing
	}
	r.Wakes = min(r.Wakes+1, mostWakes)
	s.wake(s.in(rewake(r.Wakes)))
	return s.Change, ToSend
}

func (s *step) wakeToAsk(askFor time.Duration) (Change, Wanted) {
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
	return s.question(r.Askable, askFor)
}

// question has the payment asked about, and looked at again should the question be lost.
func (s *step) question(asked bool, askFor time.Duration) (Change, Wanted) {
	if !asked {
		s.wake(0)
		return s.Change, Nothing
	}
	s.wake(s.in(askFor))
	return s.Change, ToAsk
}
