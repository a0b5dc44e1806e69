package wire

import (
	"errors"
	"fmt"
	"regexp"
)

// Setting is a setting that was checked, and what is wrong with its value; nil where nothing is.
type Setting struct {
	Name string
	Err  error
}

// CheckSettings is the error of the first setting that is wrong, by its full name and never by its
// value.
func CheckSettings(prefix string, all []Setting) error {
	for _, s := range all {
		if s.Err != nil {
			return fmt.Errorf("%s%s: %w", prefix, s.Name, s.Err)
		}
	}
	return nil
}

// CheckSet says of a value that is not there that it must be set.
func CheckSet(value string) error {
	if value == "" {
		return errors.New("must be set")
	}
	return nil
}

var printable = regexp.MustCompile(`^[\x21-\x7e]+$`)

// Printable reports printable ASCII without blanks: what a header can carry as one word.
func Printable(text string) bool { return printable.MatchString(text) }

// CheckPrintable says of a value that is not Printable that it must be.
func CheckPrintable(value string) error {
	if !Printable(value) {
		return errors.New("must be set, in printable ASCII without blanks")
	}
	return nil
}
