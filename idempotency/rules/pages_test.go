package rules

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

const (
	statesPage   = "../../docs/states.md"
	proofPage    = "../../docs/proof.md"
	searchedFile = "testdata/search.json"
	caughtFile   = "testdata/safeguards.json"
	// simulationBegins is the heading of the page's second part, which internal/proof writes.
	simulationBegins = "\n## The simulation\n"
)

// move is a change of state, and the step that makes it.
type move struct {
	from, to State
	step     string
}

// searched is what the last long search found in a row.
type searched struct {
	Row    string   `json:"row"`
	States int      `json:"states"`
	Depth  int      `json:"depth"`
	All    bool     `json:"all,omitempty"`
	Shows  string   `json:"shows,omitempty"`
	Trace  []string `json:"trace,omitempty"`
	Note   string   `json:"note,omitempty"`
}

// needed is what fails without a safeguard; a build with the tag mutants finds it.
type needed struct {
	Safeguard, Search, Finds, Row string
}

// checkPages holds the pages that are made from a search of all rows against what was found.
func checkPages(t *testing.T, seen map[move]bool, results []searched) {
	t.Helper()
	switch all := !slices.ContainsFunc(results, func(r searched) bool { return r.Row == "" }); {
	case all && long() && *update:
		text, err := json.MarshalIndent(results, "", "  ")
		must(t, err)
		must(t, os.WriteFile(searchedFile, append(text, '\n'), 0o600))
		return
	case !all || *searchStates != ordinaryStates || long():
		return // the page is of a whole ordinary run
	}
	golden(t, statesPage, statesText(seen))
}

// docs/proof.md says what was found, in the words of the last run.
func TestProofPage(t *testing.T) {
	var rows []searched
	var all []needed
	read(t, searchedFile, &rows)
	read(t, caughtFile, &all)
	listed := make([]safeguard, len(all))
	for i, n := range all {
		listed[i] = safeguard(n.Safeguard)
	}
	if !slices.Equal(listed, safeguards()) {
		t.Errorf("%s lists other safeguards than the code: go test -tags mutants -run Mutants -update", caughtFile)
	}
	searchedRows := make([]string, len(rows))
	for i, r := range rows {
		searchedRows[i] = r.Row
	}
	var names []string
	for _, r := range searchRows() {
		names = append(names, r.name)
	}
	if !slices.Equal(searchedRows, names) {
		t.Errorf("%s lists other rows than the search: REMESA_TEST_LONG=1 go test -run Search -update", searchedFile)
	}
	text, err := os.ReadFile(proofPage)
	must(t, err)
	_, simulation, found := strings.Cut(string(text), simulationBegins)
	if !found {
		t.Fatalf("%s lacks the part that internal/proof writes", proofPage)
	}
	golden(t, proofPage, proofText(rows, all)+simulationBegins+simulation)
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	must(t, json.Unmarshal(text, into))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func golden(t *testing.T, page, want string) {
	t.Helper()
	if *update {
		must(t, os.WriteFile(page, []byte(want), 0o600))
		return
	}
	got, err := os.ReadFile(page)
	must(t, err)
	if string(got) != want {
		t.Errorf("%s is not what the rules say; write it anew with: make proof, or go test ./idempotency/rules -update", page)
	}
}

func statesText(seen map[move]bool) string {
	var b strings.Builder
	b.WriteString(`# The states of a payment, and who moves it between them

This page is generated: the search in ` + "`idempotency/rules`" + ` runs every step on every state that it reaches, and
writes down each change of state that it sees. ` + "`go test ./idempotency/rules -run 'Search|Proof' -update`" + ` makes it anew.

` + "```mermaid\nstateDiagram-v2\n    [*] --> queued\n")
	moves := slices.SortedFunc(maps.Keys(seen), func(x, y move) int {
		return cmp.Or(cmp.Compare(rank(x.from), rank(y.from)), cmp.Compare(rank(x.to), rank(y.to)), cmp.Compare(x.step, y.step))
	})
	edges := slices.CompactFunc(slices.Clone(moves), func(x, y move) bool { return x.from == y.from && x.to == y.to })
	for _, e := range edges {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", e.from, e.to, strings.Join(actors(moves, e), ", "))
	}
	b.WriteString("```\n\n| from | to | by |\n|---|---|---|\n")
	for _, e := range edges {
		var steps []string
		for _, m := range moves {
			if m.from == e.from && m.to == e.to {
				steps = append(steps, m.step)
			}
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", e.from, e.to, strings.Join(steps, "; "))
	}
	b.WriteString(`
*worker reports* is an attempt's own report, in time or late; *querier records* is the result of a status query;
*janitor wakes* processes what is due: it recovers a lapsed lease and ends what waited too long. A worker that begins a
payment whose lease has lapsed, and a worker that queries its status, recover it too.
`)
	return b.String()
}

func rank(s State) int { return slices.Index(States(), s) }

func actors(moves []move, e move) []string {
	var out []string
	for _, m := range moves {
		who, _, _ := strings.Cut(strings.TrimPrefix(m.step, "a "), " ")
		who = strings.TrimSuffix(who, ":")
		if m.from == e.from && m.to == e.to && !slices.Contains(out, who) {
			out = append(out, who)
		}
	}
	return out
}

func proofText(rows []searched, all []needed) string {
	var b strings.Builder
	total, deepest := 0, 0
	for _, r := range rows {
		total += r.States
		deepest = max(deepest, r.Depth)
	}
	fmt.Fprintf(&b, `# What was searched, and why each safeguard is there

This page is generated by `+"`make proof`"+`, from the last long search (`+"`make fault`"+` repeats it), the last seeds of the simulation
and the last run that left each safeguard out. All of it is the same each time, but for the name and speed of the machine.

## The search

The rules that are shipped (`+"`idempotency/rules`"+`), not a model of them, are taken through all interleavings, breadth first,
of one payment with at most %d attempts, two workers that may die or stall after every step, a querier, a janitor, an operator and
a provider. Reading and writing are separate: what was decided from a record that changed meanwhile, or from a
reading that is too old, is not written. Every reply of the store may be lost. Time goes in ticks; the lease is two, settle
time and the interval between two "not found" one each, the poll deadline three.

Together %d states, at most %d steps deep. **A row that is not marked "all" was searched up to the number of states that it
says, no further**: it shows that there is no shorter way to a double payment, not that there is none.

| row | states | steps deep | found |
|---|---|---|---|
`, searchAttempts, total, deepest)
	for _, r := range rows {
		what := "nothing"
		if r.Shows != "" {
			what = "**" + r.Shows + "**"
		}
		if r.All {
			what += " (all there are)"
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s |\n", r.Row, r.States, r.Depth, what)
	}
	b.WriteString("\n## What cannot be promised\n\nThese rows break a condition of the promise on purpose, to show what that can do.\n")
	for _, r := range rows {
		if r.Shows != "" {
			fmt.Fprintf(&b, "\n**%s**: %s. %s:\n\n", r.Row, r.Shows, strings.ToUpper(r.Note[:1])+r.Note[1:])
			for i, step := range r.Trace {
				fmt.Fprintf(&b, "%d. %s\n", i+1, step)
			}
		}
	}
	b.WriteString("\n## The safeguards\n\nA build with the tag `mutants` leaves one out. Then this fails:\n\n| safeguard | the search finds | in the row | row of the conformance suite |\n|---|---|---|---|\n")
	for _, n := range all {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", n.Safeguard, cmp.Or(n.Finds, "-"), cmp.Or(n.Search, "-"), cmp.Or(strings.ReplaceAll(n.Row, "_", " "), "-"))
	}
	return b.String()
}
