package strictcsv

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"github.com/remesa/remesa/internal/strictjson"
)

// records reads the records of a file, one after the other.
type records struct {
	in    *bufio.Reader
	comma byte // what separates cells
	line  int  // lines begun so far
	bytes int  // of the record being read
	cells []string
	cell  []byte
	now   record // what is known of it
}

// record is one record: its cells, or what is wrong with it.
type record struct {
	line  int // on which it begins
	last  int // on which it ends
	quote int // on which its last quoted cell begins; 0 where it has none
	cells []string
	wrong string
	open  bool // it ends with the file, in the middle of a line
}

type state int

const (
	cellStart state = iota
	inPlain
	inQuoted
	quoteInQuoted // the end of the cell, or the first half of a doubled quote
)

// next returns the next record that is not a blank line.
func (r *records) next() (record, error) {
	if r.line == 0 {
		if err := strictjson.SkipByteOrderMark(r.in); err != nil {
			return record{}, err
		}
		r.line = 1
	}
	for {
		if err := r.read(); err != nil {
			return record{}, err
		}
		if !r.blank() {
			r.now.cells = r.cells
			return r.now, nil
		}
	}
}

// blank reports whether the record is an empty line or one of blanks; a quoted cell is not.
func (r *records) blank() bool {
	return len(r.cells) == 1 && r.bytes == len(r.cells[0]) && strings.TrimSpace(r.cells[0]) == ""
}

// read reads one record up to and with its line end, or the end of the file.
func (r *records) read() error {
	r.cells, r.cell, r.bytes, r.now = nil, r.cell[:0], 0, record{line: r.line, last: r.line}
	for s := cellStart; ; {
		b, err := r.in.ReadByte()
		if errors.Is(err, io.EOF) && (r.bytes > 0 || len(r.cells) > 0) {
			r.endOfFile(s)
			return nil
		}
		if err != nil {
			return err
		}
		r.now.last = r.line
		if r.endsLine(b) {
			r.line++
			if s != inQuoted {
				r.endRecord()
				return nil
			}
			if b == '\n' {
				r.dropCarriageReturn()
			}
		}
		s = r.step(s, b)
	}
}

// endOfFile ends the record that the file ends in.
func (r *records) endOfFile(s state) {
	r.now.open = r.now.last == r.line
	if s == inQuoted {
		r.fail(endlessQuote)
	}
	r.endRecord()
}

// endsLine reports whether the byte that was read ends a line: a line feed, or a carriage return
// that none follows.
func (r *records) endsLine(b byte) bool {
	if b != '\r' {
		return b == '\n'
	}
	next, _ := r.in.Peek(1) // the reading that follows meets the error again
	return len(next) == 0 || next[0] != '\n'
}

// step takes one byte that does not end the record.
func (r *records) step(s state, b byte) state {
	r.bytes++
	if r.bytes > strictjson.MaxLine+1 { // one for the carriage return before the line's end
		r.fail(strictjson.TooLong)
	}
	switch {
	case b == '"':
		return r.quote(s)
	case b == r.comma && s != inQuoted:
		r.endCell()
		return cellStart
	case s == quoteInQuoted && b != '\r':
		r.fail(misplacedQuote)
	}
	r.keep(b)
	if s == inQuoted {
		return inQuoted
	}
	return inPlain
}

func (r *records) quote(s state) state {
	switch s {
	case cellStart:
		r.now.quote = r.line
		return inQuoted
	case inQuoted:
		return quoteInQuoted
	case quoteInQuoted:
		r.keep('"')
		return inQuoted
	default:
		r.fail(misplacedQuote)
		return inPlain
	}
}

const (
	misplacedQuote = "a quote stands where none may: put the whole cell in quotes, and double the quotes inside"
	endlessQuote   = "a quoted cell has no end"
)

// fail keeps the first thing that is wrong with the record.
func (r *records) fail(problem string) {
	if r.now.wrong == "" {
		r.now.wrong = problem
	}
}

func (r *records) endRecord() {
	r.dropCarriageReturn()
	if r.bytes > strictjson.MaxLine {
		r.fail(strictjson.TooLong)
	}
	r.endCell()
}

func (r *records) endCell() {
	if r.now.wrong == "" {
		r.cells = append(r.cells, string(r.cell))
	}
	r.cell = r.cell[:0]
}

// keep drops everything of a record that is already wrong, so that no record takes more memory than
// a right one may.
func (r *records) keep(b byte) {
	if r.now.wrong == "" {
		r.cell = append(r.cell, b)
	}
}

func (r *records) dropCarriageReturn() {
	if n := len(r.cell); n > 0 && r.cell[n-1] == '\r' {
		r.cell = r.cell[:n-1]
		r.bytes--
	}
}
