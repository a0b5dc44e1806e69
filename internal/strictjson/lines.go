package strictjson

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// bufferSize is what a Lines holds besides one line.
const bufferSize = 64 << 10

// ErrCut ends a file that was cut in transfer, or is still being written: it ends within a line, in
// a value that is not complete. That line was an invalid one before.
var ErrCut = errors.New("the file ends in the middle of this line: it was cut in transfer, or is still being written")

// CutAt is ErrCut with the line in whose middle the file ends.
func CutAt(line int) error { return fmt.Errorf("line %d: %w", line, ErrCut) }

// Lines reads JSON Lines one by one, in the memory of one line, however long the file or one of its
// lines is. A byte order mark at the start, blank lines and CRLF are no errors.
type Lines struct {
	in     *bufio.Reader
	number int
	line   []byte
	open   bool // the line ends with the file
}

// NewLines reads from r, which it does not close.
func NewLines(r io.Reader) *Lines { return &Lines{in: bufio.NewReaderSize(r, bufferSize)} }

// Next reads the next line that is not blank: its number, counted from 1, and its text, valid until
// the next call, which Parse judges. Of a line that is too long it returns more than MaxLine bytes,
// not all. It ends with io.EOF, with ErrCut where that is no end, or with the reader's own error.
func (l *Lines) Next() (number int, text []byte, err error) {
	if l.open && isCut(l.line) {
		return 0, nil, CutAt(l.number)
	}
	for {
		if err := l.read(); err != nil {
			return 0, nil, err
		}
		if len(bytes.TrimSpace(l.line)) > 0 {
			return l.number, l.line, nil
		}
	}
}

// isCut reports whether the line is the beginning of an object and no more.
func isCut(line []byte) bool {
	var value json.RawMessage
	return len(line) <= MaxLine && bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) &&
		errors.Is(json.NewDecoder(bytes.NewReader(line)).Decode(&value), io.ErrUnexpectedEOF)
}

// read reads one line into l.line without its end. Of a line that is too long it keeps one byte
// more than allowed, or two where a carriage return may follow, and skips the rest.
func (l *Lines) read() error {
	if l.number == 0 {
		if err := SkipByteOrderMark(l.in); err != nil {
			return err
		}
	}
	l.number++
	l.line = l.line[:0]
	for {
		part, err := l.in.ReadSlice('\n')
		l.line = append(l.line, part[:min(len(part), MaxLine+2-len(l.line))]...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(l.line) > 0, err == nil:
			l.open = err != nil
			l.trimEnd()
			return nil
		default:
			return err
		}
	}
}

func (l *Lines) trimEnd() {
	l.line = bytes.TrimSuffix(bytes.TrimSuffix(l.line, []byte("\n")), []byte("\r"))
}

// SkipByteOrderMark steps over the mark that some programs write at the start of a file.
func SkipByteOrderMark(in *bufio.Reader) error {
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
