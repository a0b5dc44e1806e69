package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// results are all cases that were measured, by appendfsync and tree, in the order of the rounds.
type results struct {
	plan  plan
	trees []tree
	cases map[string]map[string][]measured
}

func newResults(p plan, trees []tree) *results {
	return &results{p, trees, map[string]map[string][]measured{}}
}

func (r *results) add(fsync, tree string, m measured) {
	if r.cases[fsync] == nil {
		r.cases[fsync] = map[string][]measured{}
	}
	r.cases[fsync][tree] = append(r.cases[fsync][tree], m)
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// each are the values of something over all rounds.
func each(ms []measured, of func(measured) float64) []float64 {
	out := make([]float64, len(ms))
	for i, m := range ms {
		out[i] = of(m)
	}
	return out
}

// ratio is the median of present to before, round by round: both of a round met about the same
// machine.
func (r *results) ratio(fsync string, of func(measured) float64) string {
	now, was := each(r.cases[fsync][present], of), each(r.cases[fsync][before], of)
	var ratios []float64
	for i := range was {
		if was[i] != 0 {
			ratios = append(ratios, now[i]/was[i])
		}
	}
	if len(ratios) == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", median(ratios))
}

// publish prints the table and writes it.
func (r *results) publish(name string) error {
	text := r.text()
	fmt.Print(text)
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644) // #nosec G306 -- a page for everybody
}

func (r *results) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What a payout costs\n\nWritten by `go -C bench run ./payoutcost`; see `bench/README.md` for what not to conclude.\n\n")
	fmt.Fprintf(&b, "%d payouts of VirtualPOS in each case, %d under way at a time; medians of %d rounds in turns; %d processors, %s, shared by Redis,\n"+
		"simulator, worker and enqueue. Only the ratios say something: the machine may have had other work to do.\n\n",
		r.plan.payouts, r.plan.concurrency, r.plan.rounds, runtime.NumCPU(), runtime.Version())
	for _, t := range r.trees {
		fmt.Fprintf(&b, "- %s: %s\n", t.name, t.commit)
	}
	for _, fsync := range fsyncs {
		r.table(&b, fsync)
	}
	for _, t := range r.trees {
		r.commands(&b, t.name)
	}
	return b.String()
}

func (r *results) table(b *strings.Builder, fsync string) {
	fmt.Fprintf(b, "\n## appendfsync %s\n\n| for each payout |", fsync)
	for _, t := range r.trees {
		fmt.Fprintf(b, " %s |", t.name)
	}
	fmt.Fprintf(b, " present/before |\n|---|%s---:|\n", strings.Repeat("---:|", len(r.trees)))
	for _, row := range rows {
		of := func(m measured) float64 { return m.of[row] }
		fmt.Fprintf(b, "| %s |", row)
		for _, t := range r.trees {
			fmt.Fprintf(b, " %s |", number(median(each(r.cases[fsync][t.name], of))))
		}
		fmt.Fprintf(b, " %s |\n", r.ratio(fsync, of))
	}
}

func number(v float64) string {
	if v >= 100 || v == 0 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// rare commands are called by less than one payout in a hundred.
const rare = 0.01

// commands lists what a tree's payouts call, the longest first. The time of a script holds that of
// its commands.
func (r *results) commands(b *strings.Builder, name string) {
	fmt.Fprintf(b, "\n## Commands of the %s tree, appendfsync %s\n\n| command | calls for each payout | µs for each payout |\n|---|---:|---:|\n", name, fsyncs[0])
	ms := r.cases[fsyncs[0]][name]
	medians := map[string]command{}
	for _, m := range ms {
		for c := range m.commands {
			medians[c] = command{
				median(each(ms, func(m measured) float64 { return m.commands[c].calls })),
				median(each(ms, func(m measured) float64 { return m.commands[c].usec })),
			}
		}
	}
	longest := func(x, y string) int { return cmp.Compare(medians[y].usec, medians[x].usec) }
	for _, c := range slices.SortedFunc(maps.Keys(medians), longest) {
		if medians[c].calls >= rare {
			fmt.Fprintf(b, "| %s | %.2f | %.2f |\n", c, medians[c].calls, medians[c].usec)
		}
	}
}
