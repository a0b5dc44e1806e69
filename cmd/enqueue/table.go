package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/internal/paymentfile"
	"github.com/remesa/remesa/internal/spreadsheet"
	"github.com/remesa/remesa/tasks"
)

// A file is JSON Lines, or a table: CSV, or a workbook. A table that is wrong as a whole, in its
// header or its charset, is refused as a whole: no result lines, exit code 2, and on stderr all
// that is wrong with it.

// The formats of --format.
const (
	formatJSONLines = string(tasks.JSONLines)
	formatCSV       = string(tasks.CSV)
	formatWorkbook  = "xlsx"
)

// mostWorkbook is how many bytes a workbook may have: it is read as a whole, and several times.
const mostWorkbook = 32 << 20

// tableInput is what is known of a table.
type tableInput struct {
	options  paymentfile.Options
	given    bool // an option that only tables have
	workbook []byte
	reader   *paymentfile.Reader // that was opened last
}

// lineReader reads the lines of a file.
type lineReader interface {
	Next() (tasks.Line, error)
}

// readTableOptions reads --locale, --decimal-comma and --map.
func (c *submitCmd) readTableOptions() error {
	o := &c.table.options
	o.Locale = spreadsheet.Locale(c.Locale)
	if c.DecimalComma {
		if o.Locale == spreadsheet.Mexico {
			return usage("--decimal-comma: amounts in es-MX have a point before decimals; give one of the two flags")
		}
		o.Locale = spreadsheet.DecimalComma
	}
	for _, text := range c.Map {
		m, err := paymentfile.ParseMap(text)
		if err != nil {
			return usage("--map: %w", err)
		}
		o.Maps = append(o.Maps, m)
	}
	c.table.given = o.Locale != "" || len(o.Maps) > 0
	return nil
}

// format is how the input is written, by its flag or its name.
func (c *submitCmd) format() string {
	if c.Format != "" {
		return c.Format
	}
	switch strings.ToLower(filepath.Ext(c.File)) {
	case ".csv", ".tsv", ".txt":
		return formatCSV
	case ".xlsx":
		return formatWorkbook
	default:
		return formatJSONLines
	}
}

// prepare reads a workbook, and checks the charset of a text that can be read again.
func (c *submitCmd) prepare(file input) error {
	regular := file.before.Mode().IsRegular()
	if strings.EqualFold(filepath.Ext(c.File), ".txt") && c.Format == "" && regular {
		if err := c.findFormat(file); err != nil {
			return err
		}
	}
	switch c.format() {
	case formatJSONLines:
		if c.table.given {
			return usage("--locale, --decimal-comma and --map are for tables: CSV and workbooks")
		}
		return nil
	case formatWorkbook:
		return c.readWorkbook(file)
	}
	if !regular || inputName(c.File) == "stdin" {
		return nil
	}
	if _, err := io.Copy(io.Discard, spreadsheet.NewDecoder(file)); err != nil {
		return readError(err)
	}
	return rewind(file)
}

// findFormat tells JSON Lines in a .txt from a table.
func (c *submitCmd) findFormat(file input) error {
	start := make([]byte, 64)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return readError(err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(start[:n], []byte("\xef\xbb\xbf"))), []byte("{")) {
		c.Format = formatJSONLines
	}
	return rewind(file)
}

func (c *submitCmd) readWorkbook(file input) (err error) {
	c.table.workbook, err = io.ReadAll(io.LimitReader(file, mostWorkbook+1))
	if err != nil {
		return readError(err)
	}
	if len(c.table.workbook) > mostWorkbook {
		return spreadsheet.ErrTooLarge
	}
	return nil
}

func rewind(file input) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%w: %w", errInput, err)
	}
	return nil
}

// readError is a failure to read, unless it says what is wrong with the file.
func readError(err error) error {
	if refuses(err) {
		return err
	}
	return fmt.Errorf("%w: %w", errInput, err)
}

// reader reads the lines of the input, from its beginning.
func (c *submitCmd) reader(in io.Reader) (_ lineReader, err error) {
	switch c.format() {
	case formatCSV:
		c.table.reader, err = paymentfile.Open(in, c.table.options)
	case formatWorkbook:
		c.table.reader, err = paymentfile.OpenWorkbook(c.table.workbook, c.table.options)
	default:
		return tasks.NewReader(in, tasks.JSONLines)
	}
	if err != nil {
		return nil, readError(err)
	}
	return c.table.reader, nil
}

// refuses reports whether an error says what is wrong with a table as a whole.
func refuses(err error) bool {
	if errors.As(err, new(*paymentfile.Refusal)) {
		return true
	}
	for _, of := range []error{spreadsheet.ErrCharset, spreadsheet.ErrSeparator, spreadsheet.ErrNoSeparator, spreadsheet.ErrWorkbook, spreadsheet.ErrTooLarge} {
		if errors.Is(err, of) {
			return true
		}
	}
	return false
}

// refusal tells all that is wrong with a table that is refused as a whole; any other error it
// returns.
func (c *submitCmd) refusal(a *app, err error) error {
	if err == nil || !refuses(err) || errors.Is(err, errInput) {
		return err
	}
	words, name := fileTexts(), inputName(c.File)
	if refused := (*paymentfile.Refusal)(nil); errors.As(err, &refused) {
		for _, p := range refused.Problems {
			a.notice("%s: %s", name, words.problem(p))
		}
	} else {
		a.notice("%s: %s", name, err)
	}
	a.notice("%s", words.NothingEnqueued)
	return exitError(exitRefused)
}

// cutOff reports whether the table that was read ends within a line.
func (c *submitCmd) cutOff() bool { return c.table.reader != nil && c.table.reader.Notes().Open }

// tellNotes says how a table was read.
func (c *submitCmd) tellNotes(a *app) {
	if c.table.reader == nil {
		return
	}
	for _, note := range fileTexts().notes(c.table.reader.Notes()) {
		a.notice("%s: %s", inputName(c.File), note)
	}
}

// mostTold bounds how many rows are told of one by one.
const mostTold = 20

// tellRow tells people what is wrong with a row of a table, of the first mostTold; nil for JSON
// Lines, which people do not write.
func (c *submitCmd) tellRow(s *taskIntake) func(tasks.Line, intake.Result) {
	if c.table.reader == nil {
		return nil
	}
	told, program, words := 0, c.table.reader.Notes().Program, fileTexts()
	if !program && s.tasks.Seen == nil {
		s.tasks.Seen = &intake.Seen{}
	}
	return func(line tasks.Line, r intake.Result) {
		text := rowText(words, line, r, program)
		if text == "" {
			return
		}
		s.progress.clear()
		switch told++; {
		case told <= mostTold:
			s.app.notice("%s", text)
		case told == mostTold+1:
			s.app.notice("%s", words.MoreRows)
		}
	}
}

// rowText is what a person is told of a row; of a program's only what a person would do about it.
func rowText(words texts, line tasks.Line, r intake.Result, program bool) string {
	switch r.Result {
	case intake.Invalid:
		p, ok := paymentfile.ProblemOf(line)
		switch {
		case ok && program && p.Fault != paymentfile.AmountUnclear:
			return ""
		case ok:
			return words.problem(p)
		case program:
			return ""
		default:
			return words.Row(line.Number, r.Error)
		}
	case string(tasks.Conflict):
		if program {
			return ""
		}
		return words.conflict(line.Number, r)
	case string(tasks.Duplicate):
		if program || r.First == 0 {
			return ""
		}
		return words.Twice(line.Number, r.First)
	}
	return ""
}
