package browsertest

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
)

// demo is a running `worker demo`, as a stranger starts it.
type demo struct {
	url, user, password string
}

// invitation is the line with the pages' address.
var invitation = regexp.MustCompile(`(http://[0-9.:]+)/payments +user (\S+), password (\S+)`)

// startDemo builds the worker and runs its demo until the test ends. On a machine that is busy
// beyond the demo's own time limit it says that an outcome is not as expected, and is started
// again.
func startDemo(t *testing.T) *demo {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "worker")
	if err := processtest.Build(binary, "cmd/worker"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if d := runDemo(t, binary); d != nil {
			return d
		}
	}
	t.Fatal("the demo does not invite")
	return nil
}

// runDemo waits until the demo invites; nil where it ends instead. SIGTERM must end it without a
// complaint.
func runDemo(t *testing.T, binary string) *demo {
	t.Helper()
	p := processtest.Start(t, "demo", processtest.Command(binary, nil, "demo", "--addr", "127.0.0.1:0"))
	var found []string
	eventually.True(t, testTimeout, "the demo invites", func() bool {
		found = invitation.FindStringSubmatch(p.Output())
		return found != nil || p.Gone()
	})
	if found == nil {
		t.Logf("the demo ended: %s", p.Cmd.ProcessState)
		return nil
	}
	t.Cleanup(func() { p.Drain(testTimeout) })
	return &demo{found[1], found[2], found[3]}
}
