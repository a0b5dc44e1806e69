package totals

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/outcomes"
)

func TestWhatAnEventCountsAs(t *testing.T) {
	t.Parallel()
	payout := func(kind, state, amount, currency, code string) outcomes.Event {
		return outcomes.Event{Kind: kind, Account: "default", Type: "payout", State: stateOf(state), Amount: amount, Currency: currency, Code: code}
	}
	for _, row := range []struct {
		name   string
		event  outcomes.Event
		series Series
		figure Figure
	}{
		{"whole pesos", payout("state", "succeeded", "12500", "CLP", ""), Series{"default", "payout", "CLP", "succeeded", ""}, Figure{1, 12500, 0}},
		{"pesos without cents", payout("state", "failed", "32900", "COP", "51"), Series{"default", "payout", "COP", "failed", "51"}, Figure{1, 3290000, 0}},
		{"pesos with one decimal", payout("state", "failed", "32900.5", "COP", ""), Series{"default", "payout", "COP", "failed", ""}, Figure{1, 3290050, 0}},
		{"cents", payout("state", "held", "149.50", "MXN", ""), Series{"default", "payout", "MXN", "held", ""}, Figure{1, 14950, 0}},
		{"the largest amount", payout("state", "queued", "9999999999999.99", "MXN", ""), Series{"default", "payout", "MXN", "queued", ""}, Figure{1, 999999999999999, 0}},
		{"an anomaly, whatever the payment's code", payout("anomaly", "failed", "5", "CLP", "x"), Series{"default", "payout", "CLP", Anomaly, ""}, Figure{1, 5, 0}},
		{"a rejected task has no sum", payout("rejected", "", "5", "CLP", "invalid"), Series{"default", "", "", Rejected, "invalid"}, Figure{1, 0, 1}},
		{"a currency that nobody knows", payout("state", "held", "1.00", "XXX", ""), Series{"default", "payout", "XXX", "held", ""}, Figure{1, 0, 1}},
		{"a long code is cut between letters", payout("state", "failed", "1", "CLP", strings.Repeat("ñ", 30)), Series{"default", "payout", "CLP", "failed", strings.Repeat("ñ", 20)}, Figure{1, 1, 0}},
		{"a code may hold anything", payout("state", "failed", "1", "CLP", "a|b 1\n"), Series{"default", "payout", "CLP", "failed", "a|b 1\n"}, Figure{1, 1, 0}},
	} {
		b := Bucket{}
		if series, counts := b.count(row.event); !counts || series != row.series || b[series] != row.figure {
			t.Errorf("%s: %+v %+v", row.name, series, b[series])
		}
		again, err := parseBucket(map[string]string{row.series.field(): row.figure.value()})
		if err != nil || again[row.series] != row.figure {
			t.Errorf("%s: read back as %+v: %v", row.name, again, err)
		}
	}
	b := Bucket{}
	for _, kind := range []string{"subscription", "epoch", ""} {
		if _, counts := b.count(payout(kind, "", "", "", "")); counts || len(b) > 0 {
			t.Errorf("%q counts", kind)
		}
	}
}

func TestTimesToTheOutcomeAreCountedByBounds(t *testing.T) {
	t.Parallel()
	b := Bucket{}
	for took, code := range map[time.Duration]string{
		0: "1s", time.Second: "1s", time.Second + 1: "5s", 15 * time.Second: "15s", 31 * time.Minute: "2h0m0s", 72 * time.Hour: "72h0m0s", 72*time.Hour + 1: LongerTime,
	} {
		if s := b.countTime(outcomes.Event{Account: "default", Type: "charge", Currency: "MXN"}, took); s != (Series{"default", "charge", "MXN", TimeToOutcome, code}) {
			t.Errorf("%s: %+v", took, s)
		}
	}
	if f := b[Series{"default", "charge", "MXN", TimeToOutcome, "1s"}]; f != (Figure{2, 1000, 0}) {
		t.Errorf("%+v", f)
	}
}

func TestASumThatDoesNotFitIsSaidToLackSomething(t *testing.T) {
	t.Parallel()
	f := Figure{7, math.MaxInt64 - 10, 1}
	if got := f.Add(Figure{1, 10, 0}); got != (Figure{8, math.MaxInt64, 1}) {
		t.Errorf("%+v", got)
	}
	if got := f.Add(Figure{3, 11, 1}); got != (Figure{10, math.MaxInt64 - 10, 4}) {
		t.Errorf("%+v", got)
	}
}

func TestABucketHasRoomForSoManyCodes(t *testing.T) {
	t.Parallel()
	b := Bucket{}
	event := outcomes.Event{Kind: "state", State: "failed", Amount: "1", Currency: "CLP"}
	for i := range 2 * maxSeries {
		event.Code = fmt.Sprint("unique-", i)
		b.count(event)
	}
	if len(b) != maxSeries+1 {
		t.Fatalf("%d series", len(b))
	}
	sum := Figure{}
	for _, f := range b {
		sum = sum.Add(f)
	}
	if sum != (Figure{2 * maxSeries, 2 * maxSeries, 0}) {
		t.Errorf("%+v: something was not counted", sum)
	}
}

func TestWhatWasTrimmedBeforeItWasCountedIsSaid(t *testing.T) {
	t.Parallel()
	entries := func(ids ...string) []redis.XMessage {
		var all []redis.XMessage
		for _, id := range ids {
			all = append(all, redis.XMessage{ID: id})
		}
		return all
	}
	h := head{}
	h.advance(entries("5000-0", "5000-1"), 9, 4) // 4 of 9 were gone before
	if h != (head{Cursor: "5000-1", Since: 5000, Position: 6, Earlier: 4}) {
		t.Errorf("at first: %+v", h)
	}
	h.advance(entries("6000-0"), 9, 6) // nothing is missing
	if h.Missed != 0 || h.Position != 7 {
		t.Errorf("trimmed behind the head: %+v", h)
	}
	h.advance(entries("9000-0"), 12, 10) // the 8th to the 10th are gone
	if h.Missed != 3 || h.MissedAt != 9000 || h.Position != 11 {
		t.Errorf("trimmed before the head: %+v", h)
	}
	h.advance(entries("9500-0"), 0, 0) // a server that does not tell
	if h.Missed != 3 {
		t.Errorf("nothing told: %+v", h)
	}
	h.Position = 100
	h.advance(entries("9900-0"), 1, 0) // the stream was deleted
	if h.Missed != 3 || h.Position != 1 {
		t.Errorf("a new stream: %+v", h)
	}
}
