// Package preflight checks, without moving money, what a worker is about to rely on: that Redis
// keeps what it acknowledges, that clocks agree, and that each account is still the one that it
// was.
package preflight

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/remesa/remesa/internal/i18n"
)

// Level says how much a finding matters.
type Level string

// The levels of a finding.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Finding is the result of one check. Its texts hold no secret and no personal data.
type Finding struct {
	Name  string `json:"name"`
	Level Level  `json:"level"`
	Got   string `json:"got"`
	Want  string `json:"want"`
	// Fix says exactly what to change, and how; empty where nothing is wrong.
	Fix string `json:"fix,omitempty"`
	// Unsafe: payments may be lost or evicted. Real providers are not served then, unless the
	// operator insists.
	Unsafe bool `json:"unsafe,omitempty"`
	// Fatal: no worker can run like this, whatever the operator insists on.
	Fatal bool `json:"fatal,omitempty"`
	// Stops: nothing can be sent while this is so. /readyz reports it, too.
	Stops bool `json:"stops,omitempty"`
}

// Failed reports whether any finding fails.
func Failed(findings []Finding) bool {
	for _, f := range findings {
		if f.Level == Fail {
			return true
		}
	}
	return false
}

// UnsafeError lists why a worker must not start.
type UnsafeError struct {
	Findings []Finding
	// Overridable is false where REMESA_ALLOW_UNSAFE_REDIS would not help.
	Overridable bool
}

func (e *UnsafeError) Error() string {
	var b strings.Builder
	b.WriteString("refusing to start on this Redis")
	if e.Overridable {
		b.WriteString(": it may lose or evict payments")
	}
	for _, f := range e.Findings {
		fmt.Fprintf(&b, "\n  %s is %s, must be %s: %s", f.Name, f.Got, f.Want, f.Fix)
	}
	if e.Overridable {
		b.WriteString("\nREMESA_ALLOW_UNSAFE_REDIS=true starts all the same")
	}
	return b.String()
}

// RefuseUnsafe returns an *UnsafeError where a worker must not start: on a Redis on which it cannot
// run, and with real providers on a Redis that may lose or evict payments, unless the operator
// allows it.
func RefuseUnsafe(findings []Finding, liveURLs, allow bool) error {
	refused := &UnsafeError{Overridable: true}
	for _, f := range findings {
		switch {
		case f.Fatal:
			refused.Overridable = false
			refused.Findings = append(refused.Findings, f)
		case f.Unsafe && liveURLs && !allow:
			refused.Findings = append(refused.Findings, f)
		}
	}
	if len(refused.Findings) == 0 {
		return nil
	}
	return refused
}

// Table writes the findings for people, in their language: a line each, and below it what to do.
// paint colours a level's name; nil leaves it.
func Table(out io.Writer, l i18n.Locale, findings []Finding, paint func(level Level, name string) string) error {
	var table strings.Builder
	words, tab := l.CLI.Check, tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tab, "\t%s\t%s\t%s\n", words.Check, words.Found, words.Wanted)
	levels := map[Level]string{OK: words.OK, Warn: words.Warn, Fail: words.Fail}
	for _, f := range findings {
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\n", levels[f.Level], f.name(l), l.Say(f.Got), l.Say(f.Want))
	}
	_ = tab.Flush() // a builder takes all
	for i, line := range strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n") {
		if i > 0 && paint != nil { // behind the columns' widths
			level := findings[i-1].Level
			line = paint(level, levels[level]) + strings.TrimPrefix(line, levels[level])
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	for _, f := range findings {
		if f.Fix == "" {
			continue
		}
		if _, err := fmt.Fprintf(out, "\n%s: %s\n", f.name(l), l.Say(f.Fix)); err != nil {
			return err
		}
	}
	return nil
}

// name is the check's name for people, with the server where there are several.
func (f Finding) name(l i18n.Locale) string {
	check, server, several := strings.Cut(f.Name, " on ")
	if !several {
		return l.Say(check)
	}
	return l.CLI.Check.On(l.Say(check), server)
}

// JSON writes the findings for machines, as one object.
func JSON(out io.Writer, findings []Finding) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		OK       bool      `json:"ok"`
		Findings []Finding `json:"findings"`
	}{!Failed(findings), append([]Finding{}, findings...)})
}
