package tasks

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/remesa/remesa/providers/fields"
)

// csvRows makes each record of a CSV file a task in JSON and decodes that: there is one set of
// rules.
type csvRows struct {
	records csvRecords
	columns []column
	header  error  // what is wrong with the header, of every row
	first   record // the header's
	begun   bool
	told    bool      // the header's fault, if it has one
	taken   swallowed // by the record before
	cut     int       // the line in whose middle the file ends; 0 where it does not
}

// swallowed are the lines that an invalid row takes besides its first, because a quoted cell goes
// on over them. Any of them may have been a payment, so each is answered.
type swallowed struct{ by, next, last int }

func (s *swallowed) more() bool { return s.last > 0 && s.next <= s.last }

func (s *swallowed) line() Line {
	n := s.next
	s.next++
	return Line{Number: n, Err: wrong("line", fmt.Sprintf("belongs to the invalid row that begins on line %d, by a quoted cell that goes on over it", s.by))}
}

// column is where a cell goes and as what it is read.
type column struct {
	name string
	kind fields.Kind
	key  string // of a map or of a named text
}

func (c *csvRows) next() (Line, error) {
	if c.taken.more() {
		return c.taken.line(), nil
	}
	if c.cut > 0 {
		return Line{}, cutAt(c.cut)
	}
	if !c.begun {
		if err := c.readHeader(); err != nil {
			return Line{}, err
		}
	}
	if c.header != nil && !c.told && c.first.last > c.first.line {
		return c.tellHeader(), nil
	}
	r, err := c.records.next()
	if errors.Is(err, io.EOF) && c.header != nil && !c.told {
		return c.tellHeader(), nil
	}
	if err != nil {
		return Line{}, err
	}
	c.told = true
	return c.row(r), nil
}

// tellHeader answers the header itself where it is invalid and no row can tell it, or took the rows
// with it.
func (c *csvRows) tellHeader() Line {
	c.told = true
	c.swallow(c.first)
	return Line{Number: c.first.line, Err: c.header}
}

// swallow has the lines answered that an invalid record takes besides its first.
func (c *csvRows) swallow(r record) { c.taken = swallowed{by: r.line, next: r.line + 1, last: r.last} }

// row decodes a record. One that is invalid and takes several lines says which: a quote that is not
// closed joins rows to one.
func (c *csvRows) row(r record) Line {
	line := Line{Number: r.line}
	text, err := c.text(r)
	if err == nil {
		line = newLine(r.line, text)
	}
	line.Err = cmp.Or(err, line.Err)
	if line.Err == nil {
		return line
	}
	c.swallow(r)
	line.Err = r.spread(line.Err)
	if r.isCut(len(c.columns)) {
		c.cut = r.last
	}
	return line
}

// spread adds to what is wrong with a record of several lines which they are.
func (r record) spread(err error) error {
	var field *FieldError
	if r.last == r.line || !errors.As(err, &field) {
		return err
	}
	return wrong(field.Path, fmt.Sprintf("%s; a quoted cell (the last one begins on line %d) makes the %d lines %d to %d one row, and none of them was taken",
		field.Problem, r.quote, r.last-r.line+1, r.line, r.last))
}

// isCut reports whether the file ends in the middle of this record: before its line's end, with a
// cell that is missing or not closed.
func (r record) isCut(columns int) bool {
	if !r.open || columns == 0 {
		return false
	}
	return r.wrong == endlessQuote && r.quote == r.last || r.wrong == "" && len(r.cells) < columns
}

// text is the record as JSON.
func (c *csvRows) text(r record) ([]byte, error) {
	switch {
	case r.wrong != "":
		return nil, wrong("line", r.wrong)
	case c.header != nil:
		return nil, c.header
	case len(r.cells) != len(c.columns):
		return nil, wrong("line", fmt.Sprintf("has %d cells, the header has %d", len(r.cells), len(c.columns)))
	}
	return c.json(r.cells)
}

func (c *csvRows) readHeader() error {
	r, err := c.records.next()
	if err != nil {
		return err
	}
	c.begun, c.first = true, r
	if r.wrong != "" {
		c.header = r.spread(wrong("header", r.wrong))
		return nil
	}
	if c.columns, c.header = readColumns(r.cells); c.header != nil {
		c.header = r.spread(c.header)
	}
	return nil
}

