package main

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/processtest"
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
		p := processtest.Start(t, "this test", processtest.Command(os.Args[0], map[string]string{"REMESA_TEST_DRAIN": "1"},
			"-test.run=^TestATerminalThatClosesDrains$"))
		p.Await(time.Minute, "waiting", "\n")
		p.Signal(sig)
		if code := p.Exit(time.Minute); code != 0 {
			t.Errorf("%s: exit code %d", sig, code)
		}
	}
}
