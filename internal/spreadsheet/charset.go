// Package spreadsheet reads the tables that people make with spreadsheets: text with separators in
// whatever charset a program saved it, and workbooks (.xlsx). It finds out by rules, never by
// statistics, says what it found, and refuses where a rule has no answer. It knows no payment:
// which words head a column is said by its caller.
//
// Everything streams: a file of any length takes the memory of some rows.
package spreadsheet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Charset is how the characters of a text file are written; its text is for people.
type Charset string

// The charsets of a Decoder.
const (
	UTF8        Charset = "UTF-8"
	UTF8BOM     Charset = "UTF-8 with a byte order mark"
	UTF16LE     Charset = "UTF-16 LE"
	UTF16BE     Charset = "UTF-16 BE"
	Windows1252 Charset = "Windows-1252"
)

// ErrCharset is the error of a text that is of no charset as a whole.
var ErrCharset = errors.New("neither UTF-8 nor Windows-1252 nor whole UTF-16: save the file as \"CSV UTF-8\"")

// Decoder reads a text file of an unknown charset as UTF-8, without a byte order mark. The rules,
// in this order:
//
//  1. A byte order mark says it.
//  2. A NUL in every second byte at the beginning is UTF-16.
//  3. The first character that is not ASCII decides: where it is valid UTF-8 the file is UTF-8, and
//     bytes that are not, further on, are handed out as they are, for the reader of that line to
//     refuse; else the file is Windows-1252.
//  4. A file of Windows-1252 in which a byte follows that this charset does not have, or a
//     character that is valid UTF-8, is refused with ErrCharset: it was made of two files.
type Decoder struct {
	in      *bufio.Reader
	charset Charset // empty until it is known
	wide    io.Reader
	begun   bool
	line    int
	lost    int    // how many bytes of U+FFFD were read last
	out     []byte // decoded and not handed out yet
	decoded []byte // the memory of out
	err     error
}

// NewDecoder reads from r, which it does not close.
func NewDecoder(r io.Reader) *Decoder {
	return &Decoder{in: bufio.NewReaderSize(r, bufferSize), line: 1}
}

const bufferSize = 64 << 10

// Charset is that of what was read so far: UTF8 as long as all of it was ASCII.
func (t *Decoder) Charset() Charset {
	if t.charset == "" {
		return UTF8
	}
	return t.charset
}

// Read implements io.Reader. It waits for no more than it needs for the next byte.
func (t *Decoder) Read(p []byte) (int, error) {
	if !t.begun {
		t.begun = true
		if err := t.begin(); err != nil {
			return 0, err
		}
	}
	if t.wide != nil {
		return t.readWide(p)
	}
	for len(t.out) == 0 && t.err == nil {
		t.decode()
	}
	if len(t.out) > 0 {
		n := copy(p, t.out)
		t.out = t.out[n:]
		return n, nil
	}
	return 0, t.err
}

// begin reads what the first bytes tell.
func (t *Decoder) begin() error {
	const mark = "\xef\xbb\xbf"
	start, err := t.in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case len(start) < 2:
		return nil
	case string(start) == "\xff\xfe":
		t.widen(UTF16LE, unicode.LittleEndian)
	case string(start) == "\xfe\xff":
		t.widen(UTF16BE, unicode.BigEndian)
	case start[1] == 0 && start[0] != 0 && t.everySecond(1):
		t.widen(UTF16LE, unicode.LittleEndian)
	case start[0] == 0 && start[1] != 0 && t.everySecond(0):
		t.widen(UTF16BE, unicode.BigEndian)
	case string(start) == mark[:2]:
		if three, err := t.in.Peek(len(mark)); err == nil && string(three) == mark {
			t.charset = UTF8BOM
			_, err = t.in.Discard(len(mark))
			return err
		}
	}
	return nil
}

// everySecond reports whether each second of the first bytes, from one on, is a NUL, and no other.
func (t *Decoder) everySecond(from int) bool {
	start, _ := t.in.Peek(4)
	for i, b := range start {
		if (b == 0) != (i%2 == from) {
			return false
		}
	}
	return len(start) == 4
}

func (t *Decoder) widen(c Charset, e unicode.Endianness) {
	t.charset, t.wide = c, unicode.UTF16(e, unicode.UseBOM).NewDecoder().Reader(t.in)
}

// readWide reads UTF-16. What is no character of it would come out as a sign that stands for any: a
// name that has lost a letter is not read.
func (t *Decoder) readWide(p []byte) (int, error) {
	n, err := t.wide.Read(p)
	const lost = "\ufffd"
	for i, b := range p[:n] {
		switch b {
		case lost[t.lost]:
			if t.lost++; t.lost == len(lost) {
				return i, fmt.Errorf("line %d: %w", t.line, ErrCharset)
			}
		case lost[0]:
			t.lost = 1
		default:
			t.lost = 0
		}
		if b == '\n' {
			t.line++
		}
	}
	return n, err
}

// decode decodes what is there, at least one character.
func (t *Decoder) decode() {
	if _, err := t.in.Peek(1); err != nil {
		t.err = err
		return
	}
	there, _ := t.in.Peek(t.in.Buffered())
	switch t.charset {
	case "":
		t.pass(t.ascii(there))
	case Windows1252:
		t.windows(there)
	default:
		t.pass(len(there))
	}
}

// ascii is how many bytes at the beginning are plain; where there is none, it finds out what the
// first other character says of the charset, and is 0.
func (t *Decoder) ascii(there []byte) int {
	for i, b := range there {
		if b < utf8.RuneSelf {
			continue
		}
		if i == 0 {
			t.charset = UTF8
			if !t.startsUTF8() {
				t.charset = Windows1252
			}
		}
		return i
	}
	return len(there)
}

// startsUTF8 reports whether a whole character of UTF-8 that is not ASCII comes next.
func (t *Decoder) startsUTF8() bool {
	for n := 1; n <= utf8.UTFMax; n++ {
		next, err := t.in.Peek(n)
		if utf8.FullRune(next) || err != nil {
			r, size := utf8.DecodeRune(next)
			return size > 1 && (r != utf8.RuneError || size == len("\ufffd"))
		}
	}
	return false
}

// pass hands out n bytes as they are.
func (t *Decoder) pass(n int) {
	there, _ := t.in.Peek(n)
	t.out = append(t.decoded[:0], there...)
	t.decoded = t.out
	_, _ = t.in.Discard(n) // they are there
	t.countLines()
}

// windows decodes Windows-1252.
func (t *Decoder) windows(there []byte) {
	out, n := t.decoded[:0], 0
	for _, b := range there {
		if b >= utf8.RuneSelf {
			if n > 0 {
				break // so that the character stands first in the buffer
			}
			r := charmap.Windows1252.DecodeByte(b)
			if r == utf8.RuneError || '\u0080' <= r && r <= '\u009f' || t.startsUTF8() {
				t.err = fmt.Errorf("line %d: %w", t.line, ErrCharset)
				return
			}
			out, n = utf8.AppendRune(out, r), 1
			break
		}
		out, n = append(out, b), n+1
	}
	t.out, t.decoded = out, out
	_, _ = t.in.Discard(n) // they are there
	t.countLines()
}

func (t *Decoder) countLines() {
	for _, b := range t.out {
		if b == '\n' {
			t.line++
		}
	}
}
