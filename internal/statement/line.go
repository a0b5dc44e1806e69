package statement

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/cents"
	"github.com/remesa/remesa/internal/spreadsheet"
)

// Direction of a line.
type Direction int8

// The directions. Out and In are those of an account; Executed and Returned are what a report says
// of a payment, whichever way its money goes.
const (
	Out Direction = iota
	In
	Executed
	Returned
)

// Line is one movement. Its texts are as they stand in the file, and may be about people.
type Line struct {
	Row       int
	Day       Day
	Direction Direction
	// Amount is above zero, and Fee what was kept of it; HasFee and HasBalance: there are such
	// columns, and they are filled.
	Amount, Fee, Balance cents.Amount
	HasFee, HasBalance   bool
	Currency             string
	Reference            string
	ProviderID           string
	BankID               string
	Description          string
	Document             string
	Bank                 string
	Account              string
	// Beneficiary is all that a payment's meaning says about who is paid, in its order, with blanks
	// between.
	Beneficiary string
	// Members are the references of the payments of which the line is the sum.
	Members []string
	// Skip: the report says that it was not executed. Own: the description is that of the bank's
	// own movements. Group: that of a deposit of many payments.
	Skip, Own, Group bool
	// Err says why the line cannot be read, and in which column; it holds nothing of the line.
	Err error
}

// cells are those of one row, by field.
type cells struct {
	row spreadsheet.Row
	at  map[string]int
	err error
}

func (c cells) cell(field string) spreadsheet.Cell {
	i, has := c.at[field]
	if !has || i >= len(c.row.Cells) {
		return spreadsheet.Cell{}
	}
	return c.row.Cells[i]
}

func (c cells) kind(field string) spreadsheet.Kind { return c.cell(field).Kind }

// text is a cell without blanks around it; a dash is how some banks leave a cell empty, and an
// apostrophe how spreadsheets are told that it is a text.
func (c cells) text(field string) string {
	text := strings.TrimPrefix(strings.TrimSpace(c.cell(field).Text), "'")
	if text == "-" {
		return ""
	}
	return text
}

// read calls do with each row behind the header, until one that ends the table.
func (f *File) read(do func(cells) error) error {
	rows, closer, err := f.rows(f.Mapping.knows)
	if err != nil {
		return err
	}
	defer closer.Close()
	for {
		row, err := rows.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case row.Number <= f.HeaderRow || row.Empty():
			continue
		}
		c := cells{row, f.at, row.Err}
		if row.Err == nil && f.ends(row) {
			return nil
		}
		if err := do(c); err != nil {
			return err
		}
	}
}

// ends reports whether a row begins what stands below the lines: its first text is such a word.
func (f *File) ends(row spreadsheet.Row) bool {
	for _, c := range row.Cells {
		if c.Text != "" && c.Text[0] >= '0' && c.Text[0] <= '9' || len(f.Mapping.EndWords) == 0 {
			return false // a date, as every line begins with, or an amount
		}
		if text := spreadsheet.Fold(c.Text); text != "" {
			return slices.ContainsFunc(f.Mapping.EndWords, func(w string) bool { return text == w || strings.HasPrefix(text, w+" ") })
		}
	}
	return false
}

// Read calls do with each line, in the order of the file.
func (f *File) Read(do func(Line) error) error {
	return f.read(func(c cells) error { return do(f.line(c)) })
}

// line reads a row.
func (f *File) line(c cells) Line {
	l := Line{Row: c.row.Number, Currency: f.currency}
	if c.err != nil {
		l.Err = errors.New("the row: it is not written as the others")
		return l
	}
	l.Reference, l.ProviderID, l.BankID = c.text("reference"), c.text("provider_id"), c.text("bank_id")
	l.Description, l.Beneficiary = c.text("description"), c.text("beneficiary")
	l.Document, l.Bank, l.Account = c.text("document"), c.text("bank"), c.text("account")
	if text := c.text("currency"); text != "" {
		l.Currency = strings.ToUpper(text)
	}
	l.Members = strings.FieldsFunc(c.text("members"), func(r rune) bool { return strings.ContainsRune(" ,;|+", r) })
	if len(f.Mapping.OwnWords)+len(f.Mapping.GroupWords) > 0 {
		words := spreadsheet.Fold(l.Description)
		l.Own, l.Group = containsWords(words, f.Mapping.OwnWords), containsWords(words, f.Mapping.GroupWords)
	}
	l.Err = errors.Join(f.readDay(&l, c), f.readAmounts(&l, c), f.readStatus(&l, c))
	return l
}

