// Package intake takes in what somebody sends line by line, a file or a request: it reads ahead,
// submits batch by batch, and gives each line its result. Who reads the results is not its
// business.
package intake

import (
	"context"
	"time"
)

// batchSize is how many lines share their round trips to Redis.
const batchSize = 256

// batchDelay is how long a batch waits for more lines after its first. It is short, so that a slow
// sender gets each result at once.
const batchDelay = 10 * time.Millisecond

// item is a line, or why there is none.
type item[L any] struct {
	line L
	err  error
}

// Ahead reads lines while earlier ones are taken in.
type Ahead[L any] struct {
	ctx   context.Context // of the whole input
	items chan item[L]
}

// ReadAhead reads until ctx ends or next fails.
func ReadAhead[L any](ctx context.Context, next func() (L, error)) *Ahead[L] {
	a := &Ahead[L]{ctx, make(chan item[L], batchSize)}
	go a.read(next)
	return a
}

func (a *Ahead[L]) read(next func() (L, error)) {
	defer close(a.items)
	for {
		line, err := next()
		select {
		case a.items <- item[L]{line, err}:
		case <-a.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// Batch waits for a line, and then a moment for more. With an error, which is next's or that of
// ctx, it may still return lines; no further call follows one.
func (a *Ahead[L]) Batch() ([]L, error) { return a.BatchUntil(nil, nil) }

// BatchUntil is Batch that ends, with the error, when the channel is closed.
func (a *Ahead[L]) BatchUntil(ended <-chan struct{}, because error) ([]L, error) {
	var batch []L
	var paused <-chan time.Time
	for len(batch) < batchSize {
		select {
		case i, ok := <-a.items:
			if !ok {
				return batch, a.ctx.Err()
			}
			if i.err != nil {
				return batch, i.err
			}
			batch = append(batch, i.line)
		case <-paused:
			return batch, nil
		case <-a.ctx.Done():
			return batch, a.ctx.Err()
		case <-ended:
			return batch, because
		}
		if paused == nil {
			paused = time.After(batchDelay)
		}
	}
	return batch, nil
}

// Wait returns when next is called no more. ctx must have ended, or next failed, and the call that
// is under way must end by itself.
func (a *Ahead[L]) Wait() {
	for range a.items {
	}
}
