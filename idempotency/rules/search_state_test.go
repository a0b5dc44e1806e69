package rules

import (
	"slices"
	"time"

	"github.com/remesa/remesa/providers"
)

// The small world of the search counts time in ticks of a millisecond. A decision may be a tick old
// when it is written.
const (
	searchNow      = Time(200 * 24 * 3600 * 1000)
	searchStale    = 1
	searchLease    = 2 * time.Millisecond
	searchSettle   = time.Millisecond
	searchInterval = time.Millisecond
	searchDeadline = 3 * time.Millisecond
	// No rule compares two instants of this world by a distance of more than this many ticks.
	searchFar = 4
	// searchAttempts is the most attempts that a payment makes in the search.
	searchAttempts = 3
	// searchedDifference is the one difference of a statement.
	searchedDifference = "D"
)

// place is where an attempt's request is.
type place uint8

const (
	nowhere   place = iota
	inFlight        // handed over; the provider may still execute it
	accepted        // the provider has it and decides later
	executed        // the money moved
	declined        // the money did not move and will not
	throttled       // refused before execution
	duplicate       // not executed: the provider called the reference known
)

// trueAttempt is one attempt as it really is.
type trueAttempt struct {
	at place
	// moves: its worker came to the money step.
	moves bool
	// twice: the provider executed the one request two times.
	twice bool
	// until is when a punctual provider executes it at the latest.
	until Time
	// excused: an operator accepted that it may be a double; closed: an operator said that it was
	// not executed.
	excused, closed bool
}

// doing is what an actor is at.
type doing uint8

const (
	idle        doing = iota
	beginning         // the reply to its Begin was lost
	sendDecided       // Begin decided to send
	reporting         // the reply to its report was lost, or the store forgot it
	queried           // the status query is on its way to the provider
	reading           // the status result is there
)

// report is what a worker reports, or an querier reads.
type report struct {
	class   providers.Class // empty: not sent
	id      string
	second  string
	reached bool
	payer   bool // the payer must act
	ours    bool
}

// worker is one of the two that send.
type worker struct {
	doing doing
	id    uint8
	// since is when it came to this; what it reads for its next step it reads no earlier.
	since Time
	// word is what it reports, and has reported.
	word report
}

// querier queries the provider's status.
type querier struct {
	doing     doing
	version   int64
	queriedAt Time
	since     Time
	word      report
}

// state is all that decides what may happen next. A state that the search goes on from was read
// from its encoding, so that nothing else can.
type state struct {
	*row
	rec        Record
	lost       bool // the store has no record
	due        bool
	queryProof QueryProof
	now        Time
	// wrote is when the record was written last: what was read before is refused.
	wrote Time
	// past are the records before the last writes, newest first, where the store may forget.
	past   []Record
	forgot bool

	workers [2]worker
	querier querier
	tries   [searchAttempts]trueAttempt
	begun   uint8
	// foreign: the provider has another's payment under our reference.
	foreign bool
	// resolved: an operator has said what became of the payment.
	resolved bool
}

// instants are the times of the world that steps compare with each other.
func (s *state) instants() []*Time {
	r := &s.rec
	out := make([]*Time, 0, 32)
	out = append(out, &r.NotFoundAt, &r.RefusedAt, &r.PollingSince, &r.LeaseEnd, &r.Deadline, &s.querier.queriedAt)
	for i := range r.Attempts {
		out = append(out, &r.Attempts[i].End)
	}
	for i := range s.tries {
		out = append(out, &s.tries[i].until)
	}
	for i := range s.past {
		p := &s.past[i]
		out = append(out, &p.NotFoundAt, &p.RefusedAt, &p.PollingSince, &p.LeaseEnd, &p.Deadline)
		for j := range p.Attempts {
			out = append(out, &p.Attempts[j].End)
		}
	}
	return out
}

// normalize drops what no step depends on: the date, and how long ago what is long ago was. Only
// the order of instants and their distances up to searchFar are kept, and those exactly.
func (s *state) normalize() {
	s.blur()
	instants := s.instants()
	instants = slices.DeleteFunc(instants, func(t *Time) bool { return *t == 0 })
	slices.SortFunc(instants, func(a, b *Time) int { return int(*b - *a) })
	shift := searchNow - s.now
	last := searchNow
	for _, t := range instants {
		if *t+shift < last-searchFar {
			shift = last - searchFar - *t
		}
		*t += shift
		last = min(*t, searchNow)
	}
	by := searchNow - s.now
	s.now = searchNow
	for _, t := range []*Time{&s.wrote, &s.workers[0].since, &s.workers[1].since, &s.querier.since} {
		if *t != 0 {
			*t = max(*t+by, searchNow-searchStale)
		}
	}
}

