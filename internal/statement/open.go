package statement

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/cents"
	"github.com/remesa/remesa/internal/spreadsheet"
)

// ErrUnknown: no mapping knows the header, or several do.
var ErrUnknown = errors.New("this layout is not known")

// ErrDates: it cannot be told how the dates of the file are to be read.
var ErrDates = errors.New("dates")

// headerWithin is how many rows are looked at for a header: statements have up to 15 rows of titles
// above it.
const headerWithin = 60

// File is a statement whose layout is known. It can be read any number of times.
type File struct {
	Mapping *Mapping
	// SHA256 is that of the file, in hexadecimal; Bytes its size.
	SHA256 string
	// HeaderRow is the header's, as rows are counted in the file.
	HeaderRow int
	// Lines and Unreadable count lines; First and Last are their earliest and latest days.
	Lines, Unreadable int
	First, Last       Day
	// Gap: the balances do not add up: rows are missing, or stand in two orders.
	Gap bool

	path     string
	currency string
	at       map[string]int
	layout   string
	years    [2]Day
}

// Options of Open.
type Options struct {
	// Mappings to recognise the file by.
	Mappings []Mapping
	// From and Until bound the period: needed where dates have no year. Zero for none.
	From, Until Day
	// Currency of lines that name none, where the mapping names none either.
	Currency string
	// DayFirst settles dates that can be read in two ways.
	DayFirst bool
}

// Open recognises a file and reads it once: its dates must all be read alike.
func Open(path string, o Options) (*File, error) {
	f := &File{path: path, years: [2]Day{o.From, o.Until}}
	if err := f.hash(); err != nil {
		return nil, err
	}
	if err := f.recognise(o.Mappings); err != nil {
		return nil, err
	}
	f.currency = cmp.Or(f.Mapping.Currency, o.Currency)
	return f, f.survey(o)
}

func (f *File) hash() error {
	in, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer in.Close()
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return err
	}
	f.SHA256 = hex.EncodeToString(h.Sum(nil))
	return nil
}

// rows opens the file's rows; the caller closes them.
func (f *File) rows(known func(string) bool) (spreadsheet.Rows, io.Closer, error) {
	in, err := os.Open(f.path)
	if err != nil {
		return nil, nil, err
	}
	if start := make([]byte, 2); true {
		if n, _ := in.ReadAt(start, 0); n < 2 || string(start) != "PK" {
			rows, err := spreadsheet.OpenDelimited(in, spreadsheet.Search{Known: known, Within: headerWithin})
			if err != nil {
				return nil, nil, errors.Join(err, in.Close())
			}
			return rows, in, nil
		}
	}
	info, err := in.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	book, err := spreadsheet.OpenWorkbook(in, info.Size())
	if err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	if n := len(book.Sheets()); n > 1 {
		return nil, nil, errors.Join(fmt.Errorf("the workbook has %d visible sheets: keep the one with the movements", n), in.Close())
	}
	rows, err := book.Rows(0)
	if err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	return rows, closers{rows, in}, nil
}

