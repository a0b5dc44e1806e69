// Package processtest builds commands for tests, once, and runs them as processes of their own: to
// be signalled, killed, stopped, and read.
package processtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// Commands are binaries in a folder of their own. They are built when a test first needs one, and
// gone after the last.
type Commands struct {
	folder string
	built  func() error
}

// NewCommands are those that build makes in the folder that it is given.
func NewCommands(build func(folder string) error) *Commands {
	c := &Commands{}
	c.built = sync.OnceValue(func() error { return build(c.folder) })
	return c
}

// Main runs a package's tests: TestMain exits with what it returns.
func (c *Commands) Main(m *testing.M) int {
	var err error
	if c.folder, err = os.MkdirTemp("", "remesa-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(c.folder) }()
	return m.Run()
}

// Path is where a command is; the test ends where they cannot be built.
func (c *Commands) Path(t testing.TB, name string) string {
	t.Helper()
	if err := c.built(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(c.folder, name)
}

// Build makes the binary file of a package of this module, such as "cmd/worker", with these options
// of go run. That links each state of the source once, for all packages that test the command and
// for every later run: go build would link it anew each time.
func Build(file, pkg string, options ...string) error {
	args := slices.Concat([]string{"run", "-buildvcs=false", "-exec", "cp"}, options, []string{"github.com/remesa/remesa/" + pkg, file})
	cmd := exec.CommandContext(context.Background(), "go", args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}
