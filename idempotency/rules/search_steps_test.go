package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remesa/remesa/providers"
)

// label names a step. Its text is built only for a trace.
type label struct {
	who  string
	n    int
	what string
	more string
}

func (l label) String() string {
	if l.n > 0 {
		l.who = fmt.Sprint(l.who, " ", l.n)
	}
	return strings.TrimSpace(l.who + " " + l.what + " " + l.more)
}

// step is the label without numbers, ids and lost replies.
func (l label) step() string {
	text := strings.TrimSpace(l.who + " " + l.what + " " + l.more)
	text, _, _ = strings.Cut(text, " (")
	if l.who == "worker" || l.who == "querier" {
		text, _, _ = strings.Cut(text, " as ")
	}
	return strings.TrimSpace(text)
}

// emit takes each step that may happen next: what it is called, and the state after it. broken says
// what of the promise the step itself broke.
type emit func(l label, to *state, broken string)

// explorer makes the steps of one state.
type explorer struct {
	from *state
	emit emit
	// broken is what the step under way breaks; repeats: it is an attempt's, whose reply may be
	// lost.
	broken  string
	repeats bool
}

func (x *explorer) add(l label, do func(s *state)) {
	s := *x.from
	s.rec.Attempts = slices.Clone(s.rec.Attempts)
	s.past = slices.Clone(s.past)
	for i := range s.past {
		s.past[i].Attempts = slices.Clone(s.past[i].Attempts)
	}
	x.broken, x.repeats = "", false
	do(&s)
	s.normalize()
	x.emit(l, &s, x.broken)
}

func (x *explorer) steps() {
	s := x.from
	x.add(label{who: "time passes"}, func(s *state) { s.now++ })
	for i := range s.workers {
		x.worker(i)
	}
	for i := range s.tries[:s.begun] {
		x.provider(i)
	}
	x.querier()
	x.janitor()
	if !s.unattended {
		x.operator()
	}
	if s.payer {
		x.clock()
	}
	x.failover()
}

// ages are how old a reading may be from which a step is decided now: what was written since, or
// came after, was not in it. A step is Load and Commit; a Load changes nothing, so it is enough to
// know when it was made.
func (s *state) ages(since Time) []Time {
	if s.stale && s.wrote < s.now && since < s.now {
		return []Time{0, 1}
	}
	return []Time{0}
}

// commit decides by the rules and writes what they say, as a store does that compares and sets.
func (x *explorer) commit(s *state, age Time, step func(r Record, p Policy, f Facts, now Time) Change) {
	before := s.rec
	f := Facts{HasPayload: true, QueryProof: s.queryProof}
	c := step(before, s.policy, f, s.now-age)
	x.check(s, &c, s.now-age)
	if x.repeats && c.RecordChanged {
		x.repeat(s, &c, step, f, s.now-age)
	}
	if c.Empty() {
		return
	}
	s.write(&c)
}

func (s *state) write(c *Change) {
	if c.QueryProof != "" {
		s.queryProof = c.QueryProof
	}
	if !c.Due.Keep {
		s.due = c.Due.At != 0
	}
	if !c.RecordChanged {
		return
	}
	if s.forgets > 0 && !s.forgot {
		s.past = append([]Record{s.rec}, s.past...)
		s.past = s.past[:min(len(s.past), s.forgets)]
	}
	if s.querier.doing != idle && s.forgets == 0 && c.Record.Version != s.rec.Version {
		s.querier.version = 0
	}
	s.rec, s.wrote = c.Record, s.now
}

// twice emits a step whose reply arrives, and the same step with the reply lost.
func (x *explorer) twice(l label, since Time, do func(s *state, age Time), arrived, lost func(s *state)) {
	for _, age := range x.from.ages(since) {
		l := l
		if age > 0 {
			l.more += " (decided a tick ago)"
		}
		x.add(l, func(s *state) { do(s, age); arrived(s) })
		l.more += " (the reply is lost)"
		x.add(l, func(s *state) { do(s, age); lost(s) })
	}
}

// Workers
// ---------------------------------------------------------------------------------------------

