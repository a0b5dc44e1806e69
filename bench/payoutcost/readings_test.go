package main

import (
	"math"
	"testing"
)

const (
	infoBefore = "# Commandstats\r\ncmdstat_get:calls=10,usec=20,usec_per_call=2.00\r\ncmdstat_zcard:calls=2,usec=2\r\n" +
		"cmdstat_info:calls=4,usec=400\r\nused_cpu_sys:1.5\r\nused_cpu_user:0.5\r\nused_cpu_user_main_thread:0.5\r\n" +
		"total_reads_processed:100\r\naof_current_size:1000\r\n"
	infoAfter = "# Commandstats\r\ncmdstat_get:calls=30,usec=80,usec_per_call=2.66\r\ncmdstat_evalsha:calls=20,usec=200\r\n" +
		"cmdstat_zcard:calls=12,usec=12\r\ncmdstat_info:calls=8,usec=800\r\nused_cpu_sys:1.6\r\nused_cpu_user:0.6\r\n" +
		"used_cpu_user_main_thread:0.6\r\ntotal_reads_processed:150\r\naof_current_size:3000\r\n"
)

func TestTheCostOfAPayoutIsWhatHappenedBetweenTwoReadings(t *testing.T) {
	from, to := parsed(t, infoBefore), parsed(t, infoAfter)
	to.forget(10) // all that ZCARD was called for, and ten of the reads
	m := compare(from, to, 10)
	for row, want := range map[string]float64{
		rowCPU: 20_000, rowTime: 26, rowScripts: 20, rowCommands: 4, rowCalls: 2, rowReads: 4, rowAOF: 200,
	} {
		if got := m.of[row]; math.Abs(got-want) > 1e-6 {
			t.Errorf("%s: %v, want %v", row, got, want)
		}
	}
	if _, counted := m.commands["zcard"]; counted {
		t.Error("the measurement counted its own looks")
	}
}

func TestARatioIsTheMedianOfTheRounds(t *testing.T) {
	r := newResults(plan{}, nil)
	for _, round := range [][2]float64{{10, 5}, {100, 20}, {10, 9}} {
		r.add("always", before, measured{of: map[string]float64{rowCPU: round[0]}})
		r.add("always", present, measured{of: map[string]float64{rowCPU: round[1]}})
	}
	if got := r.ratio("always", func(m measured) float64 { return m.of[rowCPU] }); got != "0.50" {
		t.Errorf("%s, want 0.50: the rounds' ratios are 0.5, 0.2 and 0.9", got)
	}
}

func parsed(t *testing.T, text string) reading {
	t.Helper()
	r := reading{commands: map[string]command{}}
	if err := r.take(text); err != nil {
		t.Fatal(err)
	}
	return r
}
