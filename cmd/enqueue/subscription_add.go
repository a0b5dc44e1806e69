package main

import (
	"context"
	"os"

	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/tasks"
)

type subscriptionAddCmd struct {
	File   string `arg:"" optional:"" help:"JSON Lines; - or nothing is stdin."`
	DryRun bool   `help:"Only check the lines, without Redis: result is valid or invalid."`
}

// subscriptionIntake is the intake of a file of subscriptions.
type subscriptionIntake struct {
	fileIntake[tasks.SubscriptionLine]
	subscriptions intake.Subscriptions
}

// Run adds.
func (c *subscriptionAddCmd) Run(a *app) error {
	s := &subscriptionIntake{
		fileIntake: fileIntake[tasks.SubscriptionLine]{app: a, totals: totals{}}, subscriptions: intake.Subscriptions{Registered: a.warnUnserved},
	}
	if !c.DryRun {
		var err error
		if s.subscriptions.Client, err = a.subscriptionWriter(); err != nil {
			return err
		}
	}
	file, err := openWhole(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	s.subscriptions.Accounts = knownAccounts(a)
	counted := &countingReader{Reader: file}
	s.progress = newProgress(a.text, os.Stderr, counted, size(file.File))
	err = s.run(tasks.NewSubscriptionReader(counted).Next, s.answer)
	if err == nil {
		err = file.checkUnchanged()
	}
	return s.conclude(inputName(c.File), err)
}

// answer adds what is valid in the batch.
func (s *subscriptionIntake) answer(ctx context.Context, batch []tasks.SubscriptionLine) ([]lineResult, error) {
	results, err := s.subscriptions.Answer(ctx, batch)
	if err != nil {
		return nil, err
	}
	answers := make([]lineResult, len(batch))
	for i, r := range results {
		answers[i] = lineResult{r, r.Result, batch[i].Subscription, r.Line, r.Error, ""}
	}
	return answers, nil
}
