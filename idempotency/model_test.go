package idempotency

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

// modelEpoch is when the virtual clock starts, in milliseconds since 1970.
const modelEpoch = 1_700_000_000_000

// The scripts agree with the model, and both with the promise, whatever the interleaving. Run longer with -rapid.checks and -rapid.steps.
func TestStoreAgreesWithItsModel(t *testing.T) {
	rdb := redistest.Start(t).Client()
	var cases atomic.Int64
	rules := modelRules{
		lease: 10_000, settle: 60_000, every: 15_000, confirm: 2, resends: 1, pollDeadline: 3_600_000, askable: true,
	}
	variants := map[string]func(*modelRules, *modelWorld){
		"hold":                       func(*modelRules, *modelWorld) {},
		"hold, with stalled workers": func(_ *modelRules, w *modelWorld) { w.stalls = true },
		"hold, without ids":          func(_ *modelRules, w *modelWorld) { w.nameless = true },
		"hold, soon given up":        func(p *modelRules, _ *modelWorld) { p.pollDeadline = 20_000 },
		"cannot be asked": func(p *modelRules, w *modelWorld) {
			p.askable, w.stalls, p.pollDeadline = false, true, 30_000
		},
		"resend":              func(p *modelRules, _ *modelWorld) { p.resend, p.resends = true, 2 },
		"resend, without ids": func(p *modelRules, w *modelWorld) { p.resend, w.nameless = true, true },
	}
	for name, vary := range variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, w := rules, modelWorld{settle: rules.settle}
			vary(&p, &w)
			store := modelStore(rdb, p)
			rapid.Check(t, func(t *rapid.T) {
				c := newModelCase(t, store, rdb, fmt.Sprintf("m%d", cases.Add(1)), p, w)
				t.Repeat(c.actions())
				c.settle()
				c.checkStream()
			})
		})
	}
}

// modelCase is one payment's life under test: the store, the model, and what really happened.
type modelCase struct {
	t     *rapid.T
	ctx   context.Context
	store *Redis
	rdb   *redis.Client
	key   Key
	p     modelRules
	m     modelRecord
	w     modelWorld
	now   int64

	raw       modelRaw
	questions []modelQuestion
	trace     []string
	person    bool // a person said what became of it
	flagged   bool // there was an anomaly at some time
}

type modelQuestion struct {
	Question
	answer *modelOutcome
}

func modelStore(rdb *redis.Client, p modelRules) *Redis {
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	return NewRedis(rdb, Options{TestClock: true, Default: Policy{
		Settle: ms(p.settle), NotFoundInterval: ms(p.every), Confirmations: p.confirm, Resend: p.resend, MaxResends: p.resends,
		PollDeadline: ms(p.pollDeadline), Retention: 400 * 24 * time.Hour, OutcomesRetention: 300 * 24 * time.Hour,
	}})
}

func newModelCase(t *rapid.T, store *Redis, rdb *redis.Client, provider string, p modelRules, w modelWorld) *modelCase {
	c := &modelCase{
		t: t, ctx: context.Background(), store: store, rdb: rdb, key: Key{provider, DefaultAccount, "tef-1"}, p: p, now: modelEpoch, w: w,
	}
	c.tick(0)
	var deadline int64
	if rapid.IntRange(0, 3).Draw(t, "with a deadline") == 0 {
		deadline = c.now + 30_000
	}
	c.m = newModelRecord(deadline)
	c.register(deadline, New)
	c.observe()
	c.check()
	return c
}

func (c *modelCase) fail(format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("%s\nafter:\n  %s", fmt.Sprintf(format, args...), strings.Join(c.trace, "\n  "))
}

// log keeps what was done, for the message of a failure.
func (c *modelCase) log(format string, args ...any) {
	c.trace = append(c.trace, fmt.Sprintf("%d ms: ", c.now-modelEpoch)+fmt.Sprintf(format, args...))
}

