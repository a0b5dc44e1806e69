package strictjson

import (
	"fmt"
	"strings"
	"unicode"
)

// Error says what is wrong with one value. It never repeats the value.
type Error struct {
	// Path is where the value stands, such as "recipient.document" or "details.dtes[2]"; "line"
	// where the whole line is at fault.
	Path string
	// Problem is for people.
	Problem string
}

func (e *Error) Error() string { return e.Path + ": " + e.Problem }

// Line is the path of a whole line.
const Line = "line"

func fail(path, problem string) error {
	if path == "" {
		path = Line
	}
	return &Error{Path: path, Problem: problem}
}

// Join is the path of a member of an object, whose path is empty for the whole line. A name that is
// no plain word becomes "?": it may be anything, a card number or a document included.
func Join(path, name string) string {
	if !plainName(name) {
		name = "?"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// Element is the path of an element of a list, counted from 0.
func Element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// plainName allows letters, a few digits, and the signs that stand in names of fields and columns.
func plainName(name string) bool {
	digits := 0
	for _, r := range name {
		switch {
		case unicode.IsDigit(r):
			digits++
		case !unicode.IsLetter(r) && !strings.ContainsRune("_-. ", r):
			return false
		}
	}
	return name != "" && len(name) <= 64 && digits <= 5
}
