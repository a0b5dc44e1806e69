package tasks

import (
	"maps"
	"slices"
	"sync"

	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers/fields"
)

var kindsOfColumns = sync.OnceValue(columnKinds)

// ColumnKind is the kind of the field that a column of CSV names: "amount", "recipient.document",
// "metadata.order". It is false for a name that is no column.
func ColumnKind(name string) (fields.Kind, bool) {
	col, ok := readColumn(name, kindsOfColumns())
	return col.kind, ok
}

// ColumnNames are the names of all columns of CSV but those of maps, in alphabetical order.
func ColumnNames() []string {
	var names []string
	for name, kind := range kindsOfColumns() {
		if !named(kind) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// ReadCells reads a task from cells by the name of their column, as a row of CSV has them: an empty
// cell is an absent field. Number is that of the line.
func ReadCells(number int, cells map[string]string) Line {
	r := rows{}
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(cells)) {
		col, ok := readColumn(name, kindsOfColumns())
		if !ok {
			return Line{Number: number, Err: fieldError(strictjson.Join("", name), "unknown column")}
		}
		r.columns, texts = append(r.columns, col), append(texts, cells[name])
	}
	text, err := r.json(texts)
	if err != nil {
		return Line{Number: number, Err: err}
	}
	return newLine("", number, text)
}
