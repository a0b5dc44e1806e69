package config

import (
	"io"
	"time"

	"github.com/rs/zerolog"
)

// Logging says how much is logged, and how.
type Logging struct {
	LogLevel  string `default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogFormat string `default:"json" placeholder:"json|console" help:"json for machines, console for people."`
}

// Formats of the log.
const (
	LogJSON    = "json"
	LogConsole = "console"
)

var levels = map[string]zerolog.Level{
	"trace": zerolog.TraceLevel, "debug": zerolog.DebugLevel, "info": zerolog.InfoLevel, "warn": zerolog.WarnLevel, "error": zerolog.ErrorLevel,
}

// Logger makes a logger that writes to out. Times are UTC with milliseconds.
func (l *Logging) Logger(out io.Writer) zerolog.Logger {
	if l.LogFormat == LogConsole {
		out = zerolog.ConsoleWriter{Out: out, NoColor: true, FormatTimestamp: asWritten}
	}
	return zerolog.New(out).Level(levels[l.LogLevel]).Hook(zerolog.HookFunc(stamp))
}

// stamp adds the time by itself: zerolog's own timestamp has a format that is global to the
// process.
func stamp(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Str(zerolog.TimestampFieldName, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
}

func asWritten(value any) string {
	text, _ := value.(string)
	return text
}

func (l *Logging) complete() []error {
	var problems []error
	if _, ok := levels[l.LogLevel]; !ok {
		problems = append(problems, problem("REMESA_LOG_LEVEL", "must be debug, info, warn or error (found %s)", shapeOf(l.LogLevel)))
	}
	if l.LogFormat != LogJSON && l.LogFormat != LogConsole {
		problems = append(problems, problem("REMESA_LOG_FORMAT", "must be json or console (found %s)", shapeOf(l.LogFormat)))
	}
	return problems
}
