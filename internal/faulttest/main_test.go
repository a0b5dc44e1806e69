package faulttest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		os.Exit(playRole())
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	flag.Parse()
	if p := flag.Lookup("test.parallel"); p.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = p.Value.Set(strconv.Itoa(6 * runtime.GOMAXPROCS(0))) // the scenarios wait more than they compute
	}
	var err error
	if folder, err = os.MkdirTemp("", "remesa-faulttest-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	return m.Run()
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

// Names of the binaries under test; faulty is the worker that kills or stops itself at a named step.
const (
	worker  = "worker"
	faulty  = "worker-faultpoints"
	enqueue = "enqueue"
)

// folder holds the binaries; it is there before the first test and gone after the last.
var folder string

// built builds the commands once, when the first test needs them.
var built = sync.OnceValue(func() error {
	return errors.Join(
		build(folder, worker, "cmd/worker"),
		build(folder, faulty, "cmd/worker", "-tags", "faultpoints"),
		build(folder, enqueue, "cmd/enqueue"),
	)
})

// build takes the packages from this module, wherever the tests run; in the long form with the race detector.
func build(folder, name, pkg string, options ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-o", filepath.Join(folder, name)}, options...)
	if long() {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(context.Background(), "go", append(args, "github.com/remesa/remesa/"+pkg)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return nil
}

// binary is the path of a command under test.
func binary(t testing.TB, name string) string {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, name)
}