type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for _, one := range c {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// recognise finds the header and its mapping.
func (f *File) recognise(all []Mapping) error {
	rows, closer, err := f.rows(func(cell string) bool {
		return slices.ContainsFunc(all, func(m Mapping) bool { return m.knows(cell) })
	})
	if err != nil {
		return err
	}
	defer closer.Close()
	near := &nearest{}
	for range headerWithin {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if row.Err != nil {
			continue
		}
		found := f.fitting(all, row, near)
		if len(found) > 1 {
			return fmt.Errorf("%w: row %d is the header of %s: name one with --mapping", ErrUnknown, row.Number, strings.Join(found, " and of "))
		}
		if len(found) == 1 {
			return nil
		}
	}
	return near.refusal(all)
}

// fitting takes the mapping that fits the row best, and returns the names of all that do so.
func (f *File) fitting(all []Mapping, row spreadsheet.Row, near *nearest) []string {
	var found []string
	most := 0
	for i := range all {
		at, known, unknown, fits := all[i].header(row.Texts())
		if !fits {
			near.consider(&all[i], row.Number, known, unknown)
			continue
		}
		if len(at) > most {
			found, most = nil, len(at)
		}
		if len(at) == most {
			found = append(found, all[i].Name)
			f.Mapping, f.at, f.HeaderRow = &all[i], at, row.Number
		}
	}
	return found
}

// nearest is the mapping that knows the most cells of some row.
type nearest struct {
	mapping *Mapping
	row     int
	known   int
	unknown string
}

func (n *nearest) consider(m *Mapping, row, known int, unknown string) {
	if known > n.known && known > 1 {
		*n = nearest{m, row, known, unknown}
	}
}

func (n *nearest) refusal(all []Mapping) error {
	var names []string
	for _, m := range all {
		names = append(names, m.Name)
	}
	switch {
	case n.mapping == nil:
		return fmt.Errorf("%w: no header in the first %d rows is one of %s; write a mapping for it (--map)", ErrUnknown, headerWithin, strings.Join(names, ", "))
	case n.unknown != "":
		return fmt.Errorf("%w: row %d looks like %s, which has no column «%s»; write a mapping for it (--map)", ErrUnknown, n.row, n.mapping.Name, n.unknown)
	}
	return fmt.Errorf("%w: row %d looks like %s, but columns of it are missing or stand twice; write a mapping for it (--map)", ErrUnknown, n.row, n.mapping.Name)
}

// survey reads all lines, to know how dates are read, the period, and whether balances add up.
func (f *File) survey(o Options) error {
	if err := f.findLayout(o); err != nil {
		return err
	}
	var b balances
	err := f.Read(func(l Line) error {
		if l.Err != nil {
			f.Unreadable++
			return nil
		}
		f.Lines++
		if f.First == 0 || l.Day < f.First {
			f.First = l.Day
		}
		f.Last = max(f.Last, l.Day)
		b.add(l)
		return nil
	})
	f.Gap = b.gap()
	return err
}

// findLayout reads all dates, where there is a choice of how to read them.
func (f *File) findLayout(o Options) error {
	possible := f.Mapping.Dates
	if f.layout = possible[0]; len(possible) == 1 {
		return nil
	}
	failures := map[string]int{}
	err := f.read(func(c cells) error {
		if c.err != nil || c.kind("date") == spreadsheet.Date {
			return nil
		}
		for _, layout := range possible {
			if _, err := f.day(layout, c.text("date")); err != nil {
				failures[layout]++
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f.chooseLayout(possible, failures, o.DayFirst)
}

// chooseLayout takes the layout that reads every date, or else the one that fails least. Day and
// month are never told apart by guessing: where two layouts read all, somebody must say.
func (f *File) chooseLayout(possible []string, failures map[string]int, dayFirst bool) error {
	fewest := slices.MinFunc(possible, func(a, b string) int { return failures[a] - failures[b] })
	f.layout = fewest
	turned := func(layout string) bool {
		return strings.HasPrefix(layout, "1/2") || strings.HasPrefix(layout, "01/02")
	}
	for _, layout := range possible {
		if failures[layout] != failures[fewest] || turned(layout) == turned(fewest) {
			continue
		}
		if !dayFirst {
			return fmt.Errorf("%w: they can be read with day or month first: check some of them, then use --day-first, or correct the file", ErrDates)
		}
		if turned(fewest) {
			f.layout = layout
		}
	}
	return nil
}

// balances adds up the lines of a file whose balance column is filled in every line.
type balances struct {
	n, with            int
	first, last, total cents.Amount
	firstAmount        cents.Amount
	lastAmount         cents.Amount
}

func (b *balances) add(l Line) {
	signed := l.Amount
	if l.Direction == Out {
		signed = -signed
	}
	if b.n++; b.n == 1 {
		b.first, b.firstAmount = l.Balance, signed
	}
	if l.HasBalance {
		b.with++
	}
	b.last, b.lastAmount = l.Balance, signed
	b.total += signed
}

// gap: neither the oldest nor the newest line stands first.
func (b *balances) gap() bool {
	if b.n < 2 || b.with != b.n {
		return false
	}
	oldestFirst := b.first+b.total-b.firstAmount == b.last
	newestFirst := b.last+b.total-b.lastAmount == b.first
	return !oldestFirst && !newestFirst
}

// Day counts days since 1970-01-01; 0 is none.
type Day int32

// DayOf is the date that a zone's clock shows.
func DayOf(t time.Time, zone *time.Location) Day {
	y, m, d := t.In(zone).Date()
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400) //nolint:gosec // days of four-digit years
}

// Time is the date at midnight UTC.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String is the date as 2026-11-27.
func (d Day) String() string {
	if d == 0 {
		return ""
	}
	return d.Time().Format(time.DateOnly)
}
