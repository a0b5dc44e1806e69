package faulttest

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/remesa/remesa/internal/processtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		os.Exit(runRole())
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	flag.Parse()
	if p := flag.Lookup("test.parallel"); p.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = p.Value.Set(strconv.Itoa(6 * runtime.GOMAXPROCS(0))) // the scenarios wait more than they compute
	}
	return commands.Main(m)
}

// long reports whether the long forms are wanted.
func long() bool { return os.Getenv("REMESA_TEST_LONG") == "1" }

// either is the short form's value or the long form's.
func either[T any](short, extended T) T {
	if long() {
		return extended
	}
	return short
}

// Names of the binaries under test; faulty is the worker that kills or stops itself at a fault
// point.
const (
	worker  = "worker"
	faulty  = "worker-faultpoints"
	enqueue = "enqueue"
)

// commands takes them from this module; in the long form with the race detector.
var commands = processtest.NewCommands(func(folder string) error {
	build := func(name, pkg string, options ...string) error {
		if long() {
			options = append(options, "-race")
		}
		return processtest.Build(filepath.Join(folder, name), pkg, options...)
	}
	return errors.Join(build(worker, "cmd/worker"), build(faulty, "cmd/worker", "-tags", "faultpoints"), build(enqueue, "cmd/enqueue"))
})
