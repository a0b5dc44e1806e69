package paymentfile

import (
	"cmp"
	"errors"
	"strings"
	"unicode"

	"github.com/remesa/remesa/internal/spreadsheet"
	"github.com/remesa/remesa/tasks"
)

// Map says which field a column is, by its name in the header.
type Map struct {
	Column string
	// Field is a field's path, such as "metadata.centro"; "-" leaves the column out.
	Field string
}

// ParseMap reads "Centro de costo=metadata.centro".
func ParseMap(text string) (Map, error) {
	i := strings.LastIndex(text, "=")
	if i <= 0 {
		return Map{}, errors.New("must be COLUMN=FIELD, such as \"Centro de costo=metadata.centro\"; FIELD is - to leave the column out")
	}
	m := Map{strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+1:])}
	if _, ok := tasks.ColumnKind(m.Field); !ok && m.Field != leftOut {
		return Map{}, errors.New("must name a field of a task, such as metadata.centro, or - to leave the column out")
	}
	return m, nil
}

// column is one column of the file.
type column struct {
	name string // in the header; empty where it has none
	*meaning
	// own: the header or a mapping names the field itself.
	own bool
}

// header reads the names of the columns.
type header struct {
	columns  []column
	problems []Problem
}

// isHeader reports whether a row names columns: at least half of its cells, or several.
func isHeader(cells []string, maps []Map) bool {
	all, found := 0, 0
	for _, cell := range cells {
		if strings.TrimSpace(cell) == "" {
			continue
		}
		all++
		if known(cell) || mapped(cell, maps) != nil {
			found++
		}
	}
	return found > 0 && (2*found >= all || found >= 3)
}

func mapped(cell string, maps []Map) *Map {
	for i, m := range maps {
		if spreadsheet.Fold(m.Column) == spreadsheet.Fold(cell) {
			return &maps[i]
		}
	}
	return nil
}

// readHeader gives each column its meaning, and finds all that is wrong at once.
func readHeader(cells []string, row int, maps []Map) header {
	var h header
	for _, cell := range cells {
		h.columns = append(h.columns, h.column(strings.TrimSpace(cell), row, maps))
	}
	for len(h.columns) > 0 && h.columns[len(h.columns)-1].name == "" {
		h.columns = h.columns[:len(h.columns)-1] // separators behind the last name
	}
	for _, m := range maps {
		if !hasColumn(cells, m) {
			h.problems = append(h.problems, Problem{Fault: UnusedMap, Row: row, Column: m.Column})
		}
	}
	h.findTwice(row)
	return h
}

func hasColumn(cells []string, m Map) bool {
	for _, cell := range cells {
		if mapped(cell, []Map{m}) != nil {
			return true
		}
	}
	return false
}

func (h *header) column(name string, row int, maps []Map) column {
	if name == "" {
		return column{}
	}
	if m := mapped(name, maps); m != nil {
		return column{name, &meaning{label: name, path: m.Field}, true}
	}
	if exact(name) {
		return column{name, &meaning{label: name, path: name}, true}
	}
	folded := spreadsheet.Fold(name)
	if fault, ok := words().faults[folded]; ok {
		h.problems = append(h.problems, Problem{Fault: fault, Row: row, Column: name})
		return column{name: name}
	}
	if m := words().byWord[folded]; m != nil {
		return column{name, m, exact(m.label)}
	}
	h.problems = append(h.problems, Problem{Fault: UnknownColumn, Row: row, Column: shown(name), Near: spreadsheet.Nearest(name, words().labels)})
	return column{name: name}
}

// shown is a column's name as it may be repeated: one with many digits, or a long one, may be
// somebody's data.
func shown(name string) string {
	digits := 0
	for _, r := range name {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits > 5 || len(name) > 64 || strings.Contains(name, "@") {
		return "?"
	}
	return name
}

// findTwice finds columns that are the same field of some type of payment.
func (h *header) findTwice(row int) {
	reported := map[[2]int]bool{}
	for _, kind := range []string{payout, charge, status} {
		first := map[string]int{}
		for i, c := range h.columns {
			path := c.pathOf(kind)
			if path == "" || path == leftOut {
				continue
			}
			j, twice := first[path]
			if !twice {
				first[path] = i
				continue
			}
			if pair := [2]int{j, i}; !reported[pair] {
				reported[pair] = true
				h.problems = append(h.problems, Problem{Fault: TwoColumns, Row: row, Column: h.columns[j].name, Other: c.name, Path: path})
			}
		}
	}
}

// pathOf is the field of the column's cells in a payment of that type; empty where it is none.
func (c column) pathOf(kind string) string {
	if c.meaning == nil {
		return ""
	}
	return cmp.Or(c.path, c.byType[kind])
}

// find is the first column that may be that field.
func (h *header) find(path string) int {
	for i, c := range h.columns {
		if c.meaning == nil {
			continue
		}
		if c.path == path {
			return i
		}
		for _, p := range c.byType {
			if p == path {
				return i
			}
		}
	}
	return -1
}
