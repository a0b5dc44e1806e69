package idempotency

import (
	"flag"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
)

// searchStates bounds the ordinary run. Some millions take minutes; without a person, the whole small world has some 160 000.
var searchStates = flag.Int("search.states", 50_000, "about how many states of the small world each search goes through")

// What the scripts agree with keeps the promise: a search through the interleavings of a small world (two workers that may die, an asker,
// a person, one payment, three attempts, lost and repeated replies, time in whole steps) finds no second execution under hold. And the
// search can find one: it does where a rule is left out.
func TestNoInterleavingSendsTwice(t *testing.T) {
	rows := []struct {
		name   string
		vary   func(*searchState)
		from   []string // steps taken before the search begins; an idle worker is always the first
		breaks bool
	}{
		{"a request in one step", func(*searchState) {}, nil, false},
		{"a request in two steps", func(s *searchState) { s.opensLate = true }, nil, false},
		{"a person accepts the risk", func(s *searchState) { s.risk = true }, nil, false},
		{
			"a person accepts the risk of a lapsed attempt", func(s *searchState) { s.risk = true },
			[]string{
				"worker 1 begins", "time passes", "recover", "time passes", "asker reads not_found", "asker answers not_found",
				"person: resolve as not received", "person: retry, accepting the double risk",
			}, false,
		},
		{"an attempt that the provider has does not count as open", func(s *searchState) { s.rec.openOnly = true }, nil, true},
		{"it does not count, and there is no person", func(s *searchState) { s.rec.openOnly, s.nobody = true, true }, nil, false},
		{
			"it does not count, there is no person, and a recorded fate may be reported again",
			func(s *searchState) { s.rec.openOnly, s.nobody, s.forgetFates = true, true, true },
			[]string{
				"worker 1 begins", "worker 2 reports (the reply is lost) not_sent", "worker 1 begins", "worker 2 hands its bytes over",
				"attempt 2 is at the provider: accepted", "worker 2 reports pending",
			}, true,
		},
		{
			"it does not count, there is no person, and a request has two steps",
			func(s *searchState) { s.rec.openOnly, s.nobody, s.opensLate = true, true, true },
			[]string{
				"worker 1 begins", "time passes", "worker 1 begins", "worker 2 notes the step that moves money",
				"worker 2 hands its bytes over", "attempt 2 is at the provider: accepted", "worker 2 reports pending",
			}, true,
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := searchState{rec: newModelRecord(0), now: searchNow}
			row.vary(&s)
			for _, step := range row.from {
				s = s.take(t, step)
			}
			trace, states := search(s, *searchStates)
			t.Logf("%d states; sent twice by %s", states, strings.Join(trace, ", "))
			if broken := trace != nil; broken != row.breaks {
				t.Errorf("sent twice: %t, want %t:\n  %s", broken, row.breaks, strings.Join(trace, "\n  "))
			}
		})
	}
}

// take takes the step of that name.
func (s *searchState) take(t *testing.T, label string) searchState {
	t.Helper()
	for _, step := range s.steps(nil) {
		if step.label.String() == label {
			return step.to
		}
	}
	t.Fatalf("no step %q", label)
	return *s
}

const (
	searchAttempts = 3
	searchNow      = 10 // times are kept relative to it, so that states which differ in the date alone are one
)

func (s *searchState) rules() modelRules {
	return modelRules{lease: 1, settle: 1, every: 1, confirm: 1, pollDeadline: 1, askable: true, forgetFates: s.forgetFates}
}

// searchState is everything that decides what may happen next.
type searchState struct {
	rec     modelRecord
	now     int64
	workers [2]searchWorker
	at      [searchAttempts + 1]place
	until   [searchAttempts + 1]int64 // the provider executes nothing later that it had not accepted
	begun   uint8
	excused uint8 // attempts up to this one may be doubled, says a person
	asker   searchAsker

	opensLate, risk, forgetFates, nobody bool
}

type searchWorker struct {
	doing    string // nothing, beginning, told, reporting
	id       uint8
	moves    bool
	leaseEnd int64
	word     modelOutcome
}

type searchAsker struct {
	busy, current bool
	asked         int64
	word          modelOutcome
}

// searchStep is what may happen next, and where it leads.
type searchStep struct {
	label searchLabel
	to    searchState
}

