package dashboard

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/totals"
)

// fakeTotals has figures by provider and hour.
type fakeTotals struct {
	of     map[string]map[time.Time]totals.Bucket
	status map[string]totals.Status
	err    map[string]error
}

func (f fakeTotals) Hours(_ context.Context, provider string, from, to time.Time) (totals.Hours, error) {
	h := totals.Hours{From: from.UTC().Truncate(time.Hour), Status: f.status[provider]}
	for at := h.From; !at.After(to); at = at.Add(time.Hour) {
		h.Buckets = append(h.Buckets, f.of[provider][at])
	}
	return h, f.err[provider]
}

func paid(state, currency string, count, sum int64) totals.Bucket {
	return totals.Bucket{totals.Series{Account: "default", Type: "payout", Currency: currency, State: state}: {Count: count, Sum: sum}}
}

// someTotals was paid on the 15th of May in Santiago from 04:00 UTC on: now is 09:30.
func someTotals() fakeTotals {
	at := func(days, hour int) time.Time { return time.Date(2026, 5, 15-days, hour, 0, 0, 0, time.UTC) }
	virtualpos := map[time.Time]totals.Bucket{
		at(0, 3): paid("succeeded", "CLP", 1, 1000), at(0, 4): paid("succeeded", "CLP", 2, 13_160_000), at(0, 9): paid("reversed", "CLP", 1, 60_000),
		at(6, 4): paid("failed", "CLP", 3, 300), at(7, 2): paid("succeeded", "CLP", 10, 7), at(29, 3): paid("succeeded", "CLP", 100, 1e9),
	}
	virtualpos[at(0, 9)].Merge(totals.Bucket{{State: totals.TimeToOutcome, Code: "5s"}: {Count: 17, Sum: 40_000}})
	virtualpos[at(0, 9)].Merge(paid("queued", "CLP", 21, 1))
	virtualpos[at(0, 9)].Merge(paid("in_doubt", "CLP", 4, 1))
	etpay := map[time.Time]totals.Bucket{at(0, 5): paid("succeeded", "CLP", 1, 500)}
	pagoseguro := map[time.Time]totals.Bucket{at(0, 5): {{State: "succeeded", Currency: "COP"}: {Count: 2, Sum: 3_290_050, Unsummed: 1}}}
	return fakeTotals{
		of: map[string]map[time.Time]totals.Bucket{"virtualpos": virtualpos, "etpay": etpay, "pagoseguro": pagoseguro},
		status: map[string]totals.Status{
			"virtualpos": {Until: testNow.Add(-2 * time.Second), Since: at(40, 0), Earlier: 7, Succeeded: at(0, 4)},
			"etpay":      {Until: testNow, Since: at(3, 12), Earlier: 7, Missed: 12, MissedAt: at(2, 0)},
			"pagoseguro": {Until: testNow, Ahead: true},
		},
	}
}

func withTotals(t *testing.T) Options {
	t.Helper()
	santiago, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Totals = someTotals()
	o.InBrowser = func(accept string) i18n.Locale { return i18n.New(i18n.FromHeader(accept), santiago) }
	return o
}

func TestWhatWasPaidIsSummedByTheReadersDays(t *testing.T) {
	h := New(withTotals(t))
	w := ask(t, h, get("/payments"))
	if w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
	// In Santiago the day begins at 04:00 UTC: what was paid at 03:00 is of yesterday, the failures
	// of the 9th at 04:00 are of the 7 days, and what was paid on the 8th at 02:00 is not.
	contains(t, w.Body.String(), "virtualpos CLP 1 13,100,000 CLP 2 13,101,000 CLP 12 13,101,007 CLP 3 300 CLP",
		"etpay CLP 1 500 CLP 1 500 CLP 1 500 CLP 0 0 CLP", "all CLP 2 13,100,500 CLP",
		"pagoseguro COP 2 32,900.50 COP without 1 that cannot be summed", "Counted up to 2026-05-15 05:30:00 (UTC-04:00).",
		"etpay: these figures begin on 2026-05-12 08:00 (UTC-04:00)", "etpay: these figures lack 12 events",
		"pagoseguro: the outcome stream is shorter than what was counted")
	if strings.Contains(w.Body.String(), "virtualpos: these figures begin") || strings.Contains(visible(w.Body.String()), "all COP") {
		t.Error("it says what concerns nobody")
	}
	es := visible(ask(t, h, inSpanish("/payments")).Body.String())
	for _, want := range []string{"Pagado y cobrado", "virtualpos CLP 1 $13.100.000 CLP 2 $13.101.000 CLP", "todos CLP 2 $13.100.500 CLP",
		"pagoseguro COP 2 $32.900,50 COP", "Contado hasta el 15-05-2026 05:30:00 (UTC-04:00)", "Por revisar"} {
		if !strings.Contains(es, want) {
			t.Errorf("in Spanish it lacks %q: %s", want, es)
		}
	}
}

