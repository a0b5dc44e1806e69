package main

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestATerminalThatClosesDrains runs this test binary again, which waits for its signal as a worker
// does.
func TestATerminalThatClosesDrains(t *testing.T) {
	if os.Getenv("REMESA_TEST_DRAIN") != "" {
		ctx, stop := drainOnSignal()
		defer stop()
		_, _ = os.Stdout.WriteString("waiting\n")
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Second):
			t.Error("no signal came")
		}
		return
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestATerminalThatClosesDrains$") // #nosec G204 -- this very binary
		cmd.Env = append(os.Environ(), "REMESA_TEST_DRAIN=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Process.Signal(sig)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", sig, err)
		}
	}
}
