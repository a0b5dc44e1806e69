package rules

import "time"

// Need is what a due payment needs.
type Need string

// The needs of a due payment.
const (
	NeedNothing Need = "none"
	// NeedSend: a worker may begin it.
	NeedSend Need = "send"
	// NeedQuery: a worker must query the provider.
	NeedQuery Need = "query"
)

// A payment is woken again after recheckSoon at the earliest, and after maxWakeDelay at the latest.
const (
	recheckSoon  = 10 * time.Second
	maxWakeDelay = 15 * time.Minute
	// A payment whose wake-up is outstanding is checked after maxRecheck at the latest: as late a
	// lost wake-up is made good once the lane has drained.
	maxRecheck = time.Minute
)

// rewake is how long after the n-th wake-up the next one follows. A wake-up can be lost with its
// worker, so the second follows soon, and the others at growing intervals.
func rewake(n int) time.Duration {
	if n <= 1 {
		return recheckSoon
	}
	return min(time.Minute<<min(n-2, 4), maxWakeDelay)
}

const maxWakeUps = 6

// Lanes is what Wake needs to know about the provider's queues.
type Lanes struct {
	// QueryTimeout is how long a status query may take.
	QueryTimeout time.Duration
	// Send, Bulk and Query are the time since when each lane's oldest wake-up has been waiting;
	// zero if the lane is empty.
	Send, Bulk, Query Time
}

// send is the time since when the oldest wake-up has been waiting in the lane in which the payment
// is sent.
func (l Lanes) send(r *Record) Time {
	if r.Bulk {
		return l.Bulk
	}
	return l.Send
}

// wakeLag is how much later than Woken a wake-up may have been enqueued, including the difference
// between two clocks.
const wakeLag = 5 * time.Second

// wakeUpOutstanding reports whether the last wake-up is still waiting in its lane. A lane serves
// the oldest first: while anything older waits, the wake-up waits too, or is lost, and then a new
// one would have to wait as long.
func (r *Record) wakeUpOutstanding(oldest Time) bool {
	return r.Woken != 0 && oldest != 0 && oldest <= r.Woken.Add(wakeLag)
}

// Wake processes a due payment: it recovers a lapsed lease, ends what is past its deadline, returns
// what the payment needs, and moves its due time, so that no other janitor wakes it. A payment
// whose last wake-up is outstanding needs nothing.
func Wake(r Record, p Policy, f Facts, now Time, l Lanes) (Change, Need) {
	t := newTransition(r, p, f, now)
	if r.State == Sending && now < r.LeaseEnd {
		t.setDue(r.LeaseEnd)
		return t.Change, NeedNothing
	}
	if t.lapsed() {
		t.recoverLapsed()
	}
	t.RecordChanged = true
	t.record().Generation++
	switch t.record().State {
	case Queued, Ready:
		return t.wakeToSend(l.send(t.record()))
	case InDoubt, Pending:
		return t.wakeToQuery(l)
	case Held:
		return t.wakeForQuery(t.record().Queryable, l)
	case Succeeded, Failed, Reversed:
		if t.record().WatchUntil != 0 && now >= t.record().WatchUntil {
			t.dropPayload()
		}
		return t.wakeForQuery(t.record().Queryable && t.record().WatchUntil != 0, l)
	case Blocked, Sending:
	}
	return t.wakeForQuery(false, l)
}

func (t *transition) wakeToSend(oldest Time) (Change, Need) {
	r := t.record()
	if r.Deadline != 0 && t.now >= r.Deadline && !t.maybeForgotten() {
		t.expire()
		return t.Change, NeedNothing
	}
	if r.wakeUpOutstanding(oldest) {
		return t.letWait(oldest)
	}
	r.WakeUps, r.Woken = min(r.WakeUps+1, maxWakeUps), t.now
	t.setDue(t.after(rewake(r.WakeUps)))
	return t.Change, NeedSend
}

// letWait checks a payment with an outstanding wake-up again after as long as the lane's oldest
// wake-up has waited, a minute at most.
func (t *transition) letWait(oldest Time) (Change, Need) {
	t.setDue(t.after(min(max(Since(t.now, oldest), recheckSoon), maxRecheck)))
	return t.Change, NeedNothing
}

func (t *transition) wakeToQuery(l Lanes) (Change, Need) {
	r := t.record()
	if r.State == Pending && r.ActionURL != "" && r.Queryable && t.now >= r.PayerDeadline {
		t.dropActionURL()
	}
	switch {
	case t.overdue():
		t.toHeld("poll_deadline", "no final answer by the poll deadline")
	case !r.Queryable:
		t.setDue(r.overdueAt(t.policy)) // not earlier: it would be due again at once, and again
		return t.Change, NeedNothing
	}
	return t.wakeForQuery(r.Queryable, l)
}

// wakeForQuery has a worker query the provider, and wakes the payment again in case that wake-up is
// lost.
func (t *transition) wakeForQuery(queryable bool, l Lanes) (Change, Need) {
	if !queryable {
		t.setDue(0)
		return t.Change, NeedNothing
	}
	if t.record().wakeUpOutstanding(l.Query) {
		return t.letWait(l.Query)
	}
	t.record().Woken = t.now
	t.setDue(t.after(l.QueryTimeout))
	return t.Change, NeedQuery
}
