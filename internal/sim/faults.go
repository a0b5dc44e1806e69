package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing/synctest"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/sandbox"
)

// fault is something that goes wrong, and its name on the page of proof.
type fault string

const (
	noFault          fault = ""
	crash            fault = "a worker dies"
	stall            fault = "a worker stands still"
	clockStep        fault = "the store's clock steps"
	storeRequestLost fault = "a request to the store is lost"
	storeReplyLost   fault = "a reply of the store is lost"
	storeDown        fault = "the store is unreachable"
	noConnection     fault = "no connection to a provider"
	cutBefore        fault = "a connection breaks before the first byte"
	cutDuring        fault = "a connection breaks within a request"
	requestLost      fault = "a request is lost before the provider reads it"
	replyLost        fault = "a response is lost after the provider acted"
	slowNetwork      fault = "a request or response takes up to a minute"
	wakeUpLost       fault = "a wake-up is lost"
	wakeUpTwice      fault = "a wake-up comes twice"
	misbehaviour     fault = "a provider misbehaves"
	tokenDeath       fault = "a token dies early" // #nosec G101 -- a word for a reader
	outage           fault = "a provider is down for hours"
	people           fault = "an operator intervenes"

	// What makes the store forget.
	tailCut  fault = "the store restarts without its tail"
	failover fault = "the store fails over to a replica that lags"
	restored fault = "an older snapshot is restored"
	flushed  fault = "the store is emptied"
)

// ordinary are the faults under which the promise holds without more.
var ordinary = []fault{
	crash, stall, clockStep, storeRequestLost, storeReplyLost, storeDown, noConnection, cutBefore, cutDuring, requestLost, replyLost,
	slowNetwork, wakeUpLost, wakeUpTwice, misbehaviour, tokenDeath, outage, people,
}

// forgetting are the faults of a store that forgets.
var forgetting = []fault{tailCut, failover, restored, flushed}

// plan is what a seed decides at the beginning.
type plan struct {
	seed         uint64
	workers      int
	payments     int
	chaos        time.Duration
	rate         float64 // of the faults at each point
	faults       map[fault]bool
	policy       idempotency.Policy
	twoStep      bool
	sharedTokens bool
	subscription bool
	partitions   idempotency.Partitions
}

// partitioned is how many partitions every third seed has for each provider that may have several.
const partitioned = 3

func partitionsOf(seed uint64) idempotency.Partitions {
	if seed%3 != 2 {
		return nil
	}
	parts := idempotency.Partitions{}
	for _, p := range catalog.Providers() {
		if p.Exclusive() == "" {
			parts[p.Name] = partitioned
		}
	}
	return parts
}

func newPlan(seed uint64, forget bool, random *rand.Rand) plan {
	p := plan{
		seed: seed, workers: 1 + random.IntN(3), payments: 2 + random.IntN(3),
		chaos: time.Duration(1+random.IntN(30)) * time.Minute, rate: 0.01 + 0.06*random.Float64(),
		faults: map[fault]bool{}, twoStep: random.IntN(3) > 0, sharedTokens: random.IntN(2) == 0,
		subscription: random.IntN(4) == 0 && !forget, partitions: partitionsOf(seed),
	}
	for _, f := range ordinary {
		p.faults[f] = random.IntN(2) == 0
	}
	if forget {
		f := forgetting[random.IntN(len(forgetting))]
		p.faults[f] = true
		if f == tailCut || f == failover {
			// Nobody notices what was forgotten together with the worker that sent it.
			p.faults[crash], p.faults[stall] = false, false
		}
	}
	p.policy = idempotency.DefaultPolicy()
	p.policy.PollDeadline = 2 * time.Hour
	p.policy.Resend = random.IntN(4) == 0
	return p
}

func (p plan) options() idempotency.Options {
	return idempotency.Options{Default: p.policy, Partitions: p.partitions}
}

func (p plan) allows(f fault) bool { return p.faults[f] }

// strikes are how often a fault strikes that no point is about: once in so many steps.
var strikes = []struct {
	fault fault
	once  int
	do    func(w *world, ctx context.Context)
}{
	{crash, 120, (*world).crash},
	{stall, 120, (*world).stall},
	{clockStep, 300, (*world).stepClock},
	{storeDown, 300, (*world).stopStore},
	{misbehaviour, 60, (*world).misbehave},
	{tokenDeath, 150, (*world).killTokens},
	{outage, 400, (*world).stopProvider},
	{people, 60, (*world).intervene},
	{tailCut, 150, (*world).cutTail},
	{failover, 150, (*world).failOver},
	{restored, 300, (*world).restoreSnapshot},
	{flushed, 300, (*world).flush},
}

// strike lets something go wrong, as the seed has it.
func (w *world) strike(ctx context.Context) {
	for _, s := range strikes {
		if w.plan.allows(s.fault) && w.random.IntN(s.once) == 0 {
			s.do(w, ctx)
		}
	}
	if w.forgets() && w.random.IntN(20) == 0 {
		w.store.keep()
	}
}

