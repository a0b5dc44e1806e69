//go:build mutants

package rules_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/idempotency/internal/idempotencytest"
	"github.com/remesa/remesa/idempotency/rules"
)

const (
	caughtFile   = "testdata/safeguards.json"
	leaveOut     = "REMESA_LEAVE_OUT"
	mutantStates = 4_000
)

// caught is what fails without a safeguard: a row of the search with the state or step that it
// finds, and a row of the ledger's conformance suite.
type caught struct {
	Safeguard string   `json:"safeguard"`
	Search    string   `json:"search,omitempty"`
	Finds     string   `json:"finds,omitempty"`
	Trace     []string `json:"trace,omitempty"`
	Row       string   `json:"row,omitempty"`
}

// Every safeguard is needed: without it the search, or a row of the conformance suite, fails.
func TestMutants(t *testing.T) {
	all := read(t)
	if rules.Update() {
		all = find(t)
		write(t, all)
	}
	listed := make([]string, len(all))
	for i, c := range all {
		listed[i] = c.Safeguard
	}
	if !slices.Equal(listed, rules.Safeguards()) {
		t.Errorf("%s lists other safeguards than the code; run with -update", caughtFile)
	}
	for _, c := range all {
		t.Run(c.Safeguard, func(t *testing.T) { c.check(t) })
	}
}

func (c caught) check(t *testing.T) {
	if c.Search == "" && c.Row == "" {
		t.Error("nothing fails without it")
	}
	if c.Search != "" {
		rules.LeaveOut(c.Safeguard)
		defer rules.LeaveOut("")
		if broken, _ := rules.Search(c.Search, mutantStates); broken != c.Finds {
			t.Errorf("%s: finds %q, and found %q before", c.Search, broken, c.Finds)
		}
	}
	if c.Row != "" && len(failing(t, c.Safeguard, c.Row)) == 0 {
		t.Errorf("%s: passes without the safeguard", c.Row)
	}
}

// find looks for what catches each: the first row of the search, and the first of the suite.
func find(t *testing.T) []caught {
	var all []caught
	for _, s := range rules.Safeguards() {
		c := caught{Safeguard: s}
		if rows := failing(t, s, ""); len(rows) > 0 {
			c.Row = rows[0]
		}
		rules.LeaveOut(s)
		for _, row := range rules.SearchedRows() {
			if broken, trace := rules.Search(row, mutantStates); broken != "" {
				c.Search, c.Finds, c.Trace = row, broken, trace
				break
			}
		}
		rules.LeaveOut("")
		t.Logf("%s: %q %q %q", s, c.Search, c.Finds, c.Row)
		all = append(all, c)
	}
	return all
}

// failing runs the suite, or one row of it, in a process that leaves the safeguard out.
func failing(t *testing.T, safeguard, row string) []string {
	t.Helper()
	run := "^TestConformanceLeavingOut$"
	if row != "" {
		for _, part := range strings.Split(row, "/") {
			run += "/^" + quote(part) + "$"
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run", run, "-test.v") //nolint:gosec // this very test
	cmd.Env = append(os.Environ(), leaveOut+"="+safeguard)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	var rows []string
	for line := range bytes.Lines(out) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "--- FAIL: TestConformanceLeavingOut/"); ok && strings.Contains(rest, "/") {
			rows = append(rows, rest[:strings.LastIndex(rest, " (")])
		}
	}
	return rows
}

func quote(part string) string {
	return strings.NewReplacer("(", `\(`, ")", `\)`, "[", `\[`, "]", `\]`, ".", `\.`, "+", `\+`, "?", `\?`, "*", `\*`).Replace(part)
}

// TestConformanceLeavingOut passes where nothing is left out, or each safeguard would seem needed.
func TestConformanceLeavingOut(t *testing.T) {
	rules.LeaveOut(os.Getenv(leaveOut))
	t.Cleanup(func() { rules.LeaveOut("") })
	var n atomic.Int64
	idempotencytest.Run(t, func(_ *testing.T, p idempotency.Policy) idempotencytest.Fixture {
		m := idempotency.NewMemory()
		m.RunID = "first"
		var ms atomic.Int64
		ms.Store(time.Date(2020, 9, 15, 12, 0, 0, 0, time.UTC).UnixMilli())
		m.Now = func() time.Time { return time.UnixMilli(ms.Load()) }
		provider := fmt.Sprintf("memory%d", n.Add(1))
		o := idempotency.Options{Default: p}
		return idempotencytest.Fixture{
			Ledger: idempotency.NewLedger(m, o), Provider: provider,
			Another:  func() *idempotency.Ledger { return idempotency.NewLedger(m, o) },
			Restart:  func(*testing.T) { m.RunID = fmt.Sprint(n.Add(1)) },
			Rewind:   func(*testing.T, idempotency.Key) func() { return m.Snapshot() },
			Advance:  func(d time.Duration) { ms.Add(d.Milliseconds()) },
			Outcomes: func(*testing.T) []map[string]string { return m.Outcomes(provider) },
		}
	})
}

func read(t *testing.T) (all []caught) {
	t.Helper()
	text, err := os.ReadFile(caughtFile)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil && !rules.Update() {
		t.Fatal(err)
	}
	return all
}

func write(t *testing.T, all []caught) {
	t.Helper()
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = os.MkdirAll("testdata", 0o755)
	}
	if err == nil {
		err = os.WriteFile(caughtFile, append(text, '\n'), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
