package tasks

import (
	"strings"
	"unicode"
)

// FieldError says what is wrong with one field of a task. Its text begins with the field's path and never repeats the field's value.
type FieldError struct {
	// Path is the field as written in the task, such as "recipient.document" or "details.dtes[2]"; "line" where the whole line is at
	// fault.
	Path string
	// Problem is for people: what the field must be.
	Problem string
}

func (e *FieldError) Error() string { return e.Path + ": " + e.Problem }

func wrong(path, problem string) error { return &FieldError{Path: path, Problem: problem} }

// at turns an error that begins with its own field name, as those of providers.ParseMoney do, into a FieldError.
func at(err error) error {
	path, problem, _ := strings.Cut(err.Error(), ": ")
	return wrong(path, problem)
}

// join is the path of a member of an object. A name that is no plain word is not repeated: it may be anything, a card number or a
// document included.
func join(path, name string) string {
	if !plainName(name) {
		name = "?"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

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