// containsWords reports whether a folded text has one of the folded phrases as whole words.
func containsWords(text string, phrases []string) bool {
	if len(phrases) == 0 || text == "" {
		return false
	}
	text = " " + text + " "
	return slices.ContainsFunc(phrases, func(p string) bool { return strings.Contains(text, " "+p+" ") })
}

func (f *File) readDay(l *Line, c cells) (err error) {
	layout := f.layout
	if c.kind("date") == spreadsheet.Date {
		layout = time.DateOnly
		if len(c.text("date")) > len(time.DateOnly) {
			layout = "2006-01-02T15:04:05"
		}
	}
	l.Day, err = f.day(layout, c.text("date"))
	switch {
	case err != nil:
		return err
	case l.Day < earliest:
		return errors.New("date: it lies before 2000")
	case f.latest != 0 && l.Day > f.latest:
		return errors.New("date: it lies in the future")
	}
	return nil
}

var errDate = errors.New("date: not a date of this layout")

// earliest is before every payment of this kind. A line of an older date is a slip of the pen, or a
// cell that is no date, and would stretch the period over all that is on record.
const earliest = Day(10957) // 2000-01-01

// day reads a date as a layout has it. What has no offset is the date that is written: no clock of
// the zone needs to have shown that time, as a day that begins with a change of clocks has no
// midnight. One without a year is of the one year that lies in the period.
func (f *File) day(layout, text string) (Day, error) {
	t, err := time.Parse(layout, text)
	if err != nil {
		return 0, errDate
	}
	if !strings.Contains(layout, "06") {
		return f.ofPeriod(t)
	}
	if strings.Contains(layout, "07") { // -0700, Z07:00 and the like
		t = t.In(f.Mapping.zone)
	}
	return DayOf(t, t.Location()), nil
}