// blur drops what is shown to people and decides nothing.
func (s *state) blur() {
	s.rec = blurred(s.rec, s.now, s.forgets == 0)
	for i := range s.past {
		s.past[i] = blurred(s.past[i], s.now, false)
	}
	if !s.stale {
		s.wrote, s.workers[0].since, s.workers[1].since, s.querier.since = 0, 0, 0, 0
	}
	w := &s.workers
	for i := range w {
		if w[i].doing == idle && !s.again {
			w[i] = worker{}
		}
	}
	if w[0].id > w[1].id {
		w[0], w[1] = w[1], w[0]
	}
	if s.querier.doing == idle {
		s.querier = querier{}
	}
	for i := range s.tries {
		if t := &s.tries[i]; t.at != inFlight && t.at != nowhere || !s.punctual {
			t.until = 0
		}
	}
}

// blurred keeps the fields of a record that some step depends on.
func blurred(r Record, now Time, anyVersion bool) Record {
	b := Record{
		State: r.State, Version: r.Version, Deadline: r.Deadline, Queryable: r.Queryable, ProviderID: r.ProviderID,
		PayerDeadline: payerClass(r.PayerDeadline, now), Attempts: r.Attempts, Owner: r.Owner, LeaseEnd: r.LeaseEnd,
		QueryFirst: r.QueryFirst, RiskAccepted: r.RiskAccepted, Resends: r.Resends, PollingSince: r.PollingSince,
		NotFounds: r.NotFounds, NotFoundAt: r.NotFoundAt, RefusedAt: r.RefusedAt, ProofQueryOnly: r.ProofQueryOnly,
		Anomaly: r.Anomaly, Cleared: r.Cleared, ClearedDifference: r.ClearedDifference, Updated: now,
	}
	if anyVersion {
		b.Version = 1
	}
	if r.Code == "not_received" {
		b.Code = r.Code
	}
	if r.ActionURL != "" {
		b.ActionURL = "address"
	}
	b.PayerGrace = graceOf(b.PayerDeadline)
	if r.WatchUntil != 0 {
		b.WatchUntil = now.Add(watchTime)
	}
	if b.Anomaly != nil {
		b.Anomaly = &Anomaly{Kind: r.Anomaly.Kind, ProviderID: r.Anomaly.ProviderID, Difference: r.Anomaly.Difference}
	}
	for i := range b.Attempts {
		if b.Attempts[i].Fate == NotExecuted {
			b.Attempts[i].End = 0
		}
	}
	return b
}

// payerGrace is how long after a payer's time what was under way by then is over.
const payerGrace = 2 * time.Hour

func graceOf(payerDeadline Time) Time {
	if payerDeadline == 0 {
		return 0
	}
	return Time(payerGrace.Milliseconds())
}

// payerClass places a payer's time: to come, over, over by the grace, or by a day more.
func payerClass(t, now Time) Time {
	switch since := Since(now, t); {
	case t == 0:
		return 0
	case since < 0:
		return searchNow.Add(day)
	case since < payerGrace:
		return searchNow - 100
	case since < payerGrace+day:
		return searchNow.Add(-payerGrace) - 100
	}
	return searchNow.Add(-payerGrace-day) - 100
}

// codec writes a state down, or reads it: one description for both.
type codec struct {
	b       []byte
	at      int
	reading bool
}

func (c *codec) number(n *uint8) {
	if c.reading {
		*n = c.b[c.at]
		c.at++
		return
	}
	c.b = append(c.b, *n)
}

func (c *codec) flags(fs ...*bool) {
	var n uint8
	for i, f := range fs {
		if *f {
			n |= 1 << i
		}
	}
	c.number(&n)
	for i, f := range fs {
		*f = n&(1<<i) != 0
	}
}

// instant takes times around now.
func (c *codec) instant(t *Time) {
	var n uint8
	if *t != 0 {
		n = uint8(*t - searchNow + 200) // normalized: at most 25 steps of searchFar
	}
	c.number(&n)
	*t = 0
	if n != 0 {
		*t = searchNow + Time(n) - 200
	}
}

func coded[T comparable](c *codec, v *T, table []T) {
	if c.reading {
		*v = table[c.b[c.at]]
		c.at++
		return
	}
	n := slices.Index(table, *v)
	if n < 0 {
		panic(*v)
	}
	c.b = append(c.b, uint8(n)) // at most some dozens
}

func small[T int | int64](c *codec, v *T) {
	n := uint8(*v) // counts of a small world
	c.number(&n)
	*v = T(n)
}

var (
	codedStates = append(States(), "")
	codedFates  = []Fate{MoneyStepAhead, Open, Duplicated, NotExecuted, FateRefused, FatePending, FateSucceeded}
	codedIDs    = []string{"", "1", "2", "3", "found", "X", "P", "1 again", "2 again", "3 again"}
	codedKinds  = []string{
		"", "second_success", "late_success", "late_pending", "not_sent_but_known", "refused_after_pending",
		"refused_after_succeeded", "not_found_after_succeeded", "mismatch", "late_doubt", StatementDifference,
	}
	codedClasses = []providers.Class{
		"", providers.Succeeded, providers.Pending, providers.Refused, providers.InDoubt, providers.NotFound, providers.Duplicate,
		providers.Mismatch,
	}
	codedProofs = []QueryProof{QueryUnproven, QueryProbed, QueryProven}
)

