package main

import (
	"fmt"
	"strings"

	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/internal/paymentfile"
	"github.com/remesa/remesa/internal/spreadsheet"
)

// texts are what people are told about a file.
type texts struct {
	NothingEnqueued, OpenRefused, Open, MoreRows string

	Row            func(row int, problem string) string
	Cell           func(row int, column, problem string) string
	Header         func(problem string) string
	Read           func(how, separator string, header, rows int) string
	Sheet          func(sheet string, header, rows int) string
	Told           string
	Tab            string
	OtherSheets    func(others string) string
	EmptyRows      func(n int) string
	CommentRows    func(n int) string
	HiddenRows     func(n int) string
	ShortCodes     func(n int) string
	Apostrophes    func(n int) string
	NoHeader       string
	HeaderBelow    func(row int) string
	UnknownColumn  func(column, near string) string
	TwoColumns     func(column, other, path string) string
	FundingColumn  func(column string) string
	CardColumn     string
	MapOnlyColumn  func(column string) string
	UnusedMap      func(column string) string
	AmountUnclear  string
	AmountNegative string
	AmountForm     string
	Shortened      string
	NumberCell     string
	FailedCell     string
	NoDigit        string
	OtherDigit     string
	UnknownBank    func(near string) string
	TotalRow       string
	NamelessCell   string
	CodeOfOthers   string
	Twice          func(row, first int) string
	TwiceDiffers   func(row, first int, amount bool) string
	Conflict       func(row int, amount bool) string
	NotCompared    func(where string) string
	WouldEnqueue   func(n int, sums string) string
	SeenFull       func(n int) string

	Template paymentfile.TemplateWords
}

func fileTexts() texts { return english }

// problem is what is wrong with a file or a row.
func (t texts) problem(p paymentfile.Problem) string {
	if text := t.headerProblem(p); text != "" {
		return t.Header(text)
	}
	problem := map[paymentfile.Fault]string{
		paymentfile.AmountUnclear: t.AmountUnclear, paymentfile.AmountNegative: t.AmountNegative, paymentfile.AmountForm: t.AmountForm,
		paymentfile.Shortened: t.Shortened, paymentfile.NumberCell: t.NumberCell, paymentfile.FailedCell: t.FailedCell,
		paymentfile.NoCheckDigit: t.NoDigit, paymentfile.OtherCheckDigit: t.OtherDigit, paymentfile.TotalRow: t.TotalRow,
		paymentfile.NamelessCell: t.NamelessCell, paymentfile.CodeOfOthers: t.CodeOfOthers,
	}[p.Fault]
	switch {
	case p.Fault == paymentfile.UnknownBank:
		problem = t.UnknownBank(p.Near)
	case problem == "" && p.Column == "":
		problem = strings.TrimPrefix(p.Path+": "+p.Text, "line: ")
	case problem == "":
		problem = p.Text
	}
	if p.Column == "" {
		return t.Row(p.Row, problem)
	}
	return t.Cell(p.Row, p.Column, problem)
}

func (t texts) headerProblem(p paymentfile.Problem) string {
	switch p.Fault {
	case paymentfile.NoHeader:
		if p.Row > 0 {
			return t.HeaderBelow(p.Row)
		}
		return t.NoHeader
	case paymentfile.UnknownColumn:
		return t.UnknownColumn(p.Column, p.Near)
	case paymentfile.TwoColumns:
		return t.TwoColumns(p.Column, p.Other, p.Path)
	case paymentfile.FundingColumn:
		return t.FundingColumn(p.Column)
	case paymentfile.CardColumn:
		return t.CardColumn
	case paymentfile.MapOnlyColumn:
		return t.MapOnlyColumn(p.Column)
	case paymentfile.UnusedMap:
		return t.UnusedMap(p.Column)
	default:
		return ""
	}
}

// conflict is that of a row with another, or with what is registered.
func (t texts) conflict(row int, r intake.Result) string {
	amount := strings.HasPrefix(r.Error, "amount")
	if r.First > 0 {
		return t.TwiceDiffers(row, r.First, amount)
	}
	return t.Conflict(row, amount)
}

