// Command testreport runs go test with its arguments, prints a line for each package and the output
// of what failed, and in the end every test that was skipped, with its reason: a suite that skips
// in silence looks greener than it is. Of a failed test it prints first what the test itself says,
// then the logs of its servers, and its first assertion once more at the very end: whoever sees a
// part of the report sees why. Its exit code is that of go test.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() > 0 {
			os.Exit(exit.ExitCode())
		}
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	cmd := exec.CommandContext(context.Background(), "go", append([]string{"test", "-json"}, args...)...) // #nosec G204 G702 -- the arguments of make
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := report(events, out)
	return errors.Join(cmd.Wait(), readErr)
}

// event is a line of go test -json; see go doc test2json.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// reporter prints what the events say, as they come.
type reporter struct {
	out     io.Writer
	output  map[testID][]string // of tests and packages that have not ended
	failed  []string
	skipped []string
}

// testID names a test of a package; the package itself has no test.
type testID struct{ pkg, test string }

func (id testID) String() string { return id.pkg + " " + id.test }

// report prints what the events say.
func report(events io.Reader, out io.Writer) error {
	r := &reporter{out: out, output: map[testID][]string{}}
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var e event
		if json.Unmarshal(line, &e) != nil || e.Action == "" {
			r.print(string(line)) // go itself speaks
			continue
		}
		r.take(e)
	}
	r.list("were skipped", r.skipped)
	if len(r.failed) > 0 {
		r.list("failed", r.failed)
	}
	return nil
}

func (r *reporter) take(e event) {
	id := testID{e.Package, e.Test}
	switch e.Action {
	case "output":
		r.output[id] = append(r.output[id], e.Output)
	case "build-output":
		r.print(e.Output)
	case "fail":
		r.fail(id)
		if e.Test == "" {
			r.failUnfinished(e.Package)
			r.print(fmt.Sprintf("FAIL %s %.1fs\n", e.Package, e.Elapsed))
		}
	case "skip":
		if e.Test != "" {
			r.skipped = append(r.skipped, fmt.Sprintf("%s: %s", id, lastText(r.output[id])))
		}
		delete(r.output, id)
	case "pass":
		if e.Test == "" {
			r.print(fmt.Sprintf("ok   %s %.1fs\n", e.Package, e.Elapsed))
		}
		delete(r.output, id)
	}
}

// fail prints the output of what failed: its assertions, its verdict, its logs.
func (r *reporter) fail(id testID) {
	assertions, verdict, logs := sorted(r.output[id])
	delete(r.output, id)
	r.print(assertions + verdict + logs)
	why := cmp.Or(firstText(assertions), firstText(logs))
	// A test without a word of its own may have failed because of a part of it.
	if id.test != "" && (assertions != "" || why != "" && !r.partFailed(id)) {
		r.failed = append(r.failed, fmt.Sprintf("%s: %s", id, why))
	}
}

func (r *reporter) partFailed(id testID) bool {
	return slices.ContainsFunc(r.failed, func(s string) bool { return strings.HasPrefix(s, id.String()+"/") })
}

// failUnfinished prints the output of tests that began, in a package that failed, and never ended:
// the process was killed, or took too long.
func (r *reporter) failUnfinished(pkg string) {
	var unfinished []testID
	for id := range r.output {
		if id.pkg == pkg {
			unfinished = append(unfinished, id)
		}
	}
	slices.SortFunc(unfinished, func(a, b testID) int { return strings.Compare(a.test, b.test) })
	for _, id := range unfinished {
		r.fail(id)
	}
}

func (r *reporter) print(text string) { _, _ = io.WriteString(r.out, text) }

// list prints tests that all met with the same.
func (r *reporter) list(fate string, tests []string) {
	slices.Sort(tests)
	r.print(fmt.Sprintf("%d tests %s\n", len(tests), fate))
	for _, test := range tests {
		r.print("  " + test + "\n")
	}
}

var (
	logged = regexp.MustCompile(`^ +([^ :]+\.go):\d+: `)
	// frame is what package testing says about the course of a test.
	frame = regexp.MustCompile(`^=== `)
	// result is how a test ended.
	result = regexp.MustCompile(`^ *--- [A-Z]+: `)
)

// sorted parts a failed test's output. What a fixture logs when the test ends, the log of a server
// above all, comes from a file that is no test: it is kept apart from all else.
func sorted(output []string) (assertions, verdict, logs string) {
	inLog := false
	for line := range strings.Lines(strings.Join(output, "")) {
		if m := logged.FindStringSubmatch(line); m != nil {
			inLog = m[1] != "testing.go" && !strings.HasSuffix(m[1], "_test.go")
		}
		switch {
		case frame.MatchString(line):
		case result.MatchString(line):
			verdict += line
		case inLog:
			logs += line
		default:
			assertions += line
		}
	}
	return assertions, verdict, logs
}

// firstText is the first line that says something.
func firstText(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// lastText is what a test said before it was skipped.
func lastText(output []string) string {
	for _, line := range slices.Backward(output) {
		if text := strings.TrimSpace(line); text != "" && !frame.MatchString(line) && !result.MatchString(line) {
			return text
		}
	}
	return "no reason given"
}
