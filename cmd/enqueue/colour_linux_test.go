package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/providers"
)

// onTerminal runs the command with stdout and stderr on a terminal, and returns what it shows once
// that ends with these words.
func onTerminal(t *testing.T, env []string, last string, args ...string) string {
	t.Helper()
	s := newScreen(t)
	cmd := exec.CommandContext(t.Context(), binary(t), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, s.terminal, s.terminal
	_ = cmd.Run() // some are refused
	eventually.NoError(t, testTimeout, func() error {
		if !strings.Contains(s.text(), last) {
			return fmt.Errorf("%v shows %q", args, s.text())
		}
		return nil
	})
	return s.text()
}

var (
	escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")
	// ages are what may differ between two lists.
	ages = regexp.MustCompile(` +\d+s `)
)

// TestATerminalHasColours, and only a terminal, unless somebody says otherwise; they stand around
// the same words.
func TestATerminalHasColours(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.held("virtualpos/h1")
	d.finished("virtualpos/s1", providers.Outcome{Class: providers.Succeeded, ProviderID: "9"})
	env := environment(redisAt(d.server.URL()), "TERM=xterm")
	bad := write(t, "bad.jsonl", payout("c1")+"\n{}\n")
	for _, row := range []struct{ args, last, want string }{
		{"list", "virtualpos/h1", "\x1b[33mheld"},
		{"show virtualpos/s1", "Why: ", "\x1b[32msucceeded"},
		{"show virtualpos/h1", "Why: ", "\x1b[1mNext ("},
		{"explain virtualpos/h1", "Next (", "\x1b[33mNow: "},
		{"show virtualpos/none", "no such payment", "\x1b[31menqueue:\x1b[0m virtualpos/none"},
		{"submit --dry-run " + bad, "line 2", "\x1b[31m1 invalid\x1b[0m"},
	} {
		args := strings.Fields(row.args)
		colour := onTerminal(t, env, row.last, args...)
		plain := onTerminal(t, append(env, "NO_COLOR=1"), row.last, args...)
		if !strings.Contains(colour, row.want) || strings.Contains(plain, "\x1b[3") {
			t.Errorf("%s: %q, and without colour %q", row.args, colour, plain)
		}
		if left := escapes.ReplaceAllString(colour, ""); !strings.HasPrefix(row.args, "submit") && ages.ReplaceAllString(left, " ") != ages.ReplaceAllString(plain, " ") {
			t.Errorf("%s: other words in colour:\n%s\n%s", row.args, left, plain)
		}
		piped, forced := enqueue(t, env, nil, args...), enqueue(t, env, nil, append(args, "--color=always")...)
		if strings.Contains(piped.out+piped.err, "\x1b") {
			t.Errorf("%s: colour in a pipe: %q", row.args, piped.out+piped.err)
		}
		if row.args == "list" && !strings.Contains(forced.out, "\x1b[33mheld") || strings.HasPrefix(row.args, "show virtualpos/s") && strings.Contains(forced.out, "\x1b") {
			t.Errorf("%s --color=always: %q", row.args, forced.out) // JSON has none
		}
	}
}
