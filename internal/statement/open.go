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
	"unicode"

	"github.com/remesa/remesa/internal/cents"
	"github.com/remesa/remesa/internal/spreadsheet"
)

// ErrUnknown: no mapping knows the header, or several do.
var ErrUnknown = errors.New("this layout is not known")

// ErrChanged: the file changed while it was read.
var ErrChanged = errors.New("the statement changed while it was read: it may still be being written")

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
	before   os.FileInfo
	currency string
	at       map[string]int
	layout   string
	years    [2]Day
	latest   Day
}

// Options of Open.
type Options struct {
	// Mappings to recognise the file by.
	Mappings []Mapping
	// From and Until bound the period: needed where dates have no year. Zero for none.
	From, Until Day
	// Latest is the last day that a line may be of: those of later ones cannot be read. Zero for
	// any.
	Latest Day
	// Currency of lines that name none, where the mapping names none either.
	Currency string
	// DayFirst settles dates that can be read in two ways.
	DayFirst bool
}

// Open recognises a file and reads it once: its dates must all be read alike.
func Open(path string, o Options) (*File, error) {
	f := &File{path: path, years: [2]Day{o.From, o.Until}, latest: o.Latest}
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
	if f.before, err = in.Stat(); err != nil {
		return err
	}
	if !f.before.Mode().IsRegular() {
		return errors.New("the statement is no regular file: it is read several times")
	}
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
	now, err := in.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	if !os.SameFile(f.before, now) || now.Size() != f.before.Size() || !now.ModTime().Equal(f.before.ModTime()) {
		return nil, nil, errors.Join(ErrChanged, in.Close())
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
	book, err := spreadsheet.OpenWorkbook(in, now.Size())
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
		return fmt.Errorf("%w: row %d looks like %s, which has no column «%s»; write a mapping for it (--map)", ErrUnknown, n.row, n.mapping.Name, shownName(n.unknown))
	}
	return fmt.Errorf("%w: row %d looks like %s, but columns of it are missing or stand twice; write a mapping for it (--map)", ErrUnknown, n.row, n.mapping.Name)
}

// shownName is a column's name as it may be shown: one with many digits, or a long one, may be
// somebody's data, and signs that move a terminal's cursor are no part of a name.
func shownName(name string) string {
	if strings.Contains(name, "@") || len(name) > 64 || strings.ContainsFunc(name, unicode.IsControl) {
		return "?"
	}
	digits := 0
	for _, r := range name {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits > 5 {
		return "?"
	}
	return name
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
	seen := readings{fails: map[string]int{}}
	err := f.read(func(c cells) error {
		if c.err == nil && c.kind("date") != spreadsheet.Date {
			seen.add(possible, func(layout string) (Day, error) { return f.day(layout, c.text("date")) })
		}
		return nil
	})
	if err != nil {
		return err
	}
	f.layout, err = seen.choose(possible, o.DayFirst)
	return err
}

// readings count how the dates of a file can be read.
type readings struct {
	fails map[string]int
	// dayFirst and monthFirst can be read in one of the two ways alone, both are two different days
	// by them.
	dayFirst, monthFirst, both int
}

// add takes one date.
func (r *readings) add(possible []string, read func(layout string) (Day, error)) {
	var days [2]Day
	var can [2]bool
	for _, layout := range possible {
		d, err := read(layout)
		if err != nil {
			r.fails[layout]++
			continue
		}
		way := 0
		if monthFirst(layout) {
			way = 1
		}
		days[way], can[way] = d, true
	}
	switch {
	case can[0] && !can[1]:
		r.dayFirst++
	case can[1] && !can[0]:
		r.monthFirst++
	case days[0] != days[1]:
		r.both++
	}
}

// monthFirst reports whether a layout has the month before the day, and no year before both, which
// nobody turns.
func monthFirst(layout string) bool {
	parts := strings.NewReplacer("2006", "y", "06", "y", "15", "h", "Jan", "1").Replace(layout)
	year, month, day := strings.Index(parts, "y"), strings.Index(parts, "1"), strings.Index(parts, "2")
	return month >= 0 && month < day && (year < 0 || year > month)
}

// choose takes the layout that fails least of those that have day and month in the file's order.
// That is never guessed: where each date has two readings, or some have only the one and some only
// the other, somebody must say.
func (r *readings) choose(possible []string, dayFirst bool) (string, error) {
	first := r.dayFirst > 0 || dayFirst
	switch {
	case dayFirst:
	case r.dayFirst > 0 && r.monthFirst > 0:
		return "", fmt.Errorf("%w: some have the day first and some the month: correct the file, or use --day-first where the others are mistakes", ErrDates)
	case r.both > 0 && r.dayFirst+r.monthFirst == 0:
		return "", fmt.Errorf("%w: they can be read with day or month first: check some of them, then use --day-first, or correct the file", ErrDates)
	}
	fit := slices.DeleteFunc(slices.Clone(possible), func(layout string) bool { return monthFirst(layout) == first })
	if len(fit) == 0 || !first && r.monthFirst == 0 {
		fit = possible
	}
	return slices.MinFunc(fit, func(a, b string) int { return r.fails[a] - r.fails[b] }), nil
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
