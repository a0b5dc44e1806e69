package main

import (
	"context"
	"errors"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

// result is what is printed for one line.
type result struct {
	Line   int               `json:"line"`
	Key    string            `json:"key,omitempty"`
	TaskID string            `json:"task_id,omitempty"`
	Result string            `json:"result"`
	State  idempotency.State `json:"state,omitempty"`
	Error  string            `json:"error,omitempty"`
}

// taskIntake is the intake of a file of tasks. Without a client, in a dry run, its lines are only
// checked.
type taskIntake struct {
	intake[tasks.Line]
	client   *tasks.Client
	accounts configuredAccounts
	// bulk: the input has more than tasks.BulkAbove lines; read is how many of them were read.
	bulk bool
	read int
}

// answer submits what is valid in the batch.
func (s *taskIntake) answer(ctx context.Context, batch []tasks.Line) ([]lineResult, error) {
	results := make([]result, len(batch))
	var valid []tasks.Task
	var places []int
	for i, line := range batch {
		line.Task = s.prioritized(line.Task)
		results[i] = s.check(line)
		if results[i].Result == resultValid {
			valid, places = append(valid, line.Task), append(places, i)
		}
	}
	if s.client != nil && len(valid) > 0 {
		receipts, err := s.client.Submit(ctx, valid...)
		if err != nil {
			return nil, err
		}
		for n, r := range receipts {
			results[places[n]] = receiptResult(batch[places[n]].Number, r)
			if r.Result != tasks.Invalid {
				s.app.warnUnserved(ctx, r.Key.Provider)
			}
		}
	}
	answers := make([]lineResult, len(batch))
	for i, r := range results {
		answers[i] = lineResult{r, r.Result, batch[i].Task}
	}
	return answers, nil
}

// check finds what is wrong with a line without the ledger.
func (s *taskIntake) check(line tasks.Line) result {
	r := result{Line: line.Number, Result: resultValid}
	if line.Key.Reference != "" {
		r.Key = line.Key.String()
	}
	err := line.Err
	if err == nil {
		err = s.accounts.checkTask(line.Task)
	}
	if deadline := line.Task.Deadline(); err == nil && s.client == nil && !deadline.IsZero() && deadline.Before(time.Now()) {
		err = errLate // by this machine's clock: a dry run has no store
	}
	if err != nil {
		r.Result, r.Error = resultInvalid, err.Error()
	}
	return r
}

var errLate = errors.New("deadline: is in the past")

func receiptResult(line int, r tasks.Receipt) result {
	out := result{Line: line, Key: r.Key.String(), TaskID: r.TaskID, Result: string(r.Result), Error: r.Problem}
	if r.Result == tasks.Duplicate {
		out.State = r.State
	}
	return out
}
