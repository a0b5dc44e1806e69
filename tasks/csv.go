package tasks

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// csvRecords reads records as RFC 4180 writes them; a carriage return alone ends a line too, as in
// files of old spreadsheets. Unlike encoding/csv it bounds a record's size, and a record with a
// misplaced quote does not take the next line with it.
type csvRecords struct {
	in    *bufio.Reader
	line  int // lines begun so far
	bytes int // of the record being read
	cells []string
	cell  []byte
	now   record // the record being read
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

type csvState int

const (
	cellStart csvState = iota
	inPlain
	inQuoted
	quoteInQuoted // the end of the cell, or the first half of a doubled quote
)

// next returns the next record that is not a blank line.
func (c *csvRecords) next() (record, error) {
	if c.line == 0 {
		if err := skipByteOrderMark(c.in); err != nil {
			return record{}, err
		}
		c.line = 1
	}
	for {
		if err := c.read(); err != nil {
			return record{}, err
		}
		if !c.blank() {
			c.now.cells = c.cells
			return c.now, nil
		}
	}
}

// blank reports whether the record is an empty line or one of blanks; a quoted cell is not.
func (c *csvRecords) blank() bool {
	return len(c.cells) == 1 && c.bytes == len(c.cells[0]) && strings.TrimSpace(c.cells[0]) == ""
}

// read reads one record up to and with its line end, or the end of the file.
func (c *csvRecords) read() error {
	c.cells, c.cell, c.bytes, c.now = nil, c.cell[:0], 0, record{line: c.line, last: c.line}
	for state := cellStart; ; {
		b, err := c.in.ReadByte()
		if errors.Is(err, io.EOF) && (c.bytes > 0 || len(c.cells) > 0) {
			c.endOfFile(state)
			return nil
		}
		if err != nil {
			return err
		}
		c.now.last = c.line
		if c.endsLine(b) {
			c.line++
			if state != inQuoted {
				c.endRecord()
				return nil
			}
			if b == '\n' {
				c.dropCarriageReturn()
			}
		}
		state = c.step(state, b)
	}
}

// endOfFile ends the record that the file ends in.
func (c *csvRecords) endOfFile(state csvState) {
	c.now.open = c.now.last == c.line
	if state == inQuoted {
		c.fail(endlessQuote)
	}
	c.endRecord()
}

// endsLine reports whether the byte that was read ends a line: a line feed, or a carriage return
// that none follows.
func (c *csvRecords) endsLine(b byte) bool {
	if b != '\r' {
		return b == '\n'
	}
	next, _ := c.in.Peek(1) // the reading that follows meets the error again
	return len(next) == 0 || next[0] != '\n'
}

// step takes one byte that does not end the record.
func (c *csvRecords) step(state csvState, b byte) csvState {
	c.bytes++
	if c.bytes > maxLine+1 { // one for the carriage return before the line's end
		c.fail(tooLong)
	}
	switch {
	case b == '"':
		return c.quote(state)
	case b == ',' && state != inQuoted:
		c.endCell()
		return cellStart
	case state == quoteInQuoted && b != '\r':
		c.fail(misplacedQuote)
	}
	c.keep(b)
	if state == inQuoted {
		return inQuoted
	}
	return inPlain
}

func (c *csvRecords) quote(state csvState) csvState {
	switch state {
	case cellStart:
		c.now.quote = c.line
		return inQuoted
	case inQuoted:
		return quoteInQuoted
	case quoteInQuoted:
		c.keep('"')
		return inQuoted
	default:
		c.fail(misplacedQuote)
		return inPlain
	}
}

const (
	misplacedQuote = "a quote stands where none may: put the whole cell in quotes, and double the quotes inside"
	endlessQuote   = "a quoted cell has no end"
	tooLong        = "longer than 1 MiB"
)

// fail keeps the first thing that is wrong with the record.
func (c *csvRecords) fail(problem string) {
	if c.now.wrong == "" {
		c.now.wrong = problem
	}
}

func (c *csvRecords) endRecord() {
	c.dropCarriageReturn()
	if c.bytes > maxLine {
		c.fail(tooLong)
	}
	c.endCell()
}

func (c *csvRecords) endCell() {
	if c.now.wrong == "" {
		c.cells = append(c.cells, string(c.cell))
	}
	c.cell = c.cell[:0]
}

// keep drops everything of a record that is already wrong, so that no record takes more memory than
// a right one may.
func (c *csvRecords) keep(b byte) {
	if c.now.wrong == "" {
		c.cell = append(c.cell, b)
	}
}

func (c *csvRecords) dropCarriageReturn() {
	if n := len(c.cell); n > 0 && c.cell[n-1] == '\r' {
		c.cell = c.cell[:n-1]
		c.bytes--
	}
}
