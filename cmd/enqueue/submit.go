package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
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
	c.sums = map[string]sum{}
	for _, text := range c.ExpectSum {
		currency, amount, _ := strings.Cut(text, "=")
		s, err := parseSum(currency, amount)
		if err != nil {
			return usage("--expect-sum: %w", err)
		}
		if _, given := c.sums[currency]; given {
			return usage("--expect-sum: given twice for %s", currency)
		}
		c.sums[currency] = s
	}
	return nil
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

// name is the input's for people.
func (c *submitCmd) name() string {
	if c.File == "" || c.File == "-" {
		return "stdin"
	}
	return c.File
}

// Run submits.
func (c *submitCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	file, err := openInput(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	s := &submission{app: a, client: client, accounts: knownAccounts(a), totals: totals{}}
	var in io.Reader = file
	if c.expects() {
		if in, err = c.expected(s, file); err != nil {
			return err
		}
	}
	return c.submit(s, in, size(file))
}

// client is nil for a dry run. Payloads must not travel open where the operator wants them sealed.
func (c *submitCmd) client(a *app) (*tasks.Client, error) {
	if c.DryRun {
		return nil, nil
	}
	if err := config.Complete(&a.config.Keys); err != nil {
		return nil, usageError{err}
	}
	if a.config.PayloadKeys != "" {
		return nil, usage("REMESA_PAYLOAD_KEYS: this version cannot seal payloads; nothing was enqueued")
	}
	return tasks.NewClient(a.ledger, a.rdb, tasks.ClientOptions{
		FingerprintKey: []byte(a.config.FingerprintKey.Reveal()), MemoryStop: a.config.IntakeMemoryStop,
		TaskTimeout: a.config.TaskTimeout(), Wakers: 32,
	}), nil
}

func (c *submitCmd) submit(s *submission, in io.Reader, size int64) error {
	counted := &countingReader{Reader: in}
	reader, err := tasks.NewReader(counted, c.format())
	if err != nil {
		return err
	}
	s.progress = newProgress(os.Stderr, counted, size)
	err = s.run(reader)
	s.progress.clear()
	s.summarize(c.name(), err == nil)
	if err != nil {
		return s.app.explain(err)
	}
	if s.refused() {
		return said(exitRefused)
	}
	return nil
}

// explain says what a failure in the middle of a file means for the rest of it.
func (a *app) explain(err error) error {
	const again = "lines without a result were not reported as enqueued; submitting the same file again is safe"
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("stopped by a signal; %s", again)
	case errors.Is(err, errInput):
		return fmt.Errorf("%w; %s", err, again)
	case errors.Is(err, idempotency.ErrFull), errors.Is(err, tasks.ErrMemory), strings.Contains(err.Error(), "OOM command not allowed"):
		return fmt.Errorf("redis at %s has no room for new payments, and workers need what is left: %w; %s", a.config.Where(), err, again)
	case errors.Is(err, errOutput):
		return fmt.Errorf("%w; %s", err, again)
	default:
		return fmt.Errorf("redis at %s: %w; %s", a.config.Where(), err, again)
	}
}

var (
	errInput  = errors.New("the input cannot be read on")
	errOutput = errors.New("the results cannot be written")
)

// knownAccounts are the accounts whose settings this environment holds; nil where it holds none, or not enough to tell: then tasks of
// any provider are accepted and wait for a worker that has the credentials.
func knownAccounts(a *app) map[string][]string {
	if err := config.Complete(&a.config.Providers); err != nil {
		a.say("warning: the providers' settings in this environment are not complete, so tasks are not compared with them: %s", err)
		return nil
	}
	var known map[string][]string
	for _, account := range a.config.Accounts() {
		if known == nil {
			known = map[string][]string{}
		}
		known[account.Provider] = append(known[account.Provider], account.Name)
	}
	return known
}

// size is that of a regular file, 0 for anything else.
func size(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

// linger is how long a batch waits for more lines after its first: a pipe that delivers one now and then gets its answer at once.
const linger = 10 * time.Millisecond
