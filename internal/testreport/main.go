// Command testreport runs go test with its arguments, prints a line for each package and the output
// of what failed, and in the end every test that was skipped, with its reason: a suite that skips
// in silence looks greener than it is. Its exit code is that of go test.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
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
	ImportPath                    string
	Elapsed                       float64
}

// report prints what the events say.
func report(events io.Reader, out io.Writer) error {
	output := map[string][]string{} // of tests and packages that have not ended
	var skipped []string
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
			_, _ = fmt.Fprintf(out, "%s", line) // go itself speaks
			continue
		}
		name := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			output[name] = append(output[name], e.Output)
		case "build-output":
			_, _ = fmt.Fprint(out, e.Output)
		case "fail":
			_, _ = fmt.Fprint(out, strings.Join(output[name], ""))
			if e.Test == "" {
				_, _ = fmt.Fprintf(out, "FAIL %s %.1fs\n", e.Package, e.Elapsed)
			}
			delete(output, name)
		case "skip":
			if e.Test != "" {
				skipped = append(skipped, name+": "+reason(output[name]))
			}
			delete(output, name)
		case "pass":
			if e.Test == "" {
				_, _ = fmt.Fprintf(out, "ok   %s %.1fs\n", e.Package, e.Elapsed)
			}
			delete(output, name)
		}
	}
	slices.Sort(skipped)
	_, _ = fmt.Fprintf(out, "%d tests were skipped\n", len(skipped))
	for _, s := range skipped {
		_, _ = fmt.Fprintln(out, "  "+s)
	}
	return nil
}

// reason is what a test said before it was skipped.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "--- ") && !strings.HasPrefix(text, "=== ") {
			return text
		}
	}
	return "no reason given"
}
