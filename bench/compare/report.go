package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// key names a series of values, one of each repetition.
type key struct{ part, of, contender, row string }

// results are the values by what they are of.
type results struct{ values map[key][]float64 }

func newResults() *results { return &results{map[key][]float64{}} }

func (r *results) add(k key, v float64) { r.values[k] = append(r.values[k], v) }

// median is NaN-free: ok is false where nothing was measured.
func median(values []float64) (v float64, ok bool) {
	n := len(values)
	if n == 0 {
		return 0, false
	}
	values = slices.Sorted(slices.Values(values))
	return (values[(n-1)/2] + values[n/2]) / 2, true
}

// ratios are those of two series, repetition by repetition: both of one met about the same machine.
func (r *results) ratios(a, b key) []float64 {
	x, y := r.values[a], r.values[b]
	var out []float64
	for i := range min(len(x), len(y)) {
		if y[i] != 0 {
			out = append(out, x[i]/y[i])
		}
	}
	return out
}

// number prints a value with three digits.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// cell is a median.
func (r *results) cell(k key) string {
	v, ok := median(r.values[k])
	if !ok {
		return ""
	}
	return number(v)
}

// spread is a median with the least and the most.
func (r *results) spread(k key) string {
	values := r.values[k]
	if len(values) < 2 {
		return r.cell(k)
	}
	return fmt.Sprintf("%s (%s to %s)", r.cell(k), number(slices.Min(values)), number(slices.Max(values)))
}

func (r *results) ratioCell(a, b key) string {
	v, ok := median(r.ratios(a, b))
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.2f", v)
}

// publish prints the tables, and writes them with the chart.
func (b *bench) publish() error {
	text := b.text()
	fmt.Print(text)
	if b.out == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(b.out), 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(b.out+".md", []byte(text), 0o644); err != nil { // #nosec G306 -- a page for everybody
		return err
	}
	return os.WriteFile(b.out+".svg", []byte(b.chart()), 0o644) // #nosec G306 -- a picture for everybody
}

func (b *bench) text() string {
	var t strings.Builder
	fmt.Fprintf(&t, "# remesa beside its peers\n\nWritten by `make bench` on %s. [README.md](../README.md) says how, and what not to conclude.\n\n",
		time.Now().UTC().Format("2006-01-02"))
	fmt.Fprintf(&t, "Medians of %d repetitions in turns, in brackets the least and the most; %d payouts a case, %d in flight. Contenders, stores and\n"+
		"simulator share one machine: only ratios say something. A ratio is the median of the repetitions' ratios.\n", b.reps, b.n, b.inFlight)
	for _, part := range b.parts {
		switch part {
		case partThroughput:
			for _, mode := range b.modes {
				b.throughputTable(&t, mode)
			}
		case partLatency:
			b.latencyTable(&t)
		case partInFlight:
			b.smallTable(&t, fmt.Sprintf("A provider that takes %s, %d in flight", b.delay, b.delayed), partInFlight, b.modes[:1], []string{rowShare, rowMemory})
		case partEnqueue:
			b.smallTable(&t, fmt.Sprintf("Enqueueing %d payouts with one process", b.enqueue), partEnqueue, b.modes, []string{rowLines, rowEnqueueMemory})
		case partIdle:
			b.smallTable(&t, "Workers with nothing to do", partIdle, []string{"one provider", "five providers"},
				[]string{rowIdleScripts, rowIdleCommands, rowIdleWorker, rowIdleStore})
		}
	}
	b.targetsTable(&t)
	fmt.Fprintf(&t, "\n## What each guarantees\n\n")
	for _, c := range b.contenders {
		fmt.Fprintf(&t, "- %s: %s\n", c.title, c.promise)
	}
	fmt.Fprintf(&t, "\n## On what, and with what\n\n")
	for _, v := range b.versions {
		fmt.Fprintf(&t, "- %s\n", v)
	}
	for _, s := range b.skipped {
		fmt.Fprintf(&t, "- not measured: %s\n", s)
	}
	return t.String()
}

// storeMode is what a mode means.
func storeMode(mode string) string {
	if mode == everysec {
		return "appendfsync everysec; PostgreSQL: synchronous_commit off"
	}
	return "appendfsync always; PostgreSQL: synchronous_commit on"
}

func (b *bench) throughputTable(t *strings.Builder, mode string) {
	fmt.Fprintf(t, "\n## Payouts a second, %s\n\n", storeMode(mode))
	fmt.Fprintf(t, "| | payouts/s | remesa is … times | worker, µs | store, µs | scripts | commands | socket reads | worker, MB | paid twice |\n")
	fmt.Fprintf(t, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, c := range b.contenders {
		of := func(row string) key { return key{partThroughput, mode, c.name, row} }
		if len(b.results.values[of(rowRate)]) == 0 {
			continue
		}
		fmt.Fprintf(t, "| %s | %s | %s |", c.title, b.results.spread(of(rowRate)), b.results.ratioCell(key{partThroughput, mode, nameRemesa, rowRate}, of(rowRate)))
		for _, row := range []string{rowWorker, rowStore, rowScripts, rowCommands, rowReads, rowMemory} {
			fmt.Fprintf(t, " %s |", b.results.cell(of(row)))
		}
		twice := 0.0
		for _, v := range b.results.values[of(rowDuplicates)] {
			twice += v
		}
		fmt.Fprintf(t, " %.0f |\n", twice)
	}
	fmt.Fprintf(t, "\nProcessor times, scripts, commands (those inside scripts included) and reads are for each payout; memory is the most that was resident.\n")
}

func (b *bench) latencyTable(t *strings.Builder) {
	fmt.Fprintf(t, "\n## From due to arrival at the provider, at a steady rate, %s\n\n|", storeMode(b.modes[0]))
	for _, rate := range b.rates {
		fmt.Fprintf(t, " | %d/s: p50, ms | p99, ms", rate)
	}
	fmt.Fprintf(t, " |\n|---%s|\n", strings.Repeat("|---:", 2*len(b.rates)))
	for _, c := range b.contenders {
		if !c.steady {
			continue
		}
		fmt.Fprintf(t, "| %s |", c.title)
		for _, rate := range b.rates {
			of := fmt.Sprintf("%d a second", rate)
			fmt.Fprintf(t, " %s | %s |", b.results.spread(key{partLatency, of, c.name, rowP50}), b.results.spread(key{partLatency, of, c.name, rowP99}))
		}
		fmt.Fprintln(t)
	}
}

// smallTable has a line for each contender and case, a column for each row of values.
func (b *bench) smallTable(t *strings.Builder, title, part string, cases, rows []string) {
	fmt.Fprintf(t, "\n## %s\n\n| | |", title)
	for _, row := range rows {
		fmt.Fprintf(t, " %s |", row)
	}
	fmt.Fprintf(t, "\n|---|---|%s\n", strings.Repeat("---:|", len(rows)))
	for _, of := range cases {
		for _, c := range b.contenders {
			if len(b.results.values[key{part, of, c.name, rows[0]}]) == 0 {
				continue
			}
			fmt.Fprintf(t, "| %s | %s |", c.title, of)
			for _, row := range rows {
				fmt.Fprintf(t, " %s |", b.results.spread(key{part, of, c.name, row}))
			}
			fmt.Fprintln(t)
		}
	}
}
