package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/login"
	"github.com/remesa/remesa/internal/terminal"
)

type passwordCmd struct {
	Name string `arg:"" help:"Whom the password lets in: 1 to 64 letters, digits and . _ @ + -."`
}

// Run reads a password and prints the user's line of REMESA_DASHBOARD_USERS_FILE and nothing else,
// so that it can go straight into it.
func (cmd passwordCmd) Run(ctx context.Context, _ *config.Config, l i18n.Locale) error {
	if err := login.CheckName(cmd.Name); err != nil {
		return err
	}
	password, err := readPassword(ctx, l.CLI.Password, os.Stdin, os.Stderr)
	if err != nil {
		return err
	}
	line, err := login.Line(cmd.Name, password)
	if err != nil {
		return err
	}
	fmt.Println(line)
	return nil
}

// longestPassword bounds what is read; it is longer than any hash uses.
const longestPassword = 1024

// readPassword prompts twice without echo on a terminal, or reads one line. Its errors repeat
// nothing of what was read.
func readPassword(ctx context.Context, words i18n.CLIPassword, in *os.File, prompt io.Writer) (string, error) {
	if !term.IsTerminal(int(in.Fd())) {
		return oneLine(in)
	}
	first, err := terminal.ReadSecret(ctx, in, prompt, words.Ask)
	if err != nil {
		return "", err
	}
	second, err := terminal.ReadSecret(ctx, in, prompt, words.Again)
	if err == nil && first != second {
		err = errors.New("the two differ")
	}
	return first, err
}

func oneLine(in io.Reader) (string, error) {
	scanner := bufio.NewScanner(io.LimitReader(in, longestPassword+1))
	var lines []string
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	if scanner.Err() != nil || len(lines) != 1 || len(lines[0]) > longestPassword {
		return "", errors.New("standard input must have one line, the password")
	}
	return lines[0], nil
}
