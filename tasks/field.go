package tasks

import (
	"fmt"
	"math"
	"strconv"

	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/fields"
)

// shape is the table of one type of task at one provider.
type shape struct {
	fields []fields.Field
	schema *strictjson.Schema
}

func newShape(table ...fields.Field) *shape {
	known := make([]strictjson.Field, len(table))
	for i, f := range table {
		known[i] = strictjson.Field{Path: f.Path, Required: f.Required, Check: func(path string, n node) error { return holds(&f, path, n) }}
	}
	return &shape{table, strictjson.NewSchema(known...)}
}

// find is the field at a path.
func (s *shape) find(path string) (fields.Field, bool) {
	for i := range s.fields {
		if s.fields[i].Path == path {
			return s.fields[i], true
		}
	}
	return fields.Field{}, false
}

// check holds an object against the table: nothing unknown, nothing of a wrong type or form,
// nothing missing.
func (s *shape) check(root node) error { return s.checkUnder("", root) }

// checkUnder is check for an object that stands at path.
func (s *shape) checkUnder(path string, n node) error { return asFieldError(s.schema.Check(path, n)) }

// holds holds a value against its field.
func holds(f *fields.Field, path string, n node) error {
	switch {
	case f.Required && n.Kind == strictjson.String && n.Text == "":
		return fieldError(path, "required, must not be empty")
	case f.Empty && n.Kind == strictjson.String && n.Text == "", f.Null && n.Kind == strictjson.Null:
		return nil
	}
	switch f.Kind {
	case fields.Text:
		return checkTextOf(f, path, n)
	case fields.Integer:
		return checkInteger(f, path, n)
	case fields.Integers:
		return checkList(f, path, n, math.MaxInt, checkInteger)
	case fields.Texts:
		return checkList(f, path, n, f.Most, checkTextOf)
	case fields.TextMap:
		return checkTextMap(path, n)
	case fields.NamedTexts:
		return checkList(f, path, n, f.Most, checkNamedText)
	case fields.Boolean:
		return mustBe(path, n, strictjson.Bool)
	}
	return fieldError(path, "has no rule")
}

func checkTextOf(f *fields.Field, path string, n node) error {
	if err := mustBe(path, n, strictjson.String); err != nil {
		return err
	}
	if !f.Valid(n.Text) {
		return fieldError(path, f.Problem)
	}
	return nil
}

func checkInteger(f *fields.Field, path string, n node) error {
	if err := mustBe(path, n, strictjson.Number); err != nil {
		return err
	}
	v, err := strconv.ParseInt(n.Text, 10, 64)
	if err != nil || v < f.Low || v > f.High {
		return fieldError(path, fmt.Sprintf("must be a whole number from %d to %d", f.Low, f.High))
	}
	return nil
}

// checkList checks each element of a list of at most most.
func checkList(f *fields.Field, path string, n node, most int, check func(f *fields.Field, path string, n node) error) error {
	if err := mustBe(path, n, strictjson.Array); err != nil {
		return err
	}
	if len(n.Items) > most {
		return fieldError(path, fmt.Sprintf("more than %d elements", most))
	}
	for i, item := range n.Items {
		if err := check(f, strictjson.Element(path, i), item); err != nil {
			return err
		}
	}
	return nil
}

// checkNamedText checks an object of a list; no name may be that of card data.
func checkNamedText(f *fields.Field, path string, n node) error {
	if err := mustBe(path, n, strictjson.Object); err != nil {
		return err
	}
	of := make([]fields.Field, len(f.Of))
	for i, inner := range f.Of {
		of[i] = inner.At(path + "." + inner.Path)
	}
	if err := newShape(of...).checkUnder(path, n); err != nil {
		return err
	}
	if name, _ := n.Member("name"); providers.NamesCardData(name.Text) {
		return fieldError(path+".name", noCards)
	}
	return nil
}

func mustBe(path string, n node, kind strictjson.Kind) error {
	return asFieldError(strictjson.MustBe(path, n, kind))
}
