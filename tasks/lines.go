package tasks

import (
	"fmt"
	"io"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/strictjson"
)

// Format is how a file of tasks is written.
type Format string

// The formats of NewReader.
const (
	JSONLines Format = "jsonl"
	CSV       Format = "csv"
)

// Line is one task of a file, or what is wrong with it.
type Line struct {
	// Number is the line, counted from 1, on which the task begins.
	Number int
	Task   Task
	// Key is the payment's, of a wrong line too where it can be read; else the zero Key.
	Key idempotency.Key
	// Err is a *FieldError; the lines behind a wrong one are read all the same.
	Err error
}

// Reader reads tasks one by one in bounded memory, however long the file or one of its lines is.
type Reader struct {
	next func() (Line, error)
}

// NewReader reads tasks in the given format. A byte order mark at the start, blank lines and CRLF
// are no errors, nor are lines of CSV that end in CR alone.
func NewReader(r io.Reader, f Format) (*Reader, error) {
	switch f {
	case JSONLines:
		return NewReaderAs("", r), nil
	case CSV:
		return &Reader{newRows(r).next}, nil
	}
	return nil, fmt.Errorf("format: must be %s or %s", JSONLines, CSV)
}

// NewReaderAs reads JSON Lines of tasks of one type, each as DecodeAs does.
func NewReaderAs(kind string, r io.Reader) *Reader {
	return &Reader{jsonLines(kind, strictjson.NewLines(r))}
}

// ErrCut ends a file that was cut in transfer, or is still being written: it ends within a line,
// with an object or a row that is not complete. That line was an invalid one before.
var ErrCut = strictjson.ErrCut

// Next returns the next task or what is wrong with it; io.EOF at the end, ErrCut where that is no
// end, and the reader's own error where the file cannot be read on.
func (r *Reader) Next() (Line, error) { return r.next() }

func jsonLines(kind string, lines *strictjson.Lines) func() (Line, error) {
	return func() (Line, error) {
		number, text, err := lines.Next()
		if err != nil {
			return Line{}, err
		}
		return newLine(kind, number, text), nil
	}
}

// newLine decodes a task's JSON.
func newLine(kind string, number int, text []byte) Line {
	task, err := DecodeAs(kind, text)
	if err != nil {
		return Line{Number: number, Key: keyOf(kind, text), Err: err}
	}
	return Line{Number: number, Task: task, Key: task.Key()}
}
