package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

type submitCmd struct {
	File        string   `arg:"" optional:"" help:"JSON Lines, or CSV with a header; - or nothing is stdin."`
	Format      string   `enum:",jsonl,csv" default:"" placeholder:"jsonl|csv" help:"How the input is written. Without it .csv is CSV, all else JSON Lines."`
	DryRun      bool     `help:"Only check the lines, without Redis: result is valid or invalid."`
	ExpectCount *int     `placeholder:"N" help:"Refuse the whole file unless it has this many payments (payouts and charges, those registered before included) and no invalid line. Not for stdin."`
	ExpectSum   []string `sep:"none" placeholder:"CUR=AMOUNT" help:"Refuse the whole file unless its payments in this currency sum up to the amount, and it has no other currency and no invalid line. May be repeated. Not for stdin."`

	sums map[string]sum
}

// Validate reads the expected sums.
func (c *submitCmd) Validate() error {
	if c.ExpectCount != nil && *c.ExpectCount < 0 {
		return usage("--expect-count: must not be negative")
	}
	var err error
	c.sums, err = parseSums("--expect-sum", c.ExpectSum)
	return err
}

func (c *submitCmd) expects() bool { return c.ExpectCount != nil || len(c.ExpectSum) > 0 }

func (c *submitCmd) format() tasks.Format {
	switch {
	case c.Format != "":
		return tasks.Format(c.Format)
	case strings.EqualFold(filepath.Ext(c.File), ".csv"):
		return tasks.CSV
	default:
		return tasks.JSONLines
	}
}

// Run submits the file, or only checks it.
func (c *submitCmd) Run(a *app) (err error) {
	collectLess()
	s := newTaskIntake(a)
	if !c.DryRun {
		if s.tasks.Client, err = a.client(); err != nil {
			return err
		}
	}
	file, err := openWhole(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	s.tasks.Accounts = knownAccounts(a)
	if s.tasks.Bulk, err = c.big(file); err != nil {
		return err
	}
	var in io.Reader = file
	if c.expects() {
		if in, err = c.expected(s, file.File); err != nil {
			return err
		}
	}
	return c.submit(s, in, file)
}

func (c *submitCmd) submit(s *taskIntake, in io.Reader, file input) error {
	counted := &countingReader{Reader: in}
	reader, err := tasks.NewReader(counted, c.format())
	if err != nil {
		return err
	}
	s.progress = newProgress(s.app.text, os.Stderr, counted, size(file.File))
	err = s.run(reader.Next, s.answer)
	if err == nil {
		err = file.checkUnchanged()
	}
	return s.conclude(inputName(c.File), err)
}

// collectLess lets the heap grow to several times what is in use, which is a few megabytes however
// long the file is: the collector then takes a third of the time. GOGC overrules it.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// wrapIntake adds to a failure in the middle of a file what to do about the rest.
func (a *app) wrapIntake(err error) error {
	words := a.text.CLI.Submit
	again, redis := words.Again, a.text.CLI.Errors.Redis(a.config.Where())
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s; %s", words.Stopped, again)
	case errors.Is(err, errInput):
		return fmt.Errorf("%w; %s", err, again)
	case errors.Is(err, idempotency.ErrFull), errors.Is(err, tasks.ErrMemory), strings.Contains(err.Error(), "OOM command not allowed"):
		return fmt.Errorf("%s %s: %w; %s", redis, words.Full, err, again)
	case errors.Is(err, errOutput):
		return fmt.Errorf("%w; %s", err, again)
	default:
		return fmt.Errorf("%s: %w; %s", redis, err, again)
	}
}

var (
	errInput  = errors.New("the input cannot be read on")
	errOutput = errors.New("the results cannot be written")
)
