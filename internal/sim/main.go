// Command sim plays simulated installations on virtual time: the real engine, ledger,
// subscriptions, tokens and clients of all providers, against the simulated providers. A seed alone
// decides what happens in which order and what goes wrong; the providers' books are the judge.
//
//	go run ./internal/sim -seed 17        # one seed, and the story of the payments that went wrong
//	go run ./internal/sim -seeds 20000    # many, and what they found
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"
)

func main() {
	var o options
	flag.Int64Var(&o.seed, "seed", -1, "play this seed and tell the story of the payments that went wrong")
	flag.BoolVar(&o.whole, "whole", false, "with -seed: tell the whole story")
	flag.Uint64Var(&o.from, "from", 0, "the first of many seeds")
	flag.IntVar(&o.seeds, "seeds", 300, "how many seeds to play")
	flag.BoolVar(&o.stop, "stop", false, "stop at the first seed that breaks a promise")
	flag.BoolVar(&o.forget, "forget", false, "the store forgets, too")
	flag.StringVar(&o.report, "report", "", "write what was found to this file, as JSON")
	testing.Init()
	flag.Parse()
	debug.SetGCPercent(1000) // many short lives
	// Virtual time is to be had in a test only.
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "seeds", F: o.play}}, nil, nil)
}

type options struct {
	seed                int64
	from                uint64
	seeds               int
	whole, forget, stop bool
	report              string
}

// report is what many seeds came to. All but Seconds follows from the seeds.
type report struct {
	Seeds   int            `json:"seeds"`
	Steps   int            `json:"steps"`
	Faults  map[string]int `json:"faults"`
	Broken  []string       `json:"broken"`
	Seconds float64        `json:"seconds"`
}

func (o options) play(t *testing.T) {
	if o.seed >= 0 {
		o.tell(t)
		return
	}
	r := o.many(t)
	for _, text := range r.Broken {
		fmt.Println(text)
	}
	for _, f := range sortedKeys(r.Faults) {
		fmt.Printf("%8d  %s\n", r.Faults[f], f)
	}
	fmt.Printf("%d seeds, %d steps, %d promises broken, %.0f seeds a second\n", r.Seeds, r.Steps, len(r.Broken), float64(r.Seeds)/r.Seconds)
	if len(r.Broken) > 0 {
		t.Fail()
	}
	if o.report == "" {
		return
	}
	text, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(o.report, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (o options) tell(t *testing.T) {
	r := simulate(t, uint64(o.seed), o.forget) // #nosec G115 -- it is not negative
	r.tell(os.Stdout, o.whole)
	fmt.Printf("seed %d: %d steps, trace %016x, %d promises broken\n", r.seed, r.steps, r.hash, len(r.broken))
	if len(r.broken) > 0 {
		t.Fail()
	}
}

// many plays seeds on all processors; what it reports does not depend on how many there are.
func (o options) many(t *testing.T) report {
	t.Helper()
	began := time.Now()
	sum := report{Faults: map[string]int{}}
	results := make(chan result)
	go o.playAll(t, results)
	waiting := map[uint64]result{}
	for r := range results {
		waiting[r.seed] = r
		for next := o.from + uint64(sum.Seeds); ; next++ { // #nosec G115
			r, played := waiting[next]
			if !played || o.stop && len(sum.Broken) > 0 {
				break
			}
			delete(waiting, next)
			sum.add(r)
		}
	}
	sum.Seconds = time.Since(began).Seconds()
	return sum
}

func (sum *report) add(r result) {
	sum.Seeds++
	sum.Steps += r.steps
	for f, n := range r.faults {
		sum.Faults[f] += n
	}
	for _, v := range r.broken {
		sum.Broken = append(sum.Broken, fmt.Sprintf("seed %d: %s: %s", r.seed, v.key, v.what))
	}
}

// playAll plays the seeds and closes results.
func (o options) playAll(t *testing.T, results chan<- result) {
	defer close(results)
	var mu sync.Mutex
	next, found := o.from, false
	take := func() (seed uint64, more bool) {
		mu.Lock()
		defer mu.Unlock()
		if found && o.stop || next >= o.from+uint64(o.seeds) { // #nosec G115
			return 0, false
		}
		next++
		return next - 1, true
	}
	var workers sync.WaitGroup
	for n := range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			t.Run(strconv.Itoa(n), func(t *testing.T) {
				for seed, more := take(); more; seed, more = take() {
					r := simulate(t, seed, o.forget)
					mu.Lock()
					found = found || len(r.broken) > 0
					mu.Unlock()
					results <- r
				}
			})
		})
	}
	workers.Wait()
}
