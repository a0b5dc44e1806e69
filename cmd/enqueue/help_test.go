package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/shell"
	"github.com/remesa/remesa/providers/catalog"
)

// helpTexts are all texts of the help, as they stand beside commands and flags.
func helpTexts(t *testing.T) []string {
	t.Helper()
	var all []string
	c := cli{Config: *config.New()}
	_, err := kong.New(&c, append(options(i18n.New(i18n.English, nil)), kong.PostBuild(func(k *kong.Kong) (err error) {
		all, err = shell.Texts(k)
		return err
	}))...)
	if err != nil || len(all) < 100 {
		t.Fatalf("%d texts, %v", len(all), err)
	}
	return all
}

// TestEveryTextOfTheHelpHasSpanish: of each command, flag and argument, whether it is shown or not.
func TestEveryTextOfTheHelpHasSpanish(t *testing.T) {
	t.Parallel()
	spanish := i18n.New(i18n.Spanish, nil)
	var titles []string // names of companies
	for _, p := range catalog.Providers() {
		titles = append(titles, p.Title)
	}
	for _, text := range helpTexts(t) {
		words := regexp.MustCompile(`^[A-Za-z_-]+(\|[A-Za-z_-]+)+$`).MatchString(text) // what is to be typed
		if _, known := spanish.Help(text); !known && !words && !slices.Contains(titles, text) {
			t.Errorf("no Spanish for %q", text)
		}
	}
}

// help is the help of a command in a language.
func help(t *testing.T, l i18n.Locale, words ...string) string {
	t.Helper()
	var out bytes.Buffer
	c := cli{Config: *config.New()}
	k, err := kong.New(&c, append(options(l), kong.Exit(func(int) {}), kong.Writers(&out, &out))...)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = k.Parse(append(words, "--help")) // it prints, and would exit
	return out.String()
}

// TestTheHelpIsInOneLanguage: no command's help in Spanish has words of the parser's own, and what
// is typed is the same in both.
func TestTheHelpIsInOneLanguage(t *testing.T) {
	t.Parallel()
	english, spanish := i18n.New(i18n.English, nil), i18n.New(i18n.Spanish, nil)
	flags := regexp.MustCompile(`--[a-z][a-z-]+\b`)
	for command := range examples() {
		words := strings.Fields(command)
		own, theirs := help(t, spanish, words...), help(t, english, words...)
		if !strings.Contains(own, "Uso: ") || !strings.Contains(own, "Ejemplos:") || !strings.Contains(theirs, "Usage: ") {
			t.Errorf("%s:\n%s", command, own)
		}
		for _, left := range []string{"Usage:", "Flags:", "Commands:", "Arguments:", "Examples:", "[flags]", "<command>", "Run \"", "$ {"} {
			if strings.Contains(own, left) {
				t.Errorf("%s: %q in Spanish:\n%s", command, left, own)
			}
		}
		for _, flag := range flags.FindAllString(theirs, -1) {
			if !strings.Contains(own, flag) {
				t.Errorf("%s: %s is not in the Spanish help", command, flag)
			}
		}
	}
}
