package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/view"
	"github.com/remesa/remesa/providers"
)

// keysOf reads the keys of JSON Lines.
func keysOf(t *testing.T, out string) string {
	t.Helper()
	var keys []string
	for line := range strings.Lines(out) {
		var p view.ShownPayment
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatalf("%q: %s", line, err)
		}
		if strings.Contains(line, `"history"`) {
			t.Errorf("a list with history: %s", line)
		}
		keys = append(keys, p.Key)
	}
	return strings.Join(keys, " ")
}

func TestListsAreByStateAndOldestFirst(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	done := providers.Outcome{Class: providers.Succeeded, ProviderID: "9"}
	steps := []func(){
		func() { d.queued("etpay/q1") }, func() { d.held("virtualpos/h1") }, func() { d.queued("virtualpos/shop/q2") },
		func() { d.finished("pagoseguro/s1", done) }, func() { d.queued("coordinador/q3") }, func() { d.held("etpay/h2") },
		func() { d.finished("etpay/s2", done) }, func() { d.blocked("virtualpos/b1") },
		func() { d.anomalous("virtualpos/a1", idempotency.Succeeded, "1") },
		func() { d.finished("virtualpos/f1", providers.Outcome{Class: providers.Refused, Code: "051"}) },
		func() { d.finished("etpay/f2", providers.Outcome{Class: providers.Refused, Code: "051"}) },
	}
	for _, step := range steps {
		step()
		d.nextMillisecond()
	}
	// The ledger has no order of final payments.
	var many []string
	for i := range 8 {
		many = append(many, fmt.Sprintf("coordinador/many-%d", i))
		d.finished(many[i], done)
		d.nextMillisecond()
	}
	settled := strings.Join(many, " ")
	rows := []struct{ args, want string }{
		{"", "etpay/q1 virtualpos/shop/q2 coordinador/q3 virtualpos/h1 etpay/h2 virtualpos/b1"},
		{"--provider etpay", "etpay/q1 etpay/h2"},
		{"--state queued", "etpay/q1 virtualpos/shop/q2 coordinador/q3"},
		{"--state held --provider virtualpos", "virtualpos/h1"},
		{"--state succeeded", "pagoseguro/s1 etpay/s2 virtualpos/a1 " + settled},
		{"--state failed", "virtualpos/f1 etpay/f2"},
		{"--state reversed", ""},
		{"--state succeeded --provider coordinador", settled},
		{"--anomalies", "virtualpos/a1"},
		{"--anomalies --provider etpay", ""},
	}
	for _, row := range rows {
		got := d.run(append([]string{"list", "--json"}, strings.Fields(row.args)...)...)
		wantCode(t, "list "+row.args, got, 0)
		if keys := keysOf(t, got.out); keys != row.want {
			t.Errorf("list %s:\ngot  %s\nwant %s", row.args, keys, row.want)
		}
	}
	table := d.run("list", "--state", "held")
	wantText(t, "a table", table.out, "KEY ", "virtualpos/h1 ", "held ", "timeout")
	wantText(t, "anomalies in a table", d.run("list", "--anomalies").out, "anomaly: ")
}

// TestADamagedRecordHidesNoOther: it is named, and the rest is listed.
func TestADamagedRecordHidesNoOther(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	rdb := d.server.Client()
	for name, damage := range map[string]func(record string) error{
		"cut":     func(r string) error { return rdb.SetRange(t.Context(), r, 1, "\x00").Err() },
		"emptied": func(r string) error { return rdb.Set(t.Context(), r, "", 0).Err() },
		"another": func(r string) error { return rdb.Set(t.Context(), r, "{}", 0).Err() },
		"another type": func(r string) error {
			return errors.Join(rdb.Del(t.Context(), r).Err(), rdb.LPush(t.Context(), r, "x").Err())
		},
	} {
		id := strings.ReplaceAll(name, " ", "-")
		d.queued("virtualpos/" + id)
		if err := damage("remesa:{virtualpos}:p:" + id); err != nil {
			t.Fatal(err)
		}
		d.queued("virtualpos/after-" + id)
	}
	d.finished("virtualpos/done", providers.Outcome{Class: providers.Succeeded, ProviderID: "9"})
	for args, want := range map[string]int{"": 4, "--state queued": 4, "--state succeeded": 1, "--provider virtualpos": 4} {
		got := d.run(append([]string{"list", "--json"}, strings.Fields(args)...)...)
		wantCode(t, "list "+args, got, 0)
		if n := len(strings.Fields(keysOf(t, got.out))); n != want {
			t.Errorf("list %s: %d payments, want %d\n%s", args, n, want, got.out)
		}
		wantText(t, "list "+args, got.err, "virtualpos/cut", "virtualpos/emptied", "virtualpos/another ", "virtualpos/another-type", "damaged")
	}
	if got := d.run("show", "virtualpos/cut"); got.code == 0 {
		t.Errorf("a damaged record is shown: %s", got.out)
	}
}

// nextMillisecond waits for the store's clock.
func (d *fixture) nextMillisecond() {
	d.t.Helper()
	now := d.server.Client().Time(d.t.Context()).Val().UnixMilli()
	eventually.True(d.t, testTimeout, "the next millisecond", func() bool { return d.server.Client().Time(d.t.Context()).Val().UnixMilli() > now })
}

func TestAListOfManyIsWhole(t *testing.T) {
	t.Parallel()
	const n = 1300 // more than two pages of the ledger
	var file []string
	for i := range n {
		file = append(file, payout(fmt.Sprintf("m-%d", i)))
	}
	s := redistest.Start(t)
	wantCode(t, "submit", enqueue(t, environment(redisAt(s.URL())), lines(file...), "submit"), 0)
	got := enqueue(t, environment(redisAt(s.URL())), nil, "list", "--json")
	if keys := strings.Fields(keysOf(t, got.out)); len(keys) != n || len(slices.Compact(slices.Sorted(slices.Values(keys)))) != n {
		t.Errorf("%d keys, want %d", len(keys), n)
	}
}
