package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
)

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// The limit is for the command as it is shipped: the race detector multiplies memory.
func TestAHundredThousandLinesTakeLessThan100MB(t *testing.T) {
	t.Parallel()
	const n = 100_000
	plain := filepath.Join(t.TempDir(), "enqueue")
	if err := processtest.Build(plain, "cmd/enqueue", "-race=false"); err != nil {
		t.Fatal(err)
	}
	s := redistest.Start(t)
	p := start(t, plain, environment(redisAt(s.URL())), "submit")
	go func() {
		w := bufio.NewWriter(p.in)
		for i := range n {
			_, _ = io.WriteString(w, payout(fmt.Sprintf("m-%d", i%5000))+"\n")
		}
		_ = w.Flush()
	}()
	for range n {
		_ = p.line(t)
	}
	status := must[[]byte](t)(os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid)))
	p.in.Close()
	p.Exit(testTimeout)
	found := peak.FindSubmatch(status)
	if found == nil {
		t.Fatalf("no VmHWM in\n%s", status)
	}
	if kB := must[int](t)(strconv.Atoi(string(found[1]))); kB > 100_000 {
		t.Errorf("the command took %d kB", kB)
	} else {
		t.Logf("%d lines took %d kB", n, kB)
	}
}
