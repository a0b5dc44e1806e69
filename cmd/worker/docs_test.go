package main

import (
	"io"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/docstest"
	"github.com/remesa/remesa/internal/i18n"
)

// TestTheLinesOfThePagesAreCommands parses each line that a page shows, as it would be typed.
func TestTheLinesOfThePagesAreCommands(t *testing.T) {
	t.Parallel()
	docstest.Check(t, "../..", "worker", func(words []string) error {
		c := cli{Config: *config.New()}
		k, err := kong.New(&c, append(options(i18n.New(i18n.English, nil)), kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard))...)
		if err != nil {
			return err
		}
		_, err = k.Parse(words)
		return err
	})
}