func (w *world) forgets() bool { return slices.ContainsFunc(forgetting, w.plan.allows) }

func (w *world) count(f fault) { w.faults[string(f)]++ }

// victim is a process that lives.
func (w *world) victim() *process {
	alive := slices.DeleteFunc(slices.Clone(w.processes), (*process).isDead)
	if len(alive) == 0 {
		return nil
	}
	return alive[w.random.IntN(len(alive))]
}

func (w *world) crash(context.Context) {
	p := w.victim()
	if p == nil {
		return
	}
	w.count(crash)
	w.note(nil, p.name, "dies")
	w.kill(p)
	w.after(time.Duration(w.random.IntN(120))*time.Second, func() { w.replace(p) })
}

// replace starts a worker in the place of one that died.
func (w *world) replace(old *process) {
	i := slices.Index(w.processes, old)
	if i < 0 {
		return
	}
	w.started++
	p, err := w.startWorker("worker "+strconv.Itoa(w.started), uint64(w.started)) // #nosec G115 -- a small number
	if err != nil {
		w.violate(nil, err.Error())
		return
	}
	w.note(nil, p.name, "starts")
	w.processes[i] = p
	w.everStarted = append(w.everStarted, p)
}

func (w *world) stall(context.Context) {
	p := w.victim()
	if p == nil {
		return
	}
	longest := time.Hour
	if w.plan.policy.Resend { // longer stops are outside the promise
		longest = lease + w.plan.policy.SettleTime/2
	}
	d := time.Duration(w.random.Int64N(int64(longest)))
	w.count(stall)
	w.note(nil, p.name, "stands still for "+d.String())
	p.stalled = time.Now().Add(d)
}

func (w *world) stepClock(context.Context) {
	longest := int64(20 * time.Minute)
	if w.plan.policy.Resend {
		longest = int64(w.plan.policy.SettleTime / 8)
	}
	d := time.Duration(w.random.Int64N(2*longest) - longest)
	if w.plan.policy.Resend && w.faults[string(clockStep)] > 2 {
		return
	}
	w.count(clockStep)
	w.note(nil, "store", "its clock steps by "+d.String())
	w.store.step(d)
}

func (w *world) stopStore(context.Context) {
	d := time.Duration(w.random.IntN(90)) * time.Second
	w.count(storeDown)
	w.note(nil, "store", "is unreachable for "+d.String())
	w.store.mu.Lock()
	w.store.down = time.Now().Add(d)
	w.store.mu.Unlock()
}

// misbehaviours are what a provider may do wrong without breaking a condition of the promise.
var misbehaviours = []sandbox.Fault{
	{Kind: "decline"}, {Kind: "rejected_object"}, {Kind: "rejected_word"}, {Kind: "rejected_later", Polls: 2}, {Kind: "pending", Polls: 2},
	{Kind: "pending", Delay: sandbox.Duration(20 * time.Minute)},
	{Kind: "unauthorized"}, {Kind: "unauthorized_in_body"}, {Kind: "throttled", RetryAfter: "30"}, {Kind: "throttled"},
	{Kind: "hang_up_before"}, {Kind: "hang_up_after"}, {Kind: "slow_before"}, {Kind: "slow_after"},
	{Kind: "bad_gateway_before"}, {Kind: "bad_gateway_after"}, {Kind: "html_before"}, {Kind: "html_after"},
	{Kind: "cut_json_after"}, {Kind: "cut_body_after"}, {Kind: "wrong_types_after"}, {Kind: "unknown_status_after"}, {Kind: "unknown_code_after"},
	{Kind: "redirect"}, {Kind: "delayed", Delay: sandbox.Duration(3 * time.Minute)},
	{Kind: "bare_404"}, {Kind: "login_page"},
	{Kind: "latency", Delay: sandbox.Duration(15 * time.Second)},
	{Kind: "bad_gateway_before", Operation: sandbox.LoginOperation}, {Kind: "hang_up_before", Operation: sandbox.StatusOperation},
	{Kind: "bad_gateway_before", Operation: sandbox.StepOperation}, {Kind: "html_before", Operation: sandbox.StatusOperation},
}

// lies are what only a policy that never sends again survives.
var lies = []sandbox.Fault{
	{Kind: "late"}, {Kind: "not_found", Next: 3}, {Kind: "delayed", Delay: sandbox.Duration(40 * time.Minute)}, {Kind: "wrong_amount"},
}

func (w *world) misbehave(context.Context) {
	all := misbehaviours
	if !w.plan.policy.Resend {
		all = append(slices.Clone(all), lies...)
	}
	f := all[w.random.IntN(len(all))]
	if f.Next == 0 {
		f.Next = 1 + w.random.IntN(2)
	}
	p := w.sandbox.Providers()[w.random.IntN(len(w.sandbox.Providers()))]
	if p.Name == etpay.Name && slices.Contains([]string{"pending", "rejected_later", "rejected_word"}, f.Kind) {
		f.Reference = "retiro" // a payer who acts by himself would do so in a session that nobody has the address of
	}
	if p.Name == pagoseguro.Name && f.Polls > 0 { // nobody can query it
		f.Polls, f.Delay = 0, sandbox.Duration(20*time.Minute)
	} else if p.Name == pagoseguro.Name && f.Kind == "late" {
		f.Kind, f.Delay = "delayed", sandbox.Duration(40*time.Minute)
	}
	if err := p.AddFaults(f); err != nil {
		w.violate(nil, err.Error())
	}
	w.faults["provider: "+f.Kind]++
	w.note(nil, p.Name, "will misbehave: "+f.Kind+" "+f.Operation)
}

