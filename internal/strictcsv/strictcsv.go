// Package strictcsv reads CSV (RFC 4180) under a header, streaming, in the memory of one row of at
// most 1 MiB. It repairs nothing: a row with a misplaced quote, or with other cells than the
// header, is invalid, and harms no other row.
//
// A carriage return alone ends a line too, as in files of old spreadsheets; a byte order mark and
// blank lines are no errors. A quote that is not closed makes many lines one row. Each of them may
// have been meant as a row, so the Reader reports each.
package strictcsv

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/remesa/remesa/internal/strictjson"
)

// bufferSize is what a Reader holds besides one row.
const bufferSize = 64 << 10

// Table says what the rows mean.
type Table interface {
	// Header takes the names of the columns, once, before any row. Its error is that of every row.
	Header(names []string) error
	// Row takes a row's cells, as many as there are columns. Its error is the row's.
	Row(cells []string) error
}

// Row says what became of a row, or of a line that an invalid row took with it.
type Row struct {
	// Line on which it begins, counted from 1.
	Line int
	// Err is Header's or Row's, or a *strictjson.Error where the row never came so far.
	Err error
	// Spread says which lines an invalid row of several lines took; empty for any other.
	Spread string
}

// Reader reads rows one by one.
type Reader struct {
	records  records
	table    Table
	columns  int
	header   error  // what is wrong with the header, of every row
	first    record // the header's
	begun    bool
	reported bool  // the header's error, if it has one
	taken    Taken // by the record before
	cut      int   // the line in whose middle the file ends; 0 where it does not
}

// NewReader reads from r, which it does not close.
func NewReader(r io.Reader, t Table) *Reader {
	return &Reader{records: newRecords(r, ','), table: t}
}

// Taken are the lines that an invalid row takes besides its first; the zero Taken are none.
type Taken struct{ by, next, last int }

func (t *Taken) more() bool { return t.last > 0 && t.next <= t.last }

// Next is the next of these lines; false after the last.
func (t *Taken) Next() (Row, bool) {
	if !t.more() {
		return Row{}, false
	}
	n := t.next
	t.next++
	return Row{Line: n, Err: fail(strictjson.Line, fmt.Sprintf("belongs to the invalid row that begins on line %d, by a quoted cell that goes on over it", t.by))}, true
}

func fail(path, problem string) error { return &strictjson.Error{Path: path, Problem: problem} }

// Next hands the next row to the table and says what became of it. It ends with io.EOF, with
// strictjson.ErrCut where that is no end, or with the reader's own error.
func (r *Reader) Next() (Row, error) {
	if row, more := r.taken.Next(); more {
		return row, nil
	}
	if r.cut > 0 {
		return Row{}, strictjson.CutAt(r.cut)
	}
	if !r.begun {
		if err := r.readHeader(); err != nil {
			return Row{}, err
		}
	}
	if r.header != nil && !r.reported && r.first.last > r.first.line {
		return r.tellHeader(), nil
	}
	rec, err := r.records.next()
	if errors.Is(err, io.EOF) && r.header != nil && !r.reported {
		return r.tellHeader(), nil
	}
	if err != nil {
		return Row{}, err
	}
	r.reported = true
	return r.row(rec), nil
}

// reportHeader reports the header itself where it is invalid and no row can report it, or where it
// took rows with it.
func (r *Reader) tellHeader() Row {
	r.reported = true
	r.swallow(r.first)
	return Row{Line: r.first.line, Err: r.header, Spread: r.first.spread()}
}

// swallow makes Next report the lines that an invalid record takes besides its first.
func (r *Reader) swallow(rec record) {
	r.taken = rec.taken()
}

func (r *Reader) row(rec record) Row {
	row := Row{Line: rec.line, Err: r.judge(rec)}
	if row.Err == nil {
		return row
	}
	r.swallow(rec)
	row.Spread = rec.spread()
	if row.Err == r.header { //nolint:errorlint // the very error, not one like it
		row.Spread = strings.Trim(r.first.spread()+"; "+row.Spread, "; ")
	}
	if rec.isCut(r.columns) {
		r.cut = rec.last
	}
	return row
}

// judge hands a record that can be read to the table.
func (r *Reader) judge(rec record) error {
	switch {
	case rec.wrong != "":
		return fail(strictjson.Line, rec.wrong)
	case r.header != nil:
		return r.header
	case len(rec.cells) != r.columns:
		return fail(strictjson.Line, fmt.Sprintf("has %d cells, the header has %d", len(rec.cells), r.columns))
	}
	return r.table.Row(rec.cells)
}

// spread says which lines a record of several lines takes: a quote that is not closed joins rows to
// one.
func (rec record) spread() string {
	if rec.last == rec.line {
		return ""
	}
	return fmt.Sprintf("a quoted cell (the last one begins on line %d) makes the %d lines %d to %d one row, and none of them was taken",
		rec.quote, rec.last-rec.line+1, rec.line, rec.last)
}

// isCut reports whether the file ends in the middle of this record: before its line's end, with a
// cell that is missing or not closed.
func (rec record) isCut(columns int) bool {
	if !rec.open || columns == 0 {
		return false
	}
	return rec.wrong == endlessQuote && rec.quote == rec.last || rec.wrong == "" && len(rec.cells) < columns
}

func (r *Reader) readHeader() error {
	rec, err := r.records.next()
	if err != nil {
		return err
	}
	r.begun, r.first = true, rec
	if rec.wrong != "" {
		r.header = fail("header", rec.wrong)
		return nil
	}
	if r.header = r.table.Header(rec.cells); r.header == nil {
		r.columns = len(rec.cells)
	}
	return nil
}
