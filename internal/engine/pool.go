package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/remesa/remesa/idempotency"
)

// pool bounds how many payments of a lane this worker serves at a time, however many tasks carry
// them.
type pool struct {
	slots chan struct{}
	// closing closes when the worker drains: a task with payments that were not begun by then goes
	// back to the queue.
	closing <-chan struct{}

	mu sync.Mutex
	// next holds the payments that were taken from the queue and wait for a slot: another wake-up
	// of one adds nothing.
	next map[idempotency.Key]struct{}
}

func newPool(size int, closing <-chan struct{}) *pool {
	return &pool{slots: make(chan struct{}, size), closing: closing, next: map[idempotency.Key]struct{}{}}
}

// errNotServed: the worker drains, or all its slots stayed taken. asynq hands the task out again.
var errNotServed = errors.New("no slot free")

// expect adds the keys to those that wait for a slot, and returns the ones that did not wait
// before.
func (p *pool) expect(keys []idempotency.Key) []idempotency.Key {
	p.mu.Lock()
	defer p.mu.Unlock()
	var mine []idempotency.Key
	for _, k := range keys {
		if _, known := p.next[k]; !known {
			p.next[k] = struct{}{}
			mine = append(mine, k)
		}
	}
	return mine
}

// forget removes the keys from those that wait for a slot.
func (p *pool) forget(keys ...idempotency.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		delete(p.next, k)
	}
}

// enter waits for a slot and takes it for the key.
func (p *pool) enter(ctx context.Context, k idempotency.Key) error {
	select {
	case <-p.closing: // also where a slot is free
		return errNotServed
	default:
	}
	select {
	case p.slots <- struct{}{}:
		p.forget(k)
		return nil
	case <-p.closing:
		return errNotServed
	case <-ctx.Done():
		return errNotServed
	}
}

func (p *pool) leave() { <-p.slots }

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
