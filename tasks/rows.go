package tasks

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// csvRows makes each record of a CSV file a task in JSON and decodes that: there is one set of rules.
type csvRows struct {
	records csvRecords
	columns []column
	header  error // what is wrong with the header, of every row
	begun   bool
}

// column is where a cell goes and as what it is read.
type column struct {
	name string
	kind fieldKind
	key  string // of a map or of a named text
}

func (c *csvRows) next() (Line, error) {
	if !c.begun {
		if err := c.readHeader(); err != nil {
			return Line{}, err
		}
	}
	r, err := c.records.next()
	if err != nil {
		return Line{}, err
	}
	text, err := c.text(r)
	if err != nil {
		return Line{Number: r.line, Err: err}, nil
	}
	return newLine(r.line, text), nil
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
	c.begun = true
	if r.wrong != "" {
		c.header = wrong("header", r.wrong)
		return nil
	}
	c.columns, c.header = readColumns(r.cells)
	return nil
}

// readColumns knows the fields of all types and providers: a file may mix them.
func readColumns(names []string) ([]column, error) {
	kinds := columnKinds()
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

func columnKinds() map[string]fieldKind {
	kinds := map[string]fieldKind{}
	for _, all := range byProvider {
		for _, r := range all {
			for _, f := range slices.Concat(r.payment.fields, r.status.fields) {
				kinds[f.path] = f.kind
			}
		}
	}
	return kinds
}

// readColumn reads a column's name: a field's path, or a map's path and a name in the map ("metadata.order").
func readColumn(name string, kinds map[string]fieldKind) (column, bool) {
	for _, outer := range []string{"metadata", "details.metadata"} {
		if key, ok := strings.CutPrefix(name, outer+"."); ok && key != "" {
			return column{outer, kinds[outer], key}, true
		}
	}
	kind, ok := kinds[name]
	return column{name: name, kind: kind}, ok && kind != textMap && kind != shownList
}

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
	case anInteger:
		object[name] = numberOrText(cell)
	case aBoolean:
		object[name] = truthOrText(cell)
	case integerList:
		object[name] = numbers(cell)
	case textMap:
		inside(object, name)[c.key] = cell
	case shownList:
		list, _ := object[name].([]any)
		object[name] = append(list, Shown{Name: c.key, Value: cell, Show: true})
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

// numberOrText reads a whole number, leading zeros allowed ("06"). It leaves anything else a text, which the field's own check then
// refuses by name.
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
