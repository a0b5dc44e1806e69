package main

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

func measured(rows map[string][]float64) *bench {
	b := &bench{plan: plan{reps: 3, modes: []string{everysec}, parts: allParts(), rates: rates}, results: newResults(), contenders: known("")}
	for name, values := range rows {
		for _, v := range values {
			b.results.add(key{partThroughput, everysec, name, rowRate}, v)
		}
	}
	return b
}

func TestARatioIsTheMedianOfTheRepetitions(t *testing.T) {
	b := measured(map[string][]float64{nameRemesa: {5, 20, 9}, nameAsynq: {10, 100, 10}})
	if got := b.results.ratioCell(key{partThroughput, everysec, nameRemesa, rowRate}, key{partThroughput, everysec, nameAsynq, rowRate}); got != "0.50" {
		t.Errorf("%s, want 0.50: the repetitions' ratios are 0.5, 0.2 and 0.9", got)
	}
}

func TestTargetsAreMetOrNotOrLeftOut(t *testing.T) {
	b := measured(map[string][]float64{nameRemesa: {120, 120, 90}, nameAsynq: {100, 100, 100}, nameNaive: {100, 100, 100}})
	var text strings.Builder
	b.targetsTable(&text)
	for _, want := range []string{"of asynq's | ≥ 1.20 | 1.20 | met |", "of asynq-naive's | ≥ 1.70 | 1.20 | **not met** |"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &text)
		}
	}
	if strings.Contains(text.String(), "river") {
		t.Errorf("a contender that was not measured has a target in\n%s", &text)
	}
}

func TestTheChartIsWellFormed(t *testing.T) {
	b := measured(map[string][]float64{nameRemesa: {120, 100}, nameAsynq: {100, 100}})
	chart := b.chart()
	for d := xml.NewDecoder(strings.NewReader(chart)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%s in\n%s", err, chart)
		}
	}
	for _, want := range []string{"asynq, bare", ">110</text>"} {
		if !strings.Contains(chart, want) {
			t.Errorf("%q is missing in\n%s", want, chart)
		}
	}
}

// TestAPayoutCostsWhatHappenedBetweenTwoSamples: only those that arrived between them are counted.
func TestAPayoutCostsWhatHappenedBetweenTwoSamples(t *testing.T) {
	from, to := sample{arrived: 100, worker: 1e9, store: 5e8, reads: 10, scripts: 5, commands: 50}, sample{arrived: 300, worker: 3e9, store: 6e8, reads: 410, scripts: 205, commands: 850}
	got := each(from, to)
	for row, want := range map[string]float64{rowWorker: 10_000, rowStore: 500, rowReads: 2, rowScripts: 1, rowCommands: 4} {
		if got[row] != want {
			t.Errorf("%s: %v, want %v", row, got[row], want)
		}
	}
}
