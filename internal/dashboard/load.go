package dashboard

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/totals"
	"github.com/remesa/remesa/providers/catalog"
)

// providerData is what one provider adds to the page.
type providerData struct {
	counts  map[idempotency.State]int64
	halts   map[string]string
	epoch   idempotency.Epoch
	records [][]idempotency.Record
	cut     []bool
	// sums are the sums of sections that are cut, as far as they are known.
	sums []openSum
	// rejected are its tasks that became no payment.
	rejected []idempotency.RejectedTask
	err      error
	// hours are its figures, of the days that the page shows.
	hours    totals.Hours
	hoursErr error
}

// loadProviders reads all providers at once, so that a slow one delays the page no more
// than itself.
func (p *pages) loadProviders(ctx context.Context, w words) []providerData {
	names := catalog.Names()
	all := make([]providerData, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			all[i] = p.loadProvider(ctx, name)
			if p.Totals != nil {
				all[i].hours, all[i].hoursErr = p.Totals.Hours(ctx, name, w.daysAgo(p.Now(), monthDays-1), p.Now())
			}
		})
	}
	wg.Wait()
	return all
}

func (p *pages) loadProvider(ctx context.Context, provider string) providerData {
	g := providerData{records: make([][]idempotency.Record, len(sections())), cut: make([]bool, len(sections())), sums: make([]openSum, len(sections()))}
	if g.counts, g.err = p.Ledger.Counts(ctx, provider); g.err != nil {
		return g
	}
	if g.halts, g.err = p.Ledger.Halts(ctx, provider); g.err != nil {
		return g
	}
	if g.epoch, g.err = p.Ledger.Epoch(ctx, provider); g.err != nil {
		return g
	}
	g.rejected, g.err = p.Ledger.RejectedTasks(ctx, provider)
	for i, s := range sections() {
		if s.filter.State != "" && g.counts[s.filter.State] == 0 {
			continue
		}
		s.filter.Provider = provider
		s.filter.Damaged = func(_ idempotency.Key, err error) { g.err = err } // the page says that something is missing
		err := p.Ledger.List(ctx, s.filter, func(r idempotency.Record) bool {
			g.cut[i] = len(g.records[i]) == maxRecords
			if !g.cut[i] {
				r.Updated, r.History = since(r), nil // histories are long, and only this is needed of them
				g.records[i] = append(g.records[i], r)
			}
			return !g.cut[i]
		})
		if err != nil { // what can be read is shown all the same
			g.err = err
		}
		if g.cut[i] && !s.filter.Anomalies {
			g.sums[i], _ = p.sums.of(ctx, provider, s.filter.State)
		}
	}
	return g
}

// due reads how many subscriptions are due, where there are any.
func (p *pages) due(ctx context.Context, w words, o *overview) *due {
	if p.Subscriptions == nil {
		return nil
	}
	n, oldest, err := p.Subscriptions.Due(ctx)
	if err != nil {
		p.Log.Warn().Err(err).Msg("payments page: subscriptions")
		o.Notices = append(o.Notices, w.Overview.Attention.SubscriptionsUnread)
		return nil
	}
	d := &due{Count: i18n.Count(w.Locale, n), Text: w.Overview.Attention.None}
	if n > 0 {
		d.Text = w.Overview.Attention.DueSince(w.TimeToSecond(oldest), w.Age(p.Now().Sub(oldest)))
	}
	return d
}

// since is when a payment's anomaly was found, or when it came into its state, as far as its
// history has it.
func since(r idempotency.Record) time.Time {
	at := r.Updated
	for _, e := range r.History {
		if r.Anomaly != "" && strings.HasPrefix(e.Note, "anomaly: ") {
			return e.At
		}
	}
	for i := len(r.History) - 1; i >= 0 && r.History[i].State == r.State; i-- {
		at = r.History[i].At
	}
	return at
}
