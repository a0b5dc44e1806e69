package main

import (
	"context"

	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/tasks"
)

// taskIntake is the intake of a file of tasks.
type taskIntake struct {
	fileIntake[tasks.Line]
	tasks intake.Tasks
	// tell, if set, has words of its own for what became of a line.
	tell func(line tasks.Line, r intake.Result) string
}

func newTaskIntake(a *app) *taskIntake {
	return &taskIntake{fileIntake: fileIntake[tasks.Line]{app: a, totals: totals{}}, tasks: intake.Tasks{Registered: a.warnUnserved}}
}

// answer submits what is valid in the batch.
func (s *taskIntake) answer(ctx context.Context, batch []tasks.Line) ([]lineResult, error) {
	results, err := s.tasks.Answer(ctx, batch)
	if err != nil {
		return nil, err
	}
	answers := make([]lineResult, len(batch))
	for i, r := range results {
		answers[i] = lineResult{r, r.Result, batch[i].Task, r.Line, r.Error, ""}
		if s.tell != nil {
			answers[i].told = s.tell(batch[i], r)
		}
	}
	return answers, nil
}
