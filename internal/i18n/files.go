package i18n

// Files is what is said about files of payments, to people who sent one. Rows and columns are named
// as they stand in the file; amounts and flags to be typed are the same in every language.
type Files struct {
	// NothingEnqueued ends what is said of a file that is refused as a whole.
	NothingEnqueued string
	// Row, Cell and Header say where a problem is; nothing of a cell is repeated.
	Row    func(row, problem string) string
	Cell   func(row, column, problem string) string
	Header func(problem string) string

	Read     FilesRead
	Heading  FilesHeading
	Problem  FilesProblem
	DryRun   FilesDryRun
	Template FilesTemplate
}

// FilesRead is how a file was read.
type FilesRead struct {
	Text           func(charset, separator, header string, rows Number) string
	Sheet          func(sheet, header string, rows Number) string
	OtherSheets    func(sheets string) string
	ByteOrderMark  string
	ToldBySep, Tab string
	// Separator puts a sign in quotes.
	Separator           func(sign string) string
	EmptyRows, Comments func(n Number) string
	HiddenRows          func(n Number) string
	ShortCodes          func(n Number) string
	Apostrophes         func(n Number) string
	// Open: the last line has no end; OpenRefused where a count or a sum is expected.
	Open, OpenRefused string
	// Security is what is to be known of a bank that became part of another.
	Security string
	// Charset, Separators and TooLarge refuse a file, NoWorkbook what is named .xlsx and is none.
	Charset, Separators, NoSeparator, TooLarge, NoWorkbook string
}

// FilesHeading is what is wrong with a header.
type FilesHeading struct {
	None          string
	Below         func(row string) string
	Unknown       func(column, near string) string
	Twice         func(column, other, field string) string
	Funding       func(column, flag string) string
	Cards         string
	ByMapOnly     func(column, flag, without string) string
	UnusedMapping func(column string) string
}

// FilesProblem is what is wrong with a row.
type FilesProblem struct {
	AmountUnclear, AmountNegative, AmountForm string
	Shortened, NumberCell, FailedCell         string
	NoCheckDigit, OtherCheckDigit             string
	UnknownBank                               func(near string) string
	TotalRow, NamelessCell, DocumentType      string
	Twice                                     func(row, first string) string
	TwiceOtherAmount, TwiceOtherContent       func(row, first string) string
	ConflictAmount, ConflictContent           func(row string) string
}

// FilesDryRun is what a dry run says at its end.
type FilesDryRun struct {
	NotCompared func(redis string) string
	Nothing     string
	Would       func(n Number, sums string) string
	And         string
	TooMany     func(n Number) string
}

// FilesTemplate is a filled example. Texts say what to write into a field, by its path.
type FilesTemplate struct {
	Required, Optional         string
	Sheet, HelpSheet           string
	Column, Field, Need, Write string
	Texts                      map[string]string
}
