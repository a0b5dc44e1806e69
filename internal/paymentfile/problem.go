package paymentfile

import "fmt"

// Fault is what is wrong with a file, or with one row of it. Who shows it to a person has the
// words.
type Fault string

// Faults of a file, for which all of it is refused.
const (
	// NoHeader: no column of the first row is known. Row is where a header stands, if one does.
	NoHeader Fault = "no header"
	// UnknownColumn: nobody knows the column; Near is what it may have been meant as.
	UnknownColumn Fault = "unknown column"
	// TwoColumns: Column and Other are the same field.
	TwoColumns Fault = "two columns"
	// FundingColumn, CardColumn and MapOnlyColumn are columns that are known and not read.
	FundingColumn Fault = "funding column"
	CardColumn    Fault = "card column"
	MapOnlyColumn Fault = "column to be mapped"
	// UnusedMap: a mapping names a column that there is not.
	UnusedMap Fault = "unused map"
)

// Faults of a row.
const (
	// AmountUnclear and the others of amounts.
	AmountUnclear  Fault = "amount unclear"
	AmountNegative Fault = "amount negative"
	AmountForm     Fault = "amount form"
	// Shortened: a spreadsheet wrote the number with an exponent.
	Shortened Fault = "shortened"
	// NumberCell: the cell is a number and should be a text.
	NumberCell Fault = "number cell"
	// FailedCell is a formula without a value.
	FailedCell Fault = "failed cell"
	// NoCheckDigit and OtherCheckDigit are of a RUT.
	NoCheckDigit    Fault = "no check digit"
	OtherCheckDigit Fault = "other check digit"
	// UnknownBank: no bank has exactly this name; Near is the nearest.
	UnknownBank Fault = "unknown bank"
	// TotalRow is a row with a sum of others.
	TotalRow Fault = "total row"
	// NamelessCell: a cell stands under no column.
	NamelessCell Fault = "nameless cell"
	// CodeOfOthers: a number whose meaning differs from bank to bank.
	CodeOfOthers Fault = "code of others"
	// BadField: the task's own check refuses the field; Text is its problem.
	BadField Fault = "bad field"
)

// Problem is a fault and where it is. It never holds a cell's value.
type Problem struct {
	Fault Fault
	// Row is the line, or the row of the sheet.
	Row int
	// Column is the name in the header, Other that of a second one.
	Column, Other string
	// Near is what may have been meant: a column's name or a bank's.
	Near string
	// Path and Text are the field and what it must be, as in the row's error.
	Path, Text string
}

// Refusal is the error of a file that is refused as a whole: nothing of it was handed out.
type Refusal struct{ Problems []Problem }

func (r *Refusal) Error() string {
	if len(r.Problems) == 0 {
		return "the file is refused"
	}
	return fmt.Sprintf("the file is refused: %d problems, the first: %s", len(r.Problems), r.Problems[0].Fault)
}

// rowError is the error of a row: a task's, with what a person is told.
type rowError struct {
	error
	problem Problem
}

func (e *rowError) Unwrap() error { return e.error }
