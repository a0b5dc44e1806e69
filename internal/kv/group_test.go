package kv

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/redistest"
)

func TestAnErrorOfOneDecisionTouchesNoOther(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		b := newFixture(t, client())
		b.must(b.c.RPush(t.Context(), at("wrong"), "1").Err())
		record, writes, guarded := write("wrong", "a", "b"), write("x", "", "b"), write("y", "", "b")
		writes.Write("ZADD", at("wrong"), 1, "m")
		guarded.Guard("GET", at("wrong"), "", "", "")
		for range 2 { // the second time with the script known
			results, errs := b.Commit(t.Context(), owner, write("first", "", "a"), record, writes, guarded, write("last", "", "a"))
			for i, failed := range []bool{false, true, true, true, false} {
				if failed && (errs[i] == nil || results[i].Done || !strings.Contains(errs[i].Error(), "WRONGTYPE") || !strings.Contains(errs[i].Error(), " script: ")) {
					t.Errorf("decision %d: %+v, %v", i, results[i], errs[i])
				}
				if !failed && (!results[i].Done || errs[i] != nil) {
					t.Errorf("decision %d: %+v, %v", i, results[i], errs[i])
				}
			}
			b.must(b.c.Del(t.Context(), at("first"), at("last"), at("x")).Err())
		}
	})
}

// inEpoch is a decision made in an epoch.
func inEpoch(key, epoch, runID string) *Commit {
	c := write(key, "", "written")
	c.InEpoch(epoch, runID)
	return c
}

func TestADecisionHoldsInItsEpochOnly(t *testing.T) {
	t.Parallel()
	b := newFixture(t, redistest.Start(t).Client())
	run := RunID(b.c.Info(t.Context(), "server").Val())
	b.set("epoch", "now")
	for n, row := range []struct {
		epoch, run string
		outdated   bool
	}{
		{"now", run, false}, {"now", "", false}, {"", run, false}, {"", "", false},
		{"before", run, true}, {"before", "", true}, {"now", "another", true}, {"", "another", true},
	} {
		for _, beside := range []*Commit{nil, inEpoch("beside", "now", run)} { // alone, and with one that holds
			key := "r" + strconv.Itoa(n)
			cs := []*Commit{inEpoch(key, row.epoch, row.run)}
			if beside != nil {
				cs = append([]*Commit{beside}, cs...)
			}
			results, errs := b.Commit(t.Context(), owner, cs...)
			last := len(cs) - 1
			b.must(errors.Join(errs...))
			if results[last] != (Result{Done: !row.outdated, Outdated: row.outdated}) || beside != nil && !results[0].Done {
				t.Errorf("%+v beside %d others: %+v", row, last, results)
			}
			want := ""
			if !row.outdated {
				want = "written"
			}
			b.wants(key, want)
			b.must(b.c.Del(t.Context(), at(key), at("beside")).Err())
		}
	}
	b.must(b.c.Del(t.Context(), EpochKey(owner)).Err())
	if got := b.commit(inEpoch("r", "now", run)); !got.Outdated {
		t.Errorf("without an epoch: %+v", got)
	}
}

// TestWhatChangesTheEpochOutdatesTheDecisionsBehindIt, those in the same call of the script too.
func TestWhatChangesTheEpochOutdatesTheDecisionsBehindIt(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		b := newFixture(t, client())
		b.set("epoch", "one")
		next := NewCommit(owner, EpochKey(owner), "one", 0)
		next.Write("SET", EpochKey(owner), "two")
		results, errs := b.Commit(t.Context(), owner, inEpoch("before", "one", ""), next, inEpoch("behind", "one", ""))
		b.must(errors.Join(errs...))
		if !results[0].Done || !results[1].Done || !results[2].Outdated {
			t.Errorf("%+v", results)
		}
		b.wants("behind", "")
	})
}

func TestDecisionsOfDifferentEpochsShareAPipeline(t *testing.T) {
	t.Parallel()
	b := newFixture(t, redistest.Start(t).Client())
	b.set("epoch", "b")
	results, errs := b.Commit(t.Context(), owner, inEpoch("1", "a", ""), inEpoch("2", "b", ""), inEpoch("3", "a", ""), inEpoch("4", "b", ""))
	b.must(errors.Join(errs...))
	for i, r := range results {
		if r.Done != (i%2 == 1) || r.Outdated == r.Done {
			t.Errorf("%d: %+v", i, r)
		}
	}
}

// TestWhatIsPackedArrivesAsItWas, whatever its length.
func TestWhatIsPackedArrivesAsItWas(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		b := newFixture(t, client())
		for _, n := range []int{0, 1, maxShort, maxShort + 1, 255, 256, 70_000} {
			text := strings.Repeat("\x00\xffñ", n)[:n]
			b.must(b.c.Del(t.Context(), at("list")).Err())
			c := write("r", b.c.Get(t.Context(), at("r")).Val(), text)
			c.Write("RPUSH", at("list"), text, []byte(text), n, int64(-n), "")
			if got := b.commit(c); !got.Done {
				t.Fatalf("%d bytes: %+v", n, got)
			}
			b.wants("r", text)
			got := b.c.LRange(t.Context(), at("list"), 0, -1).Val()
			if len(got) != 5 || got[0] != text || got[1] != text || got[2] != strconv.Itoa(n) || got[3] != strconv.Itoa(-n) || got[4] != "" {
				t.Errorf("%d bytes: %d elements", n, len(got))
			}
		}
		const now = 1<<53 - 1 - maxDecisionAge // the largest number that Lua tells from its neighbours
		timed := &fixture{NewBatcher(NewDB(b.c, true), 0, 0), t, b.c}
		for _, readAt := range []int64{127, 128, 1 << 32, now} {
			b.set("clock", strconv.FormatInt(readAt+maxDecisionAge, 10))
			c := NewCommit(owner, at("none"), "", readAt)
			c.Write("SET", at("x"), "y")
			if got := timed.commit(c); !got.Done {
				t.Errorf("read at %d: %+v", readAt, got)
			}
		}
	})
}

// TestADecisionHasAnyNumberOfWrites: what Lua takes at once is bounded.
func TestADecisionHasAnyNumberOfWrites(t *testing.T) {
	onEach(t, func(t *testing.T, client func(...redis.Hook) redis.UniversalClient) {
		b := newFixture(t, client())
		for _, n := range []int{maxValues/4 - 2, maxValues/4 + 2, 20_000} {
			b.must(b.c.Del(t.Context(), at("list"), at("r")).Err())
			c := write("r", "", "a")
			for i := range n {
				c.Write("RPUSH", at("list"), i)
			}
			if got := b.commit(c); !got.Done {
				t.Fatalf("%d writes: %+v", n, got)
			}
			b.wantsEach(n)
		}
	})
}
