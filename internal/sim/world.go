package main

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/sandbox/all"
)

// world is one simulated installation: processes, one store, the providers, and the driver, which
// lets one of them take one step at a time. Whoever is about to do something that another could
// see stops at a point and waits for the driver, so that the seed alone decides what happens in
// which order.
type world struct {
	plan          plan
	random        *rand.Rand
	began         time.Time
	chaos         bool
	ends          time.Time // of the chaos
	store         *store
	sandbox       *all.Sandbox
	tokens        *tokens
	subscriptions subscriptions

	processes []*process
	people    *process
	payments  []*payment
	queue     []idempotency.WakeUp
	events    []event
	down      map[string]time.Time // providers, until when
	halted    map[string]bool
	ticked    time.Time
	swept     time.Time
	checked   time.Time
	started   int
	// everStarted are all processes, the dead ones too.
	everStarted []*process

	mu      sync.Mutex
	waiting []*waiter
	arrived chan struct{}
	conns   int
	trace   trace
	faults  map[string]int
	steps   int
	broken  []violation
}

// verdict is what the driver says to who waits at a point.
type verdict int

const (
	proceed verdict = iota
	die
	// lose is a request that is lost on its way, before it has any effect.
	lose
	// loseReply is one that has its effect, and whose reply is lost.
	loseReply
	// cut breaks a connection in the middle of a request.
	cut
)

// kind of a point, which says what can go wrong there.
type kind int

const (
	pathPoint kind = iota
	storePoint
	dialPoint
	writePoint
	requestPoint
	replyPoint
)

// waiter is who waits at a point.
type waiter struct {
	process *process // nil: the network
	kind    kind
	name    string
	since   int
	from    time.Time
	key     *idempotency.Key
	told    chan verdict
}

// event is something that the driver does at a time.
type event struct {
	at   time.Time
	what func()
}

// stop waits at a point until the driver says how it goes on. A process that is dead goes no
// further.
func (w *world) stop(p *process, k kind, key *idempotency.Key, name string) verdict {
	if p != nil && p.isDead() {
		runtime.Goexit()
	}
	at := &waiter{process: p, kind: k, name: name, key: key, told: make(chan verdict, 1)}
	w.mu.Lock()
	at.since, at.from = w.steps, time.Now()
	w.waiting = append(w.waiting, at)
	w.mu.Unlock()
	select {
	case w.arrived <- struct{}{}:
	default:
	}
	v := <-at.told
	if v == die {
		runtime.Goexit()
	}
	return v
}

func (a *waiter) order(b *waiter) int {
	return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.who(), b.who()), cmp.Compare(a.name, b.name), cmp.Compare(a.about(), b.about()))
}

func (a *waiter) about() string {
	if a.key == nil {
		return ""
	}
	return a.key.String()
}

func (a *waiter) who() string {
	if a.process == nil {
		return "network"
	}
	return a.process.name
}

// let tells a waiter to go on.
func (w *world) let(at *waiter, v verdict) {
	w.mu.Lock()
	w.waiting = slices.DeleteFunc(w.waiting, func(x *waiter) bool { return x == at })
	w.mu.Unlock()
	if v != proceed {
		w.note(at.key, at.who(), at.name+": "+lostText[v])
	} else {
		w.note(at.key, at.who(), at.name)
	}
	at.told <- v
}

var lostText = map[verdict]string{
	lose: "lost on the way", loseReply: "done, but the reply is lost", cut: "the connection breaks", die: "never, the process died",
}

// runnable lists who waits and may go on now, in an order that the seed alone decides.
func (w *world) runnable() []*waiter {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	all := slices.DeleteFunc(slices.Clone(w.waiting), func(a *waiter) bool {
		return now.Before(a.from) || a.process != nil && now.Before(a.process.stalled)
	})
	slices.SortStableFunc(all, (*waiter).order)
	return all
}

// delay keeps some of those who have just arrived on the network waiting.
func (w *world) delay(longest time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fresh := slices.DeleteFunc(slices.Clone(w.waiting), func(a *waiter) bool { return a.since != w.steps || a.kind < requestPoint })
	slices.SortStableFunc(fresh, (*waiter).order)
	for _, a := range fresh {
		if w.plan.allows(slowNetwork) && w.random.IntN(12) == 0 {
			a.from = time.Now().Add(time.Duration(w.random.Int64N(int64(longest))))
			w.faults[string(slowNetwork)]++
		}
	}
}

// sleep lets time pass until somebody arrives at a point, or until d is over.
func (w *world) sleep(d time.Duration) {
	select {
	case <-w.arrived:
	default:
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.arrived:
	}
	synctest.Wait()
}

// pass lets exactly d pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// run drives the world until everything is at rest.
func (w *world) run(ctx context.Context) {
	for {
		synctest.Wait()
		if w.chaos {
			w.delay(time.Minute)
		}
		if w.steps++; w.steps%16 == 0 {
			w.callPayers()
		}
		w.happen()
		w.checkEpochs(ctx)
		if w.chaos && !time.Now().Before(w.ends) {
			w.heal(ctx)
		}
		if w.steps > maxSteps {
			w.violate(nil, "the simulation does not come to rest")
			return
		}
		if w.chaos {
			w.strike(ctx)
			synctest.Wait()
		}
		if w.step(ctx) {
			continue
		}
		if !w.chaos && w.atRest() {
			return
		}
		w.wait(ctx)
	}
}

