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
	words, name := fileWords{a.text}, inputName(c.File)
	if refused, ok := errors.AsType[*paymentfile.Refusal](err); ok {
		for _, p := range refused.Problems {
			a.say(clean(name + ": " + words.problem(p)))
		}
	} else {
		a.say(clean(name + ": " + words.unreadable(err)))
	}
	a.say(a.text.Files.NothingEnqueued)
	return exitError(exitRefused)
}

// cutOff reports whether the table that was read ends within a line.
func (c *submitCmd) cutOff() bool { return c.table.reader != nil && c.table.reader.Notes().Open }

// tellNotes says how a table was read.
func (c *submitCmd) tellNotes(a *app) {
	if c.table.reader == nil {
		return
	}
	for _, note := range (fileWords{a.text}).notes(c.table.reader.Notes()) {
		a.say(clean(inputName(c.File) + ": " + note))
	}
}

// tellRow has words for the rows of a table, with the column's name; nil for JSON Lines, which
// people do not write. It lets the rows of people's tables be compared with each other.
func (c *submitCmd) tellRow(s *taskIntake) func(tasks.Line, intake.Result) string {
	if c.table.reader == nil {
		return nil
	}
	if !c.table.reader.Notes().Program && s.tasks.Seen == nil {
		s.tasks.Seen = &intake.Seen{}
	}
	return func(line tasks.Line, r intake.Result) string { return c.told(s.app, line, r) }
}

func (c *submitCmd) told(a *app, line tasks.Line, r intake.Result) string {
	if c.table.reader == nil {
		return ""
	}
	return fileWords{a.text}.row(line, r, c.table.reader.Notes().Program)
}