// searchLabel names a step; its text is only made for a trace.
type searchLabel struct {
	who  string
	n    int
	what string
	more string
}

func (l searchLabel) String() string {
	if l.n > 0 {
		l.who += fmt.Sprint(" ", l.n)
	}
	return strings.TrimSpace(l.who + " " + l.what + " " + l.more)
}

// searcher goes through the states breadth first, so that the trace that it finds is a shortest one.
type searcher struct {
	seed    maphash.Seed
	buf     []byte
	parents map[uint64]uint64
}

func (x *searcher) hash(s *searchState) uint64 {
	x.buf = s.encode(x.buf[:0])
	return maphash.Bytes(x.seed, x.buf)
}

// search returns the trace to a second execution, nil where there is none within the limit, and how many states it has seen.
func search(first searchState, limit int) (trace []string, states int) {
	x := searcher{seed: maphash.MakeSeed(), parents: make(map[uint64]uint64, limit)}
	first.normalize()
	x.parents[x.hash(&first)] = 0
	var steps []searchStep
	for frontier := []searchState{first}; len(frontier) > 0 && len(x.parents) < limit; {
		var next []searchState
		for i := range frontier {
			from := x.hash(&frontier[i])
			steps = frontier[i].steps(steps[:0])
			for j := range steps {
				to := &steps[j].to
				h := x.hash(to)
				if _, ok := x.parents[h]; ok {
					continue
				}
				x.parents[h] = from
				if to.sentTwice() {
					return x.trace(first, h), len(x.parents)
				}
				next = append(next, *to)
			}
		}
		frontier = next
	}
	return nil, len(x.parents)
}

// trace walks from the first state to the one with this hash again, this time with words.
func (x *searcher) trace(s searchState, to uint64) []string {
	path := []uint64{to}
	for h := x.parents[to]; h != 0; h = x.parents[h] {
		path = append(path, h)
	}
	slices.Reverse(path)
	var words []string
	for _, h := range path[1:] {
		for _, step := range s.steps(nil) {
			if x.hash(&step.to) == h {
				words, s = append(words, step.label.String()), step.to
				break
			}
		}
	}
	return words
}

func (s *searchState) sentTwice() bool {
	n := 0
	for id, p := range s.at {
		if p == executed && uint8(id) > s.excused {
			n++
		}
	}
	return n > 1
}

// normalize forgets what no rule looks at: the date, and how long ago what is long ago was.
func (s *searchState) normalize() {
	by := searchNow - s.now
	s.now = searchNow
	shift := func(t *int64, age int64) {
		if *t > 0 {
			*t = max(*t+by, searchNow-age)
		}
	}
	for i := range s.rec.n {
		shift(&s.rec.at[i].end, 3)
	}
	for i := range s.until {
		shift(&s.until[i], 1)
	}
	for _, t := range []*int64{&s.rec.refusal, &s.rec.counted, &s.asker.asked} {
		shift(t, 2)
	}
	shift(&s.rec.since, s.rules().pollDeadline)
	shift(&s.rec.leaseEnd, 0)
	for i := range s.workers {
		shift(&s.workers[i].leaseEnd, 0)
	}
	if w := &s.workers; w[0].id > w[1].id || (w[0].id == w[1].id && w[0].doing > w[1].doing) {
		w[0], w[1] = w[1], w[0]
	}
	// An attempt that was never recorded and that nobody knows of any more never was.
	for s.begun > 0 && s.rec.attempt(s.begun) == nil && s.workers[0].id != s.begun && s.workers[1].id != s.begun {
		s.begun--
	}
	s.rec.moves, s.rec.contrary, s.rec.proven = 0, 0, false
	if s.rec.code != "not_received" {
		s.rec.code = ""
	}
}

