package idempotency

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
)

// What the scripts agree with keeps the promise: a search through every interleaving of a small world (two workers that may die, an asker,
// a person, one payment, three attempts, lost and repeated replies, time in whole steps) finds no second execution under hold. And the
// search can find one: it does where a rule is left out.
func TestNoInterleavingSendsTwice(t *testing.T) {
	rows := []struct {
		name   string
		vary   func(*searchState)
		breaks bool
	}{
		{"a request in one step", func(*searchState) {}, false},
		{"a request in two steps", func(s *searchState) { s.opensLate = true }, false},
		{"a person accepts the risk", func(s *searchState) { s.risk = true }, false},
		{"an attempt that the provider has does not count as open", func(s *searchState) { s.rec.openOnly = true }, true},
		{"nor does it, and there is no person", func(s *searchState) { s.rec.openOnly, s.nobody = true, true }, false},
		{"nor does it, there is no person, and a recorded fate may be reported again", func(s *searchState) {
			s.rec.openOnly, s.nobody, s.forgetFates = true, true, true
		}, true},
		{"nor does it, there is no person, and a request has two steps", func(s *searchState) {
			s.rec.openOnly, s.nobody, s.opensLate = true, true, true
		}, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := searchState{rec: newModelRecord(0), now: searchNow}
			row.vary(&s)
			trace, states := search(s, searchStates)
			t.Logf("%d states", states)
			if broken := trace != nil; broken != row.breaks {
				t.Errorf("sent twice: %t, want %t:\n  %s", broken, row.breaks, strings.Join(trace, "\n  "))
			}
		})
	}
}