func (x *explorer) worker(i int) {
	w := x.from.workers[i]
	l := label{who: "worker", n: i + 1}
	switch w.doing {
	case idle:
		remembers := w.id > 0 && !x.from.forgot
		if int(x.from.begun) < searchAttempts && !remembers && (i == 0 || x.from.workers[0].doing != idle || x.from.again) {
			x.begin(i, true)
		}
		return
	case beginning:
		x.begin(i, false)
		x.report(i, report{})
	case sendDecided:
		x.sendOrReport(i)
	case reporting:
		x.report(i, w.word)
	case queried, reading:
	}
	if !x.from.immortal {
		l.what = "dies"
		x.add(l, func(s *state) { s.workers[i] = worker{} })
	}
}

func (x *explorer) begin(i int, first bool) {
	l := label{who: "worker", n: i + 1, what: "begins"}
	if !first {
		l.what = "begins again"
	}
	var begun BeginResult
	do := func(s *state, age Time) {
		w := &s.workers[i]
		if first {
			s.begun++
			*w = worker{id: s.begun}
			s.tries[s.begun-1] = trueAttempt{moves: !s.safeFirstStep}
		}
		begun, x.repeats = BeginResult{Decision: Done}, true
		if s.lost {
			return
		}
		decided := false
		b := BeginParams{Attempt: name(w.id), Lease: searchLease, SafeFirstStep: s.safeFirstStep, Queryable: s.queryable}
		x.commit(s, age, func(r Record, p Policy, f Facts, now Time) Change {
			c, said := Begin(r, p, f, now, b)
			if decided && said.Decision != begun.Decision {
				x.broken = notRepeatable
			}
			if !decided {
				begun, decided = said, true
			}
			return c
		})
		if begun.Decision == Send {
			s.tries[w.id-1].until = s.now - age + Time(searchLease.Milliseconds()+searchSettle.Milliseconds())
		}
	}
	since := x.from.workers[i].since
	x.twice(l, since, do,
		func(s *state) {
			w := &s.workers[i]
			if begun.Decision != Send {
				*w = worker{}
				return
			}
			w.doing, w.since = sendDecided, s.now
		},
		func(s *state) { s.workers[i].doing, s.workers[i].since = beginning, s.now })
}

func name(id uint8) string { return string('0' + rune(id)) }

// sendOrReport: the worker may hand its bytes over, once, and give up at any time and say what it
// knows.
func (x *explorer) sendOrReport(i int) {
	s := x.from
	w := s.workers[i]
	t := s.tries[w.id-1]
	l := label{who: "worker", n: i + 1}
	if !t.moves && !s.lost {
		x.checkpoint(i)
	}
	if t.moves && t.at == nowhere && (!s.punctual || s.now < t.until) {
		l.what = "sends its request"
		x.add(l, func(s *state) { s.tries[w.id-1].at = inFlight })
	}
	for _, o := range s.truths(w.id) {
		x.report(i, o)
	}
}

func (x *explorer) checkpoint(i int) {
	var err error
	do := func(s *state, age Time) {
		cp := CheckpointParams{Attempt: name(s.workers[i].id), MoneyStepNext: true}
		x.commit(s, age, func(r Record, p Policy, _ Facts, now Time) (c Change) {
			if c, err = Checkpoint(r, p, now, cp); err != nil {
				return noChange(r)
			}
			return c
		})
	}
	arrived := func(s *state) {
		if err == nil {
			s.tries[s.workers[i].id-1].moves = true
		}
	}
	l := label{who: "worker", n: i + 1, what: "records the checkpoint"}
	x.twice(l, x.from.workers[i].since, do, arrived, func(*state) {})
}

// truths are what a worker may say of its attempt.
func (s *state) truths(id uint8) []report {
	t := s.tries[id-1]
	pid := s.id(id)
	doubt := report{class: providers.InDoubt, reached: t.moves}
	switch t.at {
	case nowhere:
		if !t.moves {
			return []report{{}, doubt, {class: providers.Refused}}
		}
		return []report{{}, doubt}
	case accepted:
		return []report{{class: providers.Pending, id: pid, reached: true, payer: s.payer}, doubt}
	case executed:
		words := []report{{class: providers.Succeeded, id: pid, reached: true}, doubt}
		if s.duplicates {
			words = append(words, report{class: providers.Duplicate, reached: true})
		}
		return words
	case declined:
		return []report{{class: providers.Refused, reached: true}, doubt}
	case throttled:
		return []report{{}, doubt}
	case duplicate:
		return []report{{class: providers.Duplicate, reached: true}, doubt}
	case inFlight:
	}
	return []report{doubt}
}

