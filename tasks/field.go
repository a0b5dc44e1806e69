package tasks

import (
	"fmt"
	"strconv"
	"strings"
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
	byPath map[string]*field
	inside map[string]bool // paths of objects that hold fields
}

func newShape(fields ...field) *shape {
	s := &shape{fields: fields, byPath: map[string]*field{}, inside: map[string]bool{}}
	for i := range fields {
		s.byPath[fields[i].path] = &fields[i]
		if dot := strings.LastIndexByte(fields[i].path, '.'); dot > 0 {
			s.inside[fields[i].path[:dot]] = true
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
		if f.required && !found[f.path] {
			return wrong(f.path, "required")
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
		return f.holds(m.value)
	}
	if !s.inside[path] {
		return wrong(join(outer, m.name), "unknown field")
	}
	if err := mustBe(path, m.value, isObject); err != nil {
		return err
	}
	return s.checkObject(path, m.value, found)
}

func (f *field) holds(n node) error {
	if f.required && n.kind == isString && n.text == "" {
		return wrong(f.path, "required, must not be empty")
	}
	return f.check(f.path, n)
}

func mustBe(path string, n node, kind nodeKind) error {
	if n.kind != kind {
		return wrong(path, "must be "+string(kind)+", not "+string(n.kind))
	}
	return nil
}

// text is a field whose value must satisfy ok; problem says how, never what was found.
func text(path, problem string, ok func(string) bool) field {
	return field{path: path, check: func(path string, n node) error {
		if err := mustBe(path, n, isString); err != nil {
			return err
		}
		if !ok(n.text) {
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
	if err := mustBe(path, n, isNumber); err != nil {
		return err
	}
	v, err := strconv.ParseInt(n.text, 10, 64)
	if err != nil || v < low || v > high {
		return wrong(path, fmt.Sprintf("must be a whole number from %d to %d", low, high))
	}
	return nil
}

func boolean(path string) field {
	return field{path: path, kind: aBoolean, check: func(path string, n node) error { return mustBe(path, n, isBool) }}
}

func integers(path string, low, high int64) field {
	return field{path: path, kind: integerList, check: func(path string, n node) error {
		if err := mustBe(path, n, isArray); err != nil {
			return err
		}
		for i, item := range n.items {
			if err := checkInteger(element(path, i), item, low, high); err != nil {
				return err
			}
		}
		return nil
	}}
}

// texts is a list of at most most texts, each of which must satisfy ok.
func texts(path string, most int, problem string, ok func(string) bool) field {
	return field{path: path, check: func(path string, n node) error {
		if err := mustBe(path, n, isArray); err != nil {
			return err
		}
		if len(n.items) > most {
			return wrong(path, fmt.Sprintf("more than %d elements", most))
		}
		for i, item := range n.items {
			f := text(element(path, i), problem, ok)
			if err := f.holds(item); err != nil {
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
		if n.kind == isString && n.text == "" {
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
		if n.kind == isNull {
			return nil
		}
		return check(path, n)
	}
	return f
}
