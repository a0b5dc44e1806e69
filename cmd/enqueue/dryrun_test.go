package main

import (
	"testing"

	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/internal/redistest"
)

// TestADryRunFindsWhatWouldNotBePaid: in the file and in the ledger, and sums what would be.
func TestADryRunFindsWhatWouldNotBePaid(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	env := environment(redisAt(s.URL()))
	wantCode(t, "before", enqueue(t, env, lines(payout("old"), payout("other")), "submit"), 0)
	file := []string{
		payout("old"), payout("other", "12500", "1"), payout("new"), payout("new"), payout("new", "12500", "7"),
		payout("new", `"12345678"`, `"87654321"`), payout("bad", "CLP", "clp"), payout("more", "12500", "500"),
	}
	want := []intake.Result{
		{Line: 1, Key: "virtualpos/old", Result: "duplicate", State: "queued"},
		{Line: 2, Key: "virtualpos/other", Result: "conflict", Error: "amount: "},
		{Line: 3, Key: "virtualpos/new", Result: "valid"},
		{Line: 4, Key: "virtualpos/new", Result: "duplicate"},
		{Line: 5, Key: "virtualpos/new", Result: "conflict", Error: "amount: differs from that of line 3"},
		{Line: 6, Key: "virtualpos/new", Result: "conflict", Error: "fingerprint: differs from that of line 3"},
		{Line: 7, Key: "virtualpos/bad", Result: "invalid", Error: "currency: "},
		{Line: 8, Key: "virtualpos/more", Result: "valid"},
	}
	got := enqueue(t, env, lines(file...), "submit", "--dry-run")
	wantCode(t, "with a ledger", got, exitRefused)
	compareResults(t, "with a ledger", results(t, got.out), want)
	wantText(t, "with a ledger", got.err, "2 payments would be enqueued, sum CLP 13000")
	if counts, err := ledgerOf(s).Counts(t.Context(), "virtualpos"); err != nil || counts["queued"] != 2 {
		t.Errorf("the dry run left %v (%v)", counts, err)
	}

	want[0], want[1] = intake.Result{Line: 1, Key: "virtualpos/old", Result: "valid"}, intake.Result{Line: 2, Key: "virtualpos/other", Result: "valid"}
	got = enqueue(t, environment(redisAt(nowhere)), lines(file...), "submit", "--dry-run")
	wantCode(t, "without one", got, exitRefused)
	compareResults(t, "without one", results(t, got.out), want)
	wantText(t, "without one", got.err, "4 payments would be enqueued, sum CLP 25501", "does not compare")
}