// id is the provider's name for an attempt.
func (s *state) id(n uint8) string {
	if s.nameless {
		return ""
	}
	return name(n)
}

// report gives a worker's word to the ledger: released, or finished.
func (x *explorer) report(i int, o report) {
	l := label{who: "worker", n: i + 1, what: "reports " + o.String()}
	do := func(s *state, age Time) {
		w := &s.workers[i]
		w.word = o
		if t := &s.tries[w.id-1]; s.punctual && w.doing == sendDecided {
			t.until = min(t.until, s.now-age+Time(searchSettle.Milliseconds()))
		}
		if s.lost {
			s.restore(w, age)
		}
		x.repeats = true
		x.commit(s, age, w.reportStep)
	}
	x.twice(l, x.from.workers[i].since, do,
		func(s *state) { s.workers[i].doing, s.workers[i].since = idle, s.now },
		func(s *state) { s.workers[i].doing, s.workers[i].since = reporting, s.now })
}

func (w *worker) reportStep(r Record, p Policy, f Facts, now Time) Change {
	if w.word.class == "" {
		return Release(r, p, f, now, ReleaseParams{Attempt: name(w.id)})
	}
	return Finish(r, p, f, now, FinishParams{Attempt: name(w.id), Outcome: w.word.outcome(), MoneyStepReached: w.word.reached})
}

func (o report) String() string {
	text := string(o.class)
	if o.class == "" {
		text = "not sent"
	}
	if o.id != "" {
		text += " as " + o.id
	}
	if o.second != "" {
		text += " and " + o.second
	}
	return text
}

func (o report) outcome() Outcome {
	out := Outcome{Ours: o.ours}
	out.Class, out.ProviderID, out.SecondID = o.class, o.id, o.second
	if o.payer {
		out.ActionURL, out.ActionWithin, out.ActionGrace = "address", day, payerGrace
	}
	return out
}

// The provider
// ----------------------------------------------------------------------------------------

func (x *explorer) provider(i int) {
	s := x.from
	t := s.tries[i]
	move := func(to place) {
		what := [...]string{accepted: "accepted", executed: "executed", declined: "declined", throttled: "throttled", duplicate: "called a duplicate"}[to]
		x.add(label{"attempt", i + 1, "is", what}, func(s *state) { s.tries[i].at = to })
	}
	switch {
	case t.at == accepted:
		move(executed)
		move(declined)
	case t.at == executed && s.executesTwice && !t.twice:
		x.add(label{"attempt", i + 1, "is", "executed once more"}, func(s *state) { s.tries[i].twice = true })
	case t.at != inFlight || s.punctual && s.now >= t.until:
	case s.foreign:
		move(duplicate)
	default:
		move(executed)
		move(accepted)
		move(declined)
		move(throttled)
		if s.duplicates && s.knows(i) {
			move(duplicate)
		}
	}
}

// knows: the provider has another attempt's request.
func (s *state) knows(but int) bool {
	for i := range s.tries[:s.begun] {
		if at := s.tries[i].at; i != but && (at == accepted || at == executed || at == declined) {
			return true
		}
	}
	return false
}

// The querier
// -------------------------------------------------------------------------------------------

func (x *explorer) querier() {
	s := x.from
	if !s.queryable || s.lost {
		return
	}
	switch s.querier.doing {
	case idle, beginning, sendDecided, reporting:
		x.query()
		return
	case queried:
		for _, o := range s.statusResults() {
			x.add(label{who: "querier", what: "reads", more: o.String()}, func(s *state) {
				s.querier.doing, s.querier.since, s.querier.word = reading, s.now, o
			})
		}
	case reading:
		x.statusResult()
	}
	x.add(label{who: "querier", what: "dies"}, func(s *state) { s.querier = querier{} })
}

func (x *explorer) query() {
	for _, age := range x.from.ages(0) {
		x.add(label{who: "querier", what: "queries", more: pick(age > 0, "(decided a tick ago)")}, func(s *state) {
			var query bool
			x.commit(s, age, func(r Record, p Policy, f Facts, now Time) (c Change) {
				c, query = StartQuery(r, p, f, now)
				return c
			})
			if query {
				s.querier = querier{doing: queried, version: s.rec.Version, queriedAt: s.now - age}
				if s.forgets == 0 {
					s.rec.Version, s.querier.version = 1, 1
				}
			}
		})
	}
}

