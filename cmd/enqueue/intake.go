package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/preflight"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/spec"
	"github.com/remesa/remesa/tasks"
)

// batchSize is how many lines share their round trips to Redis.
const batchSize = 256

// batchDelay is how long a batch waits for more lines after its first. It is short, so that a slow
// pipe gets each result at once.
const batchDelay = 10 * time.Millisecond

// Results of a line besides those of tasks.SubmitResult.
const (
	resultValid   = "valid" // of a dry run
	resultInvalid = string(tasks.Invalid)
)

// intake is one file on its way: one goroutine reads it, another takes it in and prints results,
// batch by batch.
type intake[L any] struct {
	app      *app
	totals   totals
	progress *progress
	lines    int
}

// lineResult is what is printed for a line, and what is counted of it.
type lineResult struct {
	print  any
	result string
	of     counted
}

// counted is what a line moves; its amount is zero where that is nothing, or cannot be read.
type counted interface {
	Provider() string
	Amount() providers.Money
}

// item is a line, or why there is none.
type item[L any] struct {
	line L
	err  error
}

// readAhead decodes lines while earlier ones are taken in.
func readAhead[L any](ctx context.Context, next func() (L, error)) <-chan item[L] {
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
	return items
}

// run prints a result for every line in the order of the input. answer gives each line of a batch
// its result, or fails for all of them. A batch that has begun is finished even after a signal.
func (n *intake[L]) run(next func() (L, error), answer func(ctx context.Context, batch []L) ([]lineResult, error)) error {
	ctx, cancel := context.WithCancel(n.app.ctx)
	defer cancel()
	items := readAhead(ctx, next)
	for {
		batch, err := collect(ctx, items)
		if len(batch) > 0 {
			answers, err := answer(context.WithoutCancel(ctx), batch)
			if err != nil {
				return err
			}
			if err := n.print(answers); err != nil {
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

func (n *intake[L]) print(answers []lineResult) error {
	n.progress.clear()
	for _, a := range answers {
		if err := n.app.print(a.print); err != nil {
			return fmt.Errorf("%w: %w", errOutput, err)
		}
		n.totals.add(a.result, a.of)
	}
	if err := n.app.flush(); err != nil {
		return fmt.Errorf("%w: %w", errOutput, err)
	}
	n.lines += len(answers)
	n.progress.draw(n.lines, time.Now())
	return nil
}

// conclude prints a summary of the input and returns how the command ends.
func (n *intake[L]) conclude(name string, err error) error {
	n.progress.clear()
	n.summarize(name, err == nil)
	if err != nil {
		return n.app.wrapIntake(err)
	}
	if n.totals.lines(resultInvalid)+n.totals.lines(string(tasks.Conflict)) > 0 {
		return exitError(exitRefused)
	}
	return nil
}

// summarize prints a summary of the input, as far as it was read.
func (n *intake[L]) summarize(name string, whole bool) {
	switch {
	case n.lines > 0:
		n.app.notice("%d lines of %s: %s", n.lines, name, n.totals)
	case whole:
		n.app.notice("%s is empty: nothing to do", name)
	}
}

// inputName is the input's name in messages.
func inputName(file string) string {
	if file == "" || file == "-" {
		return "stdin"
	}
	return file
}

// input is a file, and what it was before it was read.
type input struct {
	*os.File
	before os.FileInfo
}

func openWhole(name string) (input, error) {
	f, err := openInput(name)
	if err != nil {
		return input{}, err
	}
	before, err := f.Stat()
	if err != nil {
		return input{}, errors.Join(fmt.Errorf("%w: %w", errInput, err), f.Close())
	}
	return input{f, before}, nil
}

// checkUnchanged returns an error where a regular file changed since it was opened: its last line
// may be half a payment, and more may follow.
func (i input) checkUnchanged() error {
	if !i.before.Mode().IsRegular() {
		return nil
	}
	after, err := i.Stat()
	if err != nil {
		return fmt.Errorf("%w: %w", errInput, err)
	}
	if after.Size() != i.before.Size() || !after.ModTime().Equal(i.before.ModTime()) {
		return fmt.Errorf("%w: %w", errInput, errWritten)
	}
	return nil
}

var errWritten = errors.New("the file changed while it was read: it may still be being written")

// size is that of a regular file, 0 for anything else.
func size(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

// warnUnserved warns once of each provider that no worker ever served on this Redis. In another
// Redis or database than the workers', payments wait for ever.
func (a *app) warnUnserved(ctx context.Context, provider string) {
	if a.seen[provider] {
		return
	}
	if a.seen == nil {
		a.seen = map[string]bool{}
	}
	a.seen[provider] = true
	if served, err := preflight.WasServed(ctx, a.rdb, provider); err == nil && !served {
		a.notice("warning: no worker has ever served %s on redis at %s: what is taken in waits there until one does; is REMESA_REDIS_URL the workers'?",
			provider, a.config.Where())
	}
}

// client takes payments in. With payload keys the ledger seals them; keys that cannot be used stop
// it before anything is registered.
func (a *app) client() (*tasks.Client, error) {
	if a.keys != nil {
		return nil, usageError{a.keys}
	}
	return a.intake(), nil
}

func (a *app) intake() *tasks.Client {
	return tasks.NewClient(a.ledger, a.rdb, tasks.ClientOptions{
		FingerprintKey: []byte(a.config.FingerprintKey.Reveal()), MemoryStop: a.config.IntakeMemoryStop,
		TaskTimeout: a.config.TaskTimeout(), WakeConcurrency: 32, WithoutNotices: !a.config.Notices(),
	})
}

// configuredAccounts are the accounts whose settings this environment holds, by provider. It is nil
// where there are none, or too few to know: then payments of every provider are accepted, and wait
// for a worker that has the credentials.
type configuredAccounts map[string][]config.Account

func knownAccounts(a *app) configuredAccounts {
	if err := config.Complete(&a.config.Providers); err != nil {
		a.notice("warning: the providers' settings in this environment are not complete, so the input is not compared with them: %s", err)
		return nil
	}
	var all configuredAccounts
	for _, account := range a.config.Accounts() {
		if all == nil {
			all = configuredAccounts{}
		}
		name := account.Provider.Name
		all[name] = append(all[name], account)
	}
	return all
}

// check refuses what no worker with this environment's settings would send.
func (k configuredAccounts) check(provider, account string) error {
	_, ok := k[provider]
	switch _, found := k.find(provider, account); {
	case k == nil || found:
		return nil
	case !ok:
		return fmt.Errorf("provider: %s has no credentials here, though other providers have", provider)
	default:
		return fmt.Errorf("account: %s has no credentials for it here, though it has for others", provider)
	}
}

func (k configuredAccounts) find(provider, name string) (config.Account, bool) {
	for _, a := range k[provider] {
		if a.Name == name {
			return a, true
		}
	}
	return config.Account{}, false
}

// checkTask also refuses a type of payment that the provider takes and the account has no settings
// for.
func (k configuredAccounts) checkTask(t tasks.Task) error {
	if err := k.check(t.Provider(), t.Account()); err != nil {
		return err
	}
	kind := spec.Type(t.Type())
	if a, ok := k.find(t.Provider(), t.Account()); ok && a.Provider.Takes(kind) && !a.Makes(kind) {
		return fmt.Errorf("type: %ss of %s are off here: its settings for %ss are not set", kind, a.Provider.Name, kind)
	}
	return nil
}
