package dashboard

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
)

// scannedLedger counts what is read in the background.
type scannedLedger struct {
	*fakeLedger
	pages  atomic.Int64
	broken atomic.Bool
}

func (d *scannedLedger) Page(ctx context.Context, q idempotency.PageQuery) ([]idempotency.Record, idempotency.Place, bool, error) {
	d.pages.Add(1)
	if d.broken.Load() {
		return nil, q.After, false, context.DeadlineExceeded
	}
	return d.fakeLedger.Page(ctx, q)
}

// A page reads 1,000 payments of a state at most; the rest is summed behind it, and the page says
// when.
func TestTheSumOfALongListIsCountedInTheBackground(t *testing.T) {
	d := &scannedLedger{fakeLedger: &fakeLedger{}}
	for n := range 2*maxRecords + 10 {
		d.records = append(d.records, record("virtualpos", fmt.Sprintf("p-%05d", n), idempotency.Queued))
	}
	d.records[2*maxRecords].Amount = "?"
	for _, s := range []idempotency.State{idempotency.Queued, idempotency.Held} {
		d.records = append(d.records, record("coordinador", "c-"+string(s), s))
	}
	var now atomic.Int64
	o := options(t)
	o.Ledger, o.Now = d, func() time.Time { return testNow.Add(time.Duration(now.Load())) }
	h := New(o)
	page := func() string { return visible(ask(t, h, get("/payments")).Body.String()) }
	says := func(what string) {
		t.Helper()
		eventually.True(t, time.Minute, what, func() bool { return strings.Contains(page(), what) })
	}
	if html := page(); !strings.Contains(html, "more than 12,512,500 CLP the exact sum is being counted; load the page again") {
		t.Errorf("at first:\n%s", html)
	}
	const whole = "25,125,000 CLP without 1 whose amount cannot be read counted from 2026-05-15 09:30:00 (UTC) to 2026-05-15 09:30:00 (UTC)"
	says(whole)
	pages := d.pages.Load()
	if page(); d.pages.Load() != pages {
		t.Error("it is counted again at once")
	}
	if html := page(); !strings.Contains(html, "1 0 12,500 CLP") || strings.Contains(html, "more than") {
		t.Errorf("a short list:\n%s", html)
	}
	d.broken.Store(true)
	now.Store(int64(sumAge))
	says(whole)
	eventually.True(t, time.Minute, "it is read once more", func() bool { return d.pages.Load() > pages })
	says(whole)
	d.broken.Store(false)
	says("counted from 2026-05-15 09:31:00 (UTC) to 2026-05-15 09:31:00 (UTC)")
}

// What comes in while a state is counted is not in its sum: a queue that is fed as fast as it is
// counted would never be counted to its end.
func TestASumIsOfWhatWasThereWhenItBegan(t *testing.T) {
	d := &untilLedger{}
	s := newOpenSums(Options{Ledger: d, Now: func() time.Time { return testNow }})
	if _, err := s.scan(t.Context(), summedState{"virtualpos", idempotency.Queued}, testNow); err != nil || !d.to.Equal(testNow) {
		t.Errorf("it reads to %s, %v", d.to, err)
	}
}

type untilLedger struct {
	fakeLedger
	to time.Time
}

func (d *untilLedger) Page(_ context.Context, q idempotency.PageQuery) ([]idempotency.Record, idempotency.Place, bool, error) {
	d.to = q.To
	return nil, q.After, false, nil
}
