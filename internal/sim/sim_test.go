package main

import (
	"os"
	"strings"
	"testing"
)

// No seed breaks a promise, and each fault that a seed may draw happens in some seed: one that
// never does proves nothing. `go run ./internal/sim -seed N` tells the story of one that does.
func TestSeeds(t *testing.T) {
	t.Parallel()
	ordinarily := 120
	if os.Getenv("REMESA_TEST_LONG") != "" {
		ordinarily = 20_000
	}
	happened := map[string]int{}
	for _, o := range []options{{seeds: ordinarily}, {from: 1000, seeds: 60, forget: true}} {
		r := o.many(t)
		if len(r.Broken) > 0 {
			t.Errorf("%d promises broken; the first: %s", len(r.Broken), r.Broken[0])
		}
		t.Logf("%d seeds, %d steps, %.0f seeds a second", r.Seeds, r.Steps, float64(r.Seeds)/r.Seconds)
		for f, n := range r.Faults {
			happened[f] += n
		}
	}
	for _, f := range append(ordinary, forgetting...) {
		switch f {
		case misbehaviour, people: // counted by their kinds
			continue
		}
		if happened[string(f)] == 0 {
			t.Errorf("%s: never", f)
		}
	}
}

// The same seed is the same story, to the last line.
func TestASeedRepeats(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		forget := seed%2 == 1
		a, b := simulate(t, seed, forget), simulate(t, seed, forget)
		if a.hash == b.hash {
			continue
		}
		for i := range min(len(a.lines), len(b.lines)) {
			if a.lines[i] != b.lines[i] {
				t.Errorf("seed %d: line %d: %v, and then %v", seed, i, a.lines[i], b.lines[i])
				break
			}
		}
	}
}

// The story of a payment says what happened to it, and what everybody suffered.
func TestTheStoryOfAPayment(t *testing.T) {
	t.Parallel()
	r := simulate(t, 1, false)
	r.broken = []violation{{key: "virtualpos/tef-1", what: "executed 2 times"}}
	var b strings.Builder
	r.tell(&b, false)
	if !strings.HasPrefix(b.String(), "virtualpos/tef-1: executed 2 times\n") || !strings.Contains(b.String(), "no more faults") {
		t.Errorf("a story that says too little:\n%s", b.String())
	}
}