func (c *modelCase) must(err error, allowed ...error) {
	c.t.Helper()
	for _, a := range allowed {
		if errors.Is(err, a) {
			return
		}
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *modelCase) tick(by int64) {
	c.now += by
	c.must(c.rdb.Set(c.ctx, prefix(c.key.Provider)+"clock", c.now, 0).Err())
}

func (c *modelCase) register(deadline int64, want Result) {
	r := Registration{
		Key: c.key, Type: "payout", Fingerprint: "v1:x", Amount: "12500", Currency: "CLP", Payload: []byte("{}"), Deadline: fromMS(deadline),
	}
	got, err := c.store.Register(c.ctx, r)
	c.must(err)
	if got[0].Result != want || got[0].State != c.m.state {
		c.fail("register: got %+v, want %s in %s", got[0], want, c.m.state)
	}
}

// actions are the steps that may follow one another in any order. The empty name is what is checked after each.
func (c *modelCase) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"": func(*rapid.T) { c.check() },

		"begin":       c.beginNew,
		"begin, too":  c.beginNew,
		"begin again": c.beginAgain,
		"send":        c.send,
		"send, too":   c.send,
		"provider":    c.providerActs,
		"report":      c.report,
		"report, too": c.report,
		"ask":         c.ask,
		"answer":      c.answer,
		"poll":        c.poll,
		"due":         c.due,
		"time":        c.pass,
		"time, too":   c.pass,
		"person":      c.personActs,
		"person, too": c.personActs,
		"else":        c.somethingElse,
	}
}

// somethingElse is what changes little, and is drawn less often.
func (c *modelCase) somethingElse(t *rapid.T) {
	rapid.SampledFrom([]func(*rapid.T){
		func(*rapid.T) { c.register(0, Duplicate) }, c.deferOrBlock, c.halt, c.note,
	}).Draw(t, "else")(t)
}

func (c *modelCase) beginNew(t *rapid.T) {
	if len(c.w.tries) >= modelAttempts-1 {
		return
	}
	y := &modelTry{id: uint8(len(c.w.tries) + 1), bytes: -1, at: nowhere, opensLate: rapid.IntRange(0, 3).Draw(t, "opens late") == 0}
	c.w.tries = append(c.w.tries, y)
	c.begin(t, y)
	if c.m.attempt(y.id) == nil && rapid.IntRange(0, 7).Draw(t, "dies") > 0 {
		c.w.tries = c.w.tries[:len(c.w.tries)-1] // it was not told to send, and is never heard of again
	}
}

func (c *modelCase) beginAgain(t *rapid.T) {
	if y := c.someTry(t); y != nil {
		c.begin(t, y)
	}
}

func (c *modelCase) someTry(t *rapid.T) *modelTry {
	if len(c.w.tries) == 0 {
		return nil
	}
	return c.w.tries[max(len(c.w.tries)-1-rapid.SampledFrom([]int{0, 0, 1, 1, 2, 4}).Draw(t, "older"), 0)]
}

func (c *modelCase) begin(t *rapid.T, y *modelTry) {
	got, err := c.store.Begin(c.ctx, c.key, BeginRequest{
		Attempt: modelName("a", y.id), Lease: time.Duration(c.p.lease) * time.Millisecond, OpensLate: y.opensLate, Askable: c.p.askable,
	})
	c.must(err)
	c.log("begin a%d: %s (opens late: %t)", y.id, got.Verdict, y.opensLate)
	want := c.m.begin(c.p, c.now, y.id, y.opensLate, c.raw.WatchTill > c.now)
	if got.Verdict != want {
		c.fail("begin %d: model says %s, store %s", y.id, want, got.Verdict)
	}
	if want == Send && got.LeaseEnd.UnixMilli() != c.m.leaseEnd {
		c.fail("begin %d: lease end %d, store %d", y.id, c.m.leaseEnd, got.LeaseEnd.UnixMilli())
	}
	// The reply may be lost: the worker then knows nothing, and may begin again.
	if got.Verdict == Send && y.report == nil && rapid.IntRange(0, 4).Draw(t, "reply lost") > 0 {
		y.told, y.leaseEnd = true, got.LeaseEnd.UnixMilli()
		y.moves = y.moves || !y.opensLate
	}
	c.observe()
}

