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
	text    string // of a string or a number
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
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.UseNumber()
	n, err := parseValue(dec, "", 0)
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

func parseValue(dec *json.Decoder, path string, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, wrong(orLine(path), fmt.Sprintf("nested more than %d levels deep", maxDepth))
	}
	token, err := dec.Token()
	if err != nil {
		return node{}, wrong(orLine(path), "not valid JSON")
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return parseObject(dec, path, depth)
		}
		return parseArray(dec, path, depth)
	case string:
		return node{kind: isString, text: t}, checkText(orLine(path), t)
	case json.Number:
		return node{kind: isNumber, text: t.String()}, nil
	case bool:
		return node{kind: isBool}, nil
	}
	return node{kind: isNull}, nil
}

func parseObject(dec *json.Decoder, path string, depth int) (node, error) {
	n := node{kind: isObject}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return n, wrong(orLine(path), "not valid JSON")
		}
		if len(n.members) == maxItems {
			return n, wrong(orLine(path), tooMany)
		}
		at := join(path, name)
		if err := checkText(at, name); err != nil {
			return n, err
		}
		if seen[name] {
			return n, wrong(at, "given twice in one object")
		}
		seen[name] = true
		value, err := parseValue(dec, at, depth+1)
		if err != nil {
			return n, err
		}
		n.members = append(n.members, member{name, value})
	}
	_, err := dec.Token()
	return n, err
}

func parseArray(dec *json.Decoder, path string, depth int) (node, error) {
	n := node{kind: isArray}
	for dec.More() {
		if len(n.items) == maxItems {
			return n, wrong(orLine(path), tooMany)
		}
		item, err := parseValue(dec, element(path, len(n.items)), depth+1)
		if err != nil {
			return n, err
		}
		n.items = append(n.items, item)
	}
	_, err := dec.Token()
	return n, err
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