// notes are what was done to read a file. A file in the charset and with the separator of programs
// is not worth a word.
func (t texts) notes(n paymentfile.Notes) []string {
	var all []string
	add := func(of int, text func(int) string) {
		if of > 0 {
			all = append(all, text(of))
		}
	}
	for _, p := range n.Unknown {
		all = append(all, t.problem(p))
	}
	switch {
	case n.Sheet != "":
		all = append(all, t.Sheet(n.Sheet, n.HeaderRow, n.Rows))
	case n.Charset != "" && (n.Program && n.Charset != spreadsheet.UTF8 || !n.Program && !plainText(n)):
		how := string(n.Charset)
		if n.Told {
			how += t.Told
		}
		all = append(all, t.Read(how, t.separator(n.Separator), n.HeaderRow, n.Rows))
	}
	if len(n.Others) > 0 {
		all = append(all, t.OtherSheets(strings.Join(n.Others, ", ")))
	}
	add(n.EmptyRows, t.EmptyRows)
	add(n.CommentRows, t.CommentRows)
	add(n.HiddenRows, t.HiddenRows)
	add(n.ShortCodes, t.ShortCodes)
	add(n.Apostrophes, t.Apostrophes)
	all = append(all, n.Banks...)
	if n.Open {
		all = append(all, t.Open)
	}
	return all
}

func plainText(n paymentfile.Notes) bool {
	return n.Separator == ',' && !n.Told && (n.Charset == spreadsheet.UTF8 || n.Charset == spreadsheet.UTF8BOM)
}

func (t texts) separator(b byte) string {
	if b == '\t' {
		return t.Tab
	}
	return "\"" + string(rune(b)) + "\""
}