func (c *modelCase) note(t *rapid.T) {
	if y := c.someTry(t); y != nil {
		c.noteOf(t, y)
	}
}

func (c *modelCase) noteOf(t *rapid.T, y *modelTry) {
	moves := rapid.IntRange(0, 3).Draw(t, "moves") > 0
	err := c.store.Note(c.ctx, c.key, modelName("a", y.id), map[string]string{"order": "1"}, moves)
	c.log("note a%d, moves: %t: %v", y.id, moves, err)
	want := c.m.note(c.now, y.id, moves)
	if want != (err == nil) || (err != nil && !errors.Is(err, ErrNotOwner)) {
		c.fail("note of %d: model allows it: %t, store: %v", y.id, want, err)
	}
	if err == nil && moves && rapid.IntRange(0, 4).Draw(t, "reply lost") > 0 {
		y.moves = true
	}
	c.observe()
}

// send is what a worker does that was told to: note the step that moves money where there is one, and hand its bytes over.
func (c *modelCase) send(t *rapid.T) {
	y := c.someTry(t)
	if y != nil && y.told && !y.moves {
		c.noteOf(t, y)
	}
	if y != nil && c.w.mayWrite(y, c.now) {
		y.bytes, y.at = c.now, inFlight
		c.log("bytes of a%d", y.id)
		if rapid.Bool().Draw(t, "at once") {
			c.providerTakes(t, y)
		}
	}
}

func (c *modelCase) providerActs(t *rapid.T) {
	if y := c.someTry(t); y != nil {
		c.providerTakes(t, y)
	}
}

func (c *modelCase) providerTakes(t *rapid.T, y *modelTry) {
	if next := c.w.next(y, c.now, c.endOf(y.id)); len(next) > 0 {
		y.at = rapid.SampledFrom(next).Draw(t, "goes")
		c.log("a%d at the provider: %s", y.id, y.at)
	}
}

func (c *modelCase) endOf(id uint8) int64 {
	if a := c.m.attempt(id); a != nil {
		return a.end
	}
	return 0
}

// report is the worker's word; once said it is only repeated.
func (c *modelCase) report(t *rapid.T) {
	y := c.someTry(t)
	if y == nil {
		return
	}
	if y.report == nil {
		o := c.w.word(t, y)
		y.report, y.after = &o, rapid.SampledFrom([]int64{0, 5_000}).Draw(t, "after")
	}
	after := time.Duration(y.after) * time.Millisecond
	known := c.m.attempt(y.id) != nil
	if !known && c.m.n == modelAttempts {
		return
	}
	var err error
	if y.report.class == notSent {
		_, err = c.store.Release(c.ctx, c.key, modelName("a", y.id), "connect", after)
	} else {
		_, err = c.store.Finish(c.ctx, c.key, modelName("a", y.id), c.outcome(*y.report), after)
	}
	c.log("a%d reports %v, after %d: %v", y.id, *y.report, y.after, err)
	if taken := known || y.report.class == notSent; taken != (err == nil) {
		c.fail("report of %d: known to the model: %t, store: %v", y.id, known, err)
	}
	c.m.report(c.p, c.now, y.id, *y.report, y.after)
	c.observe()
}

func (c *modelCase) outcome(o modelOutcome) providers.Outcome {
	return providers.Outcome{Class: o.class, ProviderID: modelName("P", o.pid), Code: "code"}
}

