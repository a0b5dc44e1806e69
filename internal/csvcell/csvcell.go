// Package csvcell writes the cells of CSV files that people open with a spreadsheet.
package csvcell

import "strings"

// formulaSigns are those with which spreadsheets take a cell for a formula, those of East Asian
// keyboards among them; a tab and a line end are left out before they look.
const formulaSigns = "=+-@\t\r\n＝＋－＠"

// Literal is a text as a cell of a CSV file that no spreadsheet takes for a formula: it gets an
// apostrophe in front. A semicolon ends a cell where the comma stands before decimals, so that what
// follows one is treated alike.
//
//	csvcell.Literal("=1+1") // "'=1+1"
func Literal(text string) string {
	if !strings.ContainsAny(text, formulaSigns) {
		return text
	}
	cells := strings.Split(text, ";")
	for i, cell := range cells {
		if strings.IndexAny(strings.TrimLeft(cell, ` "`), formulaSigns) == 0 {
			cells[i] = "'" + cell
		}
	}
	return strings.Join(cells, ";")
}
