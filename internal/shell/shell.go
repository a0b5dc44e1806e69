// Package shell is what both commands have in common for people at a shell: examples in the help,
// settings by section, and completion.
package shell

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

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