func (c *modelCase) ask(t *rapid.T) {
	q, err := c.store.Ask(c.ctx, c.key)
	c.must(err)
	c.log("ask: %t, %s, version %d", q.Ask, q.State, q.Version)
	c.m.recover(c.p, c.now)
	want := c.m.state != Queued && c.m.state != Sending && c.m.state != Blocked && (c.m.state != Ready || c.m.mayHaveLeft())
	if q.Ask != want || q.State != c.m.state {
		c.fail("ask: model says %t in %s, store %t in %s", want, c.m.state, q.Ask, q.State)
	}
	if q.Ask && c.p.askable {
		question := modelQuestion{Question: q}
		if rapid.Bool().Draw(t, "read at once") {
			o := c.reads(t)
			question.answer = &o
		}
		c.questions = append(c.questions, question)
	}
	c.observe()
}

func (c *modelCase) reads(t *rapid.T) modelOutcome {
	switch rapid.IntRange(0, 19).Draw(t, "answer") {
	case 0, 1, 2:
		return modelOutcome{class: providers.InDoubt}
	case 3:
		return modelOutcome{class: providers.Mismatch}
	default:
		return c.w.lookup(t, c.now, c.endOf)
	}
}

// answer gives an answer, the first or again, in any order.
func (c *modelCase) answer(t *rapid.T) {
	if len(c.questions) == 0 {
		return
	}
	// The newest is the most likely: the older ones are out of date.
	i := max(len(c.questions)-1-rapid.IntRange(0, 2).Draw(t, "older"), 0)
	q := &c.questions[i]
	if q.answer == nil {
		o := c.reads(t)
		q.answer = &o
	}
	c.give(*q)
}

func (c *modelCase) give(q modelQuestion) {
	const after = 4 * time.Second
	c.log("answer to version %d asked %d ms ago: %v", q.Version, c.now-q.AskedAt.UnixMilli(), *q.answer)
	_, err := c.store.Answer(c.ctx, c.key, q.Version, q.AskedAt, c.outcome(*q.answer), after)
	c.must(err)
	c.m.answer(c.p, c.now, q.AskedAt.UnixMilli(), q.Version == c.raw.Version, *q.answer)
	c.observe()
	if (c.m.state == InDoubt || c.m.state == Pending) && c.raw.due > c.now+after.Milliseconds() && q.Version == c.raw.Version {
		c.fail("answered in %s, due %d ms later than the backoff says", c.m.state, c.raw.due-c.now-after.Milliseconds())
	}
}

// poll asks as a worker does that is never late, at instants at which answers count.
func (c *modelCase) poll(t *rapid.T) {
	c.tick(rapid.SampledFrom([]int64{0, c.p.settle}).Draw(t, "later"))
	for range rapid.IntRange(1, 3).Draw(t, "times") {
		c.ask(t)
		c.answer(t)
		c.tick(c.p.every)
	}
}

func (c *modelCase) due(*rapid.T) { c.wake() }

func (c *modelCase) wake() []Wakeup {
	woken, err := c.store.Due(c.ctx, c.key.Provider, 10, 3*time.Second)
	c.must(err)
	c.log("due: %v", woken)
	if c.raw.due >= 0 && c.raw.due <= c.now {
		c.m.recover(c.p, c.now)
		if !c.m.expire(c.now) {
			c.m.pollAgain(c.p, c.now)
		}
	}
	c.observe()
	for _, w := range woken {
		if w.Ask != (c.m.state != Queued && c.m.state != Ready) {
			c.fail("woken in %s, to ask: %t", c.m.state, w.Ask)
		}
	}
	if len(woken) > 0 && c.raw.due <= c.now {
		c.fail("woken in %s, and due at once again", c.m.state)
	}
	return woken
}

// pass lets time pass: a little, to the next due time, or to just before, at or after an instant that matters.
func (c *modelCase) pass(t *rapid.T) {
	steps := []int64{1, 1_000, c.p.lease - 1, c.p.lease, c.p.every, c.p.settle, 86_400_000}
	if c.raw.due > c.now {
		steps = append(steps, c.raw.due-c.now, c.raw.due-c.now)
	}
	c.tick(rapid.SampledFrom(steps).Draw(t, "ms"))
}

