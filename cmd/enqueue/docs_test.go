package main

import (
	"io"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/docstest"
	"github.com/remesa/remesa/internal/i18n"
)

// lineParser returns what says what is wrong with a line's words, as the command would. Each line
// has a model of its own: the parser keeps what a line gave, and would count it as given in the
// next.
func lineParser(t testing.TB) func([]string) error {
	t.Helper()
	return func(words []string) error {
		c := cli{Config: *config.New()}
		k, err := kong.New(&c, append(options(i18n.New(i18n.English, nil)), kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard))...)
		if err != nil {
			return err
		}
		_, err = k.Parse(words)
		return err
	}
}

// TestTheLinesOfThePagesAreCommands parses each line that a page shows, as it would be typed.
func TestTheLinesOfThePagesAreCommands(t *testing.T) {
	t.Parallel()
	docstest.Check(t, "../..", "enqueue", lineParser(t))
}