const (
	searchAttempts = 3
	searchNow      = 10 // times are kept relative to it, so that states which differ in the date alone are one
	searchStates   = 1_000_000
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

type searchStep struct {
	label string
	to    searchState
}

// search goes through the states breadth first, so that the trace that it returns is a shortest one.
func search(first searchState, limit int) (trace []string, states int) {
	type origin struct {
		parent uint64
		label  string
	}
	seed := maphash.MakeSeed()
	var buf []byte
	hash := func(s *searchState) uint64 {
		buf = s.encode(buf[:0])
		return maphash.Bytes(seed, buf)
	}
	first.normalize()
	root := hash(&first)
	seen := map[uint64]origin{root: {}}
	for frontier := []searchState{first}; len(frontier) > 0 && len(seen) < limit; {
		var next []searchState
		for i := range frontier {
			from := hash(&frontier[i])
			for _, step := range frontier[i].steps() {
				step.to.normalize()
				h := hash(&step.to)
				if _, ok := seen[h]; ok {
					continue
				}
				seen[h] = origin{from, step.label}
				if step.to.sentTwice() {
					for ; h != root; h = seen[h].parent {
						trace = append(trace, seen[h].label)
					}
					slices.Reverse(trace)
					return trace, len(seen)
				}
				next = append(next, step.to)
			}
		}
		frontier = next
	}
	return nil, len(seen)
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
func (s *searchState) steps() []searchStep {
	var out []searchStep
	add := func(label string, do func(*searchState)) {
		to := *s
		do(&to)
		if s.asker.busy && to.asker.current && changedEssence(&s.rec, &to.rec) {
			to.asker.current = false
		}
		out = append(out, searchStep{label, to})
	}
	add("time passes", func(s *searchState) { s.now++ })
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

type searchAdd func(label string, do func(*searchState))

func (s *searchState) workerSteps(i int, add searchAdd) {
	w := s.workers[i]
	name := fmt.Sprintf("worker %d: ", i+1)
	switch w.doing {
	case "":
		if s.begun < searchAttempts {
			s.beginSteps(i, name+"begins", add, func(s *searchState) {
				s.begun++
				s.workers[i] = searchWorker{doing: "beginning", id: s.begun, moves: !s.opensLate}
				s.at[s.begun] = nowhere
			})
		}
	case "beginning":
		s.beginSteps(i, name+"begins again", add, func(*searchState) {})
		add(name+"dies", func(s *searchState) { s.workers[i] = searchWorker{} })
	case "told":
		add(name+"dies", func(s *searchState) { s.workers[i] = searchWorker{} })
		s.toldSteps(i, name, add)
	case "reporting":
		s.reportSteps(i, name+"reports again: ", w.word, add)
	}
}

// beginSteps: the reply arrives, or the worker knows nothing and may begin again.
func (s *searchState) beginSteps(i int, label string, add searchAdd, first func(*searchState)) {
	begin := func(s *searchState) Verdict {
		first(s)
		return s.rec.begin(s.rules(), s.now, s.workers[i].id, s.opensLate, false)
	}
	add(label+", the reply is lost", func(s *searchState) { begin(s) })
	add(label, func(s *searchState) {
		if begin(s) != Send {
			s.workers[i] = searchWorker{}
			return
		}
		s.workers[i].doing, s.workers[i].leaseEnd = "told", s.rec.leaseEnd
	})
}

func (s *searchState) reportSteps(i int, label string, word modelOutcome, add searchAdd) {
	id := s.workers[i].id
	for _, after := range []searchWorker{{}, {doing: "reporting", id: id, word: word}} {
		end := ""
		if after.id != 0 {
			end = ", the reply is lost"
		}
		add(label+string(word.class)+end, func(s *searchState) {
			s.rec.report(s.rules(), s.now, id, word, 0)
			s.workers[i] = after
		})
	}
}

// toldSteps: until its deadline the worker may hand its bytes over, once, and at any time it may give up and say what it knows.
func (s *searchState) toldSteps(i int, name string, add searchAdd) {
	w := s.workers[i]
	if !w.moves {
		add(name+"notes the step that moves money", func(s *searchState) {
			if s.rec.note(s.now, w.id, true) {
				s.workers[i].moves = true
			}
		})
	}
	if w.moves && s.at[w.id] == nowhere && s.now < w.leaseEnd {
		add(name+"hands its bytes over", func(s *searchState) {
			s.at[w.id], s.until[w.id] = inFlight, w.leaseEnd+s.rules().settle
		})
	}
	words := map[place][]modelOutcome{
		nowhere:  {{class: notSent}, {class: providers.InDoubt}},
		inFlight: {{class: providers.InDoubt}},
		accepted: {{class: providers.InDoubt}, {providers.Pending, w.id}},
		executed: {{class: providers.InDoubt}, {providers.Succeeded, w.id}},
		declined: {{class: providers.InDoubt}, {providers.Refused, 0}},
	}
	for _, word := range words[s.at[w.id]] {
		s.reportSteps(i, name+"reports ", word, add)
	}
}

func (s *searchState) providerSteps(id uint8, add searchAdd) {
	name := fmt.Sprintf("provider: attempt %d is ", id)
	to := map[place][]place{inFlight: {executed, accepted, declined}, accepted: {executed}}[s.at[id]]
	if s.at[id] == inFlight && s.now > s.until[id] {
		return
	}
	for _, p := range to {
		add(name+string(p), func(s *searchState) { s.at[id], s.until[id] = p, 0 })
	}
}

// askerSteps: the answer is read when it is asked for, and given at any time after that, once or again.
func (s *searchState) askerSteps(add searchAdd) {
	if s.asker.busy {
		give := func(s *searchState) { s.rec.answer(s.rules(), s.now, s.asker.asked, s.asker.current, s.asker.word) }
		add("asker: answers "+string(s.asker.word.class)+", the reply is lost", give)
		add("asker: answers "+string(s.asker.word.class), func(s *searchState) {
			give(s)
			s.asker = searchAsker{}
		})
		return
	}
	words := []modelOutcome{{class: providers.NotFound}, {class: providers.InDoubt}}
	classes := map[place]modelClass{accepted: providers.Pending, executed: providers.Succeeded, declined: providers.Refused}
	for id := uint8(1); id <= s.begun; id++ {
		if class, ok := classes[s.at[id]]; ok {
			words = append(words, modelOutcome{class, id})
		}
	}
	add("time to recover", func(s *searchState) { s.rec.recover(s.rules(), s.now) })
	switch s.rec.state {
	case InDoubt, Pending, Held, Failed, Succeeded:
		for _, word := range words {
			add("asker: reads "+string(word.class), func(s *searchState) { s.asker = searchAsker{true, true, s.now, word} })
		}
	}
}

func (s *searchState) personSteps(add searchAdd) {
	byHand := func(label string, do func(*searchState) bool) {
		if probe := *s; do(&probe) {
			add("person: "+label, func(s *searchState) { do(s) })
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
