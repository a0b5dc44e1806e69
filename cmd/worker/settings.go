package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/shell"
	"github.com/remesa/remesa/providers/catalog"
)

// isProvider reports whether a section of settings is a provider's.
func isProvider(section string) bool {
	for _, p := range catalog.Providers() {
		if p.Title == section {
			return true
		}
	}
	return false
}

type settingsCmd struct {
	Section string `arg:"" optional:"" help:"The section, or how its title begins."`
}

// Run prints the sections, or the settings of one.
func (c *settingsCmd) Run(ctx *kong.Context, l i18n.Locale) error {
	if c.Section != "" {
		return shell.WriteSettings(os.Stdout, l, ctx.Kong, c.Section, config.Help)
	}
	for _, section := range shell.Sections(ctx.Kong) {
		if _, err := fmt.Println(section); err != nil {
			return err
		}
	}
	return nil
}

type completionCmd struct{ shell.Completion }

// Run prints the script.
func (c *completionCmd) Run() error { return c.Write(os.Stdout, "worker") }

// examples are those in each command's help.
func examples() shell.Examples {
	return shell.Examples{
		"run":             {"worker run", "worker run --redis-url redis://127.0.0.1:6379/0 --concurrency 32"},
		"check":           {"worker check", "worker check --json"},
		"sandbox serve":   {"worker sandbox", "worker sandbox serve --addr 127.0.0.1:9090"},
		"sandbox trigger": {"worker sandbox trigger hang_up_after --provider virtualpos --next 1"},
		"demo":            {"worker demo", "worker demo --once"},
		"key":             {"worker key"},
		"password":        {"worker password ana >> users"},
		"healthcheck":     {"worker healthcheck", "worker healthcheck --ready"},
		"settings":        {"worker settings", "worker settings virtualpos"},
		"completion":      {"source <(worker completion bash)", "worker completion fish | source"},
	}
}
