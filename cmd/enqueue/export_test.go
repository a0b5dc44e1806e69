package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
)

// exportedKeys are the keys of the payments in an export, in order.
func exportedKeys(t *testing.T, text string) string {
	t.Helper()
	var keys []string
	for line := range strings.Lines(text) {
		var l struct{ Payment struct{ Key string } }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %s", line, err)
		}
		if l.Payment.Key != "" {
			keys = append(keys, l.Payment.Key)
		}
	}
	return strings.Join(keys, " ")
}

func TestAnExportIsVerifiedWithoutRedis(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.held("virtualpos/h1")
	d.queued("etpay/q1")
	d.finished("virtualpos/shop/s1", providers.Outcome{Class: providers.Succeeded, ProviderID: "9"})
	const all = "etpay/q1 virtualpos/h1 virtualpos/shop/s1"
	for _, row := range []struct{ args, want string }{
		{"", all}, {"--provider virtualpos", "virtualpos/h1 virtualpos/shop/s1"}, {"--from 24h", all}, {"--to 24h", ""}, {"--from 2099-01-01", ""},
	} {
		got := d.run(append([]string{"export"}, strings.Fields(row.args)...)...)
		wantCode(t, "export "+row.args, got, 0)
		if keys := exportedKeys(t, got.out); keys != row.want {
			t.Errorf("export %s: %s, want %s", row.args, keys, row.want)
		}
	}
	path := filepath.Join(t.TempDir(), "all.jsonl")
	text := d.run("export", "--by", "m.rojas").out
	wantText(t, "an export", text, `"history":[{"at":"`, `"exported_by":"m.rojas"`, `"provider_id":"9"`)
	verify := func(args ...string) commandResult {
		return enqueue(t, environment(redisAt("redis://127.0.0.1:1/0")), nil, append([]string{"verify"}, args...)...)
	}
	d.must(os.WriteFile(path, []byte(text), 0o600))
	wantCode(t, "verify", verify(path), 0)
	lines := slices.Collect(strings.Lines(text))
	lines[1] = strings.Replace(lines[1], `"100"`, `"900"`, 1)
	d.must(os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600))
	got := verify(path)
	wantCode(t, "verify what was changed", got, exitRefused)
	wantText(t, "verify what was changed", got.out, "all.jsonl, line 2: it was changed", "NOT INTACT")
	wantText(t, "verify --json", verify("--json", path).out, `"problems":[{"file":"all.jsonl","line":2,`)
	wantCode(t, "verify what is not there", verify(path+"x"), exitFailed)
}

func TestAnArchiveHasTheDaysThatAreOver(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.queued("etpay/q1")
	folder := filepath.Join(t.TempDir(), "archive")
	now := d.server.Client().Time(t.Context()).Val().UTC()
	date := func(days int) string { return now.AddDate(0, 0, days).Format("2006-01-02") }
	archive := func(args ...string) commandResult {
		return d.run(append([]string{"export", "--dir", folder}, args...)...)
	}
	wantCode(t, "today is not over", archive("--to", date(1)), exitRefused)
	got := archive("--from", date(-3), "--to", date(-2), "--csv")
	wantCode(t, "two days", got, 0)
	wantText(t, "two days", got.out, `{"day":"`+date(-3)+`"`, `{"day":"`+date(-2)+`"`, `"sha256":"`)
	wantCode(t, "what is there already", archive("--to", date(-2)), 0)
	wantCode(t, "a day is missing between", archive("--from", date(9), "--to", date(-1)), exitRefused)
	wantCode(t, "verify", d.run("verify", folder), 0)
	wantCode(t, "a date is wanted", archive("--from", "24h"), exitUsage)
	wantCode(t, "no zone", archive("--zone", "Santiago"), exitUsage)
	d.must(os.Remove(filepath.Join(folder, "remesa-"+date(-3)+".csv")))
	wantCode(t, "a file is missing", d.run("verify", folder), exitRefused)
}

func TestADamagedRecordIsNamedByTheExport(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.queued("etpay/q1")
	d.must(d.server.Client().Set(t.Context(), "remesa:{etpay}:p:broken", "{", 0).Err())
	got := d.run("export")
	wantCode(t, "export", got, exitRefused)
	wantText(t, "export", got.out, `"damaged":["etpay/broken"]`, "etpay/q1")
	wantText(t, "export", got.err, "etpay/broken is not exported")
}

// TestAnExportIsHeldAgainstTheLedgerAsItIsNow: what happened since is explained, what somebody
// wrote into Redis is not.
func TestAnExportIsHeldAgainstTheLedgerAsItIsNow(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.held("virtualpos/h1")
	d.finished("virtualpos/s1", providers.Outcome{Class: providers.Succeeded, ProviderID: "9"})
	d.nextMillisecond()
	path := filepath.Join(t.TempDir(), "all.jsonl")
	d.must(os.WriteFile(path, []byte(d.run("export").out), 0o600))
	against := func() commandResult { return d.run("verify", "--against-ledger", path) }
	got := against()
	wantCode(t, "nothing happened", got, 0)
	wantText(t, "nothing happened", got.out, "the ledger agrees: 2 records compared, 0 of them changed later")
	wantCode(t, "resolve", d.byHand("resolve virtualpos/h1 --as succeeded"), 0)
	d.queued("virtualpos/new")
	got = against()
	wantCode(t, "resolved since", got, 0)
	wantText(t, "resolved since", got.out, "2 records compared, 1 of them changed later")

	rdb, key := d.server.Client(), ""
	for _, k := range rdb.Keys(t.Context(), "*").Val() {
		if rdb.Type(t.Context(), k).Val() == "string" && strings.HasSuffix(k, ":s1") && strings.Contains(rdb.Get(t.Context(), k).Val(), `"state"`) {
			key = k
		}
	}
	text := rdb.Get(t.Context(), key).Val()
	d.must(rdb.Set(t.Context(), key, strings.Replace(text, `"amount":"100"`, `"amount":"900"`, 1), 0).Err())
	got = against()
	wantCode(t, "changed in Redis", got, exitRefused)
	wantText(t, "changed in Redis", got.out, "all.jsonl, line 2: the ledger has another amount", "THE LEDGER DIFFERS")
	d.must(rdb.Del(t.Context(), key).Err())
	got = d.run("verify", "--against-ledger", "--json", path)
	wantCode(t, "deleted in Redis", got, exitRefused)
	wantText(t, "deleted in Redis", got.out, `"gone":1`, "the ledger has no record of it")
	wantCode(t, "a table", d.run("verify", "--against-ledger", "x.csv"), exitUsage)
}
