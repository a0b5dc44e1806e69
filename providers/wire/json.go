package wire

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// deepest is how deep a response may be nested: no provider's is deeper than five levels.
const deepest = 64

// HasDuplicateNames reports JSON that may say two things of one: an object, at any depth, has a
// name twice, of which decoders take the first or the last without a word; or it is nested too deep
// to be read through. Names are compared as they are read, with their escapes resolved. What is no
// JSON is not ambiguous but unreadable, as its decoder says.
func HasDuplicateNames(text []byte) bool { return json.Valid(text) && duplicateNames(text) }

// duplicateNames is HasDuplicateNames of a valid JSON text.
func duplicateNames(text []byte) bool {
	var room [32][]byte
	s := scan{names: room[:0]}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			end := i + stringEnd(text[i:])
			s.text(text[i:end])
			i = end - 1
		case '{', '[':
			if len(s.levels) == deepest {
				return true
			}
			s.levels = append(s.levels, level{object: c == '{', name: c == '{', first: len(s.names)})
		case ',':
			top := &s.levels[len(s.levels)-1]
			top.name = top.object
		case '}', ']':
			if s.leave() {
				return true
			}
		}
	}
	return false
}

// scan is where in a valid JSON text its reader stands.
type scan struct {
	levels []level
	// names are those of all objects that are not closed yet, outermost first.
	names [][]byte
}

// level is an object or an array; the names of an object begin at first, and name is set where its
// next text is one.
type level struct {
	object, name bool
	first        int
}

// text takes a string with its quotes.
func (s *scan) text(quoted []byte) {
	if len(s.levels) == 0 {
		return
	}
	if top := &s.levels[len(s.levels)-1]; top.name {
		s.names, top.name = append(s.names, withoutQuotes(quoted)), false
	}
}

// leave closes the innermost level and reports whether it had a name twice.
func (s *scan) leave() bool {
	top := s.levels[len(s.levels)-1]
	own := s.names[top.first:]
	slices.SortFunc(own, bytes.Compare)
	for i := 1; i < len(own); i++ {
		if bytes.Equal(own[i-1], own[i]) {
			return true
		}
	}
	s.levels, s.names = s.levels[:len(s.levels)-1], s.names[:top.first]
	return false
}

// stringEnd is the length of the string at the beginning of the text, quotes included.
func stringEnd(text []byte) int {
	for i := 1; ; i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

func withoutQuotes(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // it is a string of a valid text
	return []byte(s)
}

// members are the values of an object of a valid JSON text by their names, parts of the text; nil
// where the text is no object.
func members(text []byte) map[string]json.RawMessage {
	i := pastBlanks(text, 0)
	if i == len(text) || text[i] != '{' {
		return nil
	}
	all := map[string]json.RawMessage{}
	for i = pastBlanks(text, i+1); text[i] != '}'; i = pastBlanks(text, i) {
		if text[i] == ',' {
			i = pastBlanks(text, i+1)
		}
		colon := i + stringEnd(text[i:])
		name := withoutQuotes(text[i:colon])
		from := pastBlanks(text, pastBlanks(text, colon)+1)
		i = valueEnd(text, from)
		all[string(name)] = text[from:i:i]
	}
	return all
}

func pastBlanks(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r') {
		i++
	}
	return i
}

// valueEnd is where the value ends that begins at i, within an object.
func valueEnd(text []byte, i int) int {
	for depth := 0; ; {
		switch text[i] {
		case '"':
			i += stringEnd(text[i:])
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i // that of the object around it: the value is a number or a word
			}
			depth--
			i++
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			continue
		}
		if depth == 0 {
			return i
		}
	}
}
