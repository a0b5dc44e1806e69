package demo_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/processtest"
)

// TestAStrangersBuildHasTheDemo: go build without any tag, and a folder with nothing else in it. On
// a machine that is busier than the demo's own time limit allows, an outcome may not be as
// expected.
func TestAStrangersBuildHasTheDemo(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	binary := filepath.Join(folder, "worker")
	if err := processtest.Build(binary, "cmd/worker"); err != nil {
		t.Fatal(err)
	}
	for try := range 3 {
		cmd := processtest.Command(binary, nil, "demo", "--once")
		cmd.Dir = folder
		p := processtest.Start(t, "demo", cmd)
		code, text := p.Exit(2*time.Minute), p.Output()
		switch {
		case !strings.Contains(text, "PAID BY THE PROVIDER") || !strings.Contains(text, "SUBSCRIPTION"):
			t.Fatalf("exit code %d, and no tables:\n%s", code, text)
		case code == 0:
			return
		case try == 2:
			t.Errorf("exit code %d:\n%s", code, text)
		}
	}
}
