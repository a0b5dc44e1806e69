// Package paymentfile reads payments from the files of finance: text in the charsets and with the
// separators of spreadsheets, or workbooks, under headers in Spanish or English. What a program
// wrote (UTF-8, commas, the fields' own names) it hands on to the strict reader of package tasks,
// with the same results. It guesses nothing: what has two readings is refused, with both.
package paymentfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/remesa/remesa/internal/spreadsheet"
	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/tasks"
)

// Options say how a file is read; the zero Options guess nothing.
type Options struct {
	// Locale is how amounts are written.
	Locale spreadsheet.Locale
	// Maps say what columns are that nobody knows.
	Maps []Map
}

// Notes are what was done to read a file that its sender should know.
type Notes struct {
	// Program: a program wrote the file, or something that is none of people's files either.
	Program bool
	// Unknown are columns that no program's file has; each of its rows is invalid.
	Unknown []Problem
	// Charset and Separator of a text file, Told where a first line "sep=" named the separator.
	Charset   spreadsheet.Charset
	Separator byte
	Told      bool
	// Sheet is that of a workbook which was read, Others are its other visible ones.
	Sheet  string
	Others []string
	// HeaderRow is where the header stands, Rows how many payments stood under it.
	HeaderRow, Rows int
	// EmptyRows had nothing but separators; CommentRows, below the header, begin with #.
	EmptyRows, CommentRows, HiddenRows int
	// ShortCodes are bank codes that lacked a zero, Apostrophes those that a spreadsheet puts
	// before texts.
	ShortCodes, Apostrophes int
	// Open: the last line has no end, so that the file may have been cut.
	Open bool
	// Banks are words for what is to be known of banks that were named: "security".
	Banks []string
}

// Reader reads payments one by one, in the memory of some rows.
type Reader struct {
	options Options
	rows    spreadsheet.Rows
	text    *spreadsheet.Delimited // nil for a workbook
	program *tasks.Reader
	watched *endings
	header  header
	tables  map[[2]string][]fields.Field
	cut     int // the line in whose middle the file ends

	mu    sync.Mutex
	notes Notes
}

// Open reads a text file of r, which it does not close. The error is a *Refusal where the file is
// refused for its header, and one of package spreadsheet where it cannot be read at all.
func Open(r io.Reader, o Options) (*Reader, error) {
	isKnown := func(cell string) bool { return known(cell) || mapped(cell, o.Maps) != nil }
	d, err := spreadsheet.OpenDelimited(r, spreadsheet.Search{Known: isKnown, Below: mostTitles})
	if err != nil {
		return nil, err
	}
	reader := &Reader{options: o, rows: d, text: d}
	if d.Plain() && o.Locale == "" && len(o.Maps) == 0 && (!d.Found() || byProgram(d.Header())) {
		reader.notes.Program = true
		reader.notes.Unknown = unknownIn(d.Header())
		reader.watched = &endings{in: d.Rest()}
		reader.program, err = tasks.NewReader(reader.watched, tasks.CSV)
		return reader, err
	}
	return reader, reader.begin()
}

