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

// row is one search: what its provider does, who takes part, and what it can show. Where shows is
// empty, the promise must hold.
type row struct {
	name   string
	policy Policy
	// The payment: its attempts begin with a step that cannot move money; the provider can be
	// queried; it gives no ids; a payer must act; it has a deadline; a limit may block it.
	safeFirstStep, queryable, nameless, payer, dated, limited bool
	// punctual: nothing is executed later than settle time after an attempt's end, and status
	// queries find everything from then on. Otherwise they may show and execute it at any time, or
	// never.
	punctual bool
	// duplicates: the provider may call a known reference a duplicate; taken: another's payment has
	// it.
	duplicates, taken bool
	// executesTwice: the provider may execute one request two times.
	executesTwice bool
	// unattended: there is no operator; risky: the operator may accept the double risk.
	unattended, risky bool
	// statement: the operator may record a difference of a statement.
	statement bool
	// immortal: no worker dies; stale: a step may be decided from a reading that is a tick old.
	immortal, stale bool
	// forgets: how many writes the store may forget, once; again: workers then report again.
	forgets int
	again   bool
	// unproven: no status query of the account has found anything yet.
	unproven bool
	// shows is what this row is known to show; note says why in plain words.
	shows []string
	note  string
	// ignores is what the row does not check: another shows it.
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
	s := state{row: r, now: searchNow, queryProof: QueryProven, foreign: r.taken, wrote: searchNow - 1}
	if r.unproven {
		s.queryProof = QueryUnproven
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
		"worker 1 begins", "worker 2 sends its request", "time passes", "time passes", "janitor wakes", "time passes",
	}
}

