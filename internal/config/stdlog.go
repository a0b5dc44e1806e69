package config

import (
	"log"
	"regexp"
	"strings"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/providers"
)

// RedirectStdLog writes each message of Go's own log as one line to the process's log, at that
// level: net/http logs there when a provider sends more than its response, or a handler panics.
// Quoted texts are left out, because they may come from a provider, and numbers, mailboxes and
// tokens are redacted.
func RedirectStdLog(to zerolog.Logger, level zerolog.Level) {
	log.SetFlags(0)
	log.SetPrefix("")
	log.SetOutput(stdLogWriter{to, level})
}

type stdLogWriter struct {
	to    zerolog.Logger
	level zerolog.Level
}

// Write takes one message of Go's log.
func (l stdLogWriter) Write(p []byte) (int, error) {
	first, rest, _ := strings.Cut(strings.TrimSpace(string(p)), "\n")
	e := l.to.WithLevel(l.level).Str("from", "go")
	if more := otherLines(rest); more != "" {
		e = e.Str("detail", more)
	}
	e.Msg(stdLogLine(first))
	return len(p), nil
}

const maxStdLogLines = 40

// otherLines are the frames of a panic, mostly.
func otherLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	lines = lines[:min(len(lines), maxStdLogLines)]
	for i, line := range lines {
		lines[i] = stdLogLine(line)
	}
	return strings.Join(lines, "\n")
}

var quoted = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*(?:\"|$)|`[^`]*(?:`|$)")

func stdLogLine(line string) string { return providers.Message(quoted.ReplaceAllString(line, "[…]")) }
