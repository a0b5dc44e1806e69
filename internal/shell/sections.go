package shell

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// ShortHelp leaves out of every help the flags of some sections of settings, and names behind it
// where they are: pages of them would hide what is asked for more often.
func ShortHelp(leaveOut func(section string) bool, pointer string) kong.Option {
	return kong.Help(func(o kong.HelpOptions, ctx *kong.Context) error {
		var hidden []*kong.Flag
		for _, f := range ctx.Model.Flags {
			if f.Group != nil && !f.Hidden && leaveOut(f.Group.Title) {
				f.Hidden = true
				hidden = append(hidden, f)
			}
		}
		err := kong.DefaultHelpPrinter(o, ctx)
		for _, f := range hidden {
			f.Hidden = false
		}
		if err == nil && len(hidden) > 0 && !o.Summary {
			_, err = fmt.Fprintf(ctx.Stdout, "\n%s\n", pointer)
		}
		return err
	})
}

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
// it. The section is found by the beginning of its title, without case and spaces.
func WriteSettings(w io.Writer, k *kong.Kong, section string, help kong.HelpValueFormatter) error {
	title := ""
	for _, s := range Sections(k) {
		if title == "" && strings.HasPrefix(oneWord(s), oneWord(section)) {
			title = s
		}
	}
	if title == "" {
		return fmt.Errorf("no section is called so; there are: %s", strings.Join(Sections(k), ", "))
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

func oneWord(text string) string { return strings.ToLower(strings.ReplaceAll(text, " ", "")) }
