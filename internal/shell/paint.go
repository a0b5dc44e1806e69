package shell

import (
	"os"

	"golang.org/x/term"
)

// When text is coloured, as --color says it.
const (
	Auto   = "auto"
	Always = "always"
	Never  = "never"
)

// Paint colours parts of what goes to one place. No colour carries a meaning that the words do not.
// The zero Paint leaves everything as it is.
type Paint struct{ on bool }

// PaintFor colours what goes to a file. By Auto these decide, the first that is set: NO_COLOR to
// anything, CLICOLOR_FORCE to anything but 0; and then whether the file is a terminal that is not
// dumb. lookup finds variables, as os.LookupEnv does.
func PaintFor(when string, lookup func(name string) (string, bool), to *os.File) Paint {
	set := func(name string) string {
		value, _ := lookup(name)
		return value
	}
	switch {
	case when == Always:
		return Paint{true}
	case when == Never, set("NO_COLOR") != "":
		return Paint{}
	case set("CLICOLOR_FORCE") != "" && set("CLICOLOR_FORCE") != "0":
		return Paint{true}
	}
	return Paint{set("TERM") != "dumb" && set("CLICOLOR") != "0" && term.IsTerminal(int(to.Fd()))} // #nosec G115 -- a descriptor
}

// Good is for what ended well.
func (p Paint) Good(text string) string { return p.in("32", text) }

// Warn is for what waits for a person, or may.
func (p Paint) Warn(text string) string { return p.in("33", text) }

// Bad is for what failed.
func (p Paint) Bad(text string) string { return p.in("31", text) }

// Strong is for heads and titles.
func (p Paint) Strong(text string) string { return p.in("1", text) }

func (p Paint) in(code, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
