package main

import (
	"context"
	"os"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/tasks"
)

type subscriptionAddCmd struct {
	File   string `arg:"" optional:"" help:"JSON Lines; - or nothing is stdin."`
	DryRun bool   `help:"Only check the lines, without Redis: result is valid or invalid."`
}

// addedResult is what is printed for one line.
type addedResult struct {
	Line   int           `json:"line"`
	ID     string        `json:"id,omitempty"`
	Result string        `json:"result"`
	State  billing.State `json:"state,omitempty"`
	Error  string        `json:"error,omitempty"`
}

// subscriptionIntake is the intake of a file of subscriptions. Without a client, in a dry run, its
// lines are only checked.
type subscriptionIntake struct {
	intake[tasks.SubscriptionLine]
	client   *billing.Client
	accounts configuredAccounts
}

// Run adds.
func (c *subscriptionAddCmd) Run(a *app) error {
	s := &subscriptionIntake{intake: intake[tasks.SubscriptionLine]{app: a, totals: totals{}}}
	if !c.DryRun {
		var err error
		if s.client, err = a.subscriptionWriter(); err != nil {
			return err
		}
	}
	file, err := openWhole(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	s.accounts = knownAccounts(a)
	counted := &countingReader{Reader: file}
	s.progress = newProgress(os.Stderr, counted, size(file.File))
	err = s.run(tasks.NewSubscriptionReader(counted).Next, s.answer)
	if err == nil {
		err = file.checkUnchanged()
	}
	return s.conclude(inputName(c.File), err)
}

// answer adds what is valid in the batch.
func (s *subscriptionIntake) answer(ctx context.Context, batch []tasks.SubscriptionLine) ([]lineResult, error) {
	results := make([]addedResult, len(batch))
	var valid []tasks.Subscription
	var places []int
	for i, line := range batch {
		results[i] = s.check(line)
		if results[i].Result == resultValid {
			valid, places = append(valid, line.Subscription), append(places, i)
		}
	}
	if s.client != nil {
		receipts, err := s.client.Add(ctx, valid...)
		if err != nil {
			return nil, err
		}
		for n, r := range receipts {
			i := places[n]
			results[i] = addedResult{Line: batch[i].Number, ID: r.ID, Result: string(r.Outcome), State: r.State, Error: r.Problem}
			s.app.warnUnserved(ctx, valid[n].Provider())
		}
	}
	answers := make([]lineResult, len(batch))
	for i, r := range results {
		answers[i] = lineResult{r, r.Result, batch[i].Subscription}
	}
	return answers, nil
}

// check finds what is wrong with a line without the store.
func (s *subscriptionIntake) check(line tasks.SubscriptionLine) addedResult {
	r := addedResult{Line: line.Number, ID: line.ID, Result: resultValid}
	err := line.Err
	if err == nil {
		err = s.accounts.check(line.Subscription.Provider(), line.Subscription.Account())
	}
	if err != nil {
		r.Result, r.Error = resultInvalid, err.Error()
	}
	return r
}