// readColumns knows the fields of all types and providers: a file may mix them.
func readColumns(names []string) ([]column, error) {
	kinds := columnKinds()
	if !isHeader(names, kinds) {
		return nil, wrong("header", fmt.Sprintf("missing: the first line must name the columns (type,provider,amount,…), and most of its %d cells name none", len(names)))
	}
	seen := map[string]bool{}
	var columns []column
	for _, name := range names {
		col, ok := readColumn(name, kinds)
		if !ok {
			return nil, wrong(join("", name), "unknown column")
		}
		if seen[name] {
			return nil, wrong(join("", name), "given twice in the header")
		}
		seen[name] = true
		columns = append(columns, col)
	}
	return columns, nil
}

// isHeader reports whether at least half of the names are columns. The first row of a file without
// a header is somebody's data: nothing of it may be repeated as the name of a column.
func isHeader(names []string, kinds map[string]fields.Kind) bool {
	known := 0
	for _, name := range names {
		if _, ok := readColumn(name, kinds); ok {
			known++
		}
	}
	return 2*known >= len(names)
}

func columnKinds() map[string]fields.Kind {
	kinds := map[string]fields.Kind{}
	for _, all := range byProvider {
		for _, r := range all {
			for _, f := range slices.Concat(r.payment.fields, r.status.fields) {
				kinds[f.Path] = f.Kind
			}
		}
	}
	return kinds
}

// readColumn reads a column's name: a field's path, or a map's path and a name in the map
// ("metadata.order").
func readColumn(name string, kinds map[string]fields.Kind) (column, bool) {
	kind, ok := kinds[name]
	if ok {
		return column{name: name, kind: kind}, !named(kind)
	}
	for outer, kind := range kinds {
		if key, ok := strings.CutPrefix(name, outer+"."); ok && key != "" && named(kind) {
			return column{outer, kind, key}, true
		}
	}
	return column{}, false
}

// named reports whether a field of the kind has a column for each name in it.
func named(kind fields.Kind) bool { return kind == fields.TextMap || kind == fields.NamedTexts }

// json writes a record as one task. An empty cell is an absent field.
func (c *csvRows) json(cells []string) ([]byte, error) {
	root := map[string]any{}
	for i, col := range c.columns {
		if cells[i] == "" {
			continue
		}
		if !utf8.ValidString(cells[i]) {
			return nil, wrong(col.path(), "not valid UTF-8")
		}
		col.put(root, cells[i])
	}
	line, err := compact(root)
	if err != nil {
		return nil, wrong("line", "cannot be written as JSON")
	}
	return line, nil
}

func (c column) path() string {
	if c.key != "" {
		return join(c.name, c.key)
	}
	return c.name
}

func (c column) put(root map[string]any, cell string) {
	object, name := root, c.name
	if outer, inner, nested := strings.Cut(c.name, "."); nested {
		object, name = inside(root, outer), inner
	}
	switch c.kind {
	case fields.Integer:
		object[name] = numberOrText(cell)
	case fields.Boolean:
		object[name] = truthOrText(cell)
	case fields.Integers:
		object[name] = numbers(cell)
	case fields.TextMap:
		inside(object, name)[c.key] = cell
	case fields.NamedTexts:
		list, _ := object[name].([]any)
		object[name] = append(list, map[string]any{"name": c.key, "value": cell, "show": true})
	default:
		object[name] = cell
	}
}

func inside(object map[string]any, name string) map[string]any {
	inner, ok := object[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		object[name] = inner
	}
	return inner
}

var wholeNumber = regexp.MustCompile(`^[0-9]+$`)

// numberOrText reads a whole number, leading zeros allowed ("06"). It leaves anything else a text,
// which the field's own check then refuses by name.
func numberOrText(cell string) any {
	if !wholeNumber.MatchString(cell) {
		return cell
	}
	return json.Number(cmp.Or(strings.TrimLeft(cell, "0"), "0"))
}

// truthOrText reads true and false as spreadsheets write them, and leaves anything else to the
// field's own check.
func truthOrText(cell string) any {
	switch strings.ToLower(cell) {
	case "true", "verdadero":
		return true
	case "false", "falso":
		return false
	}
	return cell
}

func numbers(cell string) []any {
	var list []any
	for part := range strings.SplitSeq(cell, ";") {
		list = append(list, numberOrText(strings.TrimSpace(part)))
	}
	return list
}
