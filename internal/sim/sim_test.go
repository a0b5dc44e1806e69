package main

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/pagandocheck"
)

// some is how many seeds are played: fewer under the race detector. `make test` runs these tests
// with it and without.
func some(all, few int) int {
	if underRace {
		return few
	}
	return all
}

// No seed breaks a promise, and each fault that a seed may draw happens in some seed: one that
// never does proves nothing. `go run ./internal/sim -seed N` tells the story of one that does.
func TestSeeds(t *testing.T) {
	t.Parallel()
	ordinarily := some(120, 60)
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

// From the crash of a worker until it is decided what becomes of its payment, the lease, the settle
// time, the confirmations and 5 s pass at most, as long as another worker lives: on this clock, a
// busy machine cannot excuse what the rules make wait.
func TestFromACrashToADecision(t *testing.T) {
	t.Parallel()
	measured := 0
	for seed := range uint64(some(300, 40)) { // #nosec G115 -- it is not negative
		synctest.Test(t, func(t *testing.T) {
			w, err := newWorld(seed, false)
			if err != nil {
				t.Fatal(err)
			}
			w.plan.faults = map[fault]bool{crash: w.plan.workers > 1}
			for _, p := range w.payments {
				w.submit(t.Context(), p)
			}
			w.run(t.Context())
			policy := w.plan.policy
			limit := lease + policy.SettleTime + time.Duration(policy.Confirmations)*policy.NotFoundInterval + 5*time.Second
			for _, p := range w.payments {
				if p.key.Provider == pagandocheck.Name && w.plan.twoStep {
					continue // an order that is not paid is no answer: it is asked about until the poll deadline
				}
				r, err := w.record(p)
				if err != nil {
					t.Fatal(err)
				}
				took, ok := w.untilDecided(r)
				if ok {
					measured++
				}
				if took > limit {
					t.Errorf("seed %d: %s: %s from the crash until it was decided, want at most %s", seed, p.key, took, limit)
				}
			}
			w.close()
		})
	}
	if measured == 0 {
		t.Error("no crash hit an attempt")
	}
	t.Logf("%d payments", measured)
}

// untilDecided is the time from the only crash that hit the payment until it was no longer in
// doubt; ok is false where none hit it, or where another worker died meanwhile.
func (w *world) untilDecided(r idempotency.Record) (took time.Duration, ok bool) {
	for i, h := range r.History[:max(len(r.History)-1, 0)] {
		if h.State != idempotency.Sending || r.History[i+1].At.Before(h.At.Add(lease)) {
			continue
		}
		decided := i + 1
		for decided < len(r.History)-1 && r.History[decided].State == idempotency.InDoubt {
			decided++
		}
		crashes := w.deaths(h.At, r.History[decided].At)
		if len(crashes) == 1 && crashes[0].Before(h.At.Add(lease)) {
			return r.History[decided].At.Sub(crashes[0]), true
		}
	}
	return 0, false
}

// deaths lists when workers died in a span of time.
func (w *world) deaths(from, to time.Time) []time.Time {
	var all []time.Time
	for _, l := range w.trace.lines {
		if at := w.began.Add(l.at); l.text == "dies" && !at.Before(from) && !at.After(to) {
			all = append(all, at)
		}
	}
	return all
}
