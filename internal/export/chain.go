package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
)

// Hash is a SHA-256 in lower-case hexadecimal, 64 characters.
type Hash = string

// noHash stands where there is nothing before.
const noHash = "0000000000000000000000000000000000000000000000000000000000000000"

// format is how one kind of file writes a chained line. Each line is start, its hash, middle, its
// rest, end; the hash is that of the rest. The rest begins with the line's number and the hash of
// the line before.
type format struct {
	start, middle, end string
	rest               func(n int64, prev Hash, record []byte) []byte
	// split reads number, previous hash and record out of a rest.
	split func(rest string) (n int64, prev Hash, record string, ok bool)
}

var jsonLines = format{
	start: `{"hash":"`, middle: `",`, end: "}",
	rest: func(n int64, prev Hash, record []byte) []byte {
		return fmt.Appendf(nil, `"n":%d,"prev":"%s","payment":%s`, n, prev, record)
	},
	split: func(rest string) (int64, Hash, string, bool) {
		text, ok := strings.CutPrefix(rest, `"n":`)
		number, text, found := strings.Cut(text, `,"prev":"`)
		prev, record, more := strings.Cut(text, `","payment":`)
		n, err := strconv.ParseInt(number, 10, 64)
		return n, prev, record, ok && found && more && err == nil
	},
}

var csvLines = format{
	middle: ",",
	rest: func(n int64, prev Hash, record []byte) []byte {
		return fmt.Appendf(nil, `%d,%s,%s`, n, prev, record)
	},
	split: func(rest string) (int64, Hash, string, bool) {
		number, text, found := strings.Cut(rest, ",")
		prev, record, more := strings.Cut(text, ",")
		n, err := strconv.ParseInt(number, 10, 64)
		return n, prev, record, found && more && err == nil
	},
}

func sum(text []byte) Hash {
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

// chainWriter writes records as lines, each of which carries its own hash and that of the line
// before.
type chainWriter struct {
	format
	out  *bufio.Writer
	all  hash.Hash
	n    int64
	last Hash
}

func newChainWriter(w io.Writer, f format, before Hash) *chainWriter {
	all := sha256.New()
	return &chainWriter{format: f, out: bufio.NewWriter(io.MultiWriter(w, all)), all: all, last: before}
}

// header writes a line that is no record.
func (w *chainWriter) header(line string) error {
	_, err := w.out.WriteString(line + "\n")
	return err
}

func (w *chainWriter) write(record []byte) error {
	w.n++
	rest := w.rest(w.n, w.last, record)
	w.last = sum(rest)
	for _, text := range []string{w.start, w.last, w.middle} {
		if _, err := w.out.WriteString(text); err != nil {
			return err
		}
	}
	if _, err := w.out.Write(rest); err != nil {
		return err
	}
	_, err := w.out.WriteString(w.end + "\n")
	return err
}

// file describes what was written, once all of it was.
func (w *chainWriter) file(name string) (File, error) {
	if err := w.out.Flush(); err != nil {
		return File{}, err
	}
	return File{Name: name, SHA256: hex.EncodeToString(w.all.Sum(nil)), Last: w.last, Records: w.n}, nil
}

// longestLine is above every record: a history has at most 64 entries of half a kilobyte.
const longestLine = 4 << 20

var errCutOff = errors.New("it is cut off")

// chainReader reads lines and finds where the chain is broken. Problems say what is wrong with the
// line, and never what stands in it.
type chainReader struct {
	format
	lines   *bufio.Reader
	line    int64 // in the file, from 1
	n       int64 // number of the record read last
	last    Hash
	damaged bool // the line before could not be trusted
	problem func(line int64, text string)
}

// text reads a line of any form.
func (r *chainReader) text() (string, error) {
	text, err := readLine(r.lines)
	switch {
	case errors.Is(err, io.EOF) && text == "":
		return "", io.EOF
	case errors.Is(err, io.EOF):
		r.line++
		r.problem(r.line, "it is cut off: it has no line end")
		return "", io.EOF
	case err != nil:
		return "", err
	}
	r.line++
	return text, nil
}

// record checks one line against the one before.
func (r *chainReader) record(text string) string {
	body, ok := strings.CutPrefix(text, r.start)
	body, ended := strings.CutSuffix(body, r.end)
	if !ok || !ended || len(body) < len(noHash)+len(r.middle) || !strings.HasPrefix(body[len(noHash):], r.middle) {
		r.broken("it is no record of this format")
		return ""
	}
	own, rest := body[:len(noHash)], body[len(noHash)+len(r.middle):]
	n, prev, record, ok := r.split(rest)
	if !ok {
		r.broken("it is no record of this format")
		return ""
	}
	intact := own == sum([]byte(rest))
	switch {
	case !intact: // its own number may be false: count on
		r.problem(r.line, "it was changed: its hash is not that of its content")
		n = r.n + 1
	case n == r.n+1 && prev != r.last && !r.damaged:
		r.problem(r.line, "it does not follow the line before, which was replaced, or this one was")
	case n == r.n+2:
		r.problem(r.line, fmt.Sprintf("record %d is missing before it", r.n+1))
	case n > r.n+1:
		r.problem(r.line, fmt.Sprintf("records %d to %d are missing before it", r.n+1, n-1))
	case n <= r.n:
		r.problem(r.line, fmt.Sprintf("record %d stands here out of its order, or a second time", n))
		return record // the chain goes on from the line before
	}
	r.n, r.last, r.damaged = n, own, !intact
	return record
}

func (r *chainReader) broken(text string) {
	r.problem(r.line, text)
	r.n, r.damaged = r.n+1, true
}

// readLine reads a line without its end; with io.EOF whatever stands behind the last line end.
func readLine(in *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if line = append(line, part...); len(line) > longestLine {
			return "", fmt.Errorf("a line is longer than %d bytes: it is no export", longestLine)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return string(line), err
		}
		return string(line[:len(line)-1]), nil
	}
}
