package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	daily "github.com/remesa/remesa/internal/totals"
	"github.com/remesa/remesa/providers"
)

func TestTheFiguresOfADayArePrinted(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.finished("virtualpos/s1", providers.Outcome{Class: providers.Succeeded, ProviderID: "9"})
	d.finished("virtualpos/s2", providers.Outcome{Class: providers.Succeeded, ProviderID: "10"})
	d.finished("etpay/f1", providers.Outcome{Class: providers.Refused, Code: "051"})
	w := daily.New(daily.Options{Redis: d.server.Client(), Ledger: d.ledger, Streams: map[string][]string{"virtualpos": {"virtualpos"}, "etpay": {"etpay"}}})
	if err := w.FoldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	got := d.run("totals", "--from", yesterday)
	wantCode(t, "totals", got, 0)
	var seen []string
	for line := range strings.Lines(got.out) {
		var f figure
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%q: %s", line, err)
		}
		if f.Day < yesterday || f.Account != "default" || f.State == daily.TimeToOutcome && f.Count == 0 {
			t.Errorf("%+v", f)
		}
		if f.State == "succeeded" || f.State == "failed" {
			seen = append(seen, strings.Join([]string{f.Provider, f.State, f.Code, f.Sum}, " "))
		}
	}
	if want := "etpay failed 051 100|virtualpos succeeded  200"; strings.Join(seen, "|") != want {
		t.Errorf("%q, want %q", seen, want)
	}
	one := d.run("totals", "--provider", "virtualpos", "--from", yesterday)
	if strings.Contains(one.out, "etpay") || !strings.Contains(one.out, "virtualpos") {
		t.Error(one.out)
	}
	for _, args := range [][]string{{"--from", "yesterday"}, {"--to", yesterday}, {"--from", "2020-01-01"}} {
		wantCode(t, strings.Join(args, " "), d.run(append([]string{"totals"}, args...)...), exitUsage)
	}
}
