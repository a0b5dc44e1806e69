package rules_test

import (
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
)

func TestNextEpoch(t *testing.T) {
	t.Parallel()
	const now = rules.Time(5_000)
	first := rules.Epoch{Number: 1, Version: 1, RunID: "a", Since: 1}
	third := rules.Epoch{Number: 3, Version: 4, RunID: "a", Since: 1, Loss: &rules.Loss{Since: 2, From: 10, To: 20}}
	for _, row := range []struct {
		says   string
		stored rules.Epoch
		store  rules.StoreFacts
		known  rules.KnownStore
		number int64
		why    rules.EpochChange
		loss   *rules.Loss
	}{
		{"an empty store that nobody knows", rules.Epoch{}, rules.StoreFacts{RunID: "a"}, rules.KnownStore{}, 1, rules.EpochFirst, nil},
		{"nothing happened", first, rules.StoreFacts{RunID: "a", Sequence: 5}, rules.KnownStore{Epoch: 1, Sequence: 5}, 1, "", nil},
		{"others have sent", first, rules.StoreFacts{RunID: "a", Sequence: 9}, rules.KnownStore{Epoch: 1, Sequence: 5}, 1, "", nil},
		{"a new process", third, rules.StoreFacts{RunID: "a", Sequence: 9}, rules.KnownStore{}, 3, "", third.Loss},
		{"a restart", first, rules.StoreFacts{RunID: "b", Sequence: 5}, rules.KnownStore{Epoch: 1, Sequence: 5}, 2, rules.EpochRestarted, nil},
		{"a server that does not tell its run", first, rules.StoreFacts{Sequence: 5}, rules.KnownStore{Epoch: 1, Sequence: 5}, 1, "", nil},
		{"a restart without the tail", first, rules.StoreFacts{RunID: "b", Sequence: 5}, rules.KnownStore{Epoch: 1, Sequence: 8},
			2, rules.EpochForgot, &rules.Loss{Since: now, From: 5, To: 8}},
		{"the tail is gone, the run the same", first, rules.StoreFacts{RunID: "a", Sequence: 5}, rules.KnownStore{Epoch: 1, Sequence: 8},
			2, rules.EpochForgot, &rules.Loss{Since: now, From: 5, To: 8}},
		{"emptied", rules.Epoch{}, rules.StoreFacts{RunID: "a"}, rules.KnownStore{Epoch: 4, Sequence: 8},
			5, rules.EpochForgot, &rules.Loss{Since: now, From: 0, To: 8}},
		{"emptied before anything was sent", rules.Epoch{}, rules.StoreFacts{RunID: "a"}, rules.KnownStore{Epoch: 4}, 5, rules.EpochForgot, nil},
		{"an old snapshot, and others have counted on", first, rules.StoreFacts{RunID: "a", Sequence: 9}, rules.KnownStore{Epoch: 4, Sequence: 8},
			5, rules.EpochForgot, &rules.Loss{Since: now}},
		{"another worker has seen more of the same loss", third, rules.StoreFacts{RunID: "a", Sequence: 20}, rules.KnownStore{Epoch: 3, Sequence: 23},
			4, rules.EpochForgot, &rules.Loss{Since: now, From: 10, To: 23}},
		{"a restart during a loss", third, rules.StoreFacts{RunID: "b", Sequence: 20}, rules.KnownStore{Epoch: 3, Sequence: 20},
			4, rules.EpochRestarted, third.Loss},
	} {
		next, why := rules.NextEpoch(row.stored, row.store, row.known, now)
		if next.Number != row.number || why != row.why {
			t.Errorf("%s: epoch %d, %q, want %d, %q", row.says, next.Number, why, row.number, row.why)
		}
		if got, want := next.Loss, row.loss; (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: loss %+v, want %+v", row.says, got, want)
		}
		if why != rules.EpochUnchanged && (next.Since != now || next.Version != row.stored.Version+1 || row.store.RunID != "" && next.RunID != row.store.RunID) {
			t.Errorf("%s: %+v", row.says, next)
		}
	}
}

// A new epoch is quiet for a lease and ten seconds; the first one of a store is not.
func TestQuietTime(t *testing.T) {
	t.Parallel()
	e := rules.Epoch{Number: 1, Since: 1_000}
	if got := e.QuietUntil(time.Minute); got != 0 {
		t.Errorf("the first epoch is quiet until %d", got)
	}
	e.Number = 2
	if got, want := e.QuietUntil(time.Minute), rules.Time(71_000); got != want {
		t.Errorf("quiet until %d, want %d", got, want)
	}
}

// The epoch's text is what operators read, and what every change is compared with.
func TestEpochText(t *testing.T) {
	t.Parallel()
	e := rules.Epoch{Number: 2, Version: 3, RunID: "f00", Since: 9, Loss: &rules.Loss{Since: 8, From: 1, To: 4, At: 7, Declared: "ana: backup"}}
	const want = `{"epoch":2,"version":3,"run_id":"f00","since":9,"loss":{"since":8,"from":1,"to":4,"at":7,"declared":"ana: backup"}}`
	if got := e.Text(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var back rules.Epoch
	if err := back.Parse(want); err != nil || back.Text() != want {
		t.Errorf("read back as %s, %v", back.Text(), err)
	}
	if err := back.Parse("nonsense"); err == nil {
		t.Error("read nonsense")
	}
}
