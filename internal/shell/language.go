package shell

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/remesa/remesa/internal/i18n"
)

// InLanguage puts the help into a language: what commands, flags and arguments are for, the titles
// of sections, and the words that stand for values. What has no words there stays in English; tests
// of both commands let no such text be. It comes after all other options that make texts.
func InLanguage(l i18n.Locale) kong.Option {
	return kong.PostBuild(func(k *kong.Kong) error {
		return eachText(k, func(text *string) {
			if own, known := l.Help(*text); known {
				*text = own
			}
		})
	})
}

// Texts lists the texts of the help as they stand beside the commands and flags, before anything is
// put in: a test asks for each whether a language has it. It is for kong.PostBuild.
func Texts(k *kong.Kong) ([]string, error) {
	var all []string
	err := eachText(k, func(text *string) { all = append(all, *text) })
	return all, err
}

// eachText calls with each text that people read in the help.
func eachText(k *kong.Kong, call func(text *string)) error {
	some := func(text *string) {
		if *text != "" {
			call(text)
		}
	}
	return kong.Visit(k.Model.Node, func(node kong.Visitable, next kong.Next) error {
		switch n := node.(type) {
		case *kong.Application:
			some(&n.Help)
		case *kong.Node:
			some(&n.Help)
		case *kong.Flag:
			some(&n.PlaceHolder)
			if n.Group != nil {
				some(&n.Group.Title)
			}
		case *kong.Value:
			some(&n.Help)
			if n.Flag == nil {
				some(&n.Name)
			}
		}
		return next(nil)
	})
}

// Help prints the help in a language. It leaves out of every help the flags of some sections of
// settings, and ends with where they are: pages of them would hide what is asked for more often.
// leaveOut may be nil.
func Help(l i18n.Locale, leaveOut func(section string) bool, pointer string) kong.Option {
	return kong.Help(func(o kong.HelpOptions, ctx *kong.Context) error {
		var hidden []*kong.Flag
		for _, f := range ctx.Model.Flags {
			if leaveOut != nil && f.Group != nil && !f.Hidden && leaveOut(f.Group.Title) {
				f.Hidden = true
				hidden = append(hidden, f)
			}
		}
		err := printHelp(l, o, ctx)
		for _, f := range hidden {
			f.Hidden = false
		}
		if err == nil && len(hidden) > 0 && !o.Summary {
			err = write(ctx.Stdout, "\n"+pointer+"\n")
		}
		return err
	})
}

// printHelp lets kong print, and puts the words that kong has of its own into the language.
func printHelp(l i18n.Locale, o kong.HelpOptions, ctx *kong.Context) error {
	out := ctx.Stdout
	keepWidth(out)
	var text bytes.Buffer
	ctx.Stdout = &text
	err := kong.DefaultHelpPrinter(o, ctx)
	ctx.Stdout = out
	if err != nil {
		return err
	}
	return write(out, inWords(l.CLI.Help, text.String()))
}

// write prints to a reader who may have read enough, as head does.
func write(out io.Writer, text string) error {
	if _, err := io.WriteString(out, text); !errors.Is(err, syscall.EPIPE) {
		return err
	}
	return nil
}

// keepWidth says how wide the terminal is where kong looks for it, who does not see it behind the
// buffer.
func keepWidth(out io.Writer) {
	f, is := out.(*os.File)
	if !is || os.Getenv("COLUMNS") != "" {
		return
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 { // #nosec G115 -- a descriptor
		_ = os.Setenv("COLUMNS", strconv.Itoa(width))
	}
}

// inWords replaces the words of kong's help, line by line.
func inWords(words i18n.HelpWords, help string) string {
	kongs := i18n.New(i18n.English, nil).CLI.Help
	lines := strings.Split(help, "\n")
	for i, line := range lines {
		switch rest, usage := strings.CutPrefix(line, kongs.Usage); {
		case usage:
			line = words.Usage + rest
		case line == kongs.Arguments:
			line = words.Arguments
		case line == kongs.Flags:
			line = words.Flags
		case line == kongs.Commands:
			line = words.Commands
		default:
			if before, after, more := strings.Cut(kongs.More("\x00"), "\x00"); more && strings.HasPrefix(line, before) && strings.HasSuffix(line, after) {
				line = words.More(strings.TrimSuffix(strings.TrimPrefix(line, before), after))
			}
		}
		line = strings.ReplaceAll(line, " "+kongs.FlagsPlace, " "+words.FlagsPlace)
		lines[i] = strings.ReplaceAll(line, "<command>", words.CommandPlace)
	}
	return strings.Join(lines, "\n")
}