func (w *world) killTokens(context.Context) {
	p := w.sandbox.Providers()[w.random.IntN(len(w.sandbox.Providers()))]
	w.count(tokenDeath)
	w.note(nil, p.Name, "ends its tokens at the next request")
	if err := p.AddFaults(sandbox.Fault{Kind: "expire_tokens", Next: 1}); err != nil {
		w.violate(nil, err.Error())
	}
}

func (w *world) stopProvider(context.Context) {
	p := w.sandbox.Providers()[w.random.IntN(len(w.sandbox.Providers()))]
	d := time.Duration(1+w.random.IntN(180)) * time.Minute
	w.count(outage)
	w.note(nil, p.Name, "is down for "+d.String())
	w.mu.Lock()
	w.down[p.Name] = time.Now().Add(d)
	w.mu.Unlock()
}

func (w *world) isDown(provider string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Before(w.down[provider])
}

func (w *world) intervene(ctx context.Context) {
	w.operate(ctx, w.payments[w.random.IntN(len(w.payments))])
}

// cutTail restarts the store as it was a moment ago.
func (w *world) cutTail(context.Context) { w.forget(tailCut, len(w.store.earlier)-1) }

func (w *world) failOver(context.Context) { w.forget(failover, len(w.store.earlier)-1) }

func (w *world) restoreSnapshot(ctx context.Context) {
	w.forget(restored, 0)
	w.declareLoss(ctx)
}

// declareLoss has the operator say that the store has forgotten, as whoever restores a backup does.
func (w *world) declareLoss(ctx context.Context) {
	for _, provider := range catalog.Names() {
		go func() {
			by := idempotency.Actor{By: "ana", Note: "restored a backup"}
			for w.people.ledger.DeclareLoss(ctx, provider, time.Time{}, by) != nil {
				time.Sleep(time.Second)
			}
		}()
		synctest.Wait()
	}
}

func (w *world) flush(ctx context.Context) {
	w.count(flushed)
	w.note(nil, "store", string(flushed))
	w.store.forgot = true
	w.store.empty.restore()
	w.declareLoss(ctx)
}

// forget puts the store back to one of its snapshots.
func (w *world) forget(f fault, i int) {
	if i < 0 || i >= len(w.store.earlier) {
		return
	}
	s := w.store.earlier[i]
	w.count(f)
	w.note(nil, "store", string(f)+": it is as it was "+time.Since(s.at).String()+" ago")
	w.store.forgot = true
	s.restore()
	w.store.restart()
}

// checkEpochs has the janitors of all workers look, as they do each second: each compares what its
// worker has seen with what the store says.
func (w *world) checkEpochs(ctx context.Context) {
	if !w.forgets() || !w.chaos || time.Since(w.checked) < checkInterval || w.store.isDown() {
		return
	}
	w.checked = time.Now()
	for _, p := range w.processes {
		if p.isDead() || time.Now().Before(p.stalled) {
			continue
		}
		for _, provider := range catalog.Names() {
			p.tick(ctx, provider)
			synctest.Wait()
		}
	}
}

const checkInterval = 10 * time.Second

// unhalt has the operator end all halts.
func (w *world) unhalt(ctx context.Context) {
	for _, provider := range sortedKeys(w.halted) {
		go func() {
			_ = w.people.ledger.Unhalt(ctx, provider, "", idempotency.Actor{By: "ana", Note: "simulated"})
		}()
		synctest.Wait()
	}
}

// heal ends the chaos: everything works again, and whoever died is replaced.
func (w *world) heal(ctx context.Context) {
	w.chaos = false
	w.note(nil, "driver", "no more faults")
	w.mu.Lock()
	clear(w.down)
	w.mu.Unlock()
	w.store.mu.Lock()
	w.store.down = time.Time{}
	w.store.mu.Unlock()
	for _, p := range w.sandbox.Providers() {
		p.ClearFaults()
	}
	for _, p := range slices.Clone(w.processes) {
		p.stalled = time.Time{}
		if p.isDead() {
			w.replace(p)
		}
	}
	w.unhalt(ctx)
	for _, again := range []time.Duration{time.Hour, 2 * time.Hour} { // workers restore halts that a store forgot
		w.after(again, func() { w.unhalt(ctx) })
	}
	w.after(time.Hour, func() { w.resolveCharges(ctx) })
	for _, p := range w.payments {
		if p.ofPeriod {
			continue
		}
		w.submit(ctx, p)
		synctest.Wait()
	}
}
