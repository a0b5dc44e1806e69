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

	"github.com/remesa/remesa/internal/strictcsv"
	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers/fields"
)

// rows makes each row of a CSV file a task in JSON and decodes that: there is one set of rules.
type rows struct {
	reader  *strictcsv.Reader
	columns []column
	line    Line // of the row that was read last
}

// column is where a cell goes and as what it is read.
type column struct {
	name string
	kind fields.Kind
	key  string // of a map or of a named text
}

func newRows(r io.Reader) *rows {
	rs := &rows{}
	rs.reader = strictcsv.NewReader(r, rs)
	return rs
}

// next reads a row. The error of an invalid one that takes several lines names them.
func (r *rows) next() (Line, error) {
	r.line = Line{}
	row, err := r.reader.Next()
	if err != nil {
		return Line{}, err
	}
	r.line.Number, r.line.Err = row.Line, asFieldError(row.Err)
	if field, ok := errors.AsType[*FieldError](r.line.Err); ok && row.Spread != "" {
		r.line.Err = fieldError(field.Path, field.Problem+"; "+row.Spread)
	}
	return r.line, nil
}

// Header implements strictcsv.Table.
func (r *rows) Header(names []string) (err error) {
	r.columns, err = readColumns(names)
	return err
}

// Row implements strictcsv.Table.
func (r *rows) Row(cells []string) error {
	text, err := r.json(cells)
	if err != nil {
		return err
	}
	r.line = newLine("", 0, text)
	return r.line.Err
}

// readColumns knows the fields of all types and providers: a file may mix them.
func readColumns(names []string) ([]column, error) {
	kinds := kindsOfColumns()
	if !isHeader(names, kinds) {
		return nil, fieldError("header", fmt.Sprintf("missing: the first line must name the columns (type,provider,amount,…), and most of its %d cells name none", len(names)))
	}
	seen := map[string]bool{}
	var columns []column
	for _, name := range names {
		col, ok := readColumn(name, kinds)
		if !ok {
			return nil, fieldError(strictjson.Join("", name), "unknown column")
		}
		if seen[name] {
			return nil, fieldError(strictjson.Join("", name), "given twice in the header")
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
func (r *rows) json(cells []string) ([]byte, error) {
	root := map[string]any{}
	for i, col := range r.columns {
		if cells[i] == "" {
			continue
		}
		if !utf8.ValidString(cells[i]) {
			return nil, fieldError(col.path(), "not valid UTF-8")
		}
		col.put(root, cells[i])
	}
	line, err := compact(root)
	if err != nil {
		return nil, fieldError("line", "cannot be written as JSON")
	}
	return line, nil
}

func (c column) path() string {
	if c.key != "" {
		return strictjson.Join(c.name, c.key)
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
