package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/remesa/remesa/idempotency"
)

// pool bounds how many payments of a provider this worker sends at a time, or queries, however many
// tasks carry them. Bulk payments share the slots of the others and let them go first.
type pool struct {
	*slots
	bulk bool
}

// slots are those of a pool.
type slots struct {
	// closing closes when the worker drains: a task with payments that were not begun by then goes
	// back to the queue.
	closing <-chan struct{}

	mu   sync.Mutex
	free int
	// Those who wait for a slot, the first to come first. While any does, no slot is free.
	waiting, bulkWaiting []*waiter
	// passed counts the payments that went before waiting bulk payments since one of these went.
	passed int
	// next holds the payments that were taken from the queue and wait for a slot: another wake-up
	// of one adds nothing.
	next map[idempotency.Key]struct{}
}

// waiter waits for a slot; turn closes when it has one.
type waiter struct{ turn chan struct{} }

// bulkTurn is how many slots other payments get before bulk payments that wait get one: they go
// on, however many others come.
const bulkTurn = 8

func newPool(size int, closing <-chan struct{}) *pool {
	return &pool{slots: &slots{closing: closing, free: size, next: map[idempotency.Key]struct{}{}}}
}

// forBulk is the pool as bulk payments enter it.
func (p *pool) forBulk() *pool { return &pool{p.slots, true} }

// errNotServed: the worker drains, or all its slots stayed taken. asynq hands the task out again.
var errNotServed = errors.New("no slot free")

// expect adds the keys to those that wait for a slot, and returns the ones that did not wait
// before.
func (s *slots) expect(keys []idempotency.Key) []idempotency.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	var mine []idempotency.Key
	for _, k := range keys {
		if _, known := s.next[k]; !known {
			s.next[k] = struct{}{}
			mine = append(mine, k)
		}
	}
	return mine
}

// forget removes the keys from those that wait for a slot.
func (s *slots) forget(keys ...idempotency.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range keys {
		delete(s.next, k)
	}
}

// enter waits for a slot and takes it for the key.
func (p *pool) enter(ctx context.Context, k idempotency.Key) error {
	if closed(p.closing) { // also where a slot is free
		return errNotServed
	}
	w := p.await(p.bulk)
	select {
	case <-w.turn:
		p.forget(k)
		return nil
	case <-p.closing:
	case <-ctx.Done():
	}
	p.giveUp(w)
	return errNotServed
}

// await takes a slot, or a place among those that wait for one.
func (s *slots) await(bulk bool) *waiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &waiter{make(chan struct{})}
	switch {
	case s.free > 0:
		s.free--
		close(w.turn)
	case bulk:
		s.bulkWaiting = append(s.bulkWaiting, w)
	default:
		s.waiting = append(s.waiting, w)
	}
	return w
}

// giveUp takes back a place, and hands on a slot that it got meanwhile.
func (s *slots) giveUp(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := func(other *waiter) bool { return other == w }
	s.waiting, s.bulkWaiting = slices.DeleteFunc(s.waiting, is), slices.DeleteFunc(s.bulkWaiting, is)
	if closed(w.turn) {
		s.handOn()
	}
}

// leave frees a slot.
func (s *slots) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handOn()
}

// handOn gives a slot to whoever is next.
func (s *slots) handOn() {
	line := &s.waiting
	switch {
	case len(s.waiting)+len(s.bulkWaiting) == 0:
		s.free++
		return
	case len(s.waiting) == 0, len(s.bulkWaiting) > 0 && s.passed >= bulkTurn:
		line, s.passed = &s.bulkWaiting, 0
	case len(s.bulkWaiting) > 0:
		s.passed++
	}
	close((*line)[0].turn)
	*line = (*line)[1:]
}

// survive keeps a panic while one payment is served from ending the worker, as asynq does for its
// own handlers. The payment's due time, or its lapsed lease, has it looked after.
func (e *Engine) survive(k idempotency.Key) {
	if p := recover(); p != nil {
		e.Log.Error().Stringer("key", k).Str("type", fmt.Sprintf("%T", p)).Bytes("stack", debug.Stack()).Msg("panic while a payment was served")
	}
}

// serve serves the payments of one wake-up. A single one is served before serve returns, so that
// the dashboard shows its task as active. Of several, each starts in the background as soon as
// there is a slot, and no result goes back to asynq. An error means that some were not begun; asynq
// hands the task out again, which harms none that was begun.
func (e *Engine) serve(ctx context.Context, p *pool, keys []idempotency.Key, one func(context.Context, idempotency.Key)) error {
	keys = p.expect(keys)
	defer func() { p.forget(keys...) }()
	if len(keys) == 1 {
		if err := p.enter(ctx, keys[0]); err != nil {
			return err
		}
		defer p.leave()
		one(ctx, keys[0])
		return nil
	}
	for len(keys) > 0 {
		k := keys[0]
		if err := p.enter(ctx, k); err != nil {
			return err
		}
		keys = keys[1:]
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.TaskTimeout)
		e.running.Go(func() {
			defer cancel()
			defer p.leave()
			defer e.survive(k)
			one(own, k)
		})
	}
	return nil
}
