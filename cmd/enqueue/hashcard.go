package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"golang.org/x/term"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/terminal"
	"github.com/remesa/remesa/internal/wiring"
	"github.com/remesa/remesa/providers"
)

// hashcardCmd has a provider turn a card into a token. It stores and logs nothing, and needs no
// Redis.
type hashcardCmd struct {
	Provider string `required:"" enum:"${tokenizers}" placeholder:"P" help:"${tokenizers}."`
	Account  string `default:"default" placeholder:"A" help:"The account whose charges will use the card."`
}

// Validate checks the account's form.
func (c *hashcardCmd) Validate() error {
	if !accountForm.MatchString(c.Account) {
		return usage("--account: must be 1 to 32 lower-case letters, digits and dashes")
	}
	return nil
}

// Run prints the card's token.
func (c *hashcardCmd) Run(a *app) error {
	tokenizer, err := c.tokenizer(a)
	if err != nil {
		return usageError{err}
	}
	number, code, err := readCard(a.ctx, os.Stdin, a.errOut, a.text.CLI.Card)
	if err != nil {
		return err
	}
	token, err := tokenizer.Tokenize(a.ctx, number, code)
	if err != nil {
		return fmt.Errorf("hashcard: %w", err)
	}
	if _, err := fmt.Fprintln(a.out, token.Reveal()); err != nil {
		return err
	}
	return a.flush()
}

func (c *hashcardCmd) tokenizer(a *app) (providers.Tokenizer, error) {
	if err := config.Complete(&a.config.Providers); err != nil {
		return nil, err
	}
	for _, account := range a.config.Accounts() {
		if account.Provider.Name != c.Provider || account.Name != c.Account {
			continue
		}
		client, err := wiring.Client(a.config, account, wiring.Shared{})
		if err != nil {
			return nil, err
		}
		if tokenizer, can := client.(providers.Tokenizer); can {
			return tokenizer, nil
		}
	}
	return nil, fmt.Errorf("no account %s/%s is configured", c.Provider, c.Account)
}

var (
	cardNumber   = regexp.MustCompile(`^[0-9]{13,19}$`)
	securityCode = regexp.MustCompile(`^[0-9]{3,4}$`)
)

// readCard prompts without echo on a terminal, or reads two lines. Its errors repeat nothing of
// what was read.
func readCard(ctx context.Context, in *os.File, prompt io.Writer, questions i18n.CLICard) (number, code providers.Secret, err error) {
	lines := twoLines(in)
	if term.IsTerminal(int(in.Fd())) {
		lines = func() (string, string, error) { return promptTwice(ctx, in, prompt, questions) }
	}
	first, second, err := lines()
	if err != nil {
		return "", "", err
	}
	first = strings.NewReplacer(" ", "", "-", "").Replace(first)
	switch {
	case !cardNumber.MatchString(first):
		return "", "", usage("card number: must be 13 to 19 digits")
	case !securityCode.MatchString(second):
		return "", "", usage("security code: must be 3 or 4 digits")
	}
	return providers.Secret(first), providers.Secret(second), nil
}

const maxCardInput = 1024

// twoLines reads the number and the code, and wants the input to end there.
func twoLines(in io.Reader) func() (string, string, error) {
	return func() (string, string, error) {
		var lines []string
		scanner := bufio.NewScanner(io.LimitReader(in, maxCardInput+1))
		for scanner.Scan() {
			lines = append(lines, strings.TrimSpace(scanner.Text()))
		}
		if scanner.Err() != nil {
			return "", "", errors.New("hashcard: stdin cannot be read")
		}
		if len(lines) != 2 {
			return "", "", usage("hashcard: stdin must have two lines, the card number and the security code (found %d)", len(lines))
		}
		return lines[0], lines[1], nil
	}
}

func promptTwice(ctx context.Context, in *os.File, prompt io.Writer, questions i18n.CLICard) (first, second string, err error) {
	if first, err = promptFor(ctx, in, prompt, questions.Number); err != nil {
		return "", "", err
	}
	second, err = promptFor(ctx, in, prompt, questions.SecurityCode)
	return first, second, err
}

func promptFor(ctx context.Context, in *os.File, prompt io.Writer, question string) (string, error) {
	line, err := terminal.ReadSecret(ctx, in, prompt, question)
	if err != nil {
		return "", fmt.Errorf("hashcard: %w", err)
	}
	return strings.TrimSpace(line), nil
}