func (c *modelCase) deferOrBlock(t *rapid.T) {
	switch rapid.SampledFrom([]string{"defer", "block", "reject"}).Draw(t, "step") {
	case "defer":
		c.log("defer")
		c.must(c.store.Defer(c.ctx, c.key, time.Duration(rapid.SampledFrom([]int{0, 5, 60}).Draw(t, "s"))*time.Second))
	case "block":
		c.log("block")
		_, err := c.store.Block(c.ctx, c.key, "limit", "over the limit")
		c.must(err)
		c.m.block()
	case "reject":
		c.log("reject")
		_, err := c.store.Reject(c.ctx, c.key, "payload", "cannot be opened")
		c.must(err)
		c.m.reject()
	}
	c.observe()
}

func (c *modelCase) halt(t *rapid.T) {
	p := Person{"ana", "stop"}
	c.m.halted = rapid.IntRange(0, 3).Draw(t, "halted") == 0
	if c.m.halted {
		c.must(c.store.Halt(c.ctx, c.key.Provider, "", p))
		return
	}
	c.must(c.store.Unhalt(c.ctx, c.key.Provider, "", p))
}

// personActs takes a step by hand, sometimes with a version that is out of date.
func (c *modelCase) personActs(t *rapid.T) {
	version := c.raw.Version
	if stale := rapid.IntRange(0, 9).Draw(t, "out of date") == 0; stale {
		version--
	}
	steps := []string{
		"succeeded", "failed", "not-received", "retry", "retry with risk", "cancel", "unblock", "accept", "reverse",
	}
	switch c.m.state {
	case Ready:
		steps = append(steps, "cancel", "cancel")
	case Held:
		steps = append(steps, "not-received", "not-received", "not-received", "failed")
	case Failed:
		steps = append(steps, "retry", "retry", "retry with risk", "retry with risk", "retry with risk")
	}
	step := rapid.SampledFrom(steps).Draw(t, "step")
	before := c.m
	err := c.byHand(step, version)
	c.log("by hand: %s: %v", step, err)
	allowed := c.modelByHand(step)
	switch {
	case version != c.raw.Version:
		c.m = before
		if !errors.Is(err, ErrMoved) {
			c.fail("%s with an old version: %v", step, err)
		}
		return
	case allowed != (err == nil):
		c.fail("%s in %s: model allows it: %t, store: %v", step, before.state, allowed, err)
	case err == nil && step == "retry with risk" && before.state == Failed && before.unclear():
		c.w.excuseAll()
		c.person = true
	case err == nil && (step == "succeeded" || step == "failed" || step == "not-received" || step == "accept" || step == "reverse"):
		c.person = true
	}
	c.must(err, ErrRefused)
	c.observe()
}

func (c *modelCase) byHand(step string, version int64) error {
	p := Person{"ana", "by telephone"}
	var err error
	switch step {
	case "succeeded", "failed", "not-received":
		_, err = c.store.Resolve(c.ctx, c.key, version, Resolution{Person: p, As: step})
	case "retry", "retry with risk":
		_, err = c.store.Retry(c.ctx, c.key, version, step != "retry", p)
	case "cancel":
		_, err = c.store.Cancel(c.ctx, c.key, version, p)
	case "unblock":
		_, err = c.store.Unblock(c.ctx, c.key, version, p)
	default:
		_, err = c.store.ClearAnomaly(c.ctx, c.key, version, step == "reverse", p)
	}
	return err
}

func (c *modelCase) modelByHand(step string) bool {
	switch step {
	case "succeeded", "failed", "not-received":
		return c.m.resolve(c.p, c.now, step, 0)
	case "retry", "retry with risk":
		return c.m.retry(c.p, c.now, step != "retry")
	case "cancel":
		return c.m.cancel()
	case "unblock":
		return c.m.unblock()
	default:
		return c.m.clearAnomaly(step == "reverse")
	}
}
