package rules

// Park takes a payment that cannot move out of the due index until a reason ends. If a deadline of
// its own comes first, it stays due at that time. Parking does not lock the record: any other
// transition may happen meanwhile, and the payment that is unparked then is at worst woken for
// nothing.
func Park(r Record, p Policy, now Time, reason string) Change {
	t := newTransition(r, p, Facts{}, now)
	if r.State.Final() && r.WatchUntil == 0 || r.State == Blocked || r.State == Sending {
		return noChange(r)
	}
	if early := r.earliest(); early > now {
		t.setDue(early)
		return t.Change
	}
	t.setDue(t.deadlineWhileParked())
	if r := t.record(); r.WakeUps > 0 || r.Woken > 0 {
		// Once unparked, the payment is woken as promptly as any other: the wake-ups that found the
		// reason do not count.
		r.WakeUps, r.Woken, t.RecordChanged = 0, 0, true
	}
	t.ParkReason = reason
	return t.applied()
}

// earliest is when a queued or ready payment may begin.
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

// deadlineWhileParked is the next time at which a parked payment is due nevertheless. It lies in
// the past if all its deadlines have passed.
func (t *transition) deadlineWhileParked() Time {
	r := t.record()
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
		times = append(times, r.pollDeadline(t.policy))
		if r.PayerDeadline != 0 {
			times = append(times, r.pollDeadline(t.policy).Add(day))
		}
	case Held, Blocked, Sending:
	}
	var due Time
	for _, at := range times {
		if due == 0 || due <= t.now {
			due = at
		}
	}
	return due
}
