// Package strictjson reads JSON that people and programs write by hand or by mistake, and refuses
// what a lenient reader would repair: bytes that are no UTF-8, a NUL, half a surrogate pair, a name
// twice in one object, more than one value, names in the wrong case, and fields that nobody knows.
// Each error names the path of what is wrong and never repeats a value. It reads one value a line,
// streaming, in memory that does not grow with the file.
package strictjson

// Value is one JSON value, read without interpretation: names keep their case and their order,
// numbers their digits.
type Value struct {
	Kind Kind
	// Text is that of a String, and a Number or a Bool as it was written.
	Text    string
	Members []Member // of an Object
	Items   []Value  // of an Array
}

// Member is one name and its value in an object.
type Member struct {
	Name  string
	Value Value
}

// Kind is what a Value is; its text completes the sentence "must be …".
type Kind string

// The kinds of values.
const (
	Object Kind = "an object"
	Array  Kind = "a list"
	String Kind = "a text"
	Number Kind = "a number"
	Bool   Kind = "true or false"
	Null   Kind = "null"
)

// Member is the value under a name of an object.
func (v Value) Member(name string) (Value, bool) {
	for _, m := range v.Members {
		if m.Name == name {
			return m.Value, true
		}
	}
	return Value{}, false
}
