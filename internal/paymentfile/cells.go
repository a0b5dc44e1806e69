package paymentfile

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/spreadsheet"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/tasks"
)

// payment is one row on its way to a task.
type payment struct {
	reader   *Reader
	row      spreadsheet.Row
	kind     string
	provider string
	cells    map[string]string
	wrong    *rowError // the first problem
}

// fail keeps the first problem of the row.
func (p *payment) fail(fault Fault, i int, path, text string) {
	p.failNear(fault, i, path, text, "")
}

func (p *payment) failNear(fault Fault, i int, path, text, near string) {
	if p.wrong != nil {
		return
	}
	problem := Problem{Fault: fault, Row: p.row.Number, Near: near, Path: path, Text: text}
	if i >= 0 && i < len(p.reader.header.columns) {
		problem.Column = p.reader.header.columns[i].name
	}
	p.wrong = &rowError{&tasks.FieldError{Path: path, Problem: text}, problem}
}

// texts that stand in a row's error, in English like every other.
const (
	sayUnclear   = "it cannot be told whether the sign separates thousands or decimals: write it without (12500), or say --locale es-CL, es-CO or es-MX"
	sayNegative  = "must be above zero: a negative amount or one in parentheses is not paid"
	sayForm      = "not an amount such as 12500 or 149.50; with --locale also as that country writes it"
	sayShortened = "a spreadsheet shortened the number: give the column the format text, and type the number again"
	sayNumber    = "is a number in the sheet, which loses zeros and digits: give the column the format text, and type it again"
	sayFailed    = "the formula has no value: paste values instead"
	sayNoDigit   = "has no check digit: write 12345678-5, or add a column DV"
	sayOther     = "its check digit differs from that of the column beside it"
	sayNoBank    = "no bank has exactly this name or code"
	sayTotal     = "a row of totals is no payment: delete it"
	sayNameless  = "a cell stands under no column: name the column, or delete the cell"
	sayCode      = "must be CC, CE or pasaporte: numbers mean different documents at different banks"
)

// read fills the cells of the task.
func (p *payment) read() tasks.Line {
	p.cells = map[string]string{}
	p.provider = p.value("provider")
	if p.kind = p.value("type"); p.kind == "" {
		p.kind = onlyType(p.provider)
	}
	for i, c := range p.reader.header.columns {
		if i < len(p.row.Cells) {
			p.cell(i, c)
		}
	}
	for _, cell := range p.row.Cells[min(len(p.row.Cells), len(p.reader.header.columns)):] {
		if !blank(cell) {
			p.fail(NamelessCell, -1, "line", sayNameless)
		}
	}
	if p.kind != "" {
		p.cells["type"] = p.kind
	}
	p.joinNames()
	p.fitAmount()
	line := tasks.ReadCells(p.row.Number, p.cells)
	if p.wrong != nil {
		line.Task, line.Err = tasks.Task{}, p.wrong
		return line
	}
	if field, ok := errors.AsType[*tasks.FieldError](line.Err); ok {
		p.fail(BadField, p.reader.header.find(field.Path), field.Path, field.Problem)
		line.Err = p.wrong
	}
	return line
}

func blank(c spreadsheet.Cell) bool {
	return c.Kind != spreadsheet.Failed && strings.TrimSpace(c.Text) == ""
}

// value is the cell of a column that chooses how the others are read.
func (p *payment) value(path string) string {
	i := p.reader.header.find(path)
	if i < 0 || i >= len(p.row.Cells) {
		return ""
	}
	return valueOf(path, strings.TrimSpace(p.row.Cells[i].Text))
}

// cell reads one cell into its field.
func (p *payment) cell(i int, c column) {
	cell := p.row.Cells[i]
	if blank(cell) {
		return
	}
	if c.name == "" {
		p.fail(NamelessCell, -1, "line", sayNameless)
		return
	}
	path := c.pathOf(p.kind)
	if path == "" {
		path = c.pathOf(payout) // the type is wrong, and will be found so
	}
	switch {
	case path == leftOut, path == checkDigit:
		return
	case cell.Kind == spreadsheet.Failed:
		p.fail(FailedCell, i, path, sayFailed)
		return
	}
	text := strings.TrimSpace(cell.Text)
	if exactDigits[path] {
		if stripped, ok := strings.CutPrefix(text, "'"); ok {
			text = stripped
			p.reader.count(&p.reader.notes.Apostrophes)
		}
		if spreadsheet.Shortened(text) {
			p.fail(Shortened, i, path, sayShortened)
			return
		}
	}
	if read := p.converted(i, path, text, c); read != "" {
		p.cells[path] = read
	}
}

// exactDigits are fields in which every digit counts, zeros in front included.
var exactDigits = map[string]bool{
	"recipient.document": true, "customer.document": true, "bank.account_number": true, "bank.code": true,
	"merchant_id": true, "txnid": true, "reference": true, "customer.phone": true, "customer.id": true, "agreement": true,
	"card.token": true, "details.instruction": true, "details.debtor": true, "details.creditor": true, "details.dtes": true,
}

// converted is a cell's text as the field has it; empty where it failed.
func (p *payment) converted(i int, path, text string, c column) string {
	kind := p.row.Cells[i].Kind
	switch path {
	case "amount":
		return p.amount(i, text, kind)
	case "recipient.document", "customer.document":
		return p.document(i, path, text)
	case "bank.code":
		return p.bank(i, text)
	case "bank.account_number":
		if kind == spreadsheet.Number {
			p.fail(NumberCell, i, path, sayNumber)
			return ""
		}
		return text
	case "customer.document_type":
		if value := valueOf(path, text); value != text || c.own {
			return value
		}
		p.fail(CodeOfOthers, i, path, sayCode)
		return ""
	}
	if kind == spreadsheet.Number && exactDigits[path] && len(text) > 15 {
		p.fail(NumberCell, i, path, sayNumber)
		return ""
	}
	if f, ok := p.field(path); ok && f.Format == "date" {
		return dayFirst(text)
	}
	return valueOf(path, text)
}

