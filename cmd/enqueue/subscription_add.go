package main

import (
	"context"
	"fmt"
	"os"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/tasks"
)

type subscriptionAddCmd struct {
	File   string `arg:"" optional:"" help:"JSON Lines; - or nothing is stdin."`
	DryRun bool   `help:"Only check the lines, without Redis: result is valid or invalid."`
}

// addedResult is the answer to one line.
type addedResult struct {
	Line   int           `json:"line"`
	ID     string        `json:"id,omitempty"`
	Result string        `json:"result"`
	State  billing.State `json:"state,omitempty"`
	Error  string        `json:"error,omitempty"`
}

const resultAdded = "added"

// addition is the intake of a file of subscriptions. Without a store, in a dry run, its lines are
// only checked.
type addition struct {
	intake[tasks.SubscriptionLine]
	store    *billing.Store
	client   *tasks.Client
	accounts known
	key      []byte // of fingerprints
}

// Run adds.
func (c *subscriptionAddCmd) Run(a *app) error {
	s := &addition{intake: intake[tasks.SubscriptionLine]{app: a, totals: totals{}}}
	if !c.DryRun {
		if err := s.open(); err != nil {
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
		err = file.whole()
	}
	return s.conclude(inputName(c.File), err)
}

func (s *addition) open() (err error) {
	if s.client, err = s.app.client(); err != nil {
		return err
	}
	desk, err := s.app.subscriptions()
	if err != nil {
		return err
	}
	s.store, s.key = desk.store, []byte(s.app.config.FingerprintKey.Reveal())
	return nil
}

// answer adds what is valid in the batch.
func (s *addition) answer(ctx context.Context, batch []tasks.SubscriptionLine) ([]answered, error) {
	results := make([]addedResult, len(batch))
	var valid []tasks.Subscription
	var places []int
	for i, line := range batch {
		results[i] = s.check(line)
		if results[i].Result == resultValid {
			valid, places = append(valid, line.Subscription), append(places, i)
		}
	}
	if s.store != nil && len(valid) > 0 {
		receipts, err := s.add(ctx, valid)
		if err != nil {
			return nil, err
		}
		for n, r := range receipts {
			r.Line = batch[places[n]].Number
			results[places[n]] = r
			s.app.served(ctx, valid[n].Provider())
		}
	}
	answers := make([]answered, len(batch))
	for i, r := range results {
		answers[i] = answered{r, r.Result, batch[i].Subscription}
	}
	return answers, nil
}

// check is the answer to a line before the store is asked.
func (s *addition) check(line tasks.SubscriptionLine) addedResult {
	r := addedResult{Line: line.Number, ID: line.ID, Result: resultValid}
	err := line.Err
	if err == nil {
		err = s.accounts.serve(line.Subscription.Provider(), line.Subscription.Account())
	}
	if err != nil {
		r.Result, r.Error = resultInvalid, err.Error()
	}
	return r
}

func (s *addition) add(ctx context.Context, subs []tasks.Subscription) ([]addedResult, error) {
	if err := s.client.Room(ctx); err != nil {
		return nil, err
	}
	now, err := s.store.Now(ctx, subs[0].Provider())
	if err != nil {
		return nil, err
	}
	additions := make([]billing.Addition, len(subs))
	for i, sub := range subs {
		additions[i] = billing.NewAddition(sub, s.key, now)
	}
	answers, err := s.store.Add(ctx, additions...)
	if err != nil {
		return nil, err
	}
	results := make([]addedResult, len(subs))
	for i, a := range answers {
		results[i] = s.receipt(subs[i], additions[i].Record.Fingerprint, a)
	}
	return results, nil
}

func (s *addition) receipt(sub tasks.Subscription, fingerprint string, a billing.Added) addedResult {
	r := addedResult{ID: sub.ID(), Result: resultAdded}
	if a.New {
		return r
	}
	r.Result, r.Error = string(tasks.Conflict), s.difference(sub, fingerprint, a)
	if r.Error == "" {
		r.Result, r.State = string(tasks.Duplicate), a.Record.State
	}
	return r
}

// difference says what another subscription of the id has otherwise; nothing where it was added
// with the same content, whatever was changed of it since.
func (s *addition) difference(sub tasks.Subscription, fingerprint string, a billing.Added) string {
	if a.Provider != sub.Provider() {
		return "provider: the id is taken by a subscription of " + a.Provider
	}
	held := a.Record
	same, err := sub.FingerprintLike(held.Fingerprint, s.key)
	switch m := sub.Amount(); {
	case err == nil && same == held.Fingerprint:
		return ""
	case m.Currency() != held.Currency:
		return "currency: differs from the added subscription's"
	case m.Text() != held.Amount:
		return "amount: differs from the added subscription's"
	default:
		return fmt.Sprintf("fingerprint: %s, added as %s", fingerprint, held.Fingerprint)
	}
}