func (x *explorer) statusResult() {
	do := func(s *state, age Time) {
		res := StatusResult{Version: s.querier.version, QueriedAt: s.querier.queriedAt, Outcome: s.querier.word.outcome()}
		x.commit(s, age, func(r Record, p Policy, f Facts, now Time) Change { return RecordStatus(r, p, f, now, res) })
	}
	l := label{who: "querier", what: "records", more: x.from.querier.word.String()}
	x.twice(l, x.from.querier.since, do,
		func(s *state) { s.querier = querier{} }, func(s *state) { s.querier.since = s.now })
}

// statusResults are what a truthful status query by our reference may find. Where the provider
// keeps its conditions, it shows something once settle time has passed since an attempt's end.
func (s *state) statusResults() []report {
	words := []report{{class: providers.InDoubt}}
	must := false
	for i := range s.tries[:s.begun] {
		t := s.tries[i]
		class, shown := t.shown()
		if !shown {
			continue
		}
		must = must || s.punctual
		w := report{class: class, id: s.id(uint8(i + 1)), payer: s.payer && class == providers.Pending} // three
		words = append(words, w)
		if t.twice && w.id != "" {
			w.second = w.id + " again"
			words = append(words, w)
		}
	}
	if s.foreign {
		return append(words, report{class: providers.Succeeded, id: "X"})
	}
	if !must || s.latelyVisible() {
		words = append(words, report{class: providers.NotFound})
	}
	return words
}

// latelyVisible: nothing that the provider has is older than the settle time.
func (s *state) latelyVisible() bool {
	for i := range s.tries[:s.begun] {
		t := s.tries[i]
		if _, shown := t.shown(); shown && s.now >= t.until {
			return false
		}
	}
	return true
}

func (t trueAttempt) shown() (providers.Class, bool) {
	switch t.at {
	case accepted:
		return providers.Pending, true
	case executed:
		return providers.Succeeded, true
	case declined:
		return providers.Refused, true
	case nowhere, inFlight, throttled, duplicate:
	}
	return "", false
}

// The janitor, an operator, the clock, the store
// ------------------------------------------------------------

func (x *explorer) janitor() {
	s := x.from
	if s.due && !s.lost {
		for _, age := range s.ages(0) {
			x.add(label{who: "janitor", what: "wakes", more: pick(age > 0, "(decided a tick ago)")}, func(s *state) {
				x.commit(s, age, func(r Record, p Policy, f Facts, now Time) Change {
					c, _ := Wake(r, p, f, now, Lanes{QueryTimeout: searchInterval})
					return c
				})
			})
		}
	}
	blocks := func(r Record, p Policy, _ Facts, now Time) Change {
		c, _ := Begin(r, p, Facts{BrakeGuard: Guard(HourCount)}, now, BeginParams{Attempt: "over", Limits: Limits{Hour: Window{Count: 1}}})
		return c
	}
	if s.limited && !s.rec.releasedFrom(HourBrake) && s.rec.State != Blocked && blocks(s.rec, s.policy, Facts{}, s.now).Record.State == Blocked {
		x.add(label{who: "a limit", what: "blocks it"}, func(s *state) { x.commit(s, 0, blocks) })
	}
	if s.limited {
		x.add(label{who: "worker", what: "cannot read its payload"}, func(s *state) {
			x.commit(s, 0, func(r Record, p Policy, f Facts, now Time) Change {
				return Reject(r, p, f, now, RejectParams{Code: "unreadable"})
			})
		})
	}
}

// intervention is an operator's step. It names the version that the operator saw, so it is decided
// about the present record.
func (x *explorer) intervention(what string, step func(r Record, p Policy, f Facts, now Time, iv Intervention) (Change, error), more func(s *state)) {
	s := x.from
	iv := Intervention{Version: s.rec.Version}
	if _, err := step(s.rec, s.policy, Facts{HasPayload: true, QueryProof: s.queryProof}, s.now, iv); err != nil {
		return
	}
	x.add(label{who: "operator:", what: what}, func(s *state) {
		x.commit(s, 0, func(r Record, p Policy, f Facts, now Time) Change {
			c, err := step(r, p, f, now, iv)
			if err != nil {
				return noChange(r)
			}
			return c
		})
		more(s)
	})
}

