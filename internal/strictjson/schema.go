package strictjson

import (
	"iter"
	"strings"
)

// Field is one value that a Schema knows.
type Field struct {
	// Path is where it stands, with a dot before each name but the first: "recipient.name".
	Path string
	// Required: it must be there, and not be an empty text.
	Required bool
	// Check says what is wrong with the value; its errors are returned as they are.
	Check func(path string, v Value) error
}

// Schema knows the fields of an object and of the objects inside it. It is safe for concurrent use.
type Schema struct {
	fields []Field
	root   place
}

// place is what a Schema knows under a name of an object: a field, or an object that holds more.
type place struct {
	field  int // in Schema.fields, counted from one; zero: none
	inside map[string]*place
}

// NewSchema makes a schema of fields with different paths.
func NewSchema(fields ...Field) *Schema {
	s := &Schema{fields: fields}
	for i := range fields {
		at := &s.root
		for name := range strings.SplitSeq(fields[i].Path, ".") {
			at = at.open(name)
		}
		at.field = i + 1
	}
	return s
}

// open is the place under a name, made where there was none.
func (p *place) open(name string) *place {
	inner := p.inside[name]
	if inner == nil {
		if p.inside == nil {
			p.inside = map[string]*place{}
		}
		inner = &place{}
		p.inside[name] = inner
	}
	return inner
}

// at is the place at a path, empty for the whole line; an empty one where nothing is known there.
func (s *Schema) at(path string) *place {
	p := &s.root
	if path == "" {
		return p
	}
	for name := range strings.SplitSeq(path, ".") {
		if p = p.inside[name]; p == nil {
			return &place{}
		}
	}
	return p
}

// Check refuses an object that stands at path, empty for a whole line: for a field that is unknown,
// that its own check refuses, or that is required and not there, in this order. Its error is the
// first of Problems.
func (s *Schema) Check(path string, v Value) (first error) {
	s.each(path, v, func(err error) bool {
		first = err
		return false
	})
	return first
}

// Problems yields everything that Check refuses, one error for each field.
func (s *Schema) Problems(path string, v Value) iter.Seq[error] {
	return func(yield func(error) bool) { s.each(path, v, yield) }
}

func (s *Schema) each(path string, v Value, yield func(error) bool) {
	if err := MustBe(path, v, Object); err != nil {
		yield(err)
		return
	}
	found := make([]bool, len(s.fields))
	if !s.object(s.at(path), path, v, found, yield) {
		return
	}
	for i := range s.fields {
		if f := &s.fields[i]; f.Required && !found[i] && !yield(fail(f.Path, "required")) {
			return
		}
	}
}

// object checks the members of an object, and reports whether yield wants more.
func (s *Schema) object(at *place, path string, v Value, found []bool, yield func(error) bool) bool {
	for i := range v.Members {
		if !s.member(at, path, &v.Members[i], found, yield) {
			return false
		}
	}
	return true
}

// member checks a member of the object at outer. A name with a dot in it ("recipient.name") is not
// the name inside recipient: no place has one.
func (s *Schema) member(at *place, outer string, m *Member, found []bool, yield func(error) bool) bool {
	p := at.inside[m.Name]
	switch {
	case p == nil:
		return yield(fail(Join(outer, m.Name), "unknown field"))
	case p.field > 0:
		found[p.field-1] = true
		err := s.fields[p.field-1].check(m.Value)
		return err == nil || yield(err)
	}
	path := m.Name
	if outer != "" {
		path = outer + "." + m.Name
	}
	if err := MustBe(path, m.Value, Object); err != nil {
		return yield(err)
	}
	return s.object(p, path, m.Value, found, yield)
}

func (f *Field) check(v Value) error {
	if f.Required && v.Kind == String && v.Text == "" {
		return fail(f.Path, "required, must not be empty")
	}
	return f.Check(f.Path, v)
}

// MustBe refuses a value of another kind.
func MustBe(path string, v Value, kind Kind) error {
	if v.Kind != kind {
		return fail(path, "must be "+string(kind)+", not "+string(v.Kind))
	}
	return nil
}