// ofPeriod finds the year of a date that has none.
func (f *File) ofPeriod(t time.Time) (Day, error) {
	var found []Day
	for y := f.years[0].Time().Year(); f.years[1] != 0 && y <= f.years[1].Time().Year(); y++ {
		at := time.Date(y, t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
		if d := DayOf(at, time.UTC); d >= f.years[0] && d <= f.years[1] && at.Day() == t.Day() {
			found = append(found, d)
		}
	}
	if len(found) != 1 {
		return 0, errors.New("date: it has no year, and lies in none or in several of the period: use --from and --to")
	}
	return found[0], nil
}

// readAmounts reads amount and direction from one signed column, or from one for each direction.
func (f *File) readAmounts(l *Line, c cells) error {
	amount, direction, err := f.amount(c)
	if err != nil {
		return err
	}
	l.Amount, l.Direction = amount, direction
	if f.Mapping.Kind == "report" {
		l.Direction = Executed
		if direction == Out {
			l.Direction = Returned
		}
	}
	for _, extra := range []struct {
		field string
		into  *cents.Amount
		has   *bool
	}{{"fee", &l.Fee, &l.HasFee}, {"balance", &l.Balance, &l.HasBalance}} {
		if c.text(extra.field) == "" {
			continue
		}
		n, err := f.signed(c, extra.field)
		if err != nil {
			return err
		}
		*extra.into, *extra.has = n, true
	}
	l.Fee = l.Fee.Abs()
	return nil
}

// amount is the line's, above zero, and its direction: that of the sign for one column.
func (f *File) amount(c cells) (cents.Amount, Direction, error) {
	if _, one := f.at["amount"]; !one {
		return f.ofTwo(c)
	}
	n, err := f.signed(c, "amount")
	if err != nil {
		return 0, In, err
	}
	direction := In
	if n < 0 {
		direction = Out
	}
	if sign := spreadsheet.Fold(c.text("sign")); sign != "" {
		switch {
		case slices.Contains(f.Mapping.SignOut, sign):
			direction = Out
		case slices.Contains(f.Mapping.SignIn, sign):
			direction = In
		default:
			return 0, In, errors.New("sign: not a word of this layout")
		}
	}
	if n == 0 {
		return 0, In, errors.New("amount: it is zero")
	}
	return n.Abs(), direction, nil
}

// ofTwo reads the columns of money in and out, of which one is filled. A negative amount in the
// column of money out is money out; some banks write it so.
func (f *File) ofTwo(c cells) (cents.Amount, Direction, error) {
	var found [2]cents.Amount
	for i, field := range []string{"out", "in"} {
		if c.text(field) == "" {
			continue
		}
		n, err := f.signed(c, field)
		if err != nil {
			return 0, In, err
		}
		if n < 0 && field == "in" {
			return 0, In, errors.New("in: it is negative")
		}
		found[i] = n.Abs()
	}
	switch out, in := found[0], found[1]; {
	case out != 0 && in != 0:
		return 0, In, errors.New("in and out: both are filled")
	case out != 0:
		return out, Out, nil
	case in != 0:
		return in, In, nil
	}
	return 0, In, errors.New("in and out: both are empty")
}

// unsigned splits an amount into what stands without its one sign, and whether that makes it
// negative. A second sign, or one between digits, stays in the text, and makes it unreadable.
func unsigned(text string) (bare string, negative bool) {
	bare = strings.TrimSpace(text)
	money := strings.HasPrefix(bare, "$")
	bare = strings.TrimSpace(strings.TrimPrefix(bare, "$"))
	inner, opened := strings.CutPrefix(bare, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	switch {
	case opened && closed:
		bare, negative = inner, true
	default:
		bare, negative = withoutSign(bare)
	}
	bare = strings.TrimSpace(bare)
	if money {
		bare = "$" + bare
	}
	return bare, negative
}

func withoutSign(text string) (bare string, negative bool) {
	for sign, negative := range map[string]bool{"-": true, "\u2212": true, "+": false} {
		if bare, has := strings.CutPrefix(text, sign); has {
			return bare, negative
		}
		if bare, has := strings.CutSuffix(text, sign); has {
			return bare, negative
		}
	}
	return text, false
}

// signed reads an amount with its sign: in front, behind, or as parentheses.
func (f *File) signed(c cells, field string) (cents.Amount, error) {
	text := c.text(field)
	wrong := fmt.Errorf("%s: not an amount of this layout", field)
	if c.kind(field) == spreadsheet.Number {
		n, err := cents.Parse(text)
		if err != nil {
			return 0, wrong
		}
		return n, nil
	}
	bare, negative := unsigned(strings.ReplaceAll(text, "\u00a0", " "))
	plain, err := spreadsheet.Amount(bare, f.Mapping.Locale)
	if err != nil {
		return 0, wrong
	}
	n, err := cents.Parse(plain)
	if err != nil {
		return 0, wrong
	}
	if negative {
		n = -n
	}
	return n, nil
}

// readStatus reads what a report says about the payment; without such a column it was executed.
func (f *File) readStatus(l *Line, c cells) error {
	if _, has := f.at["status"]; !has {
		return nil
	}
	switch status := spreadsheet.Fold(c.text("status")); {
	case slices.Contains(f.Mapping.Paid, status):
	case slices.Contains(f.Mapping.Returned, status):
		l.Direction = Returned
	case slices.Contains(f.Mapping.Skip, status):
		l.Skip = true
	default:
		return errors.New("status: not a word of this layout")
	}
	return nil
}
