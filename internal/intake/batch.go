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

// Batches reads lines while earlier ones are taken in, until ctx ends or next fails. The function
// that it returns waits for a line, and then a moment for more; with an error, which is next's or
// that of ctx, it may still return lines.
func Batches[L any](ctx context.Context, next func() (L, error)) func() ([]L, error) {
	items := make(chan item[L], batchSize)
	go func() {
		for {
			line, err := next()
			select {
			case items <- item[L]{line, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return func() ([]L, error) { return collect(ctx, items) }
}

func collect[L any](ctx context.Context, items <-chan item[L]) ([]L, error) {
	var batch []L
	var paused <-chan time.Time
	for len(batch) < batchSize {
		select {
		case i := <-items:
			if i.err != nil {
				return batch, i.err
			}
			batch = append(batch, i.line)
		case <-paused:
			return batch, nil
		case <-ctx.Done():
			return batch, ctx.Err()
		}
		if paused == nil {
			paused = time.After(batchDelay)
		}
	}
	return batch, nil
}
