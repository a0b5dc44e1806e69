package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/remesa/remesa/providers/sandbox/all"
)

// result is what a seed came to.
type result struct {
	seed   uint64
	hash   uint64 // of the whole story
	steps  int
	faults map[string]int
	broken []violation
	lines  []line
}

// simulate plays one seed. Equal seeds give equal results.
func simulate(t *testing.T, seed uint64, forget bool) (r result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w, err := newWorld(seed, forget)
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		for _, p := range w.payments {
			w.after(time.Duration(w.random.Int64N(int64(w.plan.chaos/2))), func() { w.submit(ctx, p) })
		}
		w.run(ctx)
		w.judge()
		w.close()
		r = result{seed: seed, hash: w.trace.hash, steps: w.steps, faults: w.faults, broken: w.broken, lines: w.trace.lines}
	})
	return r
}

func newWorld(seed uint64, forget bool) (*world, error) {
	random := rand.New(rand.NewPCG(seed, 0)) // #nosec G404 -- it must repeat
	w := &world{
		random: random, began: time.Now(), chaos: true, arrived: make(chan struct{}, 1), down: map[string]time.Time{},
		halted: map[string]bool{}, faults: map[string]int{}, store: newStore(partitionsOf(seed)), sandbox: all.New(all.Options{}),
	}
	w.plan = newPlan(seed, forget, random)
	w.ends = w.began.Add(w.plan.chaos)
	w.tokens = newTokens(w)
	w.people = w.newProcess("people", 1<<32)
	if err := errors.Join(w.newPayments(), w.newSubscriptions()); err != nil {
		return nil, err
	}
	for range w.plan.workers {
		w.started++
		p, err := w.startWorker("worker "+strconv.Itoa(w.started), uint64(w.started)) // #nosec G115 -- a small number
		if err != nil {
			return nil, err
		}
		w.processes = append(w.processes, p)
		w.everStarted = append(w.everStarted, p)
	}
	return w, nil
}

// close ends all processes, so that nothing of them is left.
func (w *world) close() {
	for _, p := range append(w.everStarted, w.people) {
		w.kill(p)
		synctest.Wait()
	}
	time.Sleep(time.Hour)
}

// tell writes the story of what went wrong.
func (r result) tell(out io.Writer, whole bool) {
	keys := map[string]bool{}
	for _, v := range r.broken {
		keys[v.key] = true
		_, _ = fmt.Fprintf(out, "%s: %s\n", v.key, v.what)
	}
	for _, l := range r.lines {
		if whole || l.key == "" || keys[l.key] {
			_, _ = fmt.Fprintf(out, "%12s  %-14s %-24s %s\n", l.at.Round(time.Millisecond), l.who, l.key, l.text)
		}
	}
}
