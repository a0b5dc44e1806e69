package spreadsheet

// Rows hands out the rows of a table, one after the other, those of a text file and those of a
// workbook alike.
type Rows interface {
	// Next returns the next row that is not a blank line. It ends with io.EOF, or with the error
	// with which the file cannot be read on.
	Next() (Row, error)
}

// Row is one row of a table: a header, a title above it, a payment.
type Row struct {
	// Number is the row's in the sheet, or the line on which it begins, counted from 1.
	Number int
	Cells  []Cell
	// Err is what is wrong with the row as it is written; it then has no cells, and the lines
	// behind it that it took are rows of their own, with an error each.
	Err error
	// Open: the file ends with this row, in the middle of a line: it may have been cut.
	Open bool
	// Hidden: a workbook does not show the row.
	Hidden bool
}

// Empty reports whether no cell of the row holds anything but blanks.
func (r Row) Empty() bool {
	for _, c := range r.Cells {
		if !isBlank(c.Text) || c.Kind == Failed {
			return false
		}
	}
	return r.Err == nil
}

// Texts are the texts of the cells.
func (r Row) Texts() []string {
	all := make([]string, len(r.Cells))
	for i, c := range r.Cells {
		all[i] = c.Text
	}
	return all
}

// Kind is what a cell holds.
type Kind int

// The kinds of cells. A cell of a text file is Text.
const (
	// Text as it was typed.
	Text Kind = iota
	// Number, in the shortest decimal text without an exponent, such as "12500" or "149.5". A
	// spreadsheet keeps 15 digits of it, and no leading zeros.
	Number
	// Date, with a time of day where it has one: "2026-05-15" or "2026-05-15T14:05:00".
	Date
	// Truth is "true" or "false".
	Truth
	// Failed is a formula without a value, or with an error for one.
	Failed
)

// Cell is one cell.
type Cell struct {
	Text string
	Kind Kind
}
