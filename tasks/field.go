package tasks

import (
	"fmt"
	"strconv"

	"github.com/remesa/remesa/internal/strictjson"
)

// field is one row of a provider's table: where a value stands in a task, of which JSON type it is,
// and what it must be.
type field struct {
	path     string
	required bool
	kind     fieldKind
	check    func(path string, n node) error
}

type fieldKind int

// Kinds of fields; a CSV cell is read as its column's kind.
const (
	aText fieldKind = iota
	anInteger
	integerList
	textMap
	shownList
	aBoolean
)

// shape is the table of one type of task at one provider.
type shape struct {
	fields []field
	schema *strictjson.Schema
}

func newShape(fields ...field) *shape {
	known := make([]strictjson.Field, len(fields))
	for i, f := range fields {
		known[i] = strictjson.Field{Path: f.path, Required: f.required, Check: f.check}
	}
	return &shape{fields, strictjson.NewSchema(known...)}
}

// check holds an object against the table: nothing unknown, nothing of a wrong type or form,
// nothing missing.
func (s *shape) check(root node) error { return s.checkUnder("", root) }

// checkUnder is check for an object that stands at path.
func (s *shape) checkUnder(path string, n node) error { return fieldError(s.schema.Check(path, n)) }

func mustBe(path string, n node, kind strictjson.Kind) error {
	return fieldError(strictjson.MustBe(path, n, kind))
}

// text is a field whose value must satisfy ok; problem says how, never what was found.
func text(path, problem string, ok func(string) bool) field {
	return field{path: path, check: func(path string, n node) error {
		if err := mustBe(path, n, strictjson.String); err != nil {
			return err
		}
		if !ok(n.Text) {
			return wrong(path, problem)
		}
		return nil
	}}
}

// integer is a whole JSON number between low and high.
func integer(path string, low, high int64) field {
	return field{path: path, kind: anInteger, check: func(path string, n node) error { return checkInteger(path, n, low, high) }}
}

func checkInteger(path string, n node, low, high int64) error {
	if err := mustBe(path, n, strictjson.Number); err != nil {
		return err
	}
	v, err := strconv.ParseInt(n.Text, 10, 64)
	if err != nil || v < low || v > high {
		return wrong(path, fmt.Sprintf("must be a whole number from %d to %d", low, high))
	}
	return nil
}

func boolean(path string) field {
	return field{path: path, kind: aBoolean, check: func(path string, n node) error { return mustBe(path, n, strictjson.Bool) }}
}

func integers(path string, low, high int64) field {
	return field{path: path, kind: integerList, check: func(path string, n node) error {
		if err := mustBe(path, n, strictjson.Array); err != nil {
			return err
		}
		for i, item := range n.Items {
			if err := checkInteger(strictjson.Element(path, i), item, low, high); err != nil {
				return err
			}
		}
		return nil
	}}
}

// texts is a list of at most most texts, each of which must satisfy ok.
func texts(path string, most int, problem string, ok func(string) bool) field {
	return field{path: path, check: func(path string, n node) error {
		if err := mustBe(path, n, strictjson.Array); err != nil {
			return err
		}
		if len(n.Items) > most {
			return wrong(path, fmt.Sprintf("more than %d elements", most))
		}
		for i, item := range n.Items {
			f := text(strictjson.Element(path, i), problem, ok)
			if err := f.check(f.path, item); err != nil {
				return err
			}
		}
		return nil
	}}
}

// need makes a field a required one; an empty text does not satisfy it.
func need(f field) field {
	f.required = true
	return f
}

// orEmpty lets an optional text be empty, which means the same as its absence.
func orEmpty(f field) field {
	check := f.check
	f.check = func(path string, n node) error {
		if n.Kind == strictjson.String && n.Text == "" {
			return nil
		}
		return check(path, n)
	}
	return f
}

// orNull lets an optional field be null, which means the same as its absence.
func orNull(f field) field {
	check := f.check
	f.check = func(path string, n node) error {
		if n.Kind == strictjson.Null {
			return nil
		}
		return check(path, n)
	}
	return f
}