// OpenWorkbook reads the first visible sheet of a workbook (.xlsx).
func OpenWorkbook(file []byte, o Options) (*Reader, error) {
	w, err := spreadsheet.OpenWorkbook(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	rows, err := w.Rows(0)
	if err != nil {
		return nil, err
	}
	sheets := w.Sheets()
	reader := &Reader{options: o, rows: rows, notes: Notes{Sheet: sheets[0], Others: sheets[1:]}}
	return reader, reader.begin()
}

// byProgram reports whether a header is one that the strict reader takes or refuses as ever: at
// least half of its names are fields, and no other is a word of people's.
func byProgram(names []string) bool {
	fieldNames := 0
	for _, name := range names {
		switch {
		case exact(name):
			fieldNames++
		case known(name):
			return false
		}
	}
	return len(names) == 0 || 2*fieldNames >= len(names)
}

// unknownIn are the unknown columns of a program's header.
func unknownIn(names []string) []Problem {
	var unknown []Problem
	for _, name := range names {
		if len(names) > 1 && !exact(name) && byProgram(names) {
			unknown = append(unknown, Problem{Fault: UnknownColumn, Row: 1, Column: shown(name), Near: spreadsheet.Nearest(name, tasks.ColumnNames())})
		}
	}
	return unknown
}

// begin reads the header.
func (r *Reader) begin() error {
	row, err := r.rows.Next()
	for err == nil && row.Empty() {
		r.notes.EmptyRows++
		row, err = r.rows.Next()
	}
	if errors.Is(err, io.EOF) {
		return nil // no row: the file is empty
	}
	if err != nil {
		return err
	}
	if row.Err != nil || !isHeader(row.Texts(), r.options.Maps) {
		r.noteText()
		return &Refusal{[]Problem{{Fault: NoHeader, Row: r.headerBelow()}}}
	}
	r.noteText()
	r.notes.HeaderRow = row.Number
	if r.header = readHeader(row.Texts(), row.Number, r.options.Maps); len(r.header.problems) > 0 {
		return &Refusal{r.header.problems}
	}
	return nil
}

// mostTitles is how many rows below the first are searched for a header.
const mostTitles = 30

// headerBelow is the row of a header below the first row; 0 where there is none.
func (r *Reader) headerBelow() int {
	for range mostTitles {
		row, err := r.rows.Next()
		if err != nil {
			return 0
		}
		if isHeader(row.Texts(), r.options.Maps) {
			return row.Number
		}
	}
	return 0
}

// Next returns the next payment or what is wrong with it, as tasks.Reader does.
func (r *Reader) Next() (tasks.Line, error) {
	if r.program != nil {
		line, err := r.program.Next()
		r.set(func(n *Notes) { n.Rows, n.Open, n.Charset = n.Rows+1, r.watched.open(), r.text.Charset() })
		return line, err
	}
	if r.cut > 0 {
		return tasks.Line{}, strictjson.CutAt(r.cut)
	}
	for {
		row, err := r.rows.Next()
		r.noteText()
		if err != nil {
			return tasks.Line{}, err
		}
		switch {
		case row.Empty():
			r.count(&r.notes.EmptyRows)
		case r.isComment(row):
			r.count(&r.notes.CommentRows)
		default:
			return r.line(row), nil
		}
	}
}

// isComment: directly below the header a template explains its columns.
func (r *Reader) isComment(row spreadsheet.Row) bool {
	return r.notes.Rows == 0 && row.Err == nil && len(row.Cells) > 0 && strings.HasPrefix(strings.TrimSpace(row.Cells[0].Text), "#")
}

// line reads a row.
func (r *Reader) line(row spreadsheet.Row) tasks.Line {
	r.set(func(n *Notes) {
		n.Rows++
		n.Open = row.Open
		if row.Hidden {
			n.HiddenRows++
		}
	})
	p := &payment{reader: r, row: row}
	columns := len(r.header.columns)
	switch {
	case row.Err != nil:
		problem := Problem{Fault: BadField, Row: row.Number, Path: strictjson.Line, Text: strings.TrimPrefix(row.Err.Error(), "line: ")}
		p.wrong = &rowError{&tasks.FieldError{Path: problem.Path, Problem: problem.Text}, problem}
	case r.text != nil && len(row.Cells) < columns:
		if row.Open {
			r.cut = row.Number
		}
		p.fail(BadField, -1, strictjson.Line, fmt.Sprintf("has %d cells, the header has %d", len(row.Cells), columns))
	case r.isTotal(row):
		p.fail(TotalRow, -1, strictjson.Line, sayTotal)
	default:
		return p.read()
	}
	return tasks.Line{Number: row.Number, Err: p.wrong}
}

// saysTotal reports whether a text begins with a word for a sum.
func saysTotal(text string) bool {
	if text = strings.TrimLeft(text, " *=-"); text == "" || !strings.ContainsRune("TtSs", rune(text[0])) {
		return false // most cells: folding takes its time
	}
	first, _, _ := strings.Cut(spreadsheet.Fold(text), " ")
	return slices.Contains([]string{"total", "totales", "suma", "sumas", "subtotal", "subtotales"}, first)
}

// isTotal reports whether a row has a sum of others: one of its texts says so, and it has no
// reference beside.
func (r *Reader) isTotal(row spreadsheet.Row) bool {
	says := slices.ContainsFunc(row.Cells, func(c spreadsheet.Cell) bool { return saysTotal(c.Text) })
	if !says {
		return false
	}
	for _, path := range []string{"merchant_id", "txnid", "reference"} {
		i := r.header.find(path)
		if i < 0 || i >= len(row.Cells) {
			continue
		}
		if text := row.Cells[i].Text; strings.TrimSpace(text) != "" && !saysTotal(text) {
			return false
		}
	}
	return true
}

// table are the rules of the fields of one type of payment at a provider.
func (r *Reader) table(provider, kind string) []fields.Field {
	key := [2]string{provider, kind}
	if r.tables == nil {
		r.tables = map[[2]string][]fields.Field{}
	}
	if _, ok := r.tables[key]; !ok {
		r.tables[key] = tasks.Table(provider, kind)
	}
	return r.tables[key]
}

// Notes are what was done so far; it may be called while another goroutine reads.
func (r *Reader) Notes() Notes {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.notes
	n.Banks = slices.Clone(n.Banks)
	return n
}

// noteText notes what is known of a text file by now.
func (r *Reader) noteText() {
	if r.text == nil {
		return
	}
	r.set(func(n *Notes) {
		n.Charset = r.text.Charset()
		n.Separator, n.Told = r.text.Separator()
	})
}

func (r *Reader) set(change func(*Notes)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.notes)
}

func (r *Reader) count(n *int) { r.set(func(*Notes) { *n++ }) }

// note keeps what is to be known of a bank, once.
func (r *Reader) note(text string) {
	r.set(func(n *Notes) {
		if text != "" && !slices.Contains(n.Banks, text) {
			n.Banks = append(n.Banks, text)
		}
	})
}

// ProblemOf is what is wrong with a row, for people; false where the line is right. The column's
// name is empty where nobody can tell.
func ProblemOf(line tasks.Line) (Problem, bool) {
	if row, ok := errors.AsType[*rowError](line.Err); ok {
		return row.problem, true
	}
	field, ok := errors.AsType[*tasks.FieldError](line.Err)
	if !ok {
		return Problem{}, false
	}
	fault := BadField
	if field.Path == "amount" && !strings.HasPrefix(field.Problem, "required") && !strings.HasPrefix(field.Problem, "must be") {
		fault = AmountUnclear
	}
	return Problem{Fault: fault, Row: line.Number, Column: field.Path, Path: field.Path, Text: field.Problem}, true
}

// endings watches how a text ends.
type endings struct {
	in   io.Reader
	last byte
	any  bool
	done bool
}

func (e *endings) Read(p []byte) (int, error) {
	n, err := e.in.Read(p)
	if n > 0 {
		e.last, e.any = p[n-1], true
	}
	e.done = e.done || errors.Is(err, io.EOF)
	return n, err
}

// open reports whether the text ended within a line.
func (e *endings) open() bool { return e.done && e.any && e.last != '\n' && e.last != '\r' }
