package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/internal/preflight"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// fileIntake is one file on its way: one goroutine reads it, another takes it in and prints
// results, batch by batch.
type fileIntake[L any] struct {
	app      *app
	totals   totals
	progress *progress
	lines    int
	problems lineProblems
}

// lineResult is what is printed for a line, and what is counted of it.
type lineResult struct {
	print  any
	result string
	of     counted
	// line is its number, and problem what is wrong with it, if something is.
	line    int
	problem string
	// told are words for people, where there are better ones than those of any line.
	told string
}

// counted is what a line moves; its amount is zero where that is nothing, or cannot be read.
type counted interface {
	Provider() string
	Amount() providers.Money
}

// run prints a result for every line in the order of the input. answer gives each line of a batch
// its result, or fails for all of them. A batch that has begun is finished even after a signal.
func (n *fileIntake[L]) run(next func() (L, error), answer func(ctx context.Context, batch []L) ([]lineResult, error)) error {
	ctx, cancel := context.WithCancel(n.app.ctx)
	defer cancel()
	ctx, end := n.app.trace.File(ctx)
	defer func() { end(n.lines) }()
	ahead := intake.ReadAhead(ctx, next)
	for {
		batch, err := ahead.Batch()
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

func (n *fileIntake[L]) print(answers []lineResult) error {
	n.progress.clear()
	for _, a := range answers {
		if err := n.app.print(a.print); err != nil {
			return fmt.Errorf("%w: %w", errOutput, err)
		}
		n.totals.add(a.result, a.of)
		n.problems.add(a.line, a.result, a.problem, a.told)
	}
	if err := n.app.flush(); err != nil {
		return fmt.Errorf("%w: %w", errOutput, err)
	}
	n.lines += len(answers)
	n.progress.draw(n.lines, time.Now())
	return nil
}

// conclude prints a summary of the input and returns how the command ends.
func (n *fileIntake[L]) conclude(name string, err error) error {
	n.progress.clear()
	n.summarize(name, err == nil)
	if err != nil {
		return n.app.wrapIntake(err)
	}
	if n.totals.lines(intake.Invalid)+n.totals.lines(string(tasks.Conflict)) > 0 {
		return exitError(exitRefused)
	}
	return nil
}

// summarize prints a summary of the input, as far as it was read.
func (n *fileIntake[L]) summarize(name string, whole bool) {
	switch {
	case n.lines > 0:
		words := n.app.text.CLI.Submit
		n.app.say(words.Summary(countOf(n.app.text, n.lines), name, n.totals.text(n.app.text, n.app.paintErr)))
		n.problems.tell(n.app)
	case whole:
		n.app.say(n.app.text.CLI.Submit.Empty(name))
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
		a.say(a.text.CLI.Submit.Unserved(provider, a.config.Where()))
	}
}

// client takes payments in. With payload keys the ledger seals them; keys that cannot be used stop
// it before anything is registered.
func (a *app) client() (*tasks.Client, error) {
	if a.keys != nil {
		return nil, usageError{a.keys}
	}
	if err := a.follow(); err != nil {
		return nil, usageError{err}
	}
	return a.intake(), nil
}

func (a *app) intake() *tasks.Client {
	return tasks.NewClient(a.ledger, a.rdb, tasks.ClientOptions{
		FingerprintKey: []byte(a.config.FingerprintKey.Reveal()), MemoryStop: a.config.IntakeMemoryStop,
		TaskTimeout: a.config.TaskTimeout(), WakeConcurrency: 32, WithoutNotices: !a.config.Notices(), Tracer: a.trace.Registrations(),
	})
}

// knownAccounts are those whose settings this environment holds; nil where these are too few to
// know.
func knownAccounts(a *app) intake.Accounts {
	if err := config.Complete(&a.config.Providers); err != nil {
		a.say(a.text.CLI.Submit.Incomplete(err.Error()))
		return nil
	}
	return intake.NewAccounts(a.config.Accounts())
}