func TestEachChartHasItsNumbersBesideIt(t *testing.T) {
	html := ask(t, New(withTotals(t)), get("/payments")).Body.String()
	contains(t, html, "taken in settled As numbers Hour taken in settled 06:00 0 0",
		"05:00 21 0", "2026-05-15 5 0 1", "2026-05-14 1 0 0", "2026-05-09 0 3 0", "≤ 1 s 0 ≤ 5 s 17 ≤ 15 s 0", "over 72 h 0",
		"Day etpay pagoseguro virtualpos 2026-04-16 none none none", "2026-05-15 100% 100% 100%", "2026-05-09 none none 0%")
	for _, id := range []string{"throughput", "outcomes", "times", "rates"} {
		if !strings.Contains(html, `<svg class="chart" role="img" aria-labelledby="`+id+`-title"`) {
			t.Errorf("the chart %s is not drawn", id)
		}
	}
}

func TestAPageWithoutAnythingToDrawSaysSo(t *testing.T) {
	o := withTotals(t)
	o.Totals = fakeTotals{}
	html := ask(t, New(o), get("/payments")).Body.String()
	contains(t, html, "Nothing was paid in the last 30 days.", "Nothing is counted yet.", "Nothing happened in this time.")
	if strings.Contains(html, "role=\"img\"") {
		t.Error("it draws nothing")
	}
}

func TestFiguresThatCannotBeReadHideNothingElse(t *testing.T) {
	o := withTotals(t)
	f := someTotals()
	f.err = map[string]error{"etpay": errors.New("secret")}
	o.Totals = f
	w := ask(t, New(o), get("/payments"))
	contains(t, w.Body.String(), "etpay: the figures could not be read. The log says why.", "virtualpos CLP 1 13,100,000 CLP", "virtualpos/p")
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "secret") {
		t.Error(w.Code)
	}
}

func TestTheHealthOfEachAccountIsShown(t *testing.T) {
	o := withTotals(t)
	o.Worker = "worker-7"
	o.Health = func() []AccountHealth {
		return []AccountHealth{
			{Provider: "etpay", Account: "default", Circuit: CircuitOpen},
			{Provider: "pagoseguro", Account: "ventas", Circuit: CircuitProbing, Rate: 2.5},
			{Provider: "virtualpos", Account: "default", Circuit: CircuitClosed, TokenSince: testNow.Add(-4 * time.Minute), TokenRenewal: testNow.Add(time.Minute)},
		}
	}
	o.Ledger.(*fakeLedger).halts["etpay"] = "2026-05-15 halt * by ana: storm"
	contains(t, ask(t, New(o), get("/payments")).Body.String(), "those of this worker (worker-7)",
		"etpay/default open: nothing is sent none yet none 0 of 1 failed (0%) none 2026-05-15 halt * by ana: storm",
		"pagoseguro/ventas open: probing none yet none 0 of 2 failed (0%) 2.5 a second no",
		"virtualpos/default closed 4 min old, renewed 2026-05-15 05:31:00 (UTC-04:00) 2026-05-15 00:00 (UTC-04:00), 5 h 30 min ago 0 of 3 failed (0%), 4 doubts none no")
}

func TestAPageRenewsItselfOnlyWhenAsked(t *testing.T) {
	h := New(withTotals(t))
	w := ask(t, h, get("/payments"))
	if w.Header().Get("Refresh") != "" || !strings.Contains(w.Body.String(), `href="/payments?live=on"`) {
		t.Error("it renews itself unasked, or offers it to nobody")
	}
	w = ask(t, h, get("/payments?live=on"))
	if w.Header().Get("Refresh") != "15" {
		t.Errorf("%q", w.Header().Get("Refresh"))
	}
	contains(t, w.Body.String(), "This page renews itself every 15 seconds. Stop renewing")
}
