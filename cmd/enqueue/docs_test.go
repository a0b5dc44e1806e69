package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/internal/config"
)

// shellBlock and inlineCommand hold commands in a page.
var (
	shellBlock    = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```")
	inlineCommand = regexp.MustCompile("`(enqueue [^`\n]+)`")
)

// TestTheCommandsOfTheSpanishPagesAreCommands parses each as it would be typed. One that only
// names a command may leave out what is required.
func TestTheCommandsOfTheSpanishPagesAreCommands(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/es/*.md")
	if err != nil || len(pages) < 3 {
		t.Fatalf("only %d pages: %v", len(pages), err)
	}
	found := 0
	for _, name := range pages {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandsOf(string(page)) {
			found++
			c := cli{Config: *config.New()}
			k, err := kong.New(&c, options()...)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := k.Parse(split(line)[1:]); err != nil && !incomplete(line, err) {
				t.Errorf("%s: %s: %v", filepath.Base(name), line, err)
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d commands were found", found)
	}
}

func commandsOf(page string) []string {
	var lines []string
	for _, m := range shellBlock.FindAllStringSubmatch(page, -1) {
		lines = append(lines, strings.Split(m[1], "\n")...)
	}
	for _, m := range inlineCommand.FindAllStringSubmatch(page, -1) {
		lines = append(lines, m[1])
	}
	var commands []string
	for _, line := range lines {
		line = strings.TrimPrefix(strings.TrimSpace(line), "until ")
		for _, end := range []string{" | ", " > ", " # ", ";"} {
			line, _, _ = strings.Cut(line, end)
		}
		if strings.HasPrefix(line, "enqueue ") {
			commands = append(commands, line)
		}
	}
	return commands
}

// incomplete tells a command that the text only names, or whose file is the reader's.
func incomplete(line string, err error) bool {
	if strings.Contains(err.Error(), "no such file") {
		return true
	}
	return !strings.Contains(line, "--by") && (strings.Contains(err.Error(), "missing flags") || strings.Contains(err.Error(), "expected \"<") ||
		strings.Contains(err.Error(), "give either") || strings.Contains(err.Error(), "--by and --note must"))
}
