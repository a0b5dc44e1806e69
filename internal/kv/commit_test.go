package kv

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/redistest"
)

func TestADecisionIsWrittenWholeOrNotAtAll(t *testing.T) {
	const now = 1700000000000
	rows := []struct {
		name   string
		commit func() *Commit
		want   Result
	}{
		{"its record is as it was read", func() *Commit { return write("r", "a", "b") }, Result{Done: true}},
		{"the record is another", func() *Commit { return write("r", "c", "b") }, Result{Changed: true}},
		{"the record is gone", func() *Commit { return write("gone", "a", "b") }, Result{Changed: true}},
		{"there was none, and there is one", func() *Commit { return write("r", "", "b") }, Result{Changed: true}},
		{"it was just read", func() *Commit { return aged("r", now-maxDecisionAge) }, Result{Done: true}},
		{"it is too old", func() *Commit { return aged("r", now-maxDecisionAge-1) }, Result{Stale: true}},
		{"it was read at a time that has not come", func() *Commit { return aged("r", now+maxDecisionAge+1) }, Result{Stale: true}},
		{"its guards hold", func() *Commit { return guarded("SX", "") }, Result{Done: true}},
		{"its guard holds by the other value", func() *Commit { return guarded("", "SX") }, Result{Done: true}},
		{"a guard finds another value", func() *Commit { return guarded("SY", "SZ") }, Result{Guard: 3, Found: "SX"}},
		{"a guard finds a value where there should be none", func() *Commit { return guarded("", "") }, Result{Guard: 3, Found: "SX"}},
	}
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		c := client()
		b := &fixture{NewBatcher(NewDB(c, true), 0, 0), t, c}
		b.set("clock", fmt.Sprint(now))
		b.set("guarded", "SX")
		for _, row := range rows {
			b.set("r", "a")
			b.must(c.Del(t.Context(), at("beside")).Err())
			commit := row.commit()
			commit.Write("RPUSH", at("beside"), "1", "2")
			if got := b.commit(commit); got != row.want {
				t.Errorf("%s: %+v, want %+v", row.name, got, row.want)
			}
			record, beside := "a", int64(0)
			if row.want.Done {
				record, beside = "b", 2
			}
			b.wants("r", record)
			b.wants("gone", "")
			if n, err := c.LLen(t.Context(), at("beside")).Result(); err != nil || n != beside {
				t.Errorf("%s: %d beside it, want %d: %v", row.name, n, beside, err)
			}
		}
	})
}

// aged is a decision about the record "a" that was read at a time.
func aged(key string, readAt int64) *Commit {
	c := NewCommit(owner, at(key), "a", readAt)
	c.Write("SET", at(key), "b")
	return c
}

// guarded has two guards that hold, and a third that wants one of two values.
func guarded(right, alsoRight string) *Commit {
	c := write("r", "a", "b")
	c.Guard("GET", at("nothing"), "", "", "")
	c.Guard("HEXISTS", at("nothing"), "field", "0", "0")
	c.Guard("GET", at("guarded"), "", right, alsoRight)
	return c
}

func TestACopyIsMadeOnce(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		b := newFixture(t, client())
		for _, row := range []struct{ present, next, want string }{
			{"", "first", ""}, {"first", "second", "first"}, {"second", "third", "first"},
		} {
			c := NewGuardedCommit(owner)
			c.Copy(at("content"), at("frozen"))
			c.Write("SET", at("content"), row.next)
			b.wants("content", row.present)
			if got := b.commit(c); !got.Done {
				t.Fatalf("%+v", got)
			}
			b.wants("frozen", row.want)
		}
	})
}

// The fence of a decision made from no record is its guards; the key that stands for the record
// never exists.
func TestADecisionFromNoRecordLeavesNoRecord(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		b := newFixture(t, client())
		for range 2 {
			c := NewGuardedCommit(owner)
			c.Write("SET", at("x"), "y")
			if got := b.commit(c); !got.Done {
				t.Fatalf("%+v", got)
			}
		}
		if keys := b.c.Keys(t.Context(), "*").Val(); len(keys) != 1 {
			t.Errorf("%v", keys)
		}
	})
}

func TestAFullRedisTakesReportsAndNothingThatGrows(t *testing.T) {
	t.Parallel()
	b := newFixture(t, redistest.Start(t).Client())
	b.set("r", "a")
	b.must(b.c.ConfigSet(t.Context(), "maxmemory", "1").Err())
	grows, reports := write("r", "a", "grown"), write("s", "", "reported")
	grows.WhenFull = RefuseWhenFull
	results, errs := b.Commit(t.Context(), owner, grows, reports)
	if !IsFull(errs[0]) || results[0].Done {
		t.Errorf("what grows: %+v, %v", results[0], errs[0])
	}
	if errs[1] != nil || !results[1].Done {
		t.Errorf("what reports: %+v, %v", results[1], errs[1])
	}
	b.wants("r", "a")
	b.wants("s", "reported")
	for room, full := range map[FullPolicy]bool{RefuseWhenFull: true, AllowWhenFull: false} {
		err := b.db.Run(t.Context(), NewScript("return redis.call('SET', KEYS[1], '1')", room), []string{at("t")}).Err()
		if IsFull(err) != full || !full && err != nil {
			t.Errorf("a script of its own, which reports: %t: %v", room, err)
		}
	}
}

func TestAnEntryHasItsFieldsInOrder(t *testing.T) {
	t.Parallel()
	all := OutcomeEvent{
		Key: "k", Type: "t", State: "s", Reference: "r", ProviderID: "p", Code: "c", Message: "m", Decline: "d", Amount: "1", Currency: "CLP",
		Attempt: 2, At: time.UnixMilli(1700000000001), Metadata: "{}", ActionURL: "u", Event: "e", Account: "a", Subscription: "b", Period: "3",
		Epoch: 3, Version: 4,
	}
	const at = "2023-11-14T22:13:20.001Z"
	for name, row := range map[string]struct {
		entry OutcomeEvent
		want  []any
	}{
		"all of them": {all, []any{
			"key", "k", "type", "t", "state", "s", "reference", "r", "provider_id", "p", "code", "c", "message", "m", "decline", "d", "amount", "1",
			"currency", "CLP", "attempt", "2", "at", at, "metadata", "{}", "action_url", "u", "event", "e", "event_id", "k:3:4", "account", "a",
			"subscription", "b", "period", "3",
		}},
		"the empty ones are left out": {OutcomeEvent{Key: "k", At: all.At}, []any{"key", "k", "at", at, "event_id", "k:0:0"}},
	} {
		if got := row.entry.Fields(); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

func TestAnEntryIsAppendedAndOldOnesGo(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		b := newFixture(t, client())
		for n := range 300 { // trimmed by whole nodes of a hundred
			args := &redis.XAddArgs{Stream: OutcomesKey(owner), ID: fmt.Sprintf("1000-%d", n+1), Values: []any{"key", "old"}}
			b.must(b.c.XAdd(t.Context(), args).Err())
		}
		c := NewGuardedCommit(owner)
		c.Append(OutcomeEvent{Key: "new", At: time.Now(), Version: 7}, time.Hour)
		if got := b.commit(c); !got.Done {
			t.Fatalf("%+v", got)
		}
		entries, err := b.c.XRange(t.Context(), OutcomesKey(owner), "-", "+").Result()
		b.must(err)
		if n := len(entries); n > 100 || entries[n-1].Values["event_id"] != "new:0:7" {
			t.Errorf("%d entries, the last %v", n, entries[n-1].Values)
		}
	})
}
