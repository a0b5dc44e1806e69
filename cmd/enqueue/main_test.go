package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 0 {
		// Never: but the tests' own program then holds the command's code, so that no cached result
		// outlives a change to it.
		os.Exit(run(nil))
	}
	os.Exit(commands.Main(m))
}

var commands = processtest.NewCommands(func(folder string) error {
	return errors.Join(
		processtest.Build(filepath.Join(folder, "enqueue"), "cmd/enqueue", raceFlag),
		processtest.Build(filepath.Join(folder, "enqueue-plain"), "cmd/enqueue", "-race=false"))
})

// binary is the command under test.
func binary(t *testing.T) string {
	t.Helper()
	return commands.Path(t, "enqueue")
}

// plain is the command without the race detector.
func plain(t *testing.T) string {
	t.Helper()
	return commands.Path(t, "enqueue-plain")
}

// testTimeout bounds what a test waits for.
const testTimeout = 90 * time.Second

// environment is all that the command sees; later entries win.
func environment(settings ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), processtest.QuickExit}, settings...)
}

func redisAt(url string) string { return "REMESA_REDIS_URL=" + url }

// commandResult is what a finished command left.
type commandResult struct {
	out, err string
	code     int
}

// enqueue runs the command to its end.
func enqueue(t *testing.T, env []string, in io.Reader, args ...string) commandResult {
	t.Helper()
	return runToEnd(t, binary(t), env, in, args...)
}

// enqueuePlain runs the command without the race detector, with which it takes many times as long
// to start: for tables of many runs that differ in what the command is given, not in what it does
// at the same time.
func enqueuePlain(t *testing.T, env []string, in io.Reader, args ...string) commandResult {
	t.Helper()
	return runToEnd(t, plain(t), env, in, args...)
}

func runToEnd(t *testing.T, path string, env []string, in io.Reader, args ...string) commandResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var out, errOut bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, in, &out, &errOut
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%v did not end\nstdout %s\nstderr %s", args, out.String(), errOut.String())
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return commandResult{out.String(), errOut.String(), cmd.ProcessState.ExitCode()}
}

func wantCode(t *testing.T, says string, got commandResult, code int) {
	t.Helper()
	if got.code != code {
		t.Errorf("%s: exit code %d, want %d\nstdout %.2000s\nstderr %.2000s", says, got.code, code, got.out, got.err)
	}
}

// wantText checks that stderr or stdout holds these texts.
func wantText(t *testing.T, says, got string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(got, text) {
			t.Errorf("%s: %q is missing in\n%.2000s", says, text, got)
		}
	}
}

// results reads result lines.
func results(t *testing.T, out string) []intake.Result {
	t.Helper()
	var all []intake.Result
	for line := range strings.Lines(out) {
		var r intake.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("result line %q: %s", line, err)
		}
		all = append(all, r)
	}
	return all
}

// payout is a valid line with these replacements of old by new text.
func payout(reference string, oldnew ...string) string {
	line := `{"type":"payout","provider":"virtualpos","merchant_id":"` + reference + `","amount":"12500","currency":"CLP",` +
		`"description":"Devolución","recipient":{"document":"12345678-5","name":"Ana Soto","email":"ana@example.cl"},` +
		`"bank":{"code":"012","account_number":"12345678"}}`
	return strings.NewReplacer(oldnew...).Replace(line)
}

func charge(reference string) string {
	return `{"type":"charge","provider":"etpay","txnid":"` + reference + `","amount":"50000","currency":"CLP"}`
}

func lines(all ...string) io.Reader { return strings.NewReader(strings.Join(all, "\n") + "\n") }

// write puts a file into the test's folder.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ledgerOf is the store as a worker sees it.
func ledgerOf(s *redistest.Server) *idempotency.Ledger {
	return idempotency.NewRedis(s.Client(), idempotency.Options{})
}

func mustKey(t *testing.T, text string) idempotency.Key {
	t.Helper()
	k, err := idempotency.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