func (x *explorer) operator() {
	if x.from.lost {
		return
	}
	resolve := func(what string, res ResolveParams, more func(s *state)) {
		x.intervention(what, func(r Record, p Policy, f Facts, now Time, iv Intervention) (Change, error) {
			res.Intervention = iv
			return Resolve(r, p, f, now, res)
		}, more)
	}
	says := func(s *state) { s.resolved = true }
	resolve("resolve as succeeded", ResolveParams{As: AsSucceeded}, says)
	resolve("resolve as succeeded with an id", ResolveParams{As: AsSucceeded, ProviderID: "P"}, says)
	resolve("resolve as failed", ResolveParams{As: AsFailed}, says)
	resolve("resolve as not received", ResolveParams{As: AsNotReceived}, says)
	x.intervention("cancel", Cancel, func(*state) {})
	x.intervention("release", Unblock, func(*state) {})
	for _, reverse := range []bool{false, true} {
		x.intervention(pick(!reverse, "accept the anomaly")+pick(reverse, "reverse the anomaly"),
			func(r Record, p Policy, f Facts, now Time, iv Intervention) (Change, error) {
				return ClearAnomaly(r, p, f, now, reverse, iv)
			}, says)
	}
	retry := func(risk bool) func(r Record, p Policy, f Facts, now Time, iv Intervention) (Change, error) {
		return func(r Record, p Policy, f Facts, now Time, iv Intervention) (Change, error) {
			return Retry(r, p, f, now, risk, iv)
		}
	}
	x.intervention("retry", retry(false), func(s *state) { s.resolved = false })
	if x.from.statement {
		x.intervention("record a statement's difference", func(r Record, p Policy, f Facts, now Time, iv Intervention) (Change, error) {
			return RecordDifference(r, p, f, now, DifferenceParams{iv, searchedDifference})
		}, func(*state) {})
	}
	if x.from.risky {
		resolve("resolve as failed, nothing was executed", ResolveParams{As: AsFailed, AcceptRisk: true}, func(s *state) {
			s.resolved = true
			s.excuse(true)
		})
		x.intervention("retry, accepting the double risk", retry(true), func(s *state) {
			s.resolved = false
			s.excuse(false)
		})
	}
}

// excuse: what may have left by now, an operator accepts as a possible double.
func (s *state) excuse(closed bool) {
	for i := range s.tries[:s.begun] {
		a := s.rec.attempt(name(uint8(i + 1))) // three
		if a == nil && s.forgets == 0 {
			continue
		}
		s.tries[i].excused = true
		s.tries[i].closed = s.tries[i].closed || closed
	}
}

func (x *explorer) clock() {
	s := x.from
	if s.rec.PayerDeadline == 0 {
		return
	}
	jump := func(what string, to Time) {
		if to > s.now {
			x.add(label{who: what}, func(s *state) { s.now, s.querier = to, querier{} })
		}
	}
	jump("the payer's time passes", s.rec.PayerDeadline)
	jump("the grace passes", s.rec.PayerDeadline.Add(payerGrace))
	jump("a day more passes", s.rec.PayerDeadline.Add(payerGrace+day))
}

// failover: once, the store forgets its last writes, and perhaps the payment with them. Where
// workers report again, those that live do; the producer registers a payment that is missing.
func (x *explorer) failover() {
	s := x.from
	for n := range s.past {
		if s.forgot {
			break
		}
		x.add(label{who: "the store", what: fmt.Sprintf("forgets its last %d writes", n+1)}, func(s *state) {
			s.rec, s.wrote = s.past[n], s.now
			s.past, s.forgot, s.due = nil, true, true
			s.lost = s.rec.State == ""
			for i := range s.workers {
				w := &s.workers[i]
				if s.again && w.doing == idle && w.id > 0 {
					w.doing, w.since = reporting, s.now
				}
			}
		})
	}
	if s.lost {
		x.add(label{who: "producer", what: "registers it again"}, func(s *state) {
			c := Register(s.policy, s.now, Registration{})
			s.lost = false
			s.write(&c)
		})
	}
}

// restore records the payment again with the attempt of the worker that reports.
func (s *state) restore(w *worker, age Time) {
	c := Restore(s.policy, s.now-age, RestoreParams{Attempt: Attempt{ID: name(w.id), End: s.now - age}, Queryable: s.queryable})
	s.lost = false
	s.write(&c)
}
