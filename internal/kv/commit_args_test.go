package kv_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/internal/redistest"
)

// flights is a database with one record, and its flights.
func flights(t *testing.T) (*redis.Client, *kv.Batcher) {
	t.Helper()
	client := redistest.Start(t).Client()
	if err := client.Set(t.Context(), "remesa:{p}:record", "old", 0).Err(); err != nil {
		t.Fatal(err)
	}
	return client, kv.NewBatcher(kv.NewDB(client, false), 0, 0)
}

func commit(t *testing.T, f *kv.Batcher, c *kv.Commit) kv.Result {
	t.Helper()
	results, errs := f.Commit(t.Context(), "p", c)
	if errs[0] != nil {
		t.Fatal(errs[0])
	}
	return results[0]
}

func TestACommitWritesEachCommandWithAllItsArguments(t *testing.T) {
	client, f := flights(t)
	c := kv.NewCommit("p", "remesa:{p}:record", "old", 0)
	c.Guard("HEXISTS", "remesa:{p}:halted", "default", "0", "0")
	c.Copy("remesa:{p}:record", "remesa:{p}:copy")
	c.Write("SET", "remesa:{p}:record", "new", "PX", 60_000)
	c.Write("ZADD", "remesa:{p}:due", 5, "id")
	c.Write("SET", "remesa:{p}:gone", "COPY")
	c.Write("DEL", "remesa:{p}:gone")
	c.Write("HSET", "remesa:{p}:query-proof", "default", "") // an empty argument is one
	c.Write("RPUSH", "remesa:{p}:list", "COPY", "1", "2")
	if r := commit(t, f, c); !r.Done {
		t.Fatalf("not written: %+v", r)
	}
	ctx := t.Context()
	for what, is := range map[string]bool{
		"the copy holds the record as it was":    client.Get(ctx, "remesa:{p}:copy").Val() == "old",
		"the record is the new one":              client.Get(ctx, "remesa:{p}:record").Val() == "new",
		"the record expires":                     client.PTTL(ctx, "remesa:{p}:record").Val() > 0,
		"the member has its score":               client.ZScore(ctx, "remesa:{p}:due", "id").Val() == 5,
		"what was deleted is gone":               client.Exists(ctx, "remesa:{p}:gone").Val() == 0,
		"the empty value is there":               client.HExists(ctx, "remesa:{p}:query-proof", "default").Val(),
		"the list has all three, in their order": len(client.LRange(ctx, "remesa:{p}:list", 0, -1).Val()) == 3 && client.LIndex(ctx, "remesa:{p}:list", 0).Val() == "COPY",
	} {
		if !is {
			t.Errorf("%s: it is not so", what)
		}
	}
}

func TestACommitThatMayNotBeWrittenWritesNothing(t *testing.T) {
	for name, row := range map[string]struct {
		text   string
		readAt int64
		halted bool
		want   kv.Result
	}{
		"the record moved on":      {text: "older", want: kv.Result{Changed: true}},
		"there is a record":        {text: "", want: kv.Result{Changed: true}},
		"the decision is too old":  {text: "old", readAt: 1, want: kv.Result{Stale: true}},
		"the second guard failed":  {text: "old", halted: true, want: kv.Result{Guard: 2, Found: "1"}},
		"moved is said before old": {text: "older", readAt: 1, halted: true, want: kv.Result{Changed: true}},
	} {
		t.Run(name, func(t *testing.T) {
			client, f := flights(t)
			if row.halted {
				if err := client.HSet(t.Context(), "remesa:{p}:halted", "default", "since").Err(); err != nil {
					t.Fatal(err)
				}
			}
			c := kv.NewCommit("p", "remesa:{p}:record", row.text, row.readAt)
			c.Guard("HEXISTS", "remesa:{p}:halted", "*", "0", "0")
			c.Guard("HEXISTS", "remesa:{p}:halted", "default", "0", "0")
			c.Write("SET", "remesa:{p}:record", "new")
			if got := commit(t, f, c); got != row.want {
				t.Errorf("%+v, want %+v", got, row.want)
			}
			if text := client.Get(t.Context(), "remesa:{p}:record").Val(); text != "old" {
				t.Errorf("the record is %q", text)
			}
		})
	}
}

func TestASumOfBucketsIsComparedExactly(t *testing.T) {
	client, f := flights(t)
	const most = int64(1) << 53
	hash := map[string]any{"8": "-5", "9": "100", "10": "9007199254740000", "11": "992"}
	if err := client.HSet(t.Context(), "remesa:{p}:sums", hash).Err(); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		oldest, most int64
		want         kv.Result
	}{
		{8, most, kv.Result{Guard: 1, Found: "9007199254741092"}}, // the negative one takes nothing off
		{10, most - 1, kv.Result{Guard: 1, Found: "9007199254740992"}},
		{10, most, kv.Result{Done: true}},
		{11, 991, kv.Result{Guard: 1, Found: "992"}},
		{12, 0, kv.Result{Done: true}},
		{12, -1, kv.Result{Guard: 1, Found: "0"}},
	} {
		c := kv.NewCommit("p", "remesa:{p}:record", "old", 0)
		c.AtMost("remesa:{p}:sums", row.oldest, row.most)
		c.Write("SET", "remesa:{p}:other", "new")
		if got := commit(t, f, c); got != row.want {
			t.Errorf("from %d, at most %d: %+v, want %+v", row.oldest, row.most, got, row.want)
		}
	}
	if n := client.Exists(t.Context(), "remesa:{p}:sums").Val(); n != 0 {
		t.Errorf("old buckets are kept")
	}
}

func TestAHashMayHaveNeitherOfTwoFields(t *testing.T) {
	client, f := flights(t)
	for _, row := range []struct{ fields, found string }{{"", ""}, {"other", ""}, {"b", "b"}, {"a", "a"}} {
		if row.fields != "" {
			if err := client.HSet(t.Context(), "remesa:{p}:halted", row.fields, "since").Err(); err != nil {
				t.Fatal(err)
			}
		}
		c := kv.NewCommit("p", "remesa:{p}:record", "old", 0)
		c.Guard("GET", "remesa:{p}:nothing", "", "", "")
		c.Neither("remesa:{p}:halted", "a", "b")
		c.Write("SET", "remesa:{p}:other", "new")
		want := kv.Result{Done: true}
		if row.found != "" {
			want = kv.Result{Guard: 2, Found: row.found}
		}
		if got := commit(t, f, c); got != want {
			t.Errorf("with %q: %+v, want %+v", row.fields, got, want)
		}
	}
}
