package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remesa/remesa/providers"
)

// label names a step; its text is only made for a trace.
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
	if l.who == "worker" || l.who == "asker" {
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
	x.asker()
	x.janitor()
	if !s.nobody {
		x.person()
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
	f := Facts{HasPayload: true, Lookup: s.lookup}
	c := step(before, s.policy, f, s.now-age)
	x.check(s, &c, s.now-age)
	if x.repeats && c.Written {
		x.repeat(s, &c, step, f, s.now-age)
	}
	if c.Empty() {
		return
	}
	s.write(&c)
}

func (s *state) write(c *Change) {
	if c.Lookup != "" {
		s.lookup = c.Lookup
	}
	if !c.Due.Keep {
		s.due = c.Due.At != 0
	}
	if !c.Written {
		return
	}
	if s.forgets > 0 && !s.forgot {
		s.past = append([]Record{s.rec}, s.past...)
		s.past = s.past[:min(len(s.past), s.forgets)]
	}
	if s.asker.doing != idle && s.forgets == 0 && c.Record.Version != s.rec.Version {
		s.asker.version = 0
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
		x.report(i, word{})
	case told:
		x.told(i)
	case reporting:
		x.report(i, w.word)
	case asked, reading:
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
	var begun Begun
	do := func(s *state, age Time) {
		w := &s.workers[i]
		if first {
			s.begun++
			*w = worker{id: s.begun}
			s.tries[s.begun-1] = try{moves: !s.opensLate}
		}
		begun, x.repeats = Begun{Verdict: Done}, true
		if s.lost {
			return
		}
		decided := false
		b := BeginStep{Attempt: name(w.id), Lease: searchLease, OpensLate: s.opensLate, Askable: s.askable}
		x.commit(s, age, func(r Record, p Policy, f Facts, now Time) Change {
			c, said := Begin(r, p, f, now, b)
			if decided && said.Verdict != begun.Verdict {
				x.broken = notRepeatable
			}
			if !decided {
				begun, decided = said, true
			}
			return c
		})
		if begun.Verdict == Send {
			s.tries[w.id-1].until = s.now - age + Time(searchLease.Milliseconds()+searchSettle.Milliseconds())
		}
	}
	since := x.from.workers[i].since
	x.twice(l, since, do,
		func(s *state) {
			w := &s.workers[i]
			if begun.Verdict != Send {
				*w = worker{}
				return
			}
			w.doing, w.since = told, s.now
		},
		func(s *state) { s.workers[i].doing, s.workers[i].since = beginning, s.now })
}

func name(id uint8) string { return string('0' + rune(id)) }

// told: the worker may hand its bytes over, once, and give up at any time and say what it knows.
func (x *explorer) told(i int) {
	s := x.from
	w := s.workers[i]
	t := s.tries[w.id-1]
	l := label{who: "worker", n: i + 1}
	if !t.moves && !s.lost {
		x.note(i)
	}
	if t.moves && t.at == nowhere && (!s.punctual || s.now < t.until) {
		l.what = "hands its bytes over"
		x.add(l, func(s *state) { s.tries[w.id-1].at = inFlight })
	}
	for _, o := range s.truths(w.id) {
		x.report(i, o)
	}
}

func (x *explorer) note(i int) {
	var err error
	do := func(s *state, age Time) {
		n := NoteStep{Attempt: name(s.workers[i].id), Moves: true}
		x.commit(s, age, func(r Record, p Policy, _ Facts, now Time) (c Change) {
			if c, err = Note(r, p, now, n); err != nil {
				return unchanged(r)
			}
			return c
		})
	}
	arrived := func(s *state) {
		if err == nil {
			s.tries[s.workers[i].id-1].moves = true
		}
	}
	l := label{who: "worker", n: i + 1, what: "notes the step that moves money"}
	x.twice(l, x.from.workers[i].since, do, arrived, func(*state) {})
}

// truths are what a worker may say of its attempt.
func (s *state) truths(id uint8) []word {
	t := s.tries[id-1]
	pid := s.id(id)
	doubt := word{class: providers.InDoubt, reached: t.moves}
	switch t.at {
	case nowhere:
		if !t.moves {
			return []word{{}, doubt, {class: providers.Refused}}
		}
		return []word{{}, doubt}
	case accepted:
		return []word{{class: providers.Pending, id: pid, reached: true, payer: s.payer}, doubt}
	case executed:
		words := []word{{class: providers.Succeeded, id: pid, reached: true}, doubt}
		if s.duplicates {
			words = append(words, word{class: providers.Duplicate, reached: true})
		}
		return words
	case declined:
		return []word{{class: providers.Refused, reached: true}, doubt}
	case throttled:
		return []word{{}, doubt}
	case duplicate:
		return []word{{class: providers.Duplicate, reached: true}, doubt}
	case inFlight:
	}
	return []word{doubt}
}

// id is the provider's name for an attempt.
func (s *state) id(n uint8) string {
	if s.nameless {
		return ""
	}
	return name(n)
}

// report gives a worker's word to the ledger: released, or finished.
func (x *explorer) report(i int, o word) {
	l := label{who: "worker", n: i + 1, what: "reports " + o.String()}
	do := func(s *state, age Time) {
		w := &s.workers[i]
		w.word = o
		if t := &s.tries[w.id-1]; s.punctual && w.doing == told {
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
		return Release(r, p, f, now, ReleaseStep{Attempt: name(w.id)})
	}
	return Finish(r, p, f, now, FinishStep{Attempt: name(w.id), Outcome: w.word.outcome(), Reached: w.word.reached})
}

func (o word) String() string {
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

func (o word) outcome() Outcome {
	out := Outcome{Ours: o.ours}
	out.Class, out.ProviderID, out.SecondID = o.class, o.id, o.second
	if o.payer {
		out.ActionURL = "address"
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
	case t.at == executed && s.twices && !t.twice:
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

// The asker
// -------------------------------------------------------------------------------------------

func (x *explorer) asker() {
	s := x.from
	if !s.askable || s.lost {
		return
	}
	switch s.asker.doing {
	case idle, beginning, told, reporting:
		x.ask()
		return
	case asked:
		for _, o := range s.lookups() {
			x.add(label{who: "asker", what: "reads", more: o.String()}, func(s *state) {
				s.asker.doing, s.asker.since, s.asker.word = reading, s.now, o
			})
		}
	case reading:
		x.answer()
	}
	x.add(label{who: "asker", what: "dies"}, func(s *state) { s.asker = asker{} })
}

func (x *explorer) ask() {
	for _, age := range x.from.ages(0) {
		x.add(label{who: "asker", what: "asks", more: pick(age > 0, "(decided a tick ago)")}, func(s *state) {
			var ask bool
			x.commit(s, age, func(r Record, p Policy, f Facts, now Time) (c Change) {
				c, ask = Ask(r, p, f, now)
				return c
			})
			if ask {
				s.asker = asker{doing: asked, version: s.rec.Version, asked: s.now - age}
				if s.forgets == 0 {
					s.rec.Version, s.asker.version = 1, 1
				}
			}
		})
	}
}

func (x *explorer) answer() {
	do := func(s *state, age Time) {
		a := AnswerStep{Version: s.asker.version, AskedAt: s.asker.asked, Outcome: s.asker.word.outcome()}
		x.commit(s, age, func(r Record, p Policy, f Facts, now Time) Change { return Answer(r, p, f, now, a) })
	}
	l := label{who: "asker", what: "answers", more: x.from.asker.word.String()}
	x.twice(l, x.from.asker.since, do,
		func(s *state) { s.asker = asker{} }, func(s *state) { s.asker.since = s.now })
}

// lookups are what a truthful lookup by our reference may show. Where the provider keeps its
// conditions, it shows something once settle time has passed since an attempt's end.
func (s *state) lookups() []word {
	words := []word{{class: providers.InDoubt}}
	must := false
	for i := range s.tries[:s.begun] {
		t := s.tries[i]
		class, shown := t.shown()
		if !shown {
			continue
		}
		must = must || s.punctual
		w := word{class: class, id: s.id(uint8(i + 1)), payer: s.payer && class == providers.Pending} //nolint:gosec // three
		words = append(words, w)
		if t.twice && w.id != "" {
			w.second = w.id + " again"
			words = append(words, w)
		}
	}
	if s.foreign {
		return append(words, word{class: providers.Succeeded, id: "X"})
	}
	if !must || s.latelyVisible() {
		words = append(words, word{class: providers.NotFound})
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

func (t try) shown() (providers.Class, bool) {
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

// The janitor, a person, the clock, the store
// ------------------------------------------------------------

func (x *explorer) janitor() {
	s := x.from
	if s.due && !s.lost {
		for _, age := range s.ages(0) {
			x.add(label{who: "janitor", what: "wakes", more: pick(age > 0, "(decided a tick ago)")}, func(s *state) {
				x.commit(s, age, func(r Record, p Policy, f Facts, now Time) Change {
					c, _ := Wake(r, p, f, now, Lanes{AskFor: searchInterval})
					return c
				})
			})
		}
	}
	if s.braked && s.rec.State == Queued {
		x.add(label{who: "a brake", what: "stops it"}, func(s *state) {
			x.commit(s, 0, func(r Record, p Policy, _ Facts, now Time) Change { return Block(r, p, now, "limit", "") })
		})
	}
	if s.braked {
		x.add(label{who: "worker", what: "cannot read its details"}, func(s *state) {
			x.commit(s, 0, func(r Record, p Policy, f Facts, now Time) Change {
				return Reject(r, p, f, now, RejectStep{Code: "unreadable"})
			})
		})
	}
}

// byHand is a step of a person. It carries the version that the person saw, so it is decided about
// the record as it is.
func (x *explorer) byHand(what string, step func(r Record, p Policy, f Facts, now Time, h Hand) (Change, error), more func(s *state)) {
	s := x.from
	h := Hand{Version: s.rec.Version}
	if _, err := step(s.rec, s.policy, Facts{HasPayload: true, Lookup: s.lookup}, s.now, h); err != nil {
		return
	}
	x.add(label{who: "person:", what: what}, func(s *state) {
		x.commit(s, 0, func(r Record, p Policy, f Facts, now Time) Change {
			c, err := step(r, p, f, now, h)
			if err != nil {
				return unchanged(r)
			}
			return c
		})
		more(s)
	})
}

func (x *explorer) person() {
	if x.from.lost {
		return
	}
	resolve := func(what string, res ResolveStep, more func(s *state)) {
		x.byHand(what, func(r Record, p Policy, f Facts, now Time, h Hand) (Change, error) {
			res.Hand = h
			return Resolve(r, p, f, now, res)
		}, more)
	}
	says := func(s *state) { s.told = true }
	resolve("resolve as succeeded", ResolveStep{As: AsSucceeded}, says)
	resolve("resolve as succeeded with an id", ResolveStep{As: AsSucceeded, ProviderID: "P"}, says)
	resolve("resolve as failed", ResolveStep{As: AsFailed}, says)
	resolve("resolve as not received", ResolveStep{As: AsNotReceived}, says)
	x.byHand("cancel", Cancel, func(*state) {})
	x.byHand("let it go on", Unblock, func(*state) {})
	for _, reverse := range []bool{false, true} {
		x.byHand(pick(!reverse, "accept the anomaly")+pick(reverse, "reverse the anomaly"),
			func(r Record, p Policy, f Facts, now Time, h Hand) (Change, error) {
				return ClearAnomaly(r, p, f, now, reverse, h)
			}, says)
	}
	retry := func(risk bool) func(r Record, p Policy, f Facts, now Time, h Hand) (Change, error) {
		return func(r Record, p Policy, f Facts, now Time, h Hand) (Change, error) {
			return Retry(r, p, f, now, risk, h)
		}
	}
	x.byHand("retry", retry(false), func(s *state) { s.told = false })
	if x.from.risky {
		resolve("resolve as failed, nothing was executed", ResolveStep{As: AsFailed, AcceptRisk: true}, func(s *state) {
			s.told = true
			s.excuse(true)
		})
		x.byHand("retry, accepting the double risk", retry(true), func(s *state) {
			s.told = false
			s.excuse(false)
		})
	}
}

// excuse: what may have left by now, a person accepts as a possible double.
func (s *state) excuse(closed bool) {
	for i := range s.tries[:s.begun] {
		a := s.rec.attempt(name(uint8(i + 1))) //nolint:gosec // three
		if a == nil && s.forgets == 0 {
			continue
		}
		s.tries[i].excused = true
		s.tries[i].closed = s.tries[i].closed || closed
	}
}

func (x *explorer) clock() {
	s := x.from
	if s.rec.PayerUntil == 0 {
		return
	}
	jump := func(what string, to Time) {
		if to > s.now {
			x.add(label{who: what}, func(s *state) { s.now, s.asker = to, asker{} })
		}
	}
	jump("the payer's time passes", s.rec.PayerUntil)
	jump("the grace passes", s.rec.PayerUntil.Add(payerGrace))
	jump("a day more passes", s.rec.PayerUntil.Add(payerGrace+day))
}

// failover: once, the store forgets its last writes, and with them perhaps the payment. Who lives
// on reports again what it settled, where workers do so; the producer registers again what is not
// there.
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
	c := Restore(s.policy, s.now-age, RestoreStep{Attempt: Attempt{ID: name(w.id), End: s.now - age}, Askable: s.askable})
	s.lost = false
	s.write(&c)
}