var english = texts{
	NothingEnqueued: "nothing was enqueued",
	OpenRefused:     "the last line has no end: the file may have been cut",
	Open:            "the last line has no end: check that the file is whole, it may have been cut",
	MoreRows:        "more rows have problems; the result lines name them all",
	Row:             func(row int, problem string) string { return fmt.Sprintf("row %d: %s", row, problem) },
	Cell: func(row int, column, problem string) string {
		return fmt.Sprintf("row %d, %q: %s", row, column, problem)
	},
	Header: func(problem string) string { return "header: " + problem },
	Read: func(how, separator string, header, rows int) string {
		return fmt.Sprintf("read as %s, separated by %s, header in row %d, %d rows", how, separator, header, rows)
	},
	Sheet: func(sheet string, header, rows int) string {
		return fmt.Sprintf("read the sheet %q, header in row %d, %d rows", sheet, header, rows)
	},
	Told:        " (sep= names the separator)",
	Tab:         "tabs",
	OtherSheets: func(others string) string { return "other sheets are not read: " + others },
	EmptyRows:   func(n int) string { return fmt.Sprintf("%d empty rows skipped", n) },
	CommentRows: func(n int) string { return fmt.Sprintf("%d rows of explanation (#) below the header skipped", n) },
	HiddenRows: func(n int) string {
		return fmt.Sprintf("%d rows are hidden in the sheet, and were read like all others", n)
	},
	ShortCodes: func(n int) string {
		return fmt.Sprintf("%d bank codes had lost zeros in front, and were read with three digits (12 as 012)", n)
	},
	Apostrophes: func(n int) string {
		return fmt.Sprintf("%d apostrophes before numbers left out ('0012 read as 0012)", n)
	},
	NoHeader:    "the first row must name the columns, and none of its names is known",
	HeaderBelow: func(row int) string { return fmt.Sprintf("it is in row %d: delete the rows above it", row) },
	UnknownColumn: func(column, near string) string {
		return fmt.Sprintf("unknown column %q. Delete it, or say with --map what it is. Did you mean %q?", column, near)
	},
	TwoColumns: func(column, other, path string) string {
		return fmt.Sprintf("the columns %q and %q are one field (%s): delete one, or say with --map what it is", column, other, path)
	},
	FundingColumn: func(column string) string {
		return fmt.Sprintf("the column %q is the account that pays, which is not read: delete it, or leave it out with --map %q", column, column+"=-")
	},
	CardColumn: "the file has a column for card numbers or security codes, which are not accepted: only tokens are",
	MapOnlyColumn: func(column string) string {
		return fmt.Sprintf("the column %q may mean several things: say which with --map, such as --map %q, or leave it out with %q", column, column+"=metadata.invoice", column+"=-")
	},
	UnusedMap: func(column string) string {
		return fmt.Sprintf("--map names the column %q, which the file does not have", column)
	},
	AmountUnclear:  "it cannot be told whether the sign separates thousands or decimals. Write 12500, or use --locale es-CL (es-CO, es-MX)",
	AmountNegative: "a negative amount, or one in parentheses, is not paid",
	AmountForm:     "not an amount. Write 12500, or use --locale es-CL (es-CO, es-MX)",
	Shortened:      "a spreadsheet shortened the number. Give the column the format Text, and type it again",
	NumberCell:     "the cell is a number, which loses zeros and digits. Give the column the format Text, and type it again",
	FailedCell:     "the formula has no value. Paste values instead",
	NoDigit:        "the check digit is missing. Write 12345678-5, or add a column DV",
	OtherDigit:     "the check digit differs from that in the column beside it",
	UnknownBank: func(near string) string {
		return fmt.Sprintf("no bank has exactly this name or code. Did you mean %q?", near)
	},
	TotalRow:     "a row of totals is no payment. Delete it",
	NamelessCell: "a cell stands under no column. Name the column, or delete the cell",
	CodeOfOthers: "write CC, CE or pasaporte: numbers mean different documents at different banks",
	Twice: func(row, first int) string {
		return fmt.Sprintf("row %d: the same payment is in row %d. It is paid once", row, first)
	},
	TwiceDiffers: func(row, first int, amount bool) string {
		return fmt.Sprintf("row %d: the same reference is in row %d with %s. This row is not submitted", row, first, other(amount))
	},
	Conflict: func(row int, amount bool) string {
		return fmt.Sprintf("row %d: this reference is registered with %s (conflict). Use another reference if it is another payment", row, other(amount))
	},
	NotCompared: func(where string) string {
		return fmt.Sprintf("redis at %s does not answer: the dry run does not compare with what is registered there", where)
	},
	WouldEnqueue: func(n int, sums string) string {
		if n == 0 {
			return "dry run: no payment would be enqueued"
		}
		return fmt.Sprintf("dry run: %d payments would be enqueued, sum %s", n, sums)
	},
	SeenFull: func(n int) string {
		return fmt.Sprintf("rows behind the first %d payments were not compared with each other", n)
	},

	Template: paymentfile.TemplateWords{
		Required: "required", Optional: "optional", Sheet: "Payments", HelpSheet: "Explanation", Help: []string{"Column", "Field", "Required", "What to write"},
		Texts: map[string]string{
			"type":                   "payout or charge",
			"provider":               "the provider's name; leave it as it is",
			"merchant_id":            "your reference, different for every payment: letters, digits, dots, dashes and underscores",
			"txnid":                  "your reference, different for every charge: letters, digits, dots, dashes and underscores",
			"amount":                 "digits alone, with a point before decimals: 12500 or 149.50",
			"currency":               "the currency's code; leave it as it is",
			"description":            "what the beneficiary or payer reads",
			"recipient.document":     "the beneficiary's RUT with its check digit: 12345678-5",
			"recipient.name":         "the beneficiary's name",
			"recipient.email":        "the beneficiary's e-mail address",
			"bank.code":              "the bank's code or its exact name; keep zeros in front",
			"bank.account_number":    "the account number, as text: keep zeros in front",
			"bank.account_type":      "corriente, vista or ahorro",
			"customer.document":      "the payer's document number",
			"customer.document_type": "1 or CC (cédula), 2 or CE (cédula de extranjería), 3 or pasaporte",
			"card.token":             "the token of the card, never its number",
		},
	},
}

func other(amount bool) string {
	if amount {
		return "another amount"
	}
	return "other content"
}
