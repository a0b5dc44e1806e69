package rules

// Park takes what cannot move out of the due index, to wait for the end of a reason. What its own
// time moves on while the reason lasts stays due at that time. Nothing else about the record knows
// that it is parked: whatever moves it on meanwhile is allowed, and letting it go then makes due
// what the next look drops.
func Park(r Record, p Policy, now Time, reason string) Change {
	s := newTransition(r, p, Facts{}, now)
	if r.State.Final() && r.WatchUntil == 0 || r.State == Blocked || r.State == Sending {
		return noChange(r)
	}
	if early := r.earliest(); early > now {
		s.setDue(early)
		return s.Change
	}
	s.setDue(s.deadlineWhileParked())
	if r := s.record(); r.WakeUps > 0 || r.Woken > 0 {
		// Let go, it is woken as soon as one that waited for nothing: wake-ups that found the reason
		// count for nothing.
		r.WakeUps, r.Woken, s.RecordChanged = 0, 0, true
	}
	s.ParkReason = reason
	return s.applied()
}

// earliest is when a payment may be begun by its own time.
func (r *Record) earliest() Time {
	switch r.State {
	case Queued:
		return r.NotBefore
	case Ready:
		return r.RetryNotBefore
	default:
		return 0
	}
}

// deadlineWhileParked is the next time at which a parked payment must be looked at all the same; at once where
// its last one has passed.
func (s *transition) deadlineWhileParked() Time {
	r := s.record()
	var times []Time
	switch r.State {
	case Queued, Ready:
		times = []Time{r.Deadline}
	case Succeeded, Failed, Reversed:
		times = []Time{r.WatchUntil}
	case InDoubt, Pending:
		if r.ActionURL != "" {
			times = append(times, r.PayerDeadline)
		}
		times = append(times, r.pollDeadline(s.policy))
		if r.PayerDeadline != 0 {
			times = append(times, r.pollDeadline(s.policy).Add(day))
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