// sentAgain is a second attempt, sent because the first was not found; then more.
func sentAgain(more ...string) []string {
	return append(append([]string{"worker 1 begins", "time passes", "time passes", "janitor wakes", "time passes"},
		"querier queries", "querier reads not_found", "querier records not_found"), more...)
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
		{name: "hold: a request in two steps", policy: hold(), queryable: true, safeFirstStep: true},
		{name: "hold: an operator accepts the risk", policy: hold(), queryable: true, risky: true},
		{name: "hold: two steps, and an operator accepts the risk", policy: hold(), queryable: true, safeFirstStep: true, risky: true},
		{name: "hold: the provider cannot be queried", policy: hold(), risky: true},
		{name: "hold: the provider gives no ids", policy: hold(), queryable: true, nameless: true, risky: true},
		{name: "hold: the provider names duplicates", policy: hold(), queryable: true, duplicates: true, risky: true},
		{name: "hold: a deadline, a limit, an unreadable payload", policy: hold(), queryable: true, dated: true, limited: true},
		{
			name: "hold: an operator called it failed", policy: hold(), queryable: true, risky: true,
			from: append(lapsed(), "operator: resolve as failed"),
		},
		{
			name: "hold: an operator called it succeeded", policy: hold(), queryable: true,
			from: append(lapsed(), "attempt 1 is executed", "operator: resolve as succeeded with an id"),
		},
		{
			name: "hold: an operator called it not received, and took the risk", policy: hold(), queryable: true, risky: true,
			from: append(lapsed(), "querier queries", "querier reads not_found", "querier records not_found", "time passes", "querier queries",
				"querier reads not_found", "querier records not_found", "operator: resolve as not received",
				"operator: retry, accepting the double risk"),
		},
		{
			name: "hold: pending at the provider", policy: hold(), queryable: true, risky: true,
			from: []string{"worker 1 begins", "worker 2 sends its request", "attempt 1 is accepted", "worker 2 reports pending as 1"},
		},
		{
			name: "hold: held, and still queried", policy: hold(), queryable: true, risky: true,
			from: append(lapsed(), "querier queries", "querier reads not_found", "querier records not_found", "time passes", "querier queries",
				"querier reads not_found", "querier records not_found"),
		},
		{name: "hold: a statement differs", policy: hold(), queryable: true, statement: true},
		{
			name: "hold: a statement differs from what an operator called failed", policy: hold(), queryable: true, statement: true,
			from: append(lapsed(), "operator: resolve as failed"),
		},
		{name: "hold: a payer must act", policy: hold(), queryable: true, payer: true},
		{name: "hold: a payer must act, in two steps", policy: hold(), queryable: true, payer: true, safeFirstStep: true},
		{
			name: "hold: another's payment has the reference", policy: hold(), queryable: true, taken: true, unattended: true,
			ignores: []string{falseSuccess},
		},
		{name: "hold: decisions from old readings", policy: hold(), queryable: true, stale: true, unattended: true},
		{name: "resend: a request in one step", policy: resending(), queryable: true, punctual: true, unattended: true},
		{name: "resend: a request in two steps", policy: resending(), queryable: true, punctual: true, safeFirstStep: true, unattended: true},
		{name: "resend: with an operator", policy: resending(), queryable: true, punctual: true, risky: true},
		{name: "resend: the provider gives no ids", policy: resending(), queryable: true, punctual: true, nameless: true, unattended: true},
		{name: "resend: the provider names duplicates", policy: resending(), queryable: true, punctual: true, duplicates: true, unattended: true},
		{name: "resend: the status query is not proven yet", policy: resending(), queryable: true, punctual: true, unproven: true, unattended: true},
		{
			name: "resend: in doubt, and queried within the settle time", policy: hasty(), queryable: true, punctual: true, unattended: true,
			from: []string{"worker 1 begins", "worker 2 sends its request", "time passes", "time passes", "janitor wakes",
				"querier queries", "querier reads not_found"},
		},
		{
			name: "resend: sent again, and the first may report", policy: hasty(), queryable: true, punctual: true, unattended: true,
			from: sentAgain("worker 1 begins"),
		},
		{
			name: "hold: sent again at an operator's risk", policy: hold(), queryable: true, risky: true,
			from: append(lapsed(), "operator: resolve as failed, nothing was executed", "operator: retry", "worker 1 begins",
				"worker 2 sends its request"),
		},
		{
			name: "hold: not executed by its deadline, and in doubt", policy: hold(), queryable: true, dated: true, unattended: true,
			from: []string{"worker 1 begins", "worker 2 reports in_doubt"},
		},
		{
			name: "resend: not found, and sent again", policy: hasty(), queryable: true, punctual: true,
			from: append(lapsed(), "querier queries", "querier reads not_found", "querier records not_found"), unattended: true,
		},
		{
			name: "resend: decisions from old readings", policy: resending(), queryable: true, punctual: true, stale: true,
			unattended: true,
		},
		{
			name: "resend: the provider is later than the settle time", policy: hasty(), queryable: true, unattended: true,
			from:  append(lapsed(), "querier queries", "querier reads not_found", "querier records not_found"),
			shows: []string{sentTwice}, note: "the settle time must be longer than the provider's latest execution; else `hold`",
		},
		{
			name: "hold: the provider executes one request twice", policy: hold(), queryable: true, executesTwice: true, unattended: true,
			shows: []string{sentTwice, hiddenDouble}, note: "nothing shows it unless the provider's own status query shows a second id",
		},
		{
			name: "hold: another's payment has the reference, and replies get lost", policy: hold(), queryable: true, taken: true, unattended: true,
			shows: []string{falseSuccess}, note: "what is found after a lost reply is told apart only by the fields that the status result repeats",
		},
		{
			name: "hold: the store forgets its last write", policy: hold(), queryable: true, forgets: 1, immortal: true, unattended: true,
			again: true, ignores: []string{falseFailed}, shows: []string{sentTwice},
			from: []string{"worker 1 begins", "the store forgets its last 1 writes"}, note: "a Begin that was acknowledged and forgotten is sent by two",
		},
		{
			name: "hold: the store forgets its last write, and workers report again", policy: hold(), queryable: true, forgets: 1,
			immortal: true, unattended: true, again: true, ignores: []string{sentTwice, falseFailed},
		},
		{
			name: "hold: the store forgets its last two writes, and workers report again", policy: hold(), queryable: true, forgets: 2,
			immortal: true, unattended: true, again: true, ignores: []string{sentTwice, falseFailed},
		},
		{
			name: "hold: the store forgets its last two writes, and workers die or report once", policy: hold(), queryable: true,
			forgets: 2, unattended: true, ignores: []string{sentTwice, falseFailed}, shows: []string{hiddenDouble},
			from: []string{"worker 1 begins", "worker 2 sends its request", "attempt 1 is executed", "the store forgets its last 1 writes"},
			note: "a send that the store forgot, and that no worker lives to report, is hidden",
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

// No interleaving of two workers, a querier, an operator, a janitor and a store that replies late
// or not at all breaks the promise. Rows whose provider or store breaks its own promise show what
// that can do.
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
