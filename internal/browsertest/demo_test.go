package browsertest

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// demo is a running `worker demo`, as a stranger starts it.
type demo struct {
	url, user, password string
}

// screenful is what a process has printed so far.
type screenful struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screenful) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screenful) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// invitation is the line that tells people where to go.
var invitation = regexp.MustCompile(`(http://[0-9.:]+)/payments +user (\S+), password (\S+)`)

// startDemo builds the worker and runs its demo until the test ends. On a machine that is busy beyond the demo's own patience it says that
// an outcome is not as expected, and is started again.
func startDemo(t *testing.T) *demo {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "worker")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", binary, "github.com/remesa/remesa/cmd/worker")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	printed := &screenful{}
	for range 3 {
		if d := runDemo(t, binary, printed); d != nil {
			return d
		}
	}
	t.Fatalf("the demo does not invite:\n%s", printed)
	return nil
}

// runDemo waits until the demo invites; nil where it ends instead. SIGTERM must end it without a complaint.
func runDemo(t *testing.T, binary string, printed *screenful) *demo {
	t.Helper()
	run := exec.CommandContext(context.Background(), binary, "demo", "--addr", "127.0.0.1:0") // it ends by SIGTERM
	run.Stdout, run.Stderr = printed, printed
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	for deadline := time.Now().Add(patience); ; {
		if m := invitation.FindStringSubmatch(printed.String()); m != nil {
			t.Cleanup(func() { stop(t, run, ended, printed) })
			return &demo{m[1], m[2], m[3]}
		}
		select {
		case err := <-ended:
			t.Logf("the demo ended: %v", err)
			return nil
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			_ = run.Process.Kill() // it ends, and is seen to
		}
	}
}

func stop(t *testing.T, run *exec.Cmd, ended <-chan error, printed *screenful) {
	_ = run.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the demo ended with %v:\n%s", err, printed)
		}
	case <-time.After(patience):
		_ = run.Process.Kill()
		t.Error("the demo does not end")
	}
}
