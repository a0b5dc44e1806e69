package faulttest

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
)

// patience bounds what must happen at once on an idle machine, on one that is busy.
const patience = 30 * time.Second

// process is a command under test in a process of its own, gone when the test ends.
type process struct {
	t      testing.TB
	name   string
	out    string // the file with stdout and stderr
	cmd    *exec.Cmd
	exited chan struct{} // closed when it is gone
}

// start runs a binary with these variables and nothing else of ours.
func start(t testing.TB, name, path string, variables map[string]string, args ...string) *process {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.CommandContext(context.Background(), path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(variables), out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, name: name, out: out.Name(), cmd: cmd, exited: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.exited) }()
	t.Cleanup(p.close)
	return p
}

func environment(variables map[string]string) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		env = append(env, name+"="+os.Getenv(name))
	}
	for name, value := range variables {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}

// signal is for a process that may be gone already.
func (p *process) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("%s to %s: %s", s, p.name, err)
	}
}

// kill is kill -9.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	p.awaitExit()
}

func (p *process) stop() { p.signal(syscall.SIGSTOP) }
func (p *process) cont() { p.signal(syscall.SIGCONT) }

// drain ends the process as an orchestrator does, and demands that it ends well.
func (p *process) drain() {
	p.t.Helper()
	p.awaitLine(`"message":"serving`, `"`) // before that, SIGTERM ends it as any other process
	p.signal(syscall.SIGTERM)
	if code := p.awaitExit(); code != 0 {
		p.t.Errorf("%s: exit code %d after SIGTERM, want 0", p.name, code)
	}
}

// awaitExit returns the exit code, -1 after a signal.
func (p *process) awaitExit() int {
	p.t.Helper()
	return p.awaitExitIn(patience)
}

func (p *process) awaitExitIn(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		p.t.Fatalf("%s is still there after %s", p.name, limit)
		return 0
	}
}

// output is everything that the process wrote so far.
func (p *process) output() string {
	text, err := os.ReadFile(p.out)
	if err != nil {
		p.t.Error(err)
	}
	return string(text)
}

// awaitLine returns what follows the text in the output, up to the next of the signs in end.
func (p *process) awaitLine(text, end string) string {
	p.t.Helper()
	var found string
	await(p.t, patience, func() error {
		_, rest, ok := strings.Cut(p.output(), text)
		i := strings.IndexAny(rest, end)
		if !ok || i < 0 {
			return fmt.Errorf("%s did not write %q", p.name, text)
		}
		found = rest[:i]
		return nil
	})
	return found
}

func (p *process) close() {
	p.signal(syscall.SIGKILL)
	<-p.exited
	text := p.output()
	if strings.Contains(text, "DATA RACE") || strings.Contains(text, "panic:") || strings.Contains(text, "fatal error:") {
		p.t.Errorf("%s crashed:\n%s", p.name, tail(text, 6000))
	} else if p.t.Failed() {
		p.t.Logf("the end of what %s wrote:\n%s", p.name, tail(text, 3000))
	}
}

func tail(text string, most int) string { return text[max(0, len(text)-most):] }

// await polls until the condition holds; its last error is why the test fails.
func await(t testing.TB, limit time.Duration, condition func() error) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("after %s: %s", limit, err)
		case <-tick.C:
		}
	}
}

// pause lets time pass that is part of a scenario: a stall that lasts, or the pace of a killer.
func pause(d time.Duration) { <-time.After(d) }
