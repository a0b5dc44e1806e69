// Package shell is what both commands have in common for people at a shell: examples in the help,
// settings by section, and completion.
package shell

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/internal/i18n"
)

// Wrong is what a command line has wrong, as the parser found it: in a language, without the empty
// word that stands for "not given" in lists of words, and with the help that tells more.
func Wrong(l i18n.Locale, program string, err error) string {
	text := l.Say(strings.Replace(err.Error(), `must be one of "",`, "must be one of ", 1))
	if parse, is := errors.AsType[*kong.ParseError](err); is && parse.Context != nil && parse.Context.Selected() != nil {
		program = parse.Context.Selected().FullPath()
	}
	return text + l.CLI.Help.See(program+" --help")
}

// Examples are lines to begin with, by command: "submit", "subscription add".
type Examples map[string][]string

// Option puts the examples into the help of their commands, below a caption. A command that has
// none, or an example without a command, is an error of the program.
func (e Examples) Option(caption string) kong.Option {
	return kong.PostBuild(func(k *kong.Kong) error {
		left := len(e)
		for _, leaf := range k.Model.Leaves(true) {
			lines, ok := e[leaf.Path()]
			if !ok {
				return fmt.Errorf("%s: no example in its help", leaf.Path())
			}
			left--
			leaf.Detail = caption + "\n\n  " + strings.Join(lines, "\n  ")
		}
		if left > 0 {
			return fmt.Errorf("%d examples are of no command", left)
		}
		return nil
	})
}