func (c *codec) state(s *state) {
	c.record(&s.rec)
	past := len(s.past)
	small(c, &past)
	if c.reading && past > 0 {
		s.past = make([]Record, past)
	}
	for i := range s.past {
		c.record(&s.past[i])
	}
	coded(c, &s.queryProof, codedProofs)
	c.flags(&s.lost, &s.due, &s.forgot, &s.foreign, &s.resolved)
	c.instant(&s.wrote)
	c.number(&s.begun)
	for i := range s.workers {
		w := &s.workers[i]
		c.number((*uint8)(&w.doing))
		c.number(&w.id)
		c.instant(&w.since)
		c.word(&w.word)
	}
	a := &s.querier
	c.number((*uint8)(&a.doing))
	small(c, &a.version)
	c.instant(&a.queriedAt)
	c.instant(&a.since)
	c.word(&a.word)
	for i := range s.tries[:s.begun] {
		t := &s.tries[i]
		c.number((*uint8)(&t.at))
		c.flags(&t.moves, &t.twice, &t.excused, &t.closed)
		c.instant(&t.until)
	}
	if c.reading {
		s.now = searchNow
	}
}

func (c *codec) word(w *report) {
	coded(c, &w.class, codedClasses)
	coded(c, &w.id, codedIDs)
	coded(c, &w.second, codedIDs)
	c.flags(&w.reached, &w.payer, &w.ours)
}

func (c *codec) record(r *Record) {
	coded(c, &r.State, codedStates)
	small(c, &r.Version)
	coded(c, &r.ProviderID, codedIDs)
	coded(c, &r.Owner, codedIDs)
	small(c, &r.Resends)
	small(c, &r.NotFounds)
	for _, t := range []*Time{&r.Deadline, &r.LeaseEnd, &r.PollingSince, &r.NotFoundAt, &r.RefusedAt} {
		c.instant(t)
	}
	coded(c, &r.PayerDeadline, []Time{
		0, searchNow.Add(day), searchNow - 100, searchNow.Add(-payerGrace) - 100, searchNow.Add(-payerGrace-day) - 100,
	})
	r.PayerGrace = graceOf(r.PayerDeadline)
	url, watched, notReceived, anomaly := r.ActionURL != "", r.WatchUntil != 0, r.Code != "", r.Anomaly != nil
	cleared := r.ClearedDifference != ""
	c.flags(&cleared)
	r.ClearedDifference = pick(cleared, searchedDifference)
	c.flags(&r.Queryable, &r.QueryFirst, &r.RiskAccepted, &r.ProofQueryOnly, &url, &watched, &notReceived, &anomaly)
	if c.reading {
		r.ActionURL, r.WatchUntil, r.Code = pick(url, "address"), 0, pick(notReceived, "not_received")
		r.Updated = searchNow
		if watched {
			r.WatchUntil = searchNow.Add(watchTime)
		}
		if anomaly {
			r.Anomaly = &Anomaly{}
		}
	}
	if anomaly {
		coded(c, &r.Anomaly.Kind, codedKinds)
		coded(c, &r.Anomaly.ProviderID, codedIDs)
		r.Anomaly.Difference = pick(r.Anomaly.Kind == StatementDifference, searchedDifference)
	}
	c.cleared(&r.Cleared)
	n := len(r.Attempts)
	small(c, &n)
	if c.reading {
		r.Attempts = make([]Attempt, n)
	}
	for i := range r.Attempts {
		a := &r.Attempts[i]
		coded(c, &a.ID, codedIDs)
		c.instant(&a.End)
		coded(c, &a.Fate, codedFates)
		c.flags(&a.Inferred)
		coded(c, &a.ProviderID, codedIDs)
	}
}

// cleared takes "kind:provider id".
func (c *codec) cleared(text *string) {
	var kind, id string
	for _, k := range codedKinds {
		if k != "" && len(*text) > len(k) && (*text)[:len(k)+1] == k+":" {
			kind, id = k, (*text)[len(k)+1:]
		}
	}
	coded(c, &kind, codedKinds)
	coded(c, &id, codedIDs)
	*text = pick(kind != "", kind+":"+id)
}

func pick(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

func (s *state) encode(b []byte) []byte {
	c := codec{b: b}
	c.state(s)
	return c.b
}

func decode(r *row, b []byte) state {
	s := state{row: r}
	c := codec{b: b, reading: true}
	c.state(&s)
	return s
}
