package spreadsheet

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// sheetRows reads the rows of one sheet.
type sheetRows struct {
	book *Workbook
	part io.ReadCloser
	xml  *xml.Decoder
	row  int
	// left is how many bytes the cells of the row may still have.
	left int
}

// SheetRows are Rows of a workbook, to be closed.
type SheetRows interface {
	Rows
	io.Closer
}

// Rows reads the visible sheet of that index in Sheets. Rows without any cell are left out.
// Formulas are never computed: a cell has the value that was saved with it. A sheet that is damaged
// is refused before its first row.
func (w *Workbook) Rows(sheet int) (SheetRows, error) {
	if err := w.verify(w.sheets[sheet].part); err != nil {
		return nil, err
	}
	part, err := w.open(w.sheets[sheet].part, maxSheet)
	if err != nil {
		return nil, err
	}
	return &sheetRows{book: w, part: part, xml: xml.NewDecoder(part)}, nil
}

// verify reads a part to its end, where its checksum stands.
func (w *Workbook) verify(part string) error {
	r, err := w.open(part, maxSheet)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); err != nil {
		return workbookError(err)
	}
	return nil
}

func (s *sheetRows) Close() error { return s.part.Close() }

// Next implements Rows.
func (s *sheetRows) Next() (Row, error) {
	for {
		token, err := s.xml.RawToken()
		if errors.Is(err, io.EOF) {
			return Row{}, fmt.Errorf("%w: it was cut", ErrWorkbook)
		}
		if err != nil {
			return Row{}, workbookError(err)
		}
		switch e := token.(type) {
		case xml.EndElement:
			if e.Name.Local == "sheetData" {
				return Row{}, io.EOF
			}
		case xml.StartElement:
			if e.Name.Local != "row" {
				continue
			}
			row, err := s.read(e)
			if err != nil || !row.Empty() {
				return row, err
			}
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// read reads a row to its end.
func (s *sheetRows) read(start xml.StartElement) (Row, error) {
	if err := s.number(start); err != nil {
		return Row{}, err
	}
	s.left = maxRow
	row := Row{Number: s.row, Hidden: attribute(start, "hidden") == "1" || attribute(start, "hidden") == "true"}
	for {
		token, err := s.xml.RawToken()
		if err != nil {
			return Row{}, workbookError(err)
		}
		switch e := token.(type) {
		case xml.EndElement:
			if e.Name.Local == "row" {
				return row, nil
			}
		case xml.StartElement:
			if e.Name.Local != "c" {
				continue
			}
			at := column(attribute(e, "r"), len(row.Cells))
			if at >= maxColumns {
				return Row{}, ErrTooLarge
			}
			for len(row.Cells) <= at {
				row.Cells = append(row.Cells, Cell{})
			}
			if row.Cells[at], err = s.cell(e); err != nil {
				return Row{}, err
			}
		}
	}
}

// number takes the row's number, which rises from row to row: a number that falls would have a
// reader that skips what stands above a header skip this row too.
func (s *sheetRows) number(start xml.StartElement) error {
	last := s.row
	s.row++
	if text := attribute(start, "r"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= last {
			return fmt.Errorf("%w: its rows are out of order", ErrWorkbook)
		}
		s.row = n
	}
	if s.row > maxRows {
		return ErrTooLarge
	}
	return nil
}

// column is the index of a cell such as "AB7", or the next one where it does not say.
func column(reference string, next int) int {
	n := 0
	for _, r := range reference {
		if r < 'A' || r > 'Z' || n > maxColumns {
			break
		}
		n = n*26 + int(r-'A') + 1
	}
	if n == 0 {
		return next
	}
	return n - 1
}

// cell reads a cell to its end.
func (s *sheetRows) cell(start xml.StartElement) (Cell, error) {
	var value strings.Builder
	formula, in := false, false
	for {
		token, err := s.xml.RawToken()
		if err != nil {
			return Cell{}, workbookError(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			in = e.Name.Local == "v"
			formula = formula || e.Name.Local == "f"
			if e.Name.Local == "is" {
				if err := readText(s.xml, "is", &value, s.left); err != nil {
					return Cell{}, err
				}
			}
		case xml.EndElement:
			in = false
			if e.Name.Local == "c" {
				s.left -= value.Len()
				return s.valueOf(start, value.String(), formula), nil
			}
		case xml.CharData:
			if !in {
				continue
			}
			if value.Write(e); value.Len() > s.left {
				return Cell{}, ErrTooLarge
			}
		}
	}
}

// valueOf makes a cell of what stands in it.
func (s *sheetRows) valueOf(start xml.StartElement, value string, formula bool) Cell {
	kind := attribute(start, "t")
	switch {
	case kind == "e", formula && value == "" && kind != "str":
		return Cell{Kind: Failed}
	case kind == "s":
		i, err := strconv.Atoi(value)
		text, ok := s.book.shared.at(i)
		if err != nil || !ok {
			return Cell{Kind: Failed}
		}
		return Cell{Text: text}
	case kind == "str", kind == "inlineStr":
		return Cell{Text: value}
	case kind == "b":
		return Cell{Text: strconv.FormatBool(value == "1"), Kind: Truth}
	case kind == "d":
		return Cell{Text: value, Kind: Date}
	case value == "":
		return Cell{}
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return Cell{Kind: Failed}
	}
	style, err := strconv.Atoi(attribute(start, "s"))
	if err == nil && s.book.dates[style] {
		return Cell{Text: s.book.date(n), Kind: Date}
	}
	return Cell{Text: decimalText(n), Kind: Number}
}

// decimalText writes a number with the 15 digits that a spreadsheet keeps, without an exponent.
func decimalText(n float64) string {
	shown, err := strconv.ParseFloat(strconv.FormatFloat(n, 'g', 15, 64), 64)
	if err != nil {
		shown = n
	}
	return strconv.FormatFloat(shown, 'f', -1, 64)
}

// date reads a number of days. Day 60 of the system of 1900 is a 29 February that never was.
func (w *Workbook) date(days float64) string {
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if w.y1904 {
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	} else if days < 60 {
		days++
	}
	if days < 0 || days > 2958466 { // 9999
		return ""
	}
	seconds := math.Round(days*86400*1000) / 1000 // what is less than a millisecond is no time
	whole, part := math.Modf(seconds / 86400)
	day := epoch.AddDate(0, 0, int(whole))
	if part == 0 {
		return day.Format(time.DateOnly)
	}
	ofDay := min(math.Round(part*86400), 86399) // the last second does not become the next day
	return day.Add(time.Duration(ofDay) * time.Second).Format("2006-01-02T15:04:05")
}

// readStyles finds the styles that show numbers as dates.
func (w *Workbook) readStyles(part string) error {
	var found struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Styles []struct {
			Format int `xml:"numFmtId,attr"`
		} `xml:"cellXfs>xf"`
	}
	if err := w.decode(part, &found); err != nil {
		return err
	}
	own := map[int]string{}
	for _, f := range found.Formats {
		own[f.ID] = f.Code
	}
	w.dates = map[int]bool{}
	for i, s := range found.Styles {
		code, custom := own[s.Format]
		w.dates[i] = custom && isDateFormat(code) || !custom && isDateFormatID(s.Format)
	}
	return nil
}

// isDateFormatID knows the formats that need no code, those of East Asia among them.
func isDateFormatID(id int) bool {
	return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58
}

// literals of a format are no letters of a date: quoted texts, escaped signs, colours and locales
// in brackets.
var literals = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.|\[[^\]hms]*\]`)

func isDateFormat(code string) bool {
	return strings.ContainsAny(strings.ToLower(literals.ReplaceAllString(code, "")), "dmyhs") &&
		!strings.EqualFold(code, "General")
}
