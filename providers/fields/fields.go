// Package fields is the vocabulary in which a provider's package says what a task for it must hold:
// one Field for each value, by its path. It reads nothing itself; package tasks holds tasks against
// these tables, and knows the fields that every task has.
package fields

import "regexp"

// Kind is the JSON type of a field's value. A CSV cell is read as its column's kind.
type Kind int

// The kinds of fields.
const (
	// Text is a JSON string that satisfies Field.Valid.
	Text Kind = iota
	// Integer is a whole JSON number from Field.Low to Field.High.
	Integer
	// Integers is a list of such numbers.
	Integers
	// Texts is a list of at most Field.Most texts, each of which satisfies Field.Valid.
	Texts
	// TextMap is an object of texts: a task's metadata.
	TextMap
	// NamedTexts is a list of at most Field.Most objects, each of which holds Field.Of. A CSV
	// column for one of them is its path, a dot and its name.
	NamedTexts
	// Boolean is true or false.
	Boolean
)

// Field is one row of a table: where a value stands in a task, of which kind it is, and what it
// must be.
type Field struct {
	// Path is where the value stands: "amount", "recipient.document".
	Path string
	Kind Kind
	// Required fields must be there; an empty text does not satisfy one.
	Required bool
	// Empty lets a text be empty, Null lets any value be null: both mean the same as its absence.
	Empty, Null bool
	// Problem says what a text must be, for people, and never what was found.
	Problem string
	// Valid reports whether a text is allowed.
	Valid func(text string) bool
	// Pattern, Longest (in characters) and Format (a word of JSON Schema's) say of what is Valid as
	// much as they can, for a description that machines read; each may be empty.
	Pattern string
	Longest int
	Format  string
	// Canonical writes a valid text in the one way in which equal values are equal; nil leaves it.
	Canonical func(text string) string
	// Low and High bound an integer.
	Low, High int64
	// Most is how many elements a list may have.
	Most int
	// Of are the fields of an element of NamedTexts, by paths within the element.
	Of []Field
	// ID marks a text that holds an id, an address or a token: its digits are searched for card
	// numbers less greedily, as chance would refuse too many.
	ID bool
	// Needs is the path of a field that must not be empty where this Boolean is true; NeedsProblem
	// says so.
	Needs, NeedsProblem string
}

// Need makes a field a required one.
func Need(f Field) Field { f.Required = true; return f }

// OrEmpty lets an optional text be empty.
func OrEmpty(f Field) Field { f.Empty = true; return f }

// OrNull lets an optional field be null.
func OrNull(f Field) Field { f.Null = true; return f }

// ID marks a field that holds an id, see Field.ID.
func ID(f Field) Field { f.ID = true; return f }

// TextOf is a text that satisfies valid; problem says how, never what was found.
func TextOf(path, problem string, valid func(string) bool) Field {
	return Field{Path: path, Problem: problem, Valid: valid}
}

// Pattern is a text that matches re.
func Pattern(path, problem string, re *regexp.Regexp) Field {
	f := TextOf(path, problem, re.MatchString)
	f.Pattern = re.String()
	return f
}

// IntegerOf is a whole number from low to high.
func IntegerOf(path string, low, high int64) Field {
	return Field{Path: path, Kind: Integer, Low: low, High: high}
}

// IntegersOf is a list of whole numbers, each from low to high.
func IntegersOf(path string, low, high int64) Field {
	return Field{Path: path, Kind: Integers, Low: low, High: high}
}

// TextsOf is a list of at most most texts, each of which satisfies valid.
func TextsOf(path string, most int, problem string, valid func(string) bool) Field {
	return Field{Path: path, Kind: Texts, Most: most, Problem: problem, Valid: valid}
}

// BooleanOf is true or false.
func BooleanOf(path string) Field { return Field{Path: path, Kind: Boolean} }

// NamedTextsOf is a list of at most most objects with the texts name and value, of at most 40 and
// 100 characters, and perhaps a boolean show.
func NamedTextsOf(path string, most int) Field {
	return Field{Path: path, Kind: NamedTexts, Most: most, Of: []Field{Need(Free("name", 40)), Need(Free("value", 100)), BooleanOf("show")}}
}

// Part is one value that a payment is told apart by, under a name of its own.
type Part struct{ Name, Path string }
