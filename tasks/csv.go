package tasks

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// csvRecords reads records as RFC 4180 writes them. Unlike encoding/csv it bounds a record's size, and a record with a misplaced quote
// does not take the next line with it.
type csvRecords struct {
	in    *bufio.Reader
	line  int // lines begun so far
	bytes int // of the record being read
	cells []string
	cell  []byte
	wrong string
}

// record is one record: its cells, or what is wrong with it.
type record struct {
	line  int
	cells []string
	wrong string
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
		start := c.line
		if err := c.read(); err != nil {
			return record{}, err
		}
		if !c.blank() {
			return record{start, c.cells, c.wrong}, nil
		}
	}
}

// blank reports whether the record is an empty line or one of blanks; a quoted cell is not.
func (c *csvRecords) blank() bool {
	return len(c.cells) == 1 && c.bytes == len(c.cells[0]) && strings.TrimSpace(c.cells[0]) == ""
}

// read reads one record up to and with its line end, or the end of the file.
func (c *csvRecords) read() error {
	c.cells, c.cell, c.bytes, c.wrong = nil, c.cell[:0], 0, ""
	for state := cellStart; ; {
		b, err := c.in.ReadByte()
		if errors.Is(err, io.EOF) && (c.bytes > 0 || len(c.cells) > 0) {
			if state == inQuoted {
				c.fail("a quoted cell has no end")
			}
			c.endRecord()
			return nil
		}
		if err != nil {
			return err
		}
		if b == '\n' {
			c.line++
			if state != inQuoted {
				c.endRecord()
				return nil
			}
			c.dropCarriageReturn()
		}
		state = c.step(state, b)
	}
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
	tooLong        = "longer than 1 MiB"
)

// fail keeps the first thing that is wrong with the record.
func (c *csvRecords) fail(problem string) {
	if c.wrong == "" {
		c.wrong = problem
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
	if c.wrong == "" {
		c.cells = append(c.cells, string(c.cell))
	}
	c.cell = c.cell[:0]
}

// keep drops everything of a record that is already wrong, so that no record takes more memory than a right one may.
func (c *csvRecords) keep(b byte) {
	if c.wrong == "" {
		c.cell = append(c.cell, b)
	}
}

func (c *csvRecords) dropCarriageReturn() {
	if n := len(c.cell); n > 0 && c.cell[n-1] == '\r' {
		c.cell = c.cell[:n-1]
		c.bytes--
	}
}
