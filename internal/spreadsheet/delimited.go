package spreadsheet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/remesa/remesa/internal/strictcsv"
)

// separators are those that a header may have.
var separators = []byte{';', '\t', ',', '|'}

// ErrSeparator: two separators make equally good headers of the file, so that neither is chosen.
var ErrSeparator = errors.New("two separators are equally likely")

// Delimited is a text file with a separator between its cells.
type Delimited struct {
	text      *Decoder
	separator byte
	told      bool
	found     bool
	head      []string
	file      io.Reader
	first     int
	records   *strictcsv.Records
	taken     strictcsv.Taken
}

// Search says how the header of a text file is known, for its separator is that of the header.
type Search struct {
	// Known reports whether a cell is a word of the header.
	Known func(cell string) bool
	// Within is how many rows at the beginning are looked at; titles may stand above a header. 1
	// unless set.
	Within int
	// Below is how many rows are looked at where those have no known cell.
	Below int
}

// OpenDelimited finds the charset and the separator of a text file: that which a first line "sep=;"
// names; else that which makes the most known cells of a row; else, where no row has any, a comma
// if there is one, and the first of the others if not. It reads no more of r than it needs, and
// does not close it. ErrSeparator is that of a tie.
func OpenDelimited(r io.Reader, s Search) (*Delimited, error) {
	d := &Delimited{text: NewDecoder(r), first: 1}
	in := bufio.NewReaderSize(d.text, bufferSize)
	d.file = in
	if err := d.findSeparator(in, s); err != nil {
		return nil, err
	}
	d.records = strictcsv.NewRecords(d.file, d.separator, d.first)
	return d, nil
}

// Charset is that of what was read so far.
func (d *Delimited) Charset() Charset { return d.text.Charset() }

// Separator stands between cells; Told: a first line said so.
func (d *Delimited) Separator() (separator byte, told bool) { return d.separator, d.told }

// Plain reports whether the file is, so far, UTF-8 without a byte order mark, with commas that no
// first line names: what a program writes.
func (d *Delimited) Plain() bool { return d.Charset() == UTF8 && d.separator == ',' && !d.told }

// Found reports whether the rows that were looked at have a known cell.
func (d *Delimited) Found() bool { return d.found }

// Header are the cells of the first row, which Next returns all the same; nothing where that cannot
// be read.
func (d *Delimited) Header() []string { return d.head }

// Rest is the file as UTF-8, from the first row on, for another reader than Next.
func (d *Delimited) Rest() io.Reader { return d.file }

// Next implements Rows. A row with nothing but separators is handed out: Row.Empty tells it.
func (d *Delimited) Next() (Row, error) {
	if line, more := d.taken.Next(); more {
		return Row{Number: line.Line, Err: line.Err}, nil
	}
	rec, err := d.records.Next()
	if err != nil {
		return Row{}, err
	}
	row := Row{Number: rec.Line, Err: rec.Err, Open: rec.Open}
	if rec.Err != nil {
		d.taken = rec.Taken
		if rec.Spread != "" {
			row.Err = fmt.Errorf("%w; %s", rec.Err, rec.Spread)
		}
		return row, nil
	}
	row.Cells = make([]Cell, len(rec.Cells))
	for i, text := range rec.Cells {
		row.Cells[i].Text = text
	}
	return row, nil
}

// findSeparator reads the first line where that names the separator, and else looks ahead.
func (d *Delimited) findSeparator(in *bufio.Reader, s Search) error {
	start, err := ahead(in, max(s.Within, 1))
	if err != nil {
		return err
	}
	if named, ok := strings.CutPrefix(strings.ToLower(string(bytes.TrimLeft(start, `"`))), "sep="); ok {
		if named == "" || bytes.IndexByte(separators, named[0]) < 0 {
			return ErrNoSeparator
		}
		d.separator, d.told, d.first = named[0], true, 2
		return skipLine(in)
	}
	if d.separator, d.found, err = bestSeparator(start, s); err != nil {
		return err
	}
	if !d.found && s.Below > 0 {
		below, err := ahead(in, max(s.Within, 1)+s.Below)
		if err != nil {
			return err
		}
		if d.separator, d.found, err = bestSeparator(below, s); err != nil {
			return err
		}
	}
	d.readHead(start)
	return nil
}

// readHead reads the first row of what was read ahead.
func (d *Delimited) readHead(start []byte) {
	if row, err := strictcsv.NewRecords(bytes.NewReader(start), d.separator, 1).Next(); err == nil {
		d.head = row.Cells
	}
}

// ErrNoSeparator: the first line names a separator that none of these is.
var ErrNoSeparator = errors.New("line 1: sep= must name a semicolon, a tab, a comma or a vertical bar")

// skipLine reads a line with its end.
func skipLine(in *bufio.Reader) error {
	for {
		b, err := in.ReadByte()
		if errors.Is(err, io.EOF) || b == '\n' {
			return nil
		}
		if err != nil {
			return err
		}
		if b == '\r' {
			if next, _ := in.Peek(1); len(next) == 0 || next[0] != '\n' {
				return nil
			}
		}
	}
}

// ahead is what the next n lines that are not blank are, as far as the buffer holds them; a line
// end inside of quotes is none.
func ahead(in *bufio.Reader, n int) ([]byte, error) {
	for want := 1; ; want = in.Buffered() + 1 {
		_, err := in.Peek(min(want, in.Size()))
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		start, _ := in.Peek(in.Buffered())
		switch end := endOf(start, n); {
		case end > 0:
			return start[:end], nil
		case err != nil, len(start) == in.Size():
			return start, nil
		}
	}
}

// endOf is where the first n lines that are not blank end; 0 where they do not end in the text.
func endOf(start []byte, n int) int {
	quoted, blank := false, true
	for i, b := range start {
		switch {
		case b == '"':
			quoted, blank = !quoted, false
		case (b == '\n' || b == '\r') && !quoted:
			if !blank {
				n--
			}
			if blank = true; n == 0 {
				return i
			}
		case b != ' ':
			blank = false
		}
	}
	return 0
}

// bestSeparator is the one that makes the most known cells of one row, and whether there are any.
func bestSeparator(start []byte, s Search) (separator byte, found bool, err error) {
	best, most, tie := byte(','), 0, false
	for _, separator := range separators {
		if bytes.IndexByte(start, separator) < 0 {
			continue
		}
		switch known := mostKnown(start, separator, s); {
		case known > most:
			best, most, tie = separator, known, false
		case known == most && known > 0:
			tie = true
		}
	}
	if tie {
		return 0, false, ErrSeparator
	}
	if most == 0 && bytes.IndexByte(start, best) < 0 {
		if i := bytes.IndexAny(start, string(separators)); i >= 0 {
			best = start[i]
		}
	}
	return best, most > 0 || mostKnown(start, best, s) > 0, nil
}

// mostKnown is how many cells of one row are known, of the row with the most.
func mostKnown(start []byte, separator byte, s Search) int {
	rows, most := strictcsv.NewRecords(bytes.NewReader(start), separator, 1), 0
	for row, err := rows.Next(); err == nil; row, err = rows.Next() {
		known := 0
		for _, cell := range row.Cells {
			if s.Known(cell) {
				known++
			}
		}
		most = max(most, known)
	}
	return most
}

func isBlank(text string) bool { return strings.TrimSpace(text) == "" }
