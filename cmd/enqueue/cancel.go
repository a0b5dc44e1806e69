package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/remesa/remesa/idempotency"
)

type cancelCmd struct {
	Keys    []string     `arg:"" optional:"" name:"key" help:"${key}."`
	File    string       `placeholder:"FILE" help:"File with one key per line (- is stdin); blank lines are skipped. With --confirm-count none is cancelled unless count and sums are right; without it each that can be is."`
	Blocked blockedFlags `embed:""`
	Actor   actorFlags   `embed:""`
}

// Validate wants keys from one place.
func (c *cancelCmd) Validate() error {
	if err := c.Blocked.validate(len(c.Keys) > 0, c.File); err != nil {
		return err
	}
	return c.Actor.Validate()
}

// Run cancels each payment, also where cancelling another one fails.
func (c *cancelCmd) Run(a *app) error {
	do := func(k idempotency.Key, version int64) (idempotency.Transition, error) {
		return a.ledger.Cancel(a.ctx, k, version, c.Actor.actor())
	}
	switch {
	case c.Blocked.All:
		return c.Blocked.each(a, do)
	case c.File == "":
		return c.cancelArguments(a)
	case c.Blocked.Confirm.given():
		return a.interveneInFile(c.File, &c.Blocked.Confirm, do, nil)
	}
	in, err := openInput(c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	return c.cancelLines(a, in)
}

// cancelArguments checks the form of all keys before it cancels the first payment.
func (c *cancelCmd) cancelArguments(a *app) error {
	var keys []idempotency.Key
	for _, text := range c.Keys {
		k, err := a.findKey(text)
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	var worst error
	for _, k := range keys {
		if err := a.goOn(&worst, c.cancel(a, k)); err != nil {
			return err
		}
	}
	return worst
}

const longestKeyLine = 4 << 10

func (c *cancelCmd) cancelLines(a *app, in io.Reader) error {
	var worst error
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestKeyLine)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		k, err := idempotency.ParseKey(text)
		if err != nil {
			err = fmt.Errorf("%s %d: %w: %w", a.text.CLI.Bulk.Line, n, idempotency.ErrRefused, err)
		} else {
			err = c.cancel(a, k)
		}
		if err := a.goOn(&worst, err); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return worst
}

func (c *cancelCmd) cancel(a *app, k idempotency.Key) error {
	s, err := a.intervene(k, func(k idempotency.Key, version int64) (idempotency.Transition, error) {
		return a.ledger.Cancel(a.ctx, k, version, c.Actor.actor())
	})
	if err != nil {
		return err
	}
	if err := a.print(interventionResult{k.String(), s.State}); err != nil {
		return err
	}
	return a.flush()
}

// goOn prints why a payment was left as it is and keeps the worst exit code. It returns an error
// that the next payment would meet too.
func (a *app) goOn(worst *error, err error) error {
	if err == nil || !expected(err) {
		return err
	}
	a.say(a.describe(err))
	if code := exitError(exitCode(err)); *worst == nil || code == exitRefused {
		*worst = code
	}
	return nil
}

// openInput opens a file, or stdin for "-" and for no name.
func openInput(name string) (*os.File, error) {
	if name == "" || name == "-" {
		return os.Stdin, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return f, nil
}
