package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/i18n"
)

// TestTheExamplesOfTheHelpAreCommands parses each as it would be typed.
func TestTheExamplesOfTheHelpAreCommands(t *testing.T) {
	t.Parallel()
	for command, lines := range examples() {
		for _, line := range lines {
			before, after, piped := strings.Cut(line, " | ")
			if piped && strings.HasPrefix(after, "enqueue ") {
				before = after
			}
			before = strings.TrimSuffix(strings.TrimPrefix(before, "source <("), ")")
			before, _, _ = strings.Cut(before, " > ") // the shell takes it
			words := split(before)
			if words[0] != "enqueue" || !strings.HasPrefix(strings.Join(words[1:], " ")+" ", command+" ") {
				t.Errorf("an example of %q is %q", command, line)
				continue
			}
			c := cli{Config: *config.New()}
			k, err := kong.New(&c, options(i18n.New(i18n.English, nil))...)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := k.Parse(words[1:]); err != nil && !strings.Contains(err.Error(), "no such file") {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

// split makes words of a line, as a shell does where only double quotes are used.
func split(line string) []string {
	var words []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}
