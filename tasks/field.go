package tasks

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/fields"
)

// shape is the table of one type of task at one provider.
type shape struct {
	fields []fields.Field
	byPath map[string]*fields.Field
	inside map[string]bool // paths of objects that hold fields
}

func newShape(table ...fields.Field) *shape {
	s := &shape{fields: table, byPath: map[string]*fields.Field{}, inside: map[string]bool{}}
	for i := range table {
		s.byPath[table[i].Path] = &table[i]
		if dot := strings.LastIndexByte(table[i].Path, '.'); dot > 0 {
			s.inside[table[i].Path[:dot]] = true
		}
	}
	return s
}

// check holds an object against the table: nothing unknown, nothing of a wrong type or form,
// nothing missing.
func (s *shape) check(root node) error { return s.checkUnder("", root) }

// checkUnder is check for an object that stands at path.
func (s *shape) checkUnder(path string, n node) error {
	found := map[string]bool{}
	if err := s.checkObject(path, n, found); err != nil {
		return err
	}
	for _, f := range s.fields {
		if f.Required && !found[f.Path] {
			return wrong(f.Path, "required")
		}
	}
	return nil
}

func (s *shape) checkObject(path string, n node, found map[string]bool) error {
	for _, m := range n.members {
		at := m.name
		if path != "" {
			at = path + "." + m.name
		}
		if err := s.checkMember(path, at, m, found); err != nil {
			return err
		}
	}
	return nil
}

func (s *shape) checkMember(outer, path string, m member, found map[string]bool) error {
	dotted := strings.ContainsRune(m.name, '.') // "recipient.name" as one name is not the name inside recipient
	if f := s.byPath[path]; f != nil && !dotted {
		found[path] = true
		return holds(f, path, m.value)
	}
	if !s.inside[path] {
		return wrong(join(outer, m.name), "unknown field")
	}
	if err := mustBe(path, m.value, isObject); err != nil {
		return err
	}
	return s.checkObject(path, m.value, found)
}

// holds holds a value against its field.
func holds(f *fields.Field, path string, n node) error {
	switch {
	case f.Required && n.kind == isString && n.text == "":
		return wrong(path, "required, must not be empty")
	case f.Empty && n.kind == isString && n.text == "", f.Null && n.kind == isNull:
		return nil
	}
	switch f.Kind {
	case fields.Text:
		return checkTextOf(f, path, n)
	case fields.Integer:
		return checkInteger(f, path, n)
	case fields.Integers:
		return checkList(f, path, n, maxItems, checkInteger)
	case fields.Texts:
		return checkList(f, path, n, f.Most, checkTextOf)
	case fields.TextMap:
		return checkTextMap(path, n)
	case fields.NamedTexts:
		return checkList(f, path, n, f.Most, checkNamedText)
	case fields.Boolean:
		return mustBe(path, n, isBool)
	}
	return wrong(path, "has no rule")
}

func checkTextOf(f *fields.Field, path string, n node) error {
	if err := mustBe(path, n, isString); err != nil {
		return err
	}
	if !f.Valid(n.text) {
		return wrong(path, f.Problem)
	}
	return nil
}

func checkInteger(f *fields.Field, path string, n node) error {
	if err := mustBe(path, n, isNumber); err != nil {
		return err
	}
	v, err := strconv.ParseInt(n.text, 10, 64)
	if err != nil || v < f.Low || v > f.High {
		return wrong(path, fmt.Sprintf("must be a whole number from %d to %d", f.Low, f.High))
	}
	return nil
}

// checkList checks each element of a list of at most most.
func checkList(f *fields.Field, path string, n node, most int, check func(f *fields.Field, path string, n node) error) error {
	if err := mustBe(path, n, isArray); err != nil {
		return err
	}
	if len(n.items) > most {
		return wrong(path, fmt.Sprintf("more than %d elements", most))
	}
	for i, item := range n.items {
		if err := check(f, element(path, i), item); err != nil {
			return err
		}
	}
	return nil
}

// checkNamedText checks an object of a list; no name may be that of card data.
func checkNamedText(f *fields.Field, path string, n node) error {
	if err := mustBe(path, n, isObject); err != nil {
		return err
	}
	of := make([]fields.Field, len(f.Of))
	for i, inner := range f.Of {
		of[i] = inner.At(path + "." + inner.Path)
	}
	if err := newShape(of...).checkUnder(path, n); err != nil {
		return err
	}
	if name, _ := n.member("name"); providers.NamesCardData(name.text) {
		return wrong(path+".name", noCards)
	}
	return nil
}

func mustBe(path string, n node, kind nodeKind) error {
	if n.kind != kind {
		return wrong(path, "must be "+string(kind)+", not "+string(n.kind))
	}
	return nil
}
