package faulttest

import (
	"testing"
	"time"

	"github.com/remesa/remesa/internal/processtest"
)

// testTimeout bounds what must happen at once on an idle machine, on one that is busy. A worker may
// take its shutdown time to end (lease + 20 s), and some of these have a lease of 30 s.
const testTimeout = 2 * time.Minute

// start runs a command under test with these variables and nothing else of ours.
func start(t testing.TB, name, command string, variables map[string]string, args ...string) *processtest.Process {
	t.Helper()
	return processtest.Start(t, name, processtest.Command(commands.Path(t, command), variables, args...))
}

// drain ends a worker as an orchestrator does, and demands that it ends well.
func drain(p *processtest.Process) {
	p.Await(testTimeout, `"message":"serving`, `"`) // before that, SIGTERM ends it as any other process
	p.Drain(testTimeout)
}

// pause lets time pass that is part of a scenario: a stall that lasts, or the pace of a killer.
func pause(d time.Duration) { <-time.After(d) }
