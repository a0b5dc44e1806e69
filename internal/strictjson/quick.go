package strictjson

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// quick reads a value in one pass, and copies the line once: its texts are parts of one string. It
// takes only what walker takes, and reads the same from it; of what it does not take, walker says
// what is wrong.
type quick struct {
	text string
	at   int
}

// read reads the line's only value, an object; ok is false where walker must look.
func (q *quick) read() (v Value, ok bool) {
	if strings.Contains(q.text, string(utf8.RuneError)) || q.next() != '{' {
		return v, false
	}
	if v, ok = q.value(0); !ok {
		return v, false
	}
	q.next()
	return v, q.at == len(q.text)
}

// next is the first byte that is no white space, which stays; zero at the end.
func (q *quick) next() byte {
	for ; q.at < len(q.text); q.at++ {
		switch c := q.text[q.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// took steps over the next byte that is no white space, where it is this one.
func (q *quick) took(c byte) bool {
	if q.next() != c {
		return false
	}
	q.at++
	return true
}

func (q *quick) value(depth int) (Value, bool) {
	if depth > maxDepth {
		return Value{}, false
	}
	switch c := q.next(); c {
	case '{':
		return q.object(depth)
	case '[':
		return q.array(depth)
	case '"':
		text, ok := q.string()
		return Value{Kind: String, Text: text}, ok
	case 't':
		return q.word(Bool, "true")
	case 'f':
		return q.word(Bool, "false")
	case 'n':
		v, ok := q.word(Null, "null")
		v.Text = ""
		return v, ok
	default:
		return q.number()
	}
}

func (q *quick) object(depth int) (v Value, ok bool) {
	v.Kind = Object
	q.at++
	if q.took('}') {
		return v, true
	}
	var room [2 * usualMembers]Member
	members := room[:0]
	for {
		m, ok := q.member(depth, members)
		if !ok || len(members) == maxItems {
			return v, false
		}
		members = append(members, m)
		if q.took(',') {
			continue
		}
		v.Members = make([]Member, len(members))
		copy(v.Members, members)
		return v, q.took('}')
	}
}

// member reads a name, which none of the members before it may have, and its value.
func (q *quick) member(depth int, before []Member) (m Member, ok bool) {
	if q.next() != '"' {
		return m, false
	}
	if m.Name, ok = q.string(); !ok {
		return m, false
	}
	for i := range before {
		if before[i].Name == m.Name {
			return m, false
		}
	}
	if !q.took(':') {
		return m, false
	}
	m.Value, ok = q.value(depth + 1)
	return m, ok
}

func (q *quick) array(depth int) (v Value, ok bool) {
	v.Kind = Array
	q.at++
	if q.took(']') {
		return v, true
	}
	for {
		item, ok := q.value(depth + 1)
		if !ok || len(v.Items) == maxItems {
			return v, false
		}
		v.Items = append(v.Items, item)
		if !q.took(',') {
			return v, q.took(']')
		}
	}
}

// string reads a string; the line is known to hold no NUL and no U+FFFD as they are.
func (q *quick) string() (string, bool) {
	start := q.at + 1
	for i := start; i < len(q.text); i++ {
		switch c := q.text[i]; {
		case c == '"':
			q.at = i + 1
			return q.text[start:i], true
		case c == '\\':
			return q.escaped(start, i)
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

// escaped reads a string that has a backslash at i.
func (q *quick) escaped(start, i int) (text string, ok bool) {
	for ; i < len(q.text) && q.text[i] != '"'; i++ {
		if q.text[i] == '\\' {
			i++
		}
	}
	if i >= len(q.text) || json.Unmarshal([]byte(q.text[start-1:i+1]), &text) != nil {
		return "", false
	}
	q.at = i + 1
	return text, checkText("", text) == nil
}

// word reads true, false or null.
func (q *quick) word(kind Kind, word string) (Value, bool) {
	if !strings.HasPrefix(q.text[q.at:], word) {
		return Value{}, false
	}
	q.at += len(word)
	return Value{Kind: kind, Text: word}, true
}

// number reads a number as RFC 8259 has it.
func (q *quick) number() (Value, bool) {
	start := q.at
	q.skip("-")
	if !q.skip("0") && !q.digits() {
		return Value{}, false
	}
	if q.skip(".") && !q.digits() {
		return Value{}, false
	}
	if q.skip("eE") {
		q.skip("+-")
		if !q.digits() {
			return Value{}, false
		}
	}
	return Value{Kind: Number, Text: q.text[start:q.at]}, true
}

// skip steps over the next byte where it is one of these.
func (q *quick) skip(any string) bool {
	if q.at < len(q.text) && strings.IndexByte(any, q.text[q.at]) >= 0 {
		q.at++
		return true
	}
	return false
}

// digits steps over digits and reports whether there were any.
func (q *quick) digits() bool {
	start := q.at
	for q.at < len(q.text) && '0' <= q.text[q.at] && q.text[q.at] <= '9' {
		q.at++
	}
	return q.at > start
}
