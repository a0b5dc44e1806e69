package strictcsv

import (
	"bufio"
	"io"

	"github.com/remesa/remesa/internal/strictjson"
)

// Record is one record of a file of any shape: a header, a row, a title above them.
type Record struct {
	// Line on which it begins, counted from 1.
	Line int
	// Cells are as many as there are; none where Err says what is wrong with the record.
	Cells []string
	Err   error
	// Spread says which lines a record of several lines takes, and Taken are those besides its
	// first, for whoever refuses it.
	Spread string
	Taken  Taken
	// Open: the file ends with it, without a line end. Endless: in a quoted cell of its last line.
	Open, Endless bool
}

// Records reads the records of a file one by one, as a Reader does, and judges nothing but quotes
// and lengths.
type Records struct{ records records }

// NewRecords reads from r, which it does not close: cells with a separator between them, from a
// line of that number on.
func NewRecords(r io.Reader, separator byte, line int) *Records {
	rs := newRecords(r, separator)
	rs.line = line
	return &Records{rs}
}

func newRecords(r io.Reader, separator byte) records {
	return records{in: bufio.NewReaderSize(r, bufferSize), comma: separator}
}

// Next returns the next record that is not a blank line. It ends with io.EOF or with the reader's
// own error.
func (r *Records) Next() (Record, error) {
	rec, err := r.records.next()
	if err != nil {
		return Record{}, err
	}
	out := Record{
		Line: rec.line, Cells: rec.cells, Spread: rec.spread(), Taken: rec.taken(),
		Open: rec.open, Endless: rec.wrong == endlessQuote && rec.quote == rec.last,
	}
	if rec.wrong != "" {
		out.Cells, out.Err = nil, fail(strictjson.Line, rec.wrong)
	}
	return out, nil
}

// taken are the lines of the record besides its first.
func (rec record) taken() Taken { return Taken{by: rec.line, next: rec.line + 1, last: rec.last} }