// encode writes what tells two states of a search apart, the same workers in another order included.
func (s *searchState) encode(b []byte) []byte {
	r := &s.rec
	flag := func(fs ...bool) {
		var n byte
		for i, f := range fs {
			if f {
				n |= 1 << i
			}
		}
		b = append(b, n)
	}
	b = append(b, byte(rank[r.state]), r.owner, byte(r.leaseEnd), r.pid, byte(r.notFounds), byte(r.refusal), byte(r.counted),
		byte(r.since), byte(r.resent), r.evidence.pid, s.begun, s.excused, byte(r.n))
	if len(r.code) > 0 {
		b = append(b, r.code[0])
	}
	flag(r.evidence.succeeded, r.evidence.pending, r.risk, r.polling, r.anomaly, r.proven, r.state == Reversed, r.code != "")
	for _, a := range r.at[:r.n] {
		b = append(b, a.id, a.pid, byte(a.fate), byte(a.end))
	}
	for id := range s.begun {
		b = append(b, s.at[id+1][0], s.at[id+1][1], byte(s.until[id+1]))
	}
	b = append(b, byte(s.asker.asked), s.asker.word.pid)
	b = append(append(b, s.asker.word.class...), 0)
	flag(s.asker.busy, s.asker.current)
	for _, w := range s.workers {
		b = append(b, w.id, byte(w.leaseEnd), w.word.pid)
		b = append(append(append(append(b, w.doing...), 0), w.word.class...), 0)
		flag(w.moves)
	}
	return b
}

// steps are all that may happen next.
func (s *searchState) steps(out []searchStep) []searchStep {
	add := func(label searchLabel, do func(*searchState)) {
		out = append(out, searchStep{label, *s})
		to := &out[len(out)-1].to
		do(to)
		if s.asker.busy && to.asker.current && changedEssence(&s.rec, &to.rec) {
			to.asker.current = false
		}
		to.normalize()
	}
	add(searchLabel{who: "time passes"}, func(s *searchState) { s.now++ })
	for i := range s.workers {
		s.workerSteps(i, add)
	}
	for id := uint8(1); id <= s.begun; id++ {
		s.providerSteps(id, add)
	}
	s.askerSteps(add)
	if !s.nobody {
		s.personSteps(add)
	}
	return out
}

// changedEssence: the version that an answer must carry has grown.
func changedEssence(a, b *modelRecord) bool {
	if a.state != b.state || a.n != b.n || a.owner != b.owner || a.pid != b.pid || a.anomaly != b.anomaly || a.evidence != b.evidence {
		return true
	}
	for i := range a.n {
		if a.at[i].fate != b.at[i].fate {
			return true
		}
	}
	return false
}

type searchAdd func(label searchLabel, do func(*searchState))

func (s *searchState) workerSteps(i int, add searchAdd) {
	w := s.workers[i]
	label := func(what string) searchLabel { return searchLabel{"worker", i + 1, what, ""} }
	switch w.doing {
	case "":
		if s.begun < searchAttempts {
			s.beginSteps(i, label("begins"), add, func(s *searchState) {
				s.begun++
				s.workers[i] = searchWorker{doing: "beginning", id: s.begun, moves: !s.opensLate}
				s.at[s.begun] = nowhere
			})
		}
	case "beginning":
		s.beginSteps(i, label("begins again"), add, func(*searchState) {})
		add(label("dies"), func(s *searchState) { s.workers[i] = searchWorker{} })
	case "told":
		add(label("dies"), func(s *searchState) { s.workers[i] = searchWorker{} })
		s.toldSteps(i, add)
	case "reporting":
		s.reportSteps(i, label("reports again:"), w.word, add)
	}
}

// beginSteps: the reply arrives, or the worker knows nothing and may begin again.
func (s *searchState) beginSteps(i int, label searchLabel, add searchAdd, first func(*searchState)) {
	begin := func(s *searchState) Verdict {
		first(s)
		return s.rec.begin(s.rules(), s.now, s.workers[i].id, s.opensLate, false)
	}
	lost := label
	lost.more = "(the reply is lost)"
	add(lost, func(s *searchState) { begin(s) })
	add(label, func(s *searchState) {
		if begin(s) != Send {
			s.workers[i] = searchWorker{}
			return
		}
		s.workers[i].doing, s.workers[i].leaseEnd = "told", s.rec.leaseEnd
	})
}

func (s *searchState) reportSteps(i int, label searchLabel, word modelOutcome, add searchAdd) {
	id := s.workers[i].id
	report := func(then searchWorker) func(*searchState) {
		return func(s *searchState) {
			s.rec.report(s.rules(), s.now, id, word, 0)
			s.workers[i] = then
		}
	}
	label.more = string(word.class)
	add(label, report(searchWorker{}))
	label.what += " (the reply is lost)"
	add(label, report(searchWorker{doing: "reporting", id: id, word: word}))
}

