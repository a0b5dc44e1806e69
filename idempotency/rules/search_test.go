package rules

import (
	"flag"
	"hash/maphash"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// searchStates bounds each row of the ordinary run, longStates of the long one
// (REMESA_TEST_LONG=1).
var searchStates = flag.Int("search.states", ordinaryStates, "about how many states each row of the search goes through")

var update = flag.Bool("update", false, "write the generated pages and what they are made from anew")

const (
	ordinaryStates = 8_000
	longStates     = 420_000
)

func long() bool { return os.Getenv("REMESA_TEST_LONG") == "1" }

// row is a world to search: what its provider does, who takes part, and what it can show. A row
// without shows must show nothing: the promise holds in it.
type row struct {
	name   string
	policy Policy
	// The payment: its attempts begin with a step that cannot move money; the provider can be
	// asked; it gives ids to nothing; a payer must act; it has a deadline; it may be stopped before
	// its first send.
	opensLate, queryable, nameless, payer, dated, braked bool
	// punctual: nothing is executed later than settle time after an attempt's end, and lookups show
	// everything from then on. Otherwise they may show and execute it at any time, or never.
	punctual bool
	// duplicates: the provider may call a known reference a duplicate; taken: somebody else has it.
	duplicates, taken bool
	// twices: the provider may execute one request two times.
	twices bool
	// unqueryable: there is no person; risky: the person may accept the double risk.
	unqueryable, risky bool
	// immortal: no worker dies; stale: a step may be decided from a reading that is a tick old.
	immortal, stale bool
	// forgets: how many writes the store may forget, once; again: workers then report again.
	forgets int
	again   bool
	// unproven: no lookup of the account has found anything yet.
	unproven bool
	// shows is what this world is known to show; note says why in plain words.
	shows []string
	note  string
	// ignores is what the row does not look for: another shows it.
	ignores []string
	// from are steps taken before the search begins.
	from []string
}

func hold() Policy {
	return Policy{SettleTime: searchSettle, NotFoundInterval: searchInterval, Confirmations: 2, MaxResends: 1, PollDeadline: searchDeadline}
}

func resending() Policy {
	p := hold()
	p.Resend = true
	return p
}

// hasty believes the first "not found".
func hasty() Policy {
	p := resending()
	p.Confirmations = 1
	return p
}

// first is the state from which a row is searched: the payment is registered.
func (r *row) first() state {
	s := state{row: r, now: searchNow, lookup: QueryProven, foreign: r.taken, wrote: searchNow - 1}
	if r.unproven {
		s.lookup = QueryUnproven
	}
	reg := Registration{}
	if r.dated {
		reg.Deadline = searchNow + 3
	}
	c := Register(r.policy, searchNow, reg)
	s.write(&c)
	s.wrote = searchNow - 1
	s.normalize()
	for _, step := range r.from {
		s = s.take(step)
	}
	return s
}

// lapsed is how an attempt comes to be in doubt while its request is under way.
func lapsed() []string {
	return []string{
		"worker 1 begins", "worker 2 hands its bytes over", "time passes", "time passes", "janitor wakes", "time passes",
	}
}

// sentAgain is a second attempt, sent because the first was not found; then more.
func sentAgain(more ...string) []string {
	return append(append([]string{"worker 1 begins", "time passes", "time passes", "janitor wakes", "time passes"},
		"asker asks", "asker reads not_found", "asker answers not_found"), more...)
}

// take takes the step of that name.
func (s *state) take(step string) state {
	var to *state
	var there []string
	e := explorer{from: s, emit: func(l label, next *state, _ string) {
		there = append(there, l.String())
		if to == nil && l.String() == step {
			to = next
		}
	}}
	e.steps()
	if to == nil {
		panic("no step " + step + " among " + strings.Join(there, ", "))
	}
	return decode(s.row, to.encode(nil))
}

func searchRows() []*row {
	return []*row{
		{name: "hold: a request in one step", policy: hold(), queryable: true},
		{name: "hold: a request in two steps", policy: hold(), queryable: true, opensLate: true},
		{name: "hold: a person accepts the risk", policy: hold(), queryable: true, risky: true},
		{name: "hold: two steps, and a person accepts the risk", policy: hold(), queryable: true, opensLate: true, risky: true},
		{name: "hold: nobody can be asked", policy: hold(), risky: true},
		{name: "hold: the provider gives no ids", policy: hold(), queryable: true, nameless: true, risky: true},
		{name: "hold: the provider names duplicates", policy: hold(), queryable: true, duplicates: true, risky: true},
		{name: "hold: a deadline, a brake, unreadable details", policy: hold(), queryable: true, dated: true, braked: true},
		{
			name: "hold: a person called it failed", policy: hold(), queryable: true, risky: true,
			from: append(lapsed(), "person: resolve as failed"),
		},
		{
			name: "hold: a person called it succeeded", policy: hold(), queryable: true,
			from: append(lapsed(), "attempt 1 is executed", "person: resolve as succeeded with an id"),
		},
		{
			name: "hold: a person called it not received, and took the risk", policy: hold(), queryable: true, risky: true,
			from: append(lapsed(), "asker asks", "asker reads not_found", "asker answers not_found", "time passes", "asker asks",
				"asker reads not_found", "asker answers not_found", "person: resolve as not received",
				"person: retry, accepting the double risk"),
		},
		{
			name: "hold: pending at the provider", policy: hold(), queryable: true, risky: true,
			from: []string{"worker 1 begins", "worker 2 hands its bytes over", "attempt 1 is accepted", "worker 2 reports pending as 1"},
		},
		{
			name: "hold: held, and still asked about", policy: hold(), queryable: true, risky: true,
			from: append(lapsed(), "asker asks", "asker reads not_found", "asker answers not_found", "time passes", "asker asks",
				"asker reads not_found", "asker answers not_found"),
		},
		{name: "hold: a payer must act", policy: hold(), queryable: true, payer: true},
		{name: "hold: a payer must act, in two steps", policy: hold(), queryable: true, payer: true, opensLate: true},
		{
			name: "hold: the reference is somebody else's", policy: hold(), queryable: true, taken: true, unqueryable: true,
			ignores: []string{falseSuccess},
		},
		{name: "hold: decisions from old readings", policy: hold(), queryable: true, stale: true, unqueryable: true},
		{name: "resend: a request in one step", policy: resending(), queryable: true, punctual: true, unqueryable: true},
		{name: "resend: a request in two steps", policy: resending(), queryable: true, punctual: true, opensLate: true, unqueryable: true},
		{name: "resend: with a person", policy: resending(), queryable: true, punctual: true, risky: true},
		{name: "resend: the provider gives no ids", policy: resending(), queryable: true, punctual: true, nameless: true, unqueryable: true},
		{name: "resend: the provider names duplicates", policy: resending(), queryable: true, punctual: true, duplicates: true, unqueryable: true},
		{name: "resend: no lookup is proven yet", policy: resending(), queryable: true, punctual: true, unproven: true, unqueryable: true},
		{
			name: "resend: in doubt, and asked within the settle time", policy: hasty(), queryable: true, punctual: true, unqueryable: true,
			from: []string{"worker 1 begins", "worker 2 hands its bytes over", "time passes", "time passes", "janitor wakes",
				"asker asks", "asker reads not_found"},
		},
		{
			name: "resend: sent again, and the first may report", policy: hasty(), queryable: true, punctual: true, unqueryable: true,
			from: sentAgain("worker 1 begins"),
		},
		{
			name: "hold: sent again at a person's risk", policy: hold(), queryable: true, risky: true,
			from: append(lapsed(), "person: resolve as failed, nothing was executed", "person: retry", "worker 1 begins",
				"worker 2 hands its bytes over"),
		},
		{
			name: "hold: not executed by its deadline, and in doubt", policy: hold(), queryable: true, dated: true, unqueryable: true,
			from: []string{"worker 1 begins", "worker 2 reports in_doubt"},
		},
		{
			name: "resend: not found, and sent again", policy: hasty(), queryable: true, punctual: true,
			from: append(lapsed(), "asker asks", "asker reads not_found", "asker answers not_found"), unqueryable: true,
		},
		{
			name: "resend: decisions from old readings", policy: resending(), queryable: true, punctual: true, stale: true,
			unqueryable: true,
		},
		{
			name: "resend: the provider is later than the settle time", policy: hasty(), queryable: true, unqueryable: true,
			from:  append(lapsed(), "asker asks", "asker reads not_found", "asker answers not_found"),
			shows: []string{sentTwice}, note: "the settle time must be longer than the provider's latest execution; else `hold`",
		},
		{
			name: "hold: the provider executes one request twice", policy: hold(), queryable: true, twices: true, unqueryable: true,
			shows: []string{sentTwice, hiddenDouble}, note: "nobody learns of it unless the provider's own lookup shows a second id",
		},
		{
			name: "hold: the reference is somebody else's, and replies get lost", policy: hold(), queryable: true, taken: true, unqueryable: true,
			shows: []string{falseSuccess}, note: "what is found after a lost reply is told apart only by the fields that the answer repeats",
		},
		{
			name: "hold: the store forgets its last write", policy: hold(), queryable: true, forgets: 1, immortal: true, unqueryable: true,
			again: true, ignores: []string{falseFailed}, shows: []string{sentTwice},
			from: []string{"worker 1 begins", "the store forgets its last 1 writes"}, note: "a Begin that was acknowledged and forgotten is sent by two",
		},
		{
			name: "hold: the store forgets its last write, and workers report again", policy: hold(), queryable: true, forgets: 1,
			immortal: true, unqueryable: true, again: true, ignores: []string{sentTwice, falseFailed},
		},
		{
			name: "hold: the store forgets its last two writes, and workers report again", policy: hold(), queryable: true, forgets: 2,
			immortal: true, unqueryable: true, again: true, ignores: []string{sentTwice, falseFailed},
		},
		{
			name: "hold: the store forgets its last two writes, and workers die or report once", policy: hold(), queryable: true,
			forgets: 2, unqueryable: true, ignores: []string{sentTwice, falseFailed}, shows: []string{hiddenDouble},
			from: []string{"worker 1 begins", "worker 2 hands its bytes over", "attempt 1 is executed", "the store forgets its last 1 writes"},
			note: "a send that the store forgot, and that nobody lives to report, is hidden",
		},
	}
}

// finding is what a search came to.
type finding struct {
	broken string
	trace  []string
	states int
	depth  int
	// all: there are no further states.
	all  bool
	took time.Duration
	// moves are the changes of state that were seen.
	moves map[move]bool
}

// searcher goes through the states breadth first, so that the trace that it finds is a shortest
// one.
type searcher struct {
	row     *row
	seed    maphash.Seed
	parents map[uint64]uint64
}

func (x *searcher) hash(b []byte) uint64 { return maphash.Bytes(x.seed, b) }

// search goes through about limit states of a row, until one breaks the promise.
func (r *row) search(limit int) finding {
	began := time.Now()
	first := r.first()
	text := first.encode(nil)
	x := searcher{row: r, seed: maphash.MakeSeed(), parents: map[uint64]uint64{}}
	x.parents[x.hash(text)] = 0
	out := finding{moves: map[move]bool{}}
	for frontier := [][]byte{text}; len(frontier) > 0 && len(x.parents) < limit; out.depth++ {
		var next [][]byte
		for _, text := range frontier {
			from := x.hash(text)
			at := decode(r, text)
			e := explorer{from: &at, emit: func(l label, to *state, broken string) {
				if out.broken != "" {
					return
				}
				if at.rec.State != to.rec.State {
					out.moves[move{at.rec.State, to.rec.State, l.step()}] = true
				}
				text := to.encode(nil)
				h := x.hash(text)
				_, known := x.parents[h]
				if !known {
					x.parents[h] = from
					next = append(next, text)
				}
				if broken == "" && !known {
					broken = to.broken()
				}
				if broken != "" {
					out.broken, out.trace = broken, append(x.trace(first, from), x.last(at, h, broken))
				}
			}}
			e.steps()
			if out.broken != "" {
				out.states, out.took = len(x.parents), time.Since(began)
				return out
			}
			if len(x.parents) >= limit {
				break
			}
		}
		frontier = next
		out.all = len(next) == 0
	}
	out.states, out.took = len(x.parents), time.Since(began)
	return out
}

// last is the step from this state to the one with this hash.
func (x *searcher) last(at state, to uint64, broken string) string {
	words := ""
	e := explorer{from: &at, emit: func(l label, s *state, says string) {
		if words == "" && x.hash(s.encode(nil)) == to && (says == broken || says == "") {
			words = l.String()
		}
	}}
	e.steps()
	return words
}

// trace walks from the first state to the one with this hash again, this time with words.
func (x *searcher) trace(s state, to uint64) []string {
	var path []uint64
	for h := to; x.parents[h] != 0; h = x.parents[h] {
		path = append(path, h)
	}
	slices.Reverse(path)
	var words []string
	for _, h := range path {
		var next []byte
		e := explorer{from: &s, emit: func(l label, to *state, _ string) {
			if text := to.encode(nil); next == nil && x.hash(text) == h {
				next, words = text, append(words, l.String())
			}
		}}
		e.steps()
		s = decode(x.row, next)
	}
	return words
}

// wrong says whether the row shows what it must not, or does not show what it must.
func (r *row) wrong(f finding) string {
	switch {
	case f.broken != "" && !slices.Contains(r.shows, f.broken):
		return f.broken + ":\n  " + strings.Join(f.trace, "\n  ")
	case f.broken == "" && len(r.shows) > 0:
		return "the search does not find: " + strings.Join(r.shows, ", ")
	}
	return ""
}

// limit is how many states a row goes through.
func limit() int {
	if long() && *searchStates == ordinaryStates {
		return longStates
	}
	return *searchStates
}

// No interleaving of two workers, an asker, a person, a janitor and a store that answers late or
// not at all breaks the promise; where a provider or a store breaks its own, what that can do is
// shown.
func TestSearch(t *testing.T) {
	var mu sync.Mutex
	seen, results := map[move]bool{}, make([]searched, len(searchRows()))
	t.Cleanup(func() {
		if !t.Failed() && !t.Skipped() {
			checkPages(t, seen, results)
		}
	})
	for i, r := range searchRows() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			f := r.search(limit())
			t.Logf("%d states, %d steps deep, all: %t, %s", f.states, f.depth, f.all, f.took.Round(time.Millisecond))
			if wrong := r.wrong(f); wrong != "" {
				t.Error(wrong)
			}
			mu.Lock()
			defer mu.Unlock()
			results[i] = searched{Row: r.name, States: f.states, Depth: f.depth, All: f.all, Shows: f.broken, Trace: f.trace, Note: r.note}
			if r.forgets == 0 {
				maps.Copy(seen, f.moves)
			}
		})
	}
}
