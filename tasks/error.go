package tasks

import (
	"errors"
	"strings"

	"github.com/remesa/remesa/internal/strictjson"
)

// node is a value of a task as it was written.
type node = strictjson.Value

func parse(line []byte) (node, error) {
	root, err := strictjson.Parse(line)
	return root, asFieldError(err)
}

// FieldError says what is wrong with one field of a task. Its text begins with the field's path and
// never repeats the field's value.
type FieldError struct {
	// Path is the field as written in the task, such as "recipient.document" or "details.dtes[2]";
	// "line" where the whole line is at fault.
	Path string
	// Problem is a sentence: what the field must be.
	Problem string
}

func (e *FieldError) Error() string { return e.Path + ": " + e.Problem }

func fieldError(path, problem string) error { return &FieldError{Path: path, Problem: problem} }

// at turns an error that begins with its own field name, as those of providers.ParseMoney do, into
// a FieldError.
func at(err error) error {
	path, problem, _ := strings.Cut(err.Error(), ": ")
	return fieldError(path, problem)
}

// asFieldError makes what the strict readers found wrong a FieldError.
func asFieldError(err error) error {
	var e *strictjson.Error
	if errors.As(err, &e) {
		return fieldError(e.Path, e.Problem)
	}
	return err
}
