package tasks

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/remesa/remesa/idempotency"
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
	in := bufio.NewReaderSize(r, 64<<10)
	switch f {
	case JSONLines:
		return &Reader{(&jsonLines{in: in}).next}, nil
	case CSV:
		return &Reader{(&csvRows{records: csvRecords{in: in}}).next}, nil
	}
	return nil, fmt.Errorf("format: must be %s or %s", JSONLines, CSV)
}

// ErrCut ends a file that was cut in transfer, or is still being written: it ends within a line,
// with an object or a row that is not complete. That line was an invalid one before.
var ErrCut = errors.New("the file ends in the middle of this line: it was cut in transfer, or is still being written")

func cutAt(line int) error { return fmt.Errorf("line %d: %w", line, ErrCut) }

// Next returns the next task or what is wrong with it; io.EOF at the end, ErrCut where that is no
// end, and the reader's own error where the file cannot be read on.
func (r *Reader) Next() (Line, error) { return r.next() }

// newLine decodes a task's JSON.
func newLine(number int, text []byte) Line {
	task, err := Decode(text)
	if err != nil {
		return Line{Number: number, Key: keyOf(text), Err: err}
	}
	return Line{Number: number, Task: task, Key: task.Key()}
}

func skipByteOrderMark(in *bufio.Reader) error {
	mark := []byte("\xef\xbb\xbf")
	start, err := in.Peek(len(mark))
	if bytes.Equal(start, mark) {
		_, err = in.Discard(len(mark))
	}
	if errors.Is(err, io.EOF) {
		return nil // the reading that follows meets it again
	}
	return err
}

type jsonLines struct {
	in     *bufio.Reader
	number int
	line   []byte
	open   bool // the line ends with the file
}

func (j *jsonLines) next() (Line, error) {
	if err := j.readFilled(); err != nil {
		return Line{}, err
	}
	return newLine(j.number, j.line), nil
}

// readFilled reads the next line that is not blank.
func (j *jsonLines) readFilled() error {
	if j.open && isCut(j.line) {
		return cutAt(j.number)
	}
	for {
		if err := j.read(); err != nil {
			return err
		}
		if len(bytes.TrimSpace(j.line)) > 0 {
			return nil
		}
	}
}

// isCut reports whether the line is the beginning of an object and no more.
func isCut(line []byte) bool {
	var value json.RawMessage
	return len(line) <= maxLine && bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) &&
		errors.Is(json.NewDecoder(bytes.NewReader(line)).Decode(&value), io.ErrUnexpectedEOF)
}

// read reads one line into j.line without its end. Of a line that is too long it keeps one byte
// more than allowed, or two where a carriage return may follow, and skips the rest.
func (j *jsonLines) read() error {
	if j.number == 0 {
		if err := skipByteOrderMark(j.in); err != nil {
			return err
		}
	}
	j.number++
	j.line = j.line[:0]
	for {
		part, err := j.in.ReadSlice('\n')
		j.line = append(j.line, part[:min(len(part), maxLine+2-len(j.line))]...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(j.line) > 0, err == nil:
			j.open = err != nil
			j.trimEnd()
			return nil
		default:
			return err
		}
	}
}

func (j *jsonLines) trimEnd() {
	j.line = bytes.TrimSuffix(bytes.TrimSuffix(j.line, []byte("\n")), []byte("\r"))
}
