package rules

// Park takes what cannot move out of the due index, to wait for the end of a reason. What its own
// time moves on while the reason lasts stays due at that time. Nothing else about the record knows
// that it is parked: whatever moves it on meanwhile is allowed, and letting it go then makes due
// what the next look drops.
func Park(r Record, p Policy, now Time, reason string) Change {
	s := begin(r, p, Facts{}, now)
	if r.State.Final() && r.WatchUntil == 0 || r.State == Blocked || r.State == Sending {
		return unchanged(r)
	}
	if early := r.earliest(); early > now {
		s.wake(early)
		return s.Change
	}
	s.wake(s.ownTime())
	if r := s.r(); r.Wakes > 0 || r.Woken > 0 {
		// Let go, it is woken as soon as one that waited for nothing: wake-ups that found the reason
		// count for nothing.
		r.Wakes, r.Woken, s.Written = 0, 0, true
	}
	s.Waits = reason
	return s.done()
}

// earliest is when a payment may be begun by its own time.
func (r *Record) earliest() Time {
	switch r.State {
	case Queued:
		return r.NotBefore
	case Ready:
		return r.NotAgainBefore
	default:
		return 0
	}
}

// ownTime is the next time at which a parked payment must be looked at all the same; at once where
// its last one has passed.
func (s *step) ownTime() Time {
	r := s.r()
	var times []Time
	switch r.State {
	case Queued, Ready:
		times = []Time{r.Deadline}
	case Succeeded, Failed, Reversed:
		times = []Time{r.WatchUntil}
	case InDoubt, Pending:
		if r.ActionURL != "" {
			times = append(times, r.PayerUntil)
		}
		times = append(times, r.pollDeadline(s.p))
		if r.PayerUntil != 0 {
			times = append(times, r.pollDeadline(s.p).Add(day))
		}
	case Held, Blocked, Sending:
	}
	var due Time
	for _, at := range times {
		if due == 0 || due <= s.now {
			due = at
		}
	}
	return due
}
