package tasks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds of one task. A task of the longest legitimate fields stays below a tenth of them.
const (
	maxLine  = 1 << 20
	maxDepth = 16
	maxItems = 1000 // of one list or one object
)

// node is one JSON value, read without interpretation: names keep their case and their order, numbers their digits.
type node struct {
	kind    nodeKind
	text    string // of a string, a number or a truth value
	members []member
	items   []node
}

type member struct {
	name  string
	value node
}

type nodeKind string

const (
	isObject nodeKind = "an object"
	isArray  nodeKind = "a list"
	isString nodeKind = "a text"
	isNumber nodeKind = "a number"
	isBool   nodeKind = "true or false"
	isNull   nodeKind = "null"
)

func (n node) member(name string) (node, bool) {
	for _, m := range n.members {
		if m.name == name {
			return m.value, true
		}
	}
	return node{}, false
}

// parse reads exactly one JSON object. It refuses what a lenient reader would repair: bytes that are no UTF-8, a NUL, half a surrogate
// pair, a name twice in one object, and anything after the object.
func parse(line []byte) (node, error) {
	if err := checkBytes(line); err != nil {
		return node{}, err
	}
	value, err := oneValue(line)
	if err != nil {
		return node{}, err
	}
	w := walker{value}
	n, err := w.value("", 0)
	if err != nil {
		return node{}, err
	}
	if n.kind != isObject {
		return node{}, wrong("line", "must be a JSON object, not "+string(n.kind))
	}
	return n, nil
}

func checkBytes(line []byte) error {
	switch {
	case len(line) > maxLine:
		return wrong("line", tooLong)
	case !utf8.Valid(line):
		return wrong("line", "not valid UTF-8")
	case bytes.IndexByte(line, 0) >= 0:
		return wrong("line", "contains a NUL")
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
		return nil, wrong("line", "is empty")
	case errors.As(err, &syntax):
		return nil, wrong("line", fmt.Sprintf("not valid JSON at byte %d", syntax.Offset))
	case err != nil:
		return nil, wrong("line", "not valid JSON: it ends too early")
	}
	if rest := line[dec.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		return nil, wrong("line", "more than one JSON value on the line")
	}
	return value, nil
}

// walker reads a JSON value that is known to be well-formed, several times faster than json.Decoder hands out its tokens.
type walker struct{ rest []byte }

func (w *walker) value(path string, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, wrong(orLine(path), fmt.Sprintf("nested more than %d levels deep", maxDepth))
	}
	switch w.next() {
	case '{':
		return w.object(path, depth)
	case '[':
		return w.array(path, depth)
	case '"':
		text := w.text()
		return node{kind: isString, text: text}, checkText(orLine(path), text)
	case 't', 'f':
		return node{kind: isBool, text: w.word()}, nil
	case 'n':
		w.word()
		return node{kind: isNull}, nil
	default:
		return node{kind: isNumber, text: w.word()}, nil
	}
}

func (w *walker) object(path string, depth int) (node, error) {
	n := node{kind: isObject}
	for w.more('}') {
		if len(n.members) == maxItems {
			return n, wrong(orLine(path), tooMany)
		}
		name := w.text()
		at := join(path, name)
		if err := checkText(at, name); err != nil {
			return n, err
		}
		if _, twice := n.member(name); twice {
			return n, wrong(at, "given twice in one object")
		}
		w.skip() // the colon
		value, err := w.value(at, depth+1)
		if err != nil {
			return n, err
		}
		n.members = append(n.members, member{name, value})
	}
	return n, nil
}

func (w *walker) array(path string, depth int) (node, error) {
	n := node{kind: isArray}
	for w.more(']') {
		if len(n.items) == maxItems {
			return n, wrong(orLine(path), tooMany)
		}
		item, err := w.value(element(path, len(n.items)), depth+1)
		if err != nil {
			return n, err
		}
		n.items = append(n.items, item)
	}
	return n, nil
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

// more steps over the opening bracket or the comma before an element and says that there is one, or steps over the end.
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

func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func orLine(path string) string {
	if path == "" {
		return "line"
	}
	return path
}

// checkText refuses what no text of a payment contains. The replacement character is what half a surrogate pair, or a text damaged on
// its way here, turns into.
func checkText(path, s string) error {
	if strings.ContainsRune(s, 0) {
		return wrong(path, "contains a NUL")
	}
	if strings.ContainsRune(s, utf8.RuneError) {
		return wrong(path, "contains U+FFFD: the text was damaged on its way here")
	}
	return nil
}
