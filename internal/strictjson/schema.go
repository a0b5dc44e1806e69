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
	byPath map[string]*Field
	inside map[string]bool // paths of objects that hold fields
}

// NewSchema makes a schema of fields with different paths.
func NewSchema(fields ...Field) *Schema {
	s := &Schema{fields: fields, byPath: map[string]*Field{}, inside: map[string]bool{}}
	for i := range fields {
		s.byPath[fields[i].Path] = &fields[i]
		for outer := range outerPaths(fields[i].Path) {
			s.inside[outer] = true
		}
	}
	return s
}

// outerPaths are those of the objects around a path.
func outerPaths(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i, r := range path {
			if r == '.' && !yield(path[:i]) {
				return
			}
		}
	}
}

// Check refuses an object that stands at path, empty for a whole line: for a field that is unknown,
// that its own check refuses, or that is required and not there, in this order. Its error is the
// first of Problems.
func (s *Schema) Check(path string, v Value) error {
	for err := range s.Problems(path, v) {
		return err
	}
	return nil
}

// Problems yields everything that Check refuses, one error for each field.
func (s *Schema) Problems(path string, v Value) iter.Seq[error] {
	return func(yield func(error) bool) {
		if err := MustBe(path, v, Object); err != nil {
			yield(err)
			return
		}
		found := map[string]bool{}
		if !s.object(path, v, found, yield) {
			return
		}
		for _, f := range s.fields {
			if f.Required && !found[f.Path] && !yield(fail(f.Path, "required")) {
				return
			}
		}
	}
}

// object checks the members of an object, and reports whether yield wants more.
func (s *Schema) object(path string, v Value, found map[string]bool, yield func(error) bool) bool {
	for _, m := range v.Members {
		at := m.Name
		if path != "" {
			at = path + "." + m.Name
		}
		if !s.member(path, at, m, found, yield) {
			return false
		}
	}
	return true
}

func (s *Schema) member(outer, path string, m Member, found map[string]bool, yield func(error) bool) bool {
	dotted := strings.ContainsRune(m.Name, '.') // "recipient.name" as one name is not the name inside recipient
	if f := s.byPath[path]; f != nil && !dotted {
		found[path] = true
		err := f.check(m.Value)
		return err == nil || yield(err)
	}
	if !s.inside[path] || dotted {
		return yield(fail(Join(outer, m.Name), "unknown field"))
	}
	if err := MustBe(path, m.Value, Object); err != nil {
		return yield(err)
	}
	return s.object(path, m.Value, found, yield)
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
