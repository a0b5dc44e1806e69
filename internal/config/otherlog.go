package config

import (
	"log"
	"regexp"
	"strings"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/providers"
)

// HearOthers hands what libraries write through Go's own log (net/http among them, when a provider
// sends more than its answer, or a handler panics) to the process's log, as one line each and at
// that level. What they quote may be a provider's answer: it is left out, and numbers, mailboxes
// and tokens are hidden.
func HearOthers(to zerolog.Logger, level zerolog.Level) {
	log.SetFlags(0)
	log.SetPrefix("")
	log.SetOutput(otherLog{to, level})
}

type otherLog struct {
	to    zerolog.Logger
	level zerolog.Level
}

// Write takes one message of Go's log.
func (l otherLog) Write(p []byte) (int, error) {
	first, rest, _ := strings.Cut(strings.TrimSpace(string(p)), "\n")
	e := l.to.WithLevel(l.level).Str("from", "go")
	if more := otherLines(rest); more != "" {
		e = e.Str("detail", more)
	}
	e.Msg(otherLine(first))
	return len(p), nil
}

const mostOtherLines = 40

// otherLines are the frames of a panic, mostly.
func otherLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	lines = lines[:min(len(lines), mostOtherLines)]
	for i, line := range lines {
		lines[i] = otherLine(line)
	}
	return strings.Join(lines, "\n")
}

var quoted = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*(?:\"|$)|`[^`]*(?:`|$)")

func otherLine(line string) string { return providers.Message(quoted.ReplaceAllString(line, "[…]")) }