// toldSteps: until its deadline the worker may hand its bytes over, once, and at any time it may give up and say what it knows.
func (s *searchState) toldSteps(i int, add searchAdd) {
	w := s.workers[i]
	label := func(what string) searchLabel { return searchLabel{"worker", i + 1, what, ""} }
	if !w.moves {
		add(label("notes the step that moves money"), func(s *searchState) {
			if s.rec.note(s.now, w.id, true) {
				s.workers[i].moves = true
			}
		})
	}
	if w.moves && s.at[w.id] == nowhere && s.now < w.leaseEnd {
		add(label("hands its bytes over"), func(s *searchState) {
			s.at[w.id], s.until[w.id] = inFlight, w.leaseEnd+s.rules().settle
		})
	}
	for _, word := range truths(s.at[w.id], w.id) {
		s.reportSteps(i, label("reports"), word, add)
	}
}

// truths are what a worker may say of its attempt.
func truths(at place, id uint8) []modelOutcome {
	doubt := modelOutcome{class: providers.InDoubt}
	switch at {
	case nowhere:
		return []modelOutcome{doubt, {class: notSent}}
	case accepted:
		return []modelOutcome{doubt, {providers.Pending, id}}
	case executed:
		return []modelOutcome{doubt, {providers.Succeeded, id}}
	case declined:
		return []modelOutcome{doubt, {class: providers.Refused}}
	default:
		return []modelOutcome{doubt}
	}
}

func (s *searchState) providerSteps(id uint8, add searchAdd) {
	move := func(to place) {
		add(searchLabel{"attempt", int(id), "is at the provider:", string(to)}, func(s *searchState) { s.at[id], s.until[id] = to, 0 })
	}
	if s.at[id] == accepted || (s.at[id] == inFlight && s.now <= s.until[id]) {
		move(executed)
	}
	if s.at[id] == inFlight && s.now <= s.until[id] {
		move(accepted)
		move(declined)
	}
}

// askerSteps: the answer is read when it is asked for, and given at any time after that, once or again.
func (s *searchState) askerSteps(add searchAdd) {
	if s.asker.busy {
		give := func(s *searchState) { s.rec.answer(s.rules(), s.now, s.asker.asked, s.asker.current, s.asker.word) }
		add(searchLabel{who: "asker", what: "answers (the reply is lost)", more: string(s.asker.word.class)}, give)
		add(searchLabel{who: "asker", what: "answers", more: string(s.asker.word.class)}, func(s *searchState) {
			give(s)
			s.asker = searchAsker{}
		})
		return
	}
	add(searchLabel{who: "recover"}, func(s *searchState) { s.rec.recover(s.rules(), s.now) })
	switch s.rec.state {
	case InDoubt, Pending, Held, Failed, Succeeded:
		read := func(word modelOutcome) {
			add(searchLabel{who: "asker", what: "reads", more: string(word.class)}, func(s *searchState) {
				s.asker = searchAsker{true, true, s.now, word}
			})
		}
		read(modelOutcome{class: providers.NotFound})
		read(modelOutcome{class: providers.InDoubt})
		for id := uint8(1); id <= s.begun; id++ {
			if class, ok := shown(s.at[id]); ok {
				read(modelOutcome{class, id})
			}
		}
	}
}

// shown is what a lookup says of a request that it shows.
func shown(p place) (modelClass, bool) {
	switch p {
	case accepted:
		return providers.Pending, true
	case executed:
		return providers.Succeeded, true
	case declined:
		return providers.Refused, true
	default:
		return "", false
	}
}

func (s *searchState) personSteps(add searchAdd) {
	byHand := func(label string, do func(*searchState) bool) {
		if probe := *s; do(&probe) {
			add(searchLabel{who: "person:", what: label}, func(s *searchState) { do(s) })
		}
	}
	byHand("resolve as failed", func(s *searchState) bool { return s.rec.resolve(s.rules(), s.now, "failed", 0) })
	byHand("resolve as not received", func(s *searchState) bool { return s.rec.resolve(s.rules(), s.now, "not-received", 0) })
	byHand("retry", func(s *searchState) bool { return s.rec.retry(s.rules(), s.now, false) })
	byHand("cancel", func(s *searchState) bool { return s.rec.cancel() })
	if s.risk && s.excused == 0 && s.rec.unclear() {
		byHand("retry, accepting the double risk", func(s *searchState) bool {
			s.excused = s.begun
			return s.rec.retry(s.rules(), s.now, true)
		})
	}
}
