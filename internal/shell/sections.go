package shell

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/internal/i18n"
)

// Sections lists the sections of a program's settings, in order.
func Sections(k *kong.Kong) []string {
	var all []string
	for _, f := range k.Model.Flags {
		if f.Group != nil && !slices.Contains(all, f.Group.Title) {
			all = append(all, f.Group.Title)
		}
	}
	return all
}

// WriteSettings prints the settings of one section: the flag, its default, and what help says of
// it. The section is found by the beginning of its title, or of its English one, without case and
// spaces.
func WriteSettings(w io.Writer, l i18n.Locale, k *kong.Kong, section string, help kong.HelpValueFormatter) error {
	title := ""
	for _, f := range k.Model.Flags {
		if title == "" && f.Group != nil && (begins(f.Group.Title, section) || begins(f.Group.Key, section)) {
			title = f.Group.Title
		}
	}
	if title == "" {
		return errors.New(l.CLI.Help.NoSection(strings.Join(Sections(k), ", ")))
	}
	if _, err := fmt.Fprintln(w, title); err != nil {
		return err
	}
	for _, f := range k.Model.Flags {
		if f.Group == nil || f.Group.Title != title {
			continue
		}
		value := ""
		if !f.IsBool() {
			value = "=" + f.FormatPlaceHolder()
		}
		if _, err := fmt.Fprintf(w, "\n  --%s%s\n      %s\n", f.Name, value, help(f.Value)); err != nil {
			return err
		}
	}
	return nil
}

func begins(title, section string) bool { return strings.HasPrefix(oneWord(title), oneWord(section)) }

func oneWord(text string) string { return strings.ToLower(strings.ReplaceAll(text, " ", "")) }
