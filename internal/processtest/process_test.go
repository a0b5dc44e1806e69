package processtest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const testTimeout = 30 * time.Second

func shell(t *testing.T, script string) *Process {
	t.Helper()
	return Start(t, "sh", Command("/bin/sh", map[string]string{"GREETING": "hello"}, "-c", script))
}

func TestAProcessIsReadSignalledAndEnded(t *testing.T) {
	t.Parallel()
	p := shell(t, `trap "echo bye; exit 0" TERM; echo "says <$GREETING>, pid $$" >&2; while :; do sleep 0.01; done`)
	if text := p.Await(testTimeout, "says <", ">"); text != "hello" {
		t.Errorf("it says %q", text)
	}
	p.Stop()
	p.Cont()
	p.Drain(testTimeout)
	p.Await(testTimeout, "bye", "\n")
	if code := shell(t, "exit 3").Exit(testTimeout); code != 3 {
		t.Errorf("exit code %d", code)
	}
	killed := shell(t, "sleep 600")
	killed.Kill()
	if status, ok := killed.Cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Errorf("it ended by itself: %s", killed.Cmd.ProcessState)
	}
	killed.Signal(syscall.SIGTERM) // nobody is there, and nothing is wrong
}

func TestAStreamThatIsSentElsewhereIsNotKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "stdout")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := Command("/bin/sh", nil, "-c", "echo results; echo complaint >&2")
	cmd.Stdout = out
	p := Start(t, "sh", cmd)
	p.Exit(testTimeout)
	if text, err := os.ReadFile(path); string(text) != "results\n" || p.Output() != "complaint\n" {
		t.Errorf("stdout %q, the rest %q, %v", text, p.Output(), err)
	}
}

// TestCommandsAreBuiltOnce: however many tests need them; each gets the error of a failed build.
func TestCommandsAreBuiltOnce(t *testing.T) {
	t.Parallel()
	builds := 0
	c := NewCommands(func(string) error { builds++; return nil })
	for range 3 {
		if path := c.Path(t, "worker"); filepath.Base(path) != "worker" {
			t.Errorf("it is at %s", path)
		}
	}
	if builds != 1 {
		t.Errorf("built %d times", builds)
	}
	broken := NewCommands(func(string) error { return errors.New("no compiler") })
	if err := broken.built(); err == nil || broken.built() == nil {
		t.Error("what cannot be built is there")
	}
}
