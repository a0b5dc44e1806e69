package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
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
	s := redistest.Start(t)
	p := start(t, plain(t), environment(redisAt(s.URL())), "submit")
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
	checkPeak(t, p.Process, n)
	p.in.Close()
	p.Exit(testTimeout)
}

// checkPeak demands that the process took less than 100 MB at any time.
func checkPeak(t *testing.T, p *processtest.Process, n int) {
	t.Helper()
	status := must[[]byte](t)(os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid)))
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

func TestAHundredThousandLinesOverHTTPTakeLessThan100MB(t *testing.T) {
	t.Parallel()
	const n = 100_000
	s := serveOn(t, plain(t), environment(redisAt(redistest.Start(t).URL())))
	in, out := io.Pipe()
	go func() {
		w := bufio.NewWriter(out)
		for i := range n {
			_, _ = io.WriteString(w, payout(fmt.Sprintf("m-%d", i%5000))+"\n")
		}
		out.CloseWithError(w.Flush())
	}()
	reply := s.post("/v1/payouts", "application/x-ndjson", in)
	defer reply.Body.Close()
	lines := bufio.NewScanner(reply.Body)
	got := 0
	for lines.Scan() {
		got++
	}
	if got != n || lines.Err() != nil {
		t.Errorf("%d result lines, %v", got, lines.Err())
	}
	checkPeak(t, s.Process, n)
}
