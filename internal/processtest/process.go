package processtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/eventually"
)

// QuickExit, in the environment of a command that is built with the race detector, has it end at
// once: otherwise it waits a second at its exit for goroutines that may still race.
const QuickExit = "GORACE=atexit_sleep_ms=20"

// Command is a command that sees these variables, PATH, HOME and TMPDIR, and no others.
func Command(path string, variables map[string]string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), path, args...) // it ends by a signal
	cmd.Env = append(cmd.Env, QuickExit)
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		cmd.Env = append(cmd.Env, name+"="+os.Getenv(name))
	}
	for name, value := range variables {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	slices.Sort(cmd.Env)
	return cmd
}

// Process is a command that was started.
type Process struct {
	// Name is what messages call it.
	Name string
	// Cmd has the process's state once it is gone.
	Cmd *exec.Cmd

	t      testing.TB
	out    string // the file with what it wrote
	exited chan struct{}
}

// Start starts cmd. What it writes to stdout and to stderr is kept for Output, but for a stream
// that cmd sends elsewhere. When the test ends the process is killed, and the test fails if it
// crashed.
func Start(t testing.TB, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if cmd.Stdout == nil {
		cmd.Stdout = out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = out
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Process{Name: name, Cmd: cmd, t: t, out: out.Name(), exited: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.exited) }()
	t.Cleanup(p.close)
	return p
}

// Signal is for a process that may be gone already.
func (p *Process) Signal(s os.Signal) {
	if err := p.Cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("%s to %s: %s", s, p.Name, err)
	}
}

// Kill is kill -9; the process is gone when it returns.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.exited
}

// Stop freezes the process: its connections stay open, and it does nothing.
func (p *Process) Stop() { p.Signal(syscall.SIGSTOP) }

// Cont lets a frozen process go on.
func (p *Process) Cont() { p.Signal(syscall.SIGCONT) }

// Drain ends the process as an orchestrator does, with SIGTERM, and demands that it ends well.
func (p *Process) Drain(within time.Duration) {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	if code := p.Exit(within); code != 0 {
		p.t.Errorf("%s: exit code %d after SIGTERM, want 0", p.Name, code)
	}
}

// Exit waits until the process is gone, and returns its exit code, -1 after a signal.
func (p *Process) Exit(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.Cmd.ProcessState.ExitCode()
	case <-time.After(within):
		p.t.Fatalf("%s is still there after %s", p.Name, within)
		return 0
	}
}

// Exited is closed when the process is gone.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Gone reports whether the process is gone.
func (p *Process) Gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// Output is what the process wrote so far.
func (p *Process) Output() string {
	text, err := os.ReadFile(p.out)
	if err != nil {
		p.t.Error(err)
	}
	return string(text)
}

// Await returns what follows the text in the output, up to the next of the signs in end, once it is
// there.
func (p *Process) Await(within time.Duration, text, end string) string {
	p.t.Helper()
	var found string
	eventually.NoError(p.t, within, func() error {
		_, rest, ok := strings.Cut(p.Output(), text)
		i := strings.IndexAny(rest, end)
		if !ok || i < 0 {
			return fmt.Errorf("%s did not write %q", p.Name, text)
		}
		found = rest[:i]
		return nil
	})
	return found
}

func (p *Process) close() {
	p.Kill()
	text := p.Output()
	if strings.Contains(text, "DATA RACE") || strings.Contains(text, "panic:") || strings.Contains(text, "fatal error:") {
		p.t.Errorf("%s crashed:\n%s", p.Name, tail(text, 6000))
	} else if p.t.Failed() && text != "" {
		p.t.Logf("the end of what %s wrote:\n%s", p.Name, tail(text, 3000))
	}
}

func tail(text string, most int) string { return text[max(0, len(text)-most):] }

// Missing skips a test for which this machine lacks something. Where CI is set, the test fails: a
// skip there would hide what was never run.
func Missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}
