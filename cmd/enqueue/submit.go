package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

type submitCmd struct {
	File         string   `arg:"" optional:"" help:"JSON Lines, or a table with a header: CSV, or a workbook (.xlsx); - or nothing is stdin."`
	Format       string   `enum:",jsonl,csv,xlsx" default:"" placeholder:"jsonl|csv|xlsx" help:"How the input is written. Without it .csv, .tsv and .txt are CSV, .xlsx is a workbook, all else JSON Lines (.txt too, where it begins with {)."`
	Locale       string   `enum:",es-CL,es-CO,es-MX" default:"" placeholder:"es-CL|es-CO|es-MX" help:"How amounts of a table are written: 12.500,50 in es-CL and es-CO, 12,500.50 in es-MX."`
	DecimalComma bool     `help:"Amounts of a table are written with a comma before decimals: 12.500,50."`
	Map          []string `sep:"none" placeholder:"COLUMN=FIELD" help:"Which field a column of a table is, such as \"Centro de costo=metadata.centro\"; FIELD is - to leave the column out. May be repeated."`
	DryRun       bool     `help:"Only check, and take nothing in: result is valid, duplicate, conflict or invalid. Where Redis answers, the lines are compared with it."`
	ExpectCount  *int     `placeholder:"N" help:"Refuse the whole file unless it has this many payments (payouts and charges, those registered before included) and no invalid line. Not for stdin."`
	ExpectSum    []string `sep:"none" placeholder:"CUR=AMOUNT" help:"Refuse the whole file unless its payments in this currency sum up to the amount, and it has no other currency and no invalid line. May be repeated. Not for stdin."`

	sums  map[string]sum
	table tableInput
}

// Validate reads the expected sums, and how a table is to be read.
func (c *submitCmd) Validate() error {
	if err := c.readTableOptions(); err != nil {
		return err
	}
	if c.ExpectCount != nil && *c.ExpectCount < 0 {
		return usage("--expect-count: must not be negative")
	}
	var err error
	c.sums, err = parseSums("--expect-sum", c.ExpectSum)
	return err
}

func (c *submitCmd) expects() bool { return c.ExpectCount != nil || len(c.ExpectSum) > 0 }

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
	if c.DryRun {
		s.compareWithLedger()
	}
	return c.refusal(a, c.takeIn(s, file))
}

// takeIn checks the file as a whole, as far as it can be read twice, and then submits it.
func (c *submitCmd) takeIn(s *taskIntake, file input) (err error) {
	if err := c.prepare(file); err != nil {
		return err
	}
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
	reader, err := c.reader(counted)
	if err != nil {
		return err
	}
	s.progress = newProgress(s.app.text, os.Stderr, counted, size(file.File))
	s.tell = c.tellRow(s)
	err = s.run(reader.Next, s.answer)
	if err == nil {
		err = file.checkUnchanged()
	}
	s.progress.clear()
	c.tellNotes(s.app)
	err = s.conclude(inputName(c.File), err)
	if c.DryRun {
		s.tellDryRun()
	}
	return err
}

// collectLess lets the heap grow to several times what is in use, which is a few megabytes however
// long the file is: the collector then takes a third of the time. GOGC overrules it. What a table
// or a dry run remembers of a million payments is more, and leaves less room to grow: GOMEMLIMIT
// overrules that.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapLimit)
	}
}

// heapLimit is what the collector keeps the command below, where it can.
const heapLimit = 72 << 20

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