// field is the field's rule at the row's provider.
func (p *payment) field(path string) (fields.Field, bool) {
	for _, f := range p.reader.table(p.provider, p.kind) {
		if f.Path == path {
			return f, true
		}
	}
	return fields.Field{}, false
}

var days = []string{"02-01-2006", "02/01/2006", "2-1-2006", "2/1/2006"}

// dayFirst reads a date as people of the region write it; anything else is left to the field.
func dayFirst(text string) string {
	for _, layout := range days {
		if at, err := time.Parse(layout, text); err == nil {
			return at.Format(time.DateOnly)
		}
	}
	return text
}

func (p *payment) amount(i int, text string, kind spreadsheet.Kind) string {
	if kind == spreadsheet.Number {
		if strings.HasPrefix(text, "-") {
			p.fail(AmountNegative, i, "amount", sayNegative)
			return ""
		}
		return text
	}
	read, err := spreadsheet.Amount(text, p.reader.options.Locale)
	switch {
	case err == nil:
		return read
	case errors.Is(err, spreadsheet.ErrAmountUnclear):
		p.fail(AmountUnclear, i, "amount", sayUnclear)
	case errors.Is(err, spreadsheet.ErrAmountNegative):
		p.fail(AmountNegative, i, "amount", sayNegative)
	case errors.Is(err, spreadsheet.ErrAmountShortened):
		p.fail(Shortened, i, "amount", sayShortened)
	default:
		p.fail(AmountForm, i, "amount", sayForm)
	}
	return ""
}

// zeros are decimals that are none.
var zeros = regexp.MustCompile(`\.0+$`)

// fitAmount writes an amount with the decimals that its currency always has, or without those that
// it never has, where that changes nothing: a spreadsheet keeps 149.50 as 149.5, and writes pesos
// as 12.500,00.
func (p *payment) fitAmount() {
	amount := p.cells["amount"]
	switch p.cells["currency"] {
	case "CLP":
		if p.reader.options.Locale != "" || p.amountIsNumber() {
			amount = zeros.ReplaceAllString(amount, "")
		}
	case "MXN":
		whole, part, _ := strings.Cut(amount, ".")
		if whole != "" && len(part) < 2 {
			amount = whole + "." + (part + "00")[:2]
		}
	}
	if amount != "" {
		p.cells["amount"] = amount
	}
}

func (p *payment) amountIsNumber() bool {
	i := p.reader.header.find("amount")
	return i >= 0 && i < len(p.row.Cells) && p.row.Cells[i].Kind == spreadsheet.Number
}

// bodies are RUTs that may be without their check digit: of those with fewer digits than the
// longest one in eleven would pass as a whole RUT.
var bodies = regexp.MustCompile(`^[0-9]{1,8}$|^[0-9]{1,2}(\.[0-9]{3}){2}$`)

// document joins a document with the column of its check digit. Where the provider wants a RUT, one
// that has none is refused.
func (p *payment) document(i int, path, text string) string {
	f, known := p.field(path)
	isRUT := known && f.Canonical != nil
	digit := ""
	if j := p.reader.header.find(checkDigit); j >= 0 && j < len(p.row.Cells) {
		digit = strings.ToUpper(strings.TrimSpace(p.row.Cells[j].Text))
	}
	body, own, split := strings.Cut(text, "-")
	switch {
	case digit != "" && split:
		if strings.ToUpper(own) != digit {
			p.fail(OtherCheckDigit, i, path, sayOther)
		}
		return text
	case digit != "" && isRUT:
		return body + "-" + digit
	case isRUT && bodies.MatchString(text):
		p.fail(NoCheckDigit, i, path, sayNoDigit)
		return ""
	}
	return text
}

var shortCode = regexp.MustCompile(`^[0-9]{1,2}$`)

// bank reads a bank's code, or its exact name.
func (p *payment) bank(i int, text string) string {
	f, known := p.field("bank.code")
	valid := func(code string) bool { return !known || f.Valid(code) }
	if known && f.Valid(text) {
		if b := banks().byCode[text]; b != nil {
			p.reader.note(b.note)
		}
		return text
	}
	if padded := "000"[:max(0, 3-len(text))] + text; shortCode.MatchString(text) && known && f.Valid(padded) {
		p.reader.count(&p.reader.notes.ShortCodes)
		return padded
	}
	if b := banks().byName[spreadsheet.Fold(text)]; b != nil {
		if code, ok := b.code(valid); ok {
			p.reader.note(b.note)
			return code
		}
	}
	p.failNear(UnknownBank, i, "bank.code", sayNoBank, spreadsheet.Nearest(text, banks().names))
	return ""
}

// joinNames joins first and last names for a payout, and leaves them apart for a charge.
func (p *payment) joinNames() {
	first, last := p.cells[firstNames], p.cells[lastNames]
	delete(p.cells, firstNames)
	delete(p.cells, lastNames)
	if first == "" && last == "" {
		return
	}
	if p.kind == payout {
		if p.cells["recipient.name"] == "" {
			p.cells["recipient.name"] = strings.TrimSpace(first + " " + last)
		}
		return
	}
	for path, text := range map[string]string{"customer.first_names": first, "customer.last_names": last} {
		if text != "" {
			p.cells[path] = text
		}
	}
}