const maxSteps = 60_000

// step lets one of those go on who can; false where nobody can.
func (w *world) step(ctx context.Context) bool {
	run := w.runnable()
	idle := w.idle()
	n := len(run)
	if len(w.queue) > 0 && len(idle) > 0 {
		n++
	}
	if n == 0 {
		return false
	}
	if w.chaos && w.random.IntN(40) == 0 {
		w.pass(time.Duration(w.random.Int64N(int64(2 * time.Second))))
	}
	if i := w.random.IntN(n); i < len(run) {
		w.let(run[i], w.decide(run[i]))
		return true
	}
	w.deliver(ctx, idle[w.random.IntN(len(idle))])
	return true
}

// decide says how it goes on at a point.
func (w *world) decide(at *waiter) verdict {
	if !w.chaos {
		return proceed
	}
	fault, v := noFault, proceed
	switch at.kind {
	case storePoint:
		fault, v = storeRequestLost, lose
		if w.random.IntN(2) == 0 {
			fault, v = storeReplyLost, loseReply
		}
	case dialPoint:
		fault, v = noConnection, lose
	case writePoint:
		fault, v = cutBefore, lose
		if w.random.IntN(2) == 0 {
			fault, v = cutDuring, cut
		}
	case requestPoint:
		fault, v = requestLost, lose
	case replyPoint:
		fault, v = replyLost, lose
	case pathPoint:
		return proceed
	}
	if !w.plan.allows(fault) || w.random.Float64() >= w.plan.rate {
		return proceed
	}
	w.faults[string(fault)]++
	return v
}

// deliver hands a wake-up to a process; in chaos it may get lost, or come twice.
func (w *world) deliver(ctx context.Context, p *process) {
	i := w.random.IntN(len(w.queue))
	wake := w.queue[i]
	twice := w.chaos && w.plan.allows(wakeUpTwice) && w.random.IntN(20) == 0
	if twice {
		w.faults[string(wakeUpTwice)]++
	} else {
		w.queue = slices.Delete(w.queue, i, i+1)
	}
	if w.chaos && w.plan.allows(wakeUpLost) && w.random.IntN(25) == 0 {
		w.faults[string(wakeUpLost)]++
		w.note(&wake.Key, "queue", "loses a wake-up")
		return
	}
	p.serve(ctx, wake)
}

// happen does what the driver planned for now.
func (w *world) happen() {
	now := time.Now()
	slices.SortStableFunc(w.events, func(a, b event) int { return a.at.Compare(b.at) })
	for len(w.events) > 0 && !w.events[0].at.After(now) {
		e := w.events[0]
		w.events = w.events[1:]
		e.what()
		synctest.Wait()
	}
}

func (w *world) after(d time.Duration, what func()) {
	w.events = append(w.events, event{time.Now().Add(d), what})
}

// wait lets time pass until something is due, and has a janitor look.
func (w *world) wait(ctx context.Context) {
	w.callPayers()
	if w.tick(ctx) {
		return
	}
	next := time.Now().Add(time.Hour)
	sooner := func(t time.Time) {
		if !t.IsZero() && t.After(time.Now()) && t.Before(next) {
			next = t
		}
	}
	for _, e := range w.events {
		sooner(e.at)
	}
	if w.chaos {
		sooner(w.ends)
	}
	if w.forgets() && w.chaos {
		sooner(w.checked.Add(checkInterval))
	}
	for _, p := range w.processes {
		sooner(p.stalled)
	}
	w.mu.Lock()
	for _, a := range w.waiting {
		sooner(a.from)
	}
	w.mu.Unlock()
	sooner(w.store.nextDue(w.ticked))
	sooner(w.nextSweep())
	w.sleep(max(time.Until(next), time.Millisecond))
}

// tick has a janitor look at a provider of which something is due or parked.
func (w *world) tick(ctx context.Context) bool {
	idle := w.idle()
	if len(idle) == 0 {
		return false
	}
	if w.sweepDue() {
		w.swept = time.Now()
		idle[w.random.IntN(len(idle))].sweep(ctx)
		return true
	}
	due := w.store.due(w.ticked)
	if len(due) == 0 {
		return false
	}
	w.ticked = time.Now()
	for _, provider := range due {
		idle[w.random.IntN(len(idle))].tick(ctx, provider)
		synctest.Wait()
	}
	return true
}

// idle lists the processes that can take something on.
func (w *world) idle() []*process {
	var all []*process
	for _, p := range w.processes {
		if !p.isDead() && !time.Now().Before(p.stalled) && p.free() {
			all = append(all, p)
		}
	}
	return all
}

// trace is what happened, in order.
type trace struct {
	lines []line
	hash  uint64
}

type line struct {
	at   time.Duration
	key  string
	who  string
	text string
}

func (w *world) note(key *idempotency.Key, who, text string) {
	l := line{at: time.Since(w.began), who: who, text: text}
	if key != nil {
		l.key = key.String()
	}
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, w.trace.hash, l.at, l.key, l.who, l.text)
	w.trace.hash = h.Sum64()
	w.trace.lines = append(w.trace.lines, l)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
