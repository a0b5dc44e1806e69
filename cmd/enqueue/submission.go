package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

// batchSize is how many lines share their round trips to Redis.
const batchSize = 256

// result is the answer to one line.
type result struct {
	Line   int               `json:"line"`
	Key    string            `json:"key,omitempty"`
	TaskID string            `json:"task_id,omitempty"`
	Result string            `json:"result"`
	State  idempotency.State `json:"state,omitempty"`
	Error  string            `json:"error,omitempty"`
}

// Results of a line besides those of tasks.Outcome.
const (
	resultValid   = "valid" // of a dry run
	resultInvalid = string(tasks.Invalid)
)

// submission is one file on its way: read by one goroutine, submitted and answered batch by batch by another.
type submission struct {
	app      *app
	client   *tasks.Client
	accounts map[string][]string
	totals   totals
	progress *progress
	lines    int
}

// item is a line, or why there is none.
type item struct {
	line tasks.Line
	err  error
}

// readAhead decodes lines while earlier ones are submitted.
func readAhead(ctx context.Context, r *tasks.Reader) <-chan item {
	items := make(chan item, batchSize)
	go func() {
		for {
			line, err := r.Next()
			select {
			case items <- item{line, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return items
}

// run answers every line in the order of the input. A batch that has begun is finished even after a signal.
func (s *submission) run(r *tasks.Reader) error {
	ctx, cancel := context.WithCancel(s.app.ctx)
	defer cancel()
	items := readAhead(ctx, r)
	for {
		batch, err := collect(ctx, items)
		if len(batch) > 0 {
			if err := s.answer(context.WithoutCancel(ctx), batch); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, context.Canceled):
			return err
		case err != nil:
			return fmt.Errorf("%w: %w", errInput, err)
		}
	}
}

// collect waits for a line, and then a moment for more.
func collect(ctx context.Context, items <-chan item) ([]tasks.Line, error) {
	var batch []tasks.Line
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
			paused = time.After(linger)
		}
	}
	return batch, nil
}

// answer submits what is valid in the batch and prints a result for each of its lines, or for none.
func (s *submission) answer(ctx context.Context, batch []tasks.Line) error {
	results := make([]result, len(batch))
	var valid []tasks.Task
	var places []int
	for i, line := range batch {
		results[i] = s.check(line)
		if results[i].Result == resultValid {
			valid, places = append(valid, line.Task), append(places, i)
		}
	}
	if s.client != nil && len(valid) > 0 {
		receipts, err := s.client.Submit(ctx, valid...)
		if err != nil {
			return err
		}
		for n, r := range receipts {
			results[places[n]] = received(batch[places[n]].Number, r)
		}
	}
	return s.print(batch, results)
}

// check is the answer to a line before the ledger is asked.
func (s *submission) check(line tasks.Line) result {
	r := result{Line: line.Number, Result: resultValid}
	if line.Key.Reference != "" {
		r.Key = line.Key.String()
	}
	err := line.Err
	if err == nil {
		err = s.served(line.Task)
	}
	if err != nil {
		r.Result, r.Error = resultInvalid, err.Error()
	}
	return r
}

// served refuses a task that no worker with this environment's settings would send.
func (s *submission) served(t tasks.Task) error {
	accounts, ok := s.accounts[t.Provider()]
	switch {
	case s.accounts == nil || slices.Contains(accounts, t.Account()):
		return nil
	case !ok:
		return fmt.Errorf("provider: %s has no credentials here, though other providers have", t.Provider())
	default:
		return fmt.Errorf("account: %s has no credentials for it here, though it has for others", t.Provider())
	}
}

func received(line int, r tasks.Receipt) result {
	out := result{Line: line, Key: r.Key.String(), TaskID: r.TaskID, Result: string(r.Outcome), Error: r.Problem}
	if r.Outcome == tasks.Duplicate {
		out.State = r.State
	}
	return out
}

func (s *submission) print(batch []tasks.Line, results []result) error {
	s.progress.clear()
	for i, r := range results {
		if err := s.app.print(r); err != nil {
			return fmt.Errorf("%w: %w", errOutput, err)
		}
		s.totals.add(r.Result, batch[i].Task)
	}
	if err := s.app.flush(); err != nil {
		return fmt.Errorf("%w: %w", errOutput, err)
	}
	s.lines += len(batch)
	s.progress.draw(s.lines, time.Now())
	return nil
}

// refused reports whether some line was invalid or in conflict.
func (s *submission) refused() bool {
	return s.totals.lines(resultInvalid)+s.totals.lines(string(tasks.Conflict)) > 0
}
