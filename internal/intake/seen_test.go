package intake

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/remesa/remesa/tasks"
)

func gas(t *testing.T, reference, amount, document string) tasks.Task {
	t.Helper()
	task, err := tasks.Charge{Provider: "etpay", TxnID: reference, Amount: amount, Currency: "CLP", Customer: tasks.Customer{Document: document}}.Task()
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func TestSeenTellsTheFirstLineAndWhatDiffers(t *testing.T) {
	t.Parallel()
	var s Seen
	for i, row := range []struct {
		reference, amount, document string
		first                       int
		differs                     string
	}{
		{"a", "100", "", 0, ""},
		{"b", "100", "", 0, ""},
		{"a", "100", "", 1, ""},
		{"a", "101", "", 1, "amount"},
		{"a", "100", "12345678-5", 1, "fingerprint"},
		{"b", "100", "", 2, ""},
	} {
		first, differs := s.Add(gas(t, row.reference, row.amount, row.document), i+1)
		if first != row.first || differs != row.differs {
			t.Errorf("line %d: %d %q, want %d %q", i+1, first, differs, row.first, row.differs)
		}
	}
}

func TestSeenRemembersAllThatWereAdded(t *testing.T) {
	t.Parallel()
	const n = 20_000
	var s Seen
	for round := range 2 {
		for i := range n {
			want := round * (i + 1)
			if first, differs := s.Add(gas(t, fmt.Sprintf("r-%d", i), "1", ""), i+1); first != want || differs != "" {
				t.Fatalf("round %d, line %d: %d %q", round, i+1, first, differs)
			}
		}
	}
	if s.all != n {
		t.Errorf("%d remembered", s.all)
	}
}

// TestAMillionPaymentsAreRememberedInFortyMegabytes: by what their table takes, not by their tasks.
func TestAMillionPaymentsAreRememberedInFortyMegabytes(t *testing.T) {
	var s Seen
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for key := range uint64(1_000_000) {
		now := sight{key: key * 0x9e3779b97f4a7c15, line: 1}
		s.put(now)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 44<<20 {
		t.Errorf("%d MiB", grown>>20)
	}
	runtime.KeepAlive(&s)
}
