package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// MaxLine is how many bytes a line may have, without its end.
const MaxLine = 1 << 20

// Bounds of one value.
const (
	maxDepth = 16
	maxItems = 1000 // of one list or one object
)

// usualMembers is how many members most objects have at most.
const usualMembers = 8

// TooLong is the problem of a line of more than MaxLine.
const TooLong = "longer than 1 MiB"

// Parse reads exactly one JSON object of at most MaxLine bytes, nested at most 16 levels deep, with
// at most 1,000 elements in each object or list. It refuses what the package's doc names; the error
// is an *Error.
func Parse(line []byte) (Value, error) {
	if err := checkBytes(line); err != nil {
		return Value{}, err
	}
	q := quick{text: string(line)}
	if v, ok := q.read(); ok {
		return v, nil
	}
	return walk(line)
}

// walk is Parse for what quick does not take: it says what is wrong.
func walk(line []byte) (Value, error) {
	value, err := oneValue(line)
	if err != nil {
		return Value{}, err
	}
	w := walker{value}
	v, err := w.value("", 0)
	if err != nil {
		return Value{}, err
	}
	if v.Kind != Object {
		return Value{}, fail(Line, "must be a JSON object, not "+string(v.Kind))
	}
	return v, nil
}

func checkBytes(line []byte) error {
	switch {
	case len(line) > MaxLine:
		return fail(Line, TooLong)
	case !utf8.Valid(line):
		return fail(Line, "not valid UTF-8")
	case bytes.IndexByte(line, 0) >= 0:
		return fail(Line, "contains a NUL")
	}
	return nil
}

// oneValue returns the line's only JSON value, known to be well-formed.
func oneValue(line []byte) (json.RawMessage, error) {
	if json.Valid(line) {
		return line, nil // the decoder below only says what is wrong, and takes three times as long
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	var value json.RawMessage
	err := dec.Decode(&value)
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return nil, fail(Line, "is empty")
	case errors.As(err, &syntax):
		return nil, fail(Line, fmt.Sprintf("not valid JSON at byte %d", syntax.Offset))
	case err != nil:
		return nil, fail(Line, "not valid JSON: it ends too early")
	}
	if rest := line[dec.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		return nil, fail(Line, "more than one JSON value on the line")
	}
	return value, nil
}

// walker reads a JSON value that is known to be well-formed, and knows where in it it stands.
type walker struct{ rest []byte }

func (w *walker) value(path string, depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, fail(path, fmt.Sprintf("nested more than %d levels deep", maxDepth))
	}
	switch w.next() {
	case '{':
		return w.object(path, depth)
	case '[':
		return w.array(path, depth)
	case '"':
		text := w.text()
		return Value{Kind: String, Text: text}, checkText(path, text)
	case 't', 'f':
		return Value{Kind: Bool, Text: w.word()}, nil
	case 'n':
		w.word()
		return Value{Kind: Null}, nil
	default:
		return Value{Kind: Number, Text: w.word()}, nil
	}
}

func (w *walker) object(path string, depth int) (Value, error) {
	v := Value{Kind: Object}
	for w.more('}') {
		if len(v.Members) == maxItems {
			return v, fail(path, tooMany)
		}
		name := w.text()
		at := Join(path, name)
		if err := checkText(at, name); err != nil {
			return v, err
		}
		if _, twice := v.Member(name); twice {
			return v, fail(at, "given twice in one object")
		}
		w.skip() // the colon
		value, err := w.value(at, depth+1)
		if err != nil {
			return v, err
		}
		if v.Members == nil {
			v.Members = make([]Member, 0, usualMembers)
		}
		v.Members = append(v.Members, Member{name, value})
	}
	return v, nil
}

func (w *walker) array(path string, depth int) (Value, error) {
	v := Value{Kind: Array}
	for w.more(']') {
		if len(v.Items) == maxItems {
			return v, fail(path, tooMany)
		}
		item, err := w.value(Element(path, len(v.Items)), depth+1)
		if err != nil {
			return v, err
		}
		v.Items = append(v.Items, item)
	}
	return v, nil
}

// next is the first byte that is no white space, which stays.
func (w *walker) next() byte {
	for w.rest[0] <= ' ' {
		w.rest = w.rest[1:]
	}
	return w.rest[0]
}

// skip leaves out the next byte that is no white space.
func (w *walker) skip() {
	w.next()
	w.rest = w.rest[1:]
}

// more steps over the opening bracket or the comma before an element and says that there is one, or
// steps over the end.
func (w *walker) more(end byte) bool {
	if w.next() != end {
		w.rest = w.rest[1:]
		if w.next() != end {
			return true
		}
	}
	w.rest = w.rest[1:]
	return false
}

// text reads a string. Half a surrogate pair becomes U+FFFD.
func (w *walker) text() string {
	end, escaped := 1, false
	for ; w.rest[end] != '"'; end++ {
		if w.rest[end] == '\\' {
			escaped = true
			end++
		}
	}
	quoted := w.rest[:end+1]
	w.rest = w.rest[end+1:]
	if !escaped {
		return string(quoted[1:end])
	}
	var text string
	_ = json.Unmarshal(quoted, &text) // well-formed
	return text
}

// word reads a number, true, false or null.
func (w *walker) word() string {
	end := bytes.IndexAny(w.rest, ",]} \t\r\n")
	if end < 0 {
		end = len(w.rest)
	}
	word := string(w.rest[:end])
	w.rest = w.rest[end:]
	return word
}

var tooMany = fmt.Sprintf("more than %d elements", maxItems)

// checkText refuses what no honest text contains. The replacement character is what half a
// surrogate pair, or a text damaged on its way here, turns into.
func checkText(path, s string) error {
	if strings.ContainsRune(s, 0) {
		return fail(path, "contains a NUL")
	}
	if strings.ContainsRune(s, utf8.RuneError) {
		return fail(path, "contains U+FFFD: the text was damaged on its way here")
	}
	return nil
}
