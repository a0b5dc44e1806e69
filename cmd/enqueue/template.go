package main

import (
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"

	"github.com/remesa/remesa/internal/paymentfile"
)

type templateCmd struct {
	Provider string `arg:"" enum:"${providers}" help:"Whose payments: one of ${enum}."`
	CSV      bool   `name:"csv" xor:"format" help:"For spreadsheets, with a row that explains each column. This is what is written without a flag."`
	JSONL    bool   `name:"jsonl" xor:"format" help:"JSON Lines for programs; stderr explains each field."`
	XLSX     bool   `name:"xlsx" xor:"format" help:"A workbook, with a sheet that explains each column; needs --output where stdout is a terminal."`
	Output   string `short:"o" placeholder:"FILE" help:"Write to a new file instead of stdout."`
}

// Run writes a filled example, which submit takes.
func (c *templateCmd) Run(a *app) error {
	t, err := paymentfile.NewTemplate(c.Provider, fileWords{a.text}.template())
	if err != nil {
		return err
	}
	if c.Output == "" {
		if c.XLSX && isatty.IsTerminal(os.Stdout.Fd()) {
			return usage("--xlsx: a terminal shows no workbook; give --output FILE")
		}
		if err := c.write(a, a.out, t); err != nil {
			return err
		}
		return a.flush()
	}
	f, err := os.OpenFile(c.Output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	if err := c.write(a, f, t); err != nil {
		_ = f.Close() // the first error counts
		return err
	}
	return f.Close()
}

func (c *templateCmd) write(a *app, w io.Writer, t paymentfile.Template) error {
	switch {
	case c.XLSX:
		return t.WriteWorkbook(w)
	case !c.JSONL:
		return t.WriteCSV(w)
	}
	for _, column := range t.Columns {
		a.notice("%s: %s", column.Path, t.Explanation(column))
	}
	for _, line := range t.Lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
